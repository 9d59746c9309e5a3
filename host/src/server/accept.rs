//! The control thread: accepts sockets on every listener, gives each to the worker with the fewest, and ends the
//! workers.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::draining::Plan;
use super::listeners::{Entrance, Listens, Open, Peer};
use super::{RunningWorker, Site};
use crate::metrics::Limit;
use crate::worker::{Arrival, Letter, Mailbox, Stream};

/// How long to wait when the system has no descriptor or memory for one more socket.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// Sockets above the connection limit that may be told so at a time; more are dropped at once.
const REFUSED_AT_ONCE: usize = 256;
/// What a stop may take beyond its deadline, for threads to end.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until a stop is asked for, then ends the workers. Gives the number of dropped connections.
pub(super) fn run(
    listeners: Vec<Open>,
    gate: &Arc<Gate>,
    workers: Vec<RunningWorker>,
    stop: watch::Receiver<Option<Instant>>,
) -> usize {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the control thread could not start its runtime");
            return 0;
        }
    };
    runtime.block_on(async {
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(accept(listener, gate.clone(), stop.clone()));
        }
        accepting.spawn(gate.plan.announce(stop.clone(), gate.mailboxes.clone()));
        // Also when nothing listens.
        let (plan, mut asked) = (gate.plan, stop.clone());
        accepting.spawn(async move { plan.over(&mut asked).await });
        while accepting.join_next().await.is_some() {}
        let deadline = stop.borrow().unwrap_or_else(Instant::now);
        end(workers, deadline).await
    })
}

/// What all listeners share, and whoever brings sockets of another kind.
pub(super) struct Gate {
    mailboxes: Vec<Mailbox>,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    site: Arc<Site>,
    plan: Plan,
}

fn places(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)))
}

/// A place below the connection limits: the server's, and the listener's own.
pub(crate) struct Place {
    _server: OwnedSemaphorePermit,
    _listener: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// One of these places, and one of the listener's own when it has any.
    pub(crate) fn take(places: &Arc<Semaphore>, entrance: &Entrance) -> Option<Place> {
        let listener = match &entrance.places {
            Some(places) => Some(places.clone().try_acquire_owned().ok()?),
            None => None,
        };
        Some(Place {
            _server: places.clone().try_acquire_owned().ok()?,
            _listener: listener,
        })
    }
}

impl Gate {
    pub(super) fn new(site: &Arc<Site>, mailboxes: Vec<Mailbox>) -> Arc<Gate> {
        Arc::new(Gate {
            mailboxes,
            places: places(site.config.limits.connections),
            refusals: places(REFUSED_AT_ONCE),
            site: site.clone(),
            plan: Plan::new(&site.config.limits),
        })
    }

    /// Gives a socket to a worker. False when that has ended.
    pub(super) async fn admit(&self, stream: Stream, peer: Peer, entrance: &Arc<Entrance>) -> bool {
        let place = Place::take(&self.places, entrance);
        let refusal = match place {
            Some(_) => None,
            None => match self.refusals.clone().try_acquire_owned() {
                Ok(refusal) => Some(refusal),
                Err(_) => {
                    self.site
                        .metrics
                        .met(self.site.metrics.front(), Limit::Connections, 1);
                    return true;
                }
            },
        };
        if place.is_none() {
            self.site
                .metrics
                .met(self.site.metrics.front(), Limit::Connections, 1);
            tracing::debug!(%peer, listener = %entrance.settings.address, "too many connections (limits.connections, or the listener's)");
        }
        let arrival = Arrival {
            stream,
            peer,
            entrance: entrance.clone(),
            accepted: Instant::now(),
            place,
            refusal,
        };
        match fewest(&self.mailboxes) {
            Some(mailbox) => mailbox.send(Letter::Arrival(Box::new(arrival))).await,
            None => false,
        }
    }
}

/// The worker with the fewest connections. One that has ended has none, and would get all that come.
fn fewest(mailboxes: &[Mailbox]) -> Option<&Mailbox> {
    let alive = mailboxes.iter().filter(|mailbox| !mailbox.is_gone());
    alive.min_by_key(|mailbox| mailbox.load())
}

/// A listener as the runtime knows it.
enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    fn new(socket: Listens) -> io::Result<Acceptor> {
        Ok(match socket {
            Listens::Tcp(socket) => Acceptor::Tcp(TcpListener::from_std(socket)?),
            Listens::Unix(socket) => Acceptor::Unix(UnixListener::from_std(socket)?),
        })
    }

    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        Ok(match self {
            Acceptor::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                (Stream::Tcp(stream.into_std()?), Peer::Internet(peer))
            }
            Acceptor::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                (Stream::Unix(stream.into_std()?), Peer::Unix)
            }
        })
    }
}

/// Accepts until a stop is asked for, and its drain window is over (or nobody can ask any more). Then the socket is closed, so that whoever comes is
/// told by the system, or goes to the next process.
async fn accept(open: Open, gate: Arc<Gate>, mut stop: watch::Receiver<Option<Instant>>) {
    let Open {
        socket,
        entrance,
        listening,
        _file,
    } = open;
    let acceptor = match Acceptor::new(socket) {
        Ok(acceptor) => acceptor,
        Err(error) => {
            tracing::error!(%listening, %error, "a listener could not be used");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = acceptor.accept() => accepted,
            () = gate.plan.over(&mut stop) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                if !gate.admit(stream, peer, &entrance).await {
                    tracing::error!("a worker has ended; its share of the connections is gone");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
            Err(error) if is_about_the_peer(&error) => {}
            Err(error) => {
                tracing::warn!(%listening, %error, "cannot accept a connection; trying again");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

/// Errors of `accept` that are those of one connection, which has ended already.
fn is_about_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// Stops every worker and waits for them until the deadline.
async fn end(workers: Vec<RunningWorker>, deadline: Instant) -> usize {
    for worker in &workers {
        worker.mailbox.send(Letter::Shutdown { deadline }).await;
    }
    let mut dropped = 0;
    for worker in workers {
        match timeout_at((deadline + GRACE).into(), worker.ended).await {
            Ok(ended) => {
                dropped += ended.unwrap_or_default();
                if worker.thread.join().is_err() {
                    tracing::error!("a worker ended with a panic; this is a bug of the host");
                }
            }
            Err(_) => tracing::warn!("a worker did not end in time (limits.shutdown_timeout)"),
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_has_ended_gets_no_connections() {
        let (first, receiver) = Mailbox::new(1);
        let (second, ended) = Mailbox::new(1);
        let _busy = first.count();
        let mailboxes = [first, second];
        assert_eq!(fewest(&mailboxes).map(Mailbox::load), Some(0));
        drop(ended);
        assert_eq!(fewest(&mailboxes).map(Mailbox::load), Some(1));
        drop(receiver);
        assert!(fewest(&mailboxes).is_none());
    }
}
