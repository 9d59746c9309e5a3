//! A worker's thread, from its start to its end.

use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jackfield_hub::WorkerIndex;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

use super::mailbox::{Arrival, Letter, Mailbox};
use super::{Worker, clock};
use crate::connection;
use crate::dispatch;
use crate::instances::{Failure, Placement};
use crate::server::{PluginIndex, Site};
use crate::swap::Version;

/// How much of a stop is kept for what follows the closing handshakes: the last hooks, the end of the thread.
const LAST_HOOKS: Duration = Duration::from_millis(200);

/// What a worker needs to begin.
pub(crate) struct Start {
    pub(crate) index: WorkerIndex,
    pub(crate) site: Arc<Site>,
    pub(crate) versions: Vec<Arc<Version>>,
    pub(crate) mailboxes: Vec<Mailbox>,
    pub(crate) letters: mpsc::Receiver<Letter>,
    /// Told once: the worker serves, or why it cannot.
    pub(crate) ready: oneshot::Sender<Result<(), StartFailure>>,
    /// Told when the worker has ended: how many connections were dropped.
    pub(crate) ended: oneshot::Sender<usize>,
}

/// A plugin's first instance could not be made.
#[derive(Debug)]
pub(crate) struct StartFailure {
    pub(crate) plugin: String,
    pub(crate) failure: Failure,
}

/// Starts the thread.
pub(crate) fn spawn(start: Start) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name(format!("worker-{}", start.index))
        .spawn(move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build_local(LocalOptions::default());
            match runtime {
                Ok(runtime) => runtime.block_on(run(start)),
                Err(error) => tracing::error!(%error, "a worker could not start its runtime"),
            }
        })
}

