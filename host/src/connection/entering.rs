//! What comes before the upgrade request: what a proxy says about its client, and the TLS handshake. Both are part of
//! the handshake timeout, which runs from the moment of acceptance.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use jackfield_proto::Head;

use super::io::Io;
use super::{Connection, Turn};
use crate::config::resolved::Forwarded;
use crate::dispatch;
use crate::server::{Peer, ProxyError, ProxyReader, Said, forwarded, x_forwarded};

/// Why a socket never gets to its upgrade request.
#[derive(Debug, thiserror::Error)]
enum Turned {
    /// A trusted proxy that does not keep to the protocol.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS failed; for the peer there was an alert.
    #[error("TLS: {0}")]
    Tls(std::io::Error),
    /// The handshake timeout.
    #[error("no complete handshake (limits.handshake_timeout)")]
    Late,
    /// The peer is gone, or nobody wants to know any more.
    #[error("the peer left")]
    Left,
}

impl Connection {
    /// Learns who the peer is, and speaks TLS where that is spoken. False when the socket gets no further; everything
    /// about that has been said and told then.
    pub(super) async fn enter(&mut self) -> bool {
        let announced = self.proxy().await;
        // Now the peer's address is known, also when its proxy is refused.
        dispatch::connected(&self.worker, self.id);
        let entered = match announced {
            Ok(()) => self.encrypt().await,
            Err(turned) => Err(turned),
        };
        let Err(turned) = entered else { return true };
        tracing::debug!(connection = %self.id, listener = %self.entrance.settings.address, reason = %turned, "no upgrade request");
        dispatch::handshake_failed(&self.worker, self.id, 0, &turned.to_string());
        if matches!(turned, Turned::Proxy(_) | Turned::Tls(_)) {
            self.linger().await;
        }
        false
    }

    /// Reads the PROXY protocol header of a trusted peer.
    async fn proxy(&mut self) -> Result<(), Turned> {
        // What others send first is theirs: a header of the PROXY protocol is neither TLS nor HTTP, and refused there.
        if !self.entrance.settings.proxy_protocol || !self.is_proxy() {
            return Ok(());
        }
        let mut reader = ProxyReader::default();
        loop {
            match self.turn().await {
                Turn::Input(buffer, count) => {
                    let pushed = reader.push(buffer.get(..count).unwrap_or_default());
                    self.give_back(buffer);
                    let Some((announced, behind)) = pushed? else {
                        continue;
                    };
                    self.io.unread(behind);
                    self.resolve(Said {
                        client: announced.client,
                        secure: announced.secure.then_some(true),
                    });
                    return Ok(());
                }
                Turn::Expired => return Err(Turned::Late),
                Turn::Eof | Turn::Broken(_) | Turn::Disconnect | Turn::Finished => {
                    return Err(Turned::Left);
                }
            }
        }
    }

    /// The TLS handshake.
    async fn encrypt(&mut self) -> Result<(), Turned> {
        let Some(tls) = self.entrance.tls.clone() else {
            return Ok(());
        };
        let Some(raw) = self.io.take_plain() else {
            return Ok(());
        };
        let mut accepting = Box::new(tls.acceptor().accept(raw).into_fallible());
        let accepted = poll_fn(|cx| {
            if self.is_given_up(cx) {
                return Poll::Ready(None);
            }
            Pin::new(accepting.as_mut()).poll(cx).map(Some)
        })
        .await;
        match accepted {
            Some(Ok(stream)) => {
                self.io = Io::Tls(Box::new(stream));
                Ok(())
            }
            Some(Err((error, raw))) => {
                self.io = Io::Plain(raw);
                Err(Turned::Tls(error))
            }
            None => Err(Turned::Late),
        }
    }

    /// Takes the word of a trusted proxy about its client from the request's fields.
    pub(super) fn believe(&mut self, head: &Head) {
        let Some(field) = self.entrance.settings.forwarded else {
            return;
        };
        if !self.is_proxy() {
            return;
        }
        let values = |wanted: &'static str| {
            let fields = head.headers().iter();
            fields
                .filter(move |(name, _)| name == wanted)
                .map(|(_, value)| value.as_slice())
        };
        let trusted = |address| self.entrance.trusts_address(address);
        self.resolve(match field {
            Forwarded::XForwardedFor => x_forwarded(
                values("x-forwarded-for"),
                values("x-forwarded-proto"),
                trusted,
            ),
            Forwarded::Forwarded => forwarded(values("forwarded"), trusted),
        });
    }

    /// Whether the peer, as far as it is known now, is believed about others.
    fn is_proxy(&self) -> bool {
        let shard = self.worker.shard.borrow();
        let peer = shard.entry(self.id);
        peer.and_then(|entry| Peer::parse(&entry.peer))
            .is_some_and(|peer| self.entrance.trusts(peer))
    }

    /// From here on the client is who the proxy says.
    fn resolve(&mut self, said: Said) {
        if let Some(client) = said.client {
            self.ticket.is_from(client.ip());
        }
        let mut shard = self.worker.shard.borrow_mut();
        let Some(entry) = shard.entry_mut(self.id) else {
            return;
        };
        if let Some(client) = said.client {
            tracing::debug!(connection = %self.id, proxy = %entry.peer, %client, "the peer is a proxy");
            entry.peer = client.to_string().into_boxed_str();
        }
        if let Some(secure) = said.secure {
            entry.secure = secure;
        }
    }
}
