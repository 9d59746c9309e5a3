//! What crosses from one thread to a worker, and the bounded box it waits in.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use jackfield_hub::ConnectionId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{Question, RemoteOp};
use crate::instances::{Answer, Failure, Hook, Step};
use crate::server::{Entrance, Peer, Place, PluginIndex};

/// A socket that was accepted.
pub(crate) struct Arrival {
    pub(crate) stream: Stream,
    pub(crate) peer: Peer,
    pub(crate) entrance: Arc<Entrance>,
    pub(crate) accepted: Instant,
    /// The place below the connection limits; without one it is only told that there is none.
    pub(crate) place: Option<Place>,
    /// The place among those that are told.
    pub(crate) refusal: Option<OwnedSemaphorePermit>,
}

/// The kinds of socket.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// No socket of the system's: whoever embeds the server brought it, or a transcript.
    Other(Box<dyn ByteStream>),
}

/// A stream of bytes in both directions.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A hook to be called on the one instance of a plugin, which lives on the receiving worker.
pub(crate) struct RemoteCall {
    pub(crate) plugin: PluginIndex,
    pub(crate) connection: Option<ConnectionId>,
    /// The sender's second version is meant, as long as there is one.
    pub(crate) side: bool,
    pub(crate) hook: Hook<'static>,
    pub(crate) reply: oneshot::Sender<Result<Answer, Failure>>,
}

/// What arrives at a worker.
pub(crate) enum Letter {
    /// A socket to serve.
    Arrival(Box<Arrival>),
    /// Something that another worker's plugin does to a connection of this one.
    Remote(RemoteOp),
    /// A hook for an instance that lives here.
    Call(Box<RemoteCall>),
    /// A step of a swap.
    Step(PluginIndex, Step),
    /// A question of the admin API.
    Question(Question),
    /// The server is about to stop: no more upgrades, and what is open is closed until then.
    Drain { until: Instant },
    /// The server stops: everything must have ended at `deadline`.
    Shutdown {
        /// When what is left is dropped.
        deadline: Instant,
    },
}

/// The sending side of a worker's mailbox.
#[derive(Clone)]
pub(crate) struct Mailbox {
    letters: mpsc::Sender<Letter>,
    connections: Arc<AtomicUsize>,
}

impl Mailbox {
    /// A mailbox for `capacity` letters.
    pub(crate) fn new(capacity: usize) -> (Self, mpsc::Receiver<Letter>) {
        let (letters, receiver) = mpsc::channel(capacity.max(1));
        let connections = Arc::default();
        (
            Mailbox {
                letters,
                connections,
            },
            receiver,
        )
    }

    /// Puts a letter in, or gives it back when the box is full or the worker is gone.
    pub(crate) fn try_send(&self, letter: Letter) -> Result<(), Undelivered> {
        self.letters.try_send(letter).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Undelivered::Full,
            mpsc::error::TrySendError::Closed(_) => Undelivered::Gone,
        })
    }

    /// Waits for room. False when the worker is gone.
    pub(crate) async fn send(&self, letter: Letter) -> bool {
        self.letters.send(letter).await.is_ok()
    }

    /// Whether the worker has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.letters.is_closed()
    }

    /// Connections that the worker has, or is about to have.
    pub(crate) fn load(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Counts one more until the guard is dropped.
    pub(crate) fn count(&self) -> Counted {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Counted(self.connections.clone())
    }
}

/// Why a letter could not be put in without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undelivered {
    Full,
    Gone,
}

/// One connection in a worker's load.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