async fn run(start: Start) {
    let Start {
        index,
        site,
        versions,
        mailboxes,
        mut letters,
        ready,
        ended,
    } = start;
    // Nobody listens to either answer only when the server gave up on starting already.
    let worker = match assemble(index, site, versions, mailboxes).await {
        Ok(worker) => worker,
        Err(failure) => {
            let _ = ready.send(Err(failure));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let clock = tokio::task::spawn_local(clock::run(worker.clone()));
    let mut dropped = 0;
    while let Some(letter) = letters.recv().await {
        match letter {
            Letter::Shutdown { deadline } => {
                dropped = shut_down(&worker, &mut letters, deadline).await;
                break;
            }
            letter => handle(&worker, letter),
        }
    }
    clock.abort();
    let _ = ended.send(dropped);
}

/// Puts a worker together, on the thread that is to be its own: its first instances are made, and their events are
/// delivered from here on.
pub(crate) async fn assemble(
    index: WorkerIndex,
    site: Arc<Site>,
    versions: Vec<Arc<Version>>,
    mailboxes: Vec<Mailbox>,
) -> Result<Rc<Worker>, StartFailure> {
    let placements = versions
        .into_iter()
        .enumerate()
        .map(|(plugin, version)| Placement::new(&site, PluginIndex(plugin), version))
        .collect();
    let worker = Worker::new(index, site, mailboxes, placements);
    start_instances(&worker).await?;
    for plugin in 0..worker.placements.len() {
        let worker = worker.clone();
        tokio::task::spawn_local(async move {
            let placement = worker.placement(PluginIndex(plugin));
            placement.deliver_events(worker.clone()).await;
        });
    }
    Ok(worker)
}

/// The first instances are made before the server says that it serves, so that a plugin that cannot start is
/// noticed then and not by the first client.
async fn start_instances(worker: &Rc<Worker>) -> Result<(), StartFailure> {
    for placement in &worker.placements {
        placement
            .warm_up(worker)
            .await
            .map_err(|failure| StartFailure {
                plugin: placement.name().to_owned(),
                failure,
            })?;
    }
    Ok(())
}

fn handle(worker: &Rc<Worker>, letter: Letter) {
    match letter {
        Letter::Arrival(arrival) => arrive(worker, *arrival),
        Letter::Remote(op) => worker.remote(op),
        Letter::Question(question) => worker.answer(question),
        Letter::Call(call) => {
            let worker = worker.clone();
            // One per waiting connection of another worker, so as many as there are connections at most.
            tokio::task::spawn_local(async move {
                let placement = worker.placement(call.plugin);
                let answer = placement
                    .call_here(&worker, call.connection, call.side, &call.hook)
                    .await;
                // The asker may have gone with its worker.
                let _ = call.reply.send(answer);
            });
        }
        Letter::Step(plugin, step) => {
            let worker = worker.clone();
            // The manager sends the next when this one is answered, so there is one for each plugin, and the
            // end of the version before.
            tokio::task::spawn_local(async move {
                worker.placement(plugin).step(&worker, step).await;
            });
        }
        Letter::Drain { until } => {
            worker.draining.set(true);
            // Comes once, and ends with the worker at the latest.
            tokio::task::spawn_local(dispatch::drain(worker.clone(), until));
        }
        // Seen by `run`; a second one changes nothing.
        Letter::Shutdown { .. } => {}
    }
}

fn arrive(worker: &Rc<Worker>, arrival: Arrival) {
    let counted = worker
        .mailboxes
        .get(usize::from(worker.index))
        .map(Mailbox::count);
    match connection::Connection::new(worker, arrival) {
        Ok(mut connection) => {
            connection.counted = counted;
            worker.population.notify_waiters();
            // Boxed: a future that takes something by value has its place twice.
            tokio::task::spawn_local(Box::new(connection).serve());
        }
        Err(error) => tracing::debug!(%error, "an accepted socket could not be taken in"),
    }
}

/// Tells the plugins, closes every connection with 1001, and serves what that needs until all have ended or
/// the deadline is near. Gives the number of connections that had to be dropped.
async fn shut_down(
    worker: &Rc<Worker>,
    letters: &mut mpsc::Receiver<Letter>,
    deadline: Instant,
) -> usize {
    worker.draining.set(true);
    let closing = worker.clone();
    let task = tokio::task::spawn_local(async move {
        // Half of the time at most: the rest is for the closing handshakes.
        let half = deadline.saturating_duration_since(Instant::now()) / 2;
        let _ = tokio::time::timeout(half, dispatch::shutting_down(&closing)).await;
        dispatch::close_all(&closing, Instant::now());
    });
    let last = deadline.checked_sub(LAST_HOOKS).unwrap_or(deadline);
    // The closes of all workers overlap, and one plugin's single instance may be needed by another worker's
    // last hooks: letters are served until the box is closed from outside or time is up.
    loop {
        if task.is_finished() && worker.shard.borrow().is_empty() {
            break;
        }
        let letter = tokio::select! {
            letter = letters.recv() => letter,
            () = worker.population.notified() => continue,
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                if Instant::now() >= last { break } else { continue }
            }
        };
        match letter {
            Some(letter) => handle(worker, letter),
            None => break,
        }
    }
    task.abort();
    // The last sockets' events.
    let settled = async {
        for placement in &worker.placements {
            placement.events_settled().await;
        }
    };
    let _ = timeout_at(deadline.into(), settled).await;
    let left = worker.shard.borrow().len();
    // Another worker may still call a single instance that lives here.
    let _ = timeout_at(deadline.into(), serve_calls(worker, letters)).await;
    left
}

/// Serves hooks for single instances until every other worker is done.
async fn serve_calls(worker: &Rc<Worker>, letters: &mut mpsc::Receiver<Letter>) {
    while worker.mailboxes.iter().any(|mailbox| mailbox.load() > 0) {
        if let Ok(Some(letter)) =
            tokio::time::timeout(Duration::from_millis(5), letters.recv()).await
        {
            handle(worker, letter);
        }
    }
}
