//! From the first byte to the 101, or to the refusal. What a request must look like is the protocol crate's
//! business; who may connect is the plugins'.

use std::time::Duration;

use jackfield_hub::ConnectionId;
use jackfield_plugin::{ErrorKind, Header, UpgradeRequest};
use jackfield_proto::handshake::Reason;
use jackfield_proto::{self as proto, Head, Refusal, RequestReader, Upgrade};

use super::{Connection, Turn};
use crate::clock;
use crate::dispatch;
use crate::instances::outside;
use crate::metrics::Limit;
use crate::server::Refused;

/// The field line in which a plugin finds the subject of the certificate that a client was verified by. Not a field of
/// the record `upgrade-request`, because the contract adds none to a record in place.
const CLIENT_CERT_SUBJECT: &str = "x-client-cert-subject";
/// When a client may try again when there are too many connections, or the server is stopping.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How a handshake can end without an open connection.
enum Ended {
    /// The answer is a refusal.
    Refused(Refusal),
    /// The answer is a page: a plain request that was served.
    Page(Vec<u8>),
    /// The peer is gone, or nobody wants to know any more.
    Left(Option<std::io::Error>),
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Ended::Refused(refusal)
    }
}

impl Connection {
    /// Awaits the upgrade request and answers it. Gives the bytes that came behind a good one; None when there
    /// is no connection, and everything about that has been said and told.
    pub(super) async fn handshake(&mut self) -> Option<Vec<u8>> {
        match self.try_handshake().await {
            Ok(leftover) => {
                dispatch::opened(&self.worker, self.id).await;
                return Some(leftover);
            }
            Err(Ended::Refused(refusal)) => {
                tracing::debug!(connection = %self.id, status = refusal.status, reason = %refusal, "upgrade refused");
                self.count(&refusal);
                self.answer(&refusal.response());
                // Told before the answer is written, so that a client that has it can rely on it.
                self.failed(refusal.status, &refusal.to_string());
                self.linger().await;
            }
            Err(Ended::Page(page)) => {
                self.answer(&page);
                self.linger().await;
            }
            Err(Ended::Left(error)) => {
                if let Some(error) = error {
                    let detail = error.to_string();
                    dispatch::report_error(&self.worker, self.id, ErrorKind::Transport, &detail);
                }
                self.failed(0, "the peer left");
            }
        }
        None
    }

    fn count(&self, refusal: &Refusal) {
        self.worker.counters().refused(refusal.status);
        match refusal.reason {
            Reason::Timeout => self.worker.met(Limit::HandshakeTimeout),
            Reason::HeadTooLarge | Reason::TooManyFields | Reason::TargetTooLong => {
                self.worker.met(Limit::HeadBytes);
            }
            _ => {}
        }
    }

    fn failed(&self, status: u16, reason: &str) {
        dispatch::handshake_failed(&self.worker, self.id, status, reason);
    }

    async fn try_handshake(&mut self) -> Result<Vec<u8>, Ended> {
        let (head, leftover) = self.read_head().await?;
        match self.upgrade(&head).await {
            Ok(()) => Ok(leftover),
            Err(Ended::Refused(refusal)) => Err(head.refuse(refusal).into()),
            Err(ended) => Err(ended),
        }
    }

    /// Has everybody decide about a request; the connection is open when all agree.
    async fn upgrade(&mut self, head: &Head) -> Result<(), Ended> {
        self.believe(head);
        if self.place.is_none() || self.worker.draining.get() {
            return Err(Refusal::unavailable(RETRY_AFTER).into());
        }
        self.ticket.request(clock::now()).map_err(|refused| {
            self.worker.met(refused.limit());
            match refused {
                Refused::Handshakes => Refusal::unavailable(RETRY_AFTER),
                Refused::Address => Refusal::too_many_requests(RETRY_AFTER),
                Refused::Rate(wait) => Refusal::too_many_requests(wait),
            }
        })?;
        let (index, mut upgrade) = self.route(head)?;
        if let Some(entry) = self.worker.shard.borrow_mut().entry_mut(self.id) {
            entry.route = Some(index);
        }
        let request = self.upgrade_request(self.id, head, &upgrade);
        let extra = dispatch::check_custom_header(&self.worker, self.id, &request).await?;
        let protocol = dispatch::select_protocol(&self.worker, self.id, &upgrade.protocols).await?;
        let worker = self.worker.clone();
        let route = worker.site.routes.get(usize::from(index));
        let route = route.ok_or_else(Refusal::not_found)?;
        let compression = route.compression.as_ref();
        let negotiated = compression.and_then(|settings| upgrade.negotiate(settings));
        let response = upgrade
            .accept(protocol.as_deref(), &extra)
            .map_err(|_| Refusal::internal())?;
        self.answer(&response);
        let (settings, now) = (route.settings.clone(), clock::now());
        let connection = match negotiated {
            Some(negotiated) => proto::Connection::with_deflate(settings, now, &negotiated),
            None => proto::Connection::new(settings, now),
        };
        let mut shard = worker.shard.borrow_mut();
        if let Some(entry) = shard.entry_mut(self.id) {
            entry.protocol = protocol.map(String::into_boxed_str);
            entry.overflow = route.overflow;
        }
        shard.open(self.id, connection);
        drop(shard);
        self.ticket.upgraded();
        self.worker.counters().upgraded.add(1);
        Ok(())
    }

