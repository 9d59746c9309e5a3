//! For programs that embed the server: where it listens, and a way in for streams that are no sockets of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::StartError;
use super::accept::Gate;
use super::listeners::{Entrance, Peer};
use crate::config::Config;
use crate::config::resolved::Listener;
use crate::worker::Stream;

/// Where a server listens.
#[derive(Debug, Default)]
pub enum Listen {
    /// Where its configuration says.
    #[default]
    Configured,
    /// On this socket in place of the address of `[listen]`, whose other keys hold for it; and on the other listeners.
    On(TcpListener),
    /// Nowhere: connections come by a [`Door`] only.
    Nowhere,
}

/// A way into a server for streams that somebody else accepted; cloning is cheap.
#[derive(Clone)]
pub struct Door {
    gate: Arc<Gate>,
    plain: Arc<Entrance>,
    secure: Arc<Entrance>,
}

/// The server has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server has stopped")]
pub struct Closed;

impl Door {
    pub(super) fn new(gate: Arc<Gate>, config: &Config) -> Result<Door, StartError> {
        let entrance = |secure| {
            let entrance = Entrance::new(&Listener::default(), config)?;
            Ok::<_, StartError>(Arc::new(Entrance { secure, ..entrance }))
        };
        Ok(Door {
            gate,
            plain: entrance(false)?,
            secure: entrance(true)?,
        })
    }

    /// Gives a stream to the server, which expects an upgrade request on it (RFC 6455 section 4.2.1) and serves it to its
    /// end, under all limits of the configuration. `peer`: whose it is. `secure`: whether it is encrypted on its way, which
    /// plugins see and which decides between `http` and `https` where origins are compared.
    ///
    /// The server reads and writes the stream on a worker's thread: it must not block there. It may belong to any
    /// runtime or to none, as this future may.
    ///
    /// # Errors
    /// [`Closed`] when the server has stopped.
    pub async fn enter<S>(&self, stream: S, peer: SocketAddr, secure: bool) -> Result<(), Closed>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let entrance = if secure { &self.secure } else { &self.plain };
        let (stream, peer) = (Stream::Other(Box::new(stream)), Peer::Internet(peer));
        if self.gate.admit(stream, peer, entrance).await {
            Ok(())
        } else {
            Err(Closed)
        }
    }
}
