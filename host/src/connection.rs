//! One socket, from its acceptance to its removal, as a task of its worker.
//!
//! ```text
//! accepted ──▶ entering ──▶ handshake ──101──▶ open ──▶ closing ──▶ removed
//!                  └────────────┴───── refusal ─────────┘
//! ```
//! The task sleeps in one place, [`Connection::turn`], which writes what waits, looks at what has changed, and reads
//! into a buffer that the worker lends for that turn.

mod closing;
mod entering;
mod handshake;
mod io;
mod open;

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use jackfield_hub::ConnectionId;
use jackfield_proto::Status;
use tokio::sync::OwnedSemaphorePermit;

use crate::clock;
use crate::dispatch;
use crate::server::{Entrance, Peer, Place, Ticket};
use crate::worker::{Arrival, Buffer, Counted, Worker};
use io::Io;

/// While more than this waits to be written, nothing is read: the peer's own pace holds it back.
const READ_BELOW: usize = 64 * 1024;

/// Why a connection's task woke.
enum Turn {
    /// Bytes arrived.
    Input(Buffer, usize),
    /// The peer ended its side.
    Eof,
    /// The socket is broken.
    Broken(std::io::Error),
    /// A deadline that this task set has passed.
    Expired,
    /// Someone asked for the socket to be dropped.
    Disconnect,
    /// The protocol is done with the connection, and everything is written.
    Finished,
}

/// One socket and its place in the table.
pub(crate) struct Connection {
    worker: Rc<Worker>,
    io: Io,
    id: ConnectionId,
    /// Where it came in.
    entrance: Arc<Entrance>,
    /// None: there are too many connections, and this one is told so.
    place: Option<Place>,
    /// Its place among the handshakes, and among the connections of its address.
    ticket: Ticket,
    _refusal: Option<OwnedSemaphorePermit>,
    accepted: Instant,
    /// Counts it in the worker's load, to its very end.
    pub(crate) counted: Option<Counted>,
}

impl Connection {
    /// Takes an accepted socket into the worker's table.
    pub(crate) fn new(worker: &Rc<Worker>, arrival: Arrival) -> std::io::Result<Self> {
        let (site, index) = (&worker.site, worker.index);
        site.metrics.worker(index).accepted.add(1);
        let address = match arrival.peer {
            // A proxy says later whose socket this is.
            peer if arrival.entrance.trusts(peer) => None,
            Peer::Internet(address) => Some(address.ip()),
            Peer::Unix => None,
        };
        let ticket = site.admission.admit(address).map_err(|refused| {
            worker.met(refused.limit());
            std::io::Error::other("too many sockets are being refused")
        })?;
        let io = Io::new(arrival.stream)?;
        let deadline = arrival.accepted + arrival.entrance.handshake_timeout;
        let secure = arrival.entrance.secure;
        let peer = arrival.peer.to_string().into_boxed_str();
        let id = worker
            .shard
            .borrow_mut()
            .insert(peer, secure, arrival.accepted, deadline)
            .ok_or_else(|| std::io::Error::other("the worker has no connection id left"))?;
        Ok(Connection {
            worker: worker.clone(),
            io,
            id,
            entrance: arrival.entrance,
            place: arrival.place,
            ticket,
            _refusal: arrival.refusal,
            accepted: arrival.accepted,
            counted: None,
        })
    }

    /// Serves the socket until it is gone.
    pub(crate) async fn serve(mut self: Box<Self>) {
        // Boxed: an open connection does not carry room for its handshake, nor for its end.
        if let Some(leftover) = Box::pin(self.begin()).await {
            Box::pin(self.catch_up(leftover)).await;
            self.open().await;
            Box::pin(self.finish()).await;
        }
        let (worker, id, _counted) = (self.worker.clone(), self.id, self.counted.take());
        drop(self);
        dispatch::removed(&worker, id);
    }

