//! The control thread: accepts sockets, gives each to the worker with the fewest, and ends the workers.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout_at;

use super::{RunningWorker, Site};
use crate::worker::{Arrival, Letter};

/// How long to wait when the system has no descriptor or memory for one more socket.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// Sockets above the connection limit that may be told so at a time; more are dropped at once.
const REFUSED_AT_ONCE: usize = 256;
/// What a stop may take beyond its deadline, for threads to end.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until a stop is asked for, then ends the workers. Gives the number of dropped connections.
pub(super) fn run(
    listener: TcpListener,
    site: &Arc<Site>,
    workers: Vec<RunningWorker>,
    mut stop: watch::Receiver<Option<Instant>>,
) -> usize {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the control thread could not start its runtime");
            return 0;
        }
    };
    runtime.block_on(async {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => accept(&listener, site, &workers, &mut stop).await,
            Err(error) => tracing::error!(%error, "the listener could not be used"),
        }
        let deadline = stop.borrow().unwrap_or_else(Instant::now);
        end(workers, deadline).await
    })
}

/// Accepts until a stop is asked for (or nobody can ask any more).
async fn accept(
    listener: &tokio::net::TcpListener,
    site: &Site,
    workers: &[RunningWorker],
    stop: &mut watch::Receiver<Option<Instant>>,
) {
    let places = Arc::new(Semaphore::new(
        site.config.limits.connections.min(Semaphore::MAX_PERMITS),
    ));
    let refusals = Arc::new(Semaphore::new(REFUSED_AT_ONCE));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(Option::is_some) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if is_about_the_peer(&error) {
                    continue;
                }
                tracing::warn!(%error, "cannot accept a connection; trying again");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
                continue;
            }
        };
        let permit = places.clone().try_acquire_owned().ok();
        let refusal = match permit {
            Some(_) => None,
            None => match refusals.clone().try_acquire_owned() {
                Ok(refusal) => Some(refusal),
                Err(_) => continue,
            },
        };
        if permit.is_none() {
            tracing::debug!(%peer, "too many connections (limits.connections)");
        }
        let Ok(stream) = stream.into_std() else {
            continue;
        };
        let arrival = Arrival {
            stream,
            peer,
            accepted: Instant::now(),
            permit,
            refusal,
        };
        if let Some(worker) = workers.iter().min_by_key(|worker| worker.mailbox.load())
            && !worker.mailbox.send(Letter::Arrival(arrival)).await
        {
            tracing::error!("a worker has ended; its share of the connections is gone");
            tokio::time::sleep(EXHAUSTED_PAUSE).await;
        }
    }
}

/// Errors of `accept` that are those of one connection, which has ended already.
fn is_about_the_peer(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
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