    /// Reads until the head of the request is complete.
    async fn read_head(&mut self) -> Result<(Head, Vec<u8>), Ended> {
        let mut reader = RequestReader::new(self.worker.site.request_limits());
        loop {
            match self.turn().await {
                Turn::Input(buffer, count) => {
                    let pushed = reader.push(buffer.get(..count).unwrap_or_default());
                    self.give_back(buffer);
                    if let Some(complete) = pushed? {
                        return Ok(complete);
                    }
                    dispatch::part_received(&self.worker, self.id, reader.received());
                }
                Turn::Expired if self.worker.draining.get() => {
                    return Err(Refusal::unavailable(RETRY_AFTER).into());
                }
                Turn::Expired => {
                    let waited = self.accepted.elapsed();
                    tracing::debug!(connection = %self.id, ?waited, "no complete upgrade request (limits.handshake_timeout)");
                    return Err(Refusal::timeout().into());
                }
                Turn::Broken(error) => return Err(Ended::Left(Some(error))),
                Turn::Eof | Turn::Disconnect | Turn::Finished => return Err(Ended::Left(None)),
            }
        }
    }

    /// Which route the request is for, and whether it is an upgrade that may go there.
    fn route(&self, head: &Head) -> Result<(u16, Upgrade), Ended> {
        let site = &self.worker.site;
        if head.path() == "/"
            && !head.wants_upgrade()
            && let Some(page) = &site.playground
        {
            match head.method() {
                "GET" => return Err(Ended::Page(page.clone())),
                "HEAD" => return Err(Ended::Page(without_body(page).to_vec())),
                _ => {}
            }
        }
        if let Some(index) = site.route(head.path())
            && let Some(route) = site.routes.get(usize::from(index))
        {
            let shard = self.worker.shard.borrow();
            let secure = shard.entry(self.id).is_some_and(|entry| entry.secure);
            return Ok((index, head.upgrade(secure, &route.origins)?));
        }
        Err(Refusal::not_found().into())
    }

    fn upgrade_request(&self, id: ConnectionId, head: &Head, upgrade: &Upgrade) -> UpgradeRequest {
        let shard = self.worker.shard.borrow();
        let entry = shard.entry(id);
        UpgradeRequest {
            connection: outside(id),
            peer: entry.map(|e| e.peer.to_string()).unwrap_or_default(),
            secure: entry.is_some_and(|e| e.secure),
            authority: head.authority().to_owned(),
            path: head.path().to_owned(),
            query: head.query().map(str::to_owned),
            headers: self.headers(head),
            protocols: upgrade.protocols.clone(),
        }
    }

    /// The client's field lines, and the host's own.
    fn headers(&self, head: &Head) -> Vec<Header> {
        let lines = head.headers().iter();
        let sent = lines
            // Whoever reads it relies on the host having put it there.
            .filter(|(name, _)| name != CLIENT_CERT_SUBJECT)
            .map(|(name, value)| Header {
                name: name.clone(),
                value: value.clone(),
            });
        let subject = self.io.client_subject().map(|subject| Header {
            name: CLIENT_CERT_SUBJECT.to_owned(),
            value: subject.into_bytes(),
        });
        sent.chain(subject).collect()
    }

    /// Puts an HTTP response into the outbox.
    fn answer(&self, response: &[u8]) {
        self.worker.shard.borrow_mut().append(self.id, response);
    }
}

/// What a HEAD request gets of the answer to a GET (RFC 9110 section 9.3.2).
fn without_body(response: &[u8]) -> &[u8] {
    const END: &[u8] = b"\r\n\r\n";
    let end = response.windows(END.len()).position(|bytes| bytes == END);
    end.and_then(|end| response.get(..end + END.len()))
        .unwrap_or(response)
}