    /// Everything before the connection is open. Gives the bytes behind the upgrade request.
    async fn begin(&mut self) -> Option<Vec<u8>> {
        if self.enter().await {
            self.handshake().await
        } else {
            None
        }
    }

    /// Sleeps until there is something to do.
    async fn turn(&mut self) -> Turn {
        poll_fn(|cx| self.poll_turn(cx)).await
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        if let Err(error) = self.poll_write(cx) {
            return Poll::Ready(Turn::Broken(error));
        }
        let waiting = {
            let mut shard = self.worker.shard.borrow_mut();
            let Some(entry) = shard.entry_mut(self.id) else {
                return Poll::Ready(Turn::Disconnect);
            };
            entry.register(cx.waker());
            if entry.disconnect {
                return Poll::Ready(Turn::Disconnect);
            }
            if std::mem::take(&mut entry.expired) {
                return Poll::Ready(Turn::Expired);
            }
            match entry.status() {
                Some(Status::Dead) => return Poll::Ready(Turn::Finished),
                Some(Status::Finished { .. }) if entry.outbox.is_empty() => {
                    return Poll::Ready(Turn::Finished);
                }
                Some(Status::Finished { .. }) => {
                    // The last bytes wait for a peer that does not read: not for ever.
                    if entry.deadline().is_none() {
                        let deadline = clock::now() + self.worker.site.config.limits.close_timeout;
                        shard.set_deadline(self.id, deadline);
                    }
                    return Poll::Pending;
                }
                // Woken when its rates allow it to be read again.
                Some(Status::Open) if entry.throttled.is_some() => return Poll::Pending,
                Some(Status::Open | Status::Closing) | None => entry.outbox.len(),
            }
        };
        if waiting > READ_BELOW {
            return Poll::Pending;
        }
        self.poll_read(cx)
    }

    /// Reads once into a lent buffer.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let mut buffer = self.worker.receive.borrow_mut().lend();
        let read = self.io.poll_read(cx, &mut buffer);
        if !matches!(read, Poll::Ready(Ok(1..))) {
            self.worker.receive.borrow_mut().give_back(buffer);
            return Poll::Ready(match ready!(read) {
                Ok(_) => Turn::Eof,
                Err(error) => Turn::Broken(error),
            });
        }
        match read {
            Poll::Ready(Ok(count)) => Poll::Ready(Turn::Input(buffer, count)),
            // Handled above.
            _ => Poll::Pending,
        }
    }

    /// Writes what waits, as far as the socket takes it. An error is the socket's.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        let mut shard = self.worker.shard.borrow_mut();
        loop {
            let Some(entry) = shard.entry(self.id) else {
                return Ok(());
            };
            if entry.outbox.is_empty() {
                return match self.io.poll_flush(cx) {
                    Poll::Ready(Err(error)) => Err(error),
                    // Its waker is with the socket.
                    Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
                };
            }
            match self.io.poll_write(cx, entry.outbox.pending()) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => shard.handle_written(self.id, count),
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
    }

    fn give_back(&self, buffer: Buffer) {
        self.worker.receive.borrow_mut().give_back(buffer);
    }
}

impl Drop for Connection {
    /// However the task ends, the table and the connection limit do not remember the socket.
    fn drop(&mut self) {
        if let Ok(mut shard) = self.worker.shard.try_borrow_mut() {
            shard.remove(self.id);
        }
        self.worker.population.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future_size<A, F: Future>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    /// What an idle connection is made of here, each part on the heap. Beside it are the records of the runtime.
    #[test]
    fn an_idle_connection_is_small() {
        let parts = [
            (future_size(Connection::serve), 376),
            (size_of::<Connection>(), 192),
            (size_of::<jackfield_hub::Entry>(), 352),
        ];
        for (bytes, most) in parts {
            assert!(bytes <= most, "{bytes} bytes, more than {most}: {parts:?}");
        }
    }
}
