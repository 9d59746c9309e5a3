//! Who shares memory with whom: where the instances of a plugin live on a worker, and how a hook gets to one.
//!
//! | `instances =` | here |
//! |---|---|
//! | `"worker"` | a pool of one on each worker |
//! | `{ pool = N }` | a pool of up to N on each worker |
//! | `"connection"` | a pool of one for each connection |
//! | `"single"` | a pool of one on worker 0; the others send their calls there |
//!
//! A plugin has one version at a time, or two: during a swap with the policy `drain` or `canary` the
//! [`Placement`] decides by connection which of them is called.

mod events;
mod generation;
mod hook;
mod line;
mod lines;
mod pool;
mod swapping;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_hub::{ConnectionId, WorkerIndex};
use jackfield_plugin::{CallError, Digest, Exports, GuestStream};
use tokio::sync::{Notify, oneshot};

pub(crate) use generation::{Generation, granted, limited};
pub(crate) use hook::{Answer, Hook, Message, outside};
pub(crate) use swapping::{Census, Step};

use crate::config::resolved::Instances;
use crate::server::{PluginIndex, Site};
use crate::swap::Version;
use crate::worker::{Letter, RemoteCall, Worker};
use events::EventQueue;
use lines::LineLimit;
use swapping::Pending;

/// The worker on which single instances live. The first, so that a list of workers can be split behind it.
pub(crate) const HOME: WorkerIndex = 0;

/// Why a hook gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The plugin is at fault.
    #[error("{error}")]
    Call {
        /// What went wrong.
        error: CallError,
        /// The version whose call it was, which another one may have replaced meanwhile.
        version: Digest,
    },
    /// The worker with the single instance has stopped.
    #[error("the worker that holds the plugin's single instance has stopped")]
    Stopped,
}

/// The instances of one plugin on one worker.
pub(crate) struct Placement {
    index: PluginIndex,
    name: String,
    largest_message: usize,
    /// Serves every connection that `side` does not take.
    main: RefCell<Rc<Generation>>,
    side: RefCell<Option<Side>>,
    /// A version that is ready to be switched to.
    pending: RefCell<Option<Pending>>,
    /// One version is made ready at a time.
    preparing: tokio::sync::Mutex<()>,
    /// One instance of a version that ended is told so at a time.
    telling: tokio::sync::Mutex<()>,
    /// While private instances are being carried over, new ones wait.
    carrying: Cell<bool>,
    settled: Notify,
    /// What `socket-events` is told.
    events: EventQueue,
    lines: Cell<LineLimit>,
}

/// A second version, for some of the connections.
struct Side {
    generation: Rc<Generation>,
    takes: Takes,
}

/// Which connections.
enum Takes {
    /// The old version keeps those that were open when the new one came (`drain`).
    Pinned(HashSet<ConnectionId>),
    /// The new version gets a share, in parts of a million (`canary`).
    Share(u32),
}

impl Side {
    fn takes(&self, id: ConnectionId) -> bool {
        match &self.takes {
            Takes::Pinned(ids) => ids.contains(&id),
            Takes::Share(share) => part_of_a_million(id) < *share,
        }
    }
}

/// Where a connection falls, evenly and for good: a multiplicative hash of its id.
fn part_of_a_million(id: ConnectionId) -> u32 {
    let mixed = id.as_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((u128::from(mixed) * 1_000_000) >> 64) as u32
}

impl Placement {
    pub(crate) fn new(site: &Site, index: PluginIndex, version: Arc<Version>) -> Self {
        let (name, _) = &site.plugins[index.0];
        let largest_message = site.config.limits.backlog_bytes;
        Placement {
            index,
            name: name.clone(),
            largest_message,
            lines: Cell::new(LineLimit::new(version.config.limits.log_lines)),
            main: RefCell::new(Generation::new(index, version, largest_message)),
            side: RefCell::default(),
            pending: RefCell::default(),
            preparing: tokio::sync::Mutex::default(),
            telling: tokio::sync::Mutex::default(),
            carrying: Cell::new(false),
            settled: Notify::new(),
            events: EventQueue::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the second version serves a connection.
    fn is_on_side(&self, connection: Option<ConnectionId>) -> bool {
        let side = self.side.borrow();
        connection.is_some_and(|id| side.as_ref().is_some_and(|side| side.takes(id)))
    }

    /// The version that serves a connection; without one, the main version.
    pub(crate) fn generation(&self, connection: Option<ConnectionId>) -> Rc<Generation> {
        self.main_or_side(self.is_on_side(connection))
    }

    fn main_or_side(&self, on_side: bool) -> Rc<Generation> {
        match &*self.side.borrow() {
            Some(side) if on_side => side.generation.clone(),
            _ => self.main.borrow().clone(),
        }
    }

    /// What the version that serves a connection exports.
    pub(crate) fn exports(&self, connection: Option<ConnectionId>) -> Exports {
        if self.side.borrow().is_some() {
            return self.generation(connection).exports();
        }
        self.main.borrow().exports()
    }

    /// Connections in groups that one instance, or one version's instances, answer for.
    pub(crate) fn by_instance(&self, ids: Vec<ConnectionId>) -> Vec<Vec<ConnectionId>> {
        let (side, main): (Vec<_>, Vec<_>) =
            ids.into_iter().partition(|&id| self.is_on_side(Some(id)));
        let mut groups = Vec::new();
        for group in [main, side] {
            let Some(&first) = group.first() else {
                continue;
            };
            if self.generation(Some(first)).mode() == Instances::Connection {
                groups.extend(group.into_iter().map(|id| vec![id]));
            } else {
                groups.push(group);
            }
        }
        groups
    }

    /// Makes the first instances.
    pub(crate) async fn warm_up(&self, worker: &Rc<Worker>) -> Result<(), Failure> {
        let main = self.main.borrow().clone();
        let warm = main.warm_up(worker).await;
        warm.map_err(|error| main.failure(error))
    }

    /// Runs a hook on behalf of a connection, or of the server.
    pub(crate) async fn call(
        &self,
        worker: &Rc<Worker>,
        connection: Option<ConnectionId>,
        hook: Hook<'_>,
    ) -> Result<Answer, Failure> {
        let on_side = self.is_on_side(connection);
        let generation = self.main_or_side(on_side);
        if generation.mode() == Instances::Single && worker.index != HOME {
            // Boxed, as everything that few calls need: a call's future is made for each message.
            let home = self.call_home(worker, connection, on_side, hook.into_owned());
            return Box::pin(home).await;
        }
        self.call_here(worker, connection, on_side, &hook).await
    }

    /// Runs a hook on an instance of this worker, of whichever version serves when its turn comes.
    pub(crate) async fn call_here(
        &self,
        worker: &Rc<Worker>,
        connection: Option<ConnectionId>,
        on_side: bool,
        hook: &Hook<'_>,
    ) -> Result<Answer, Failure> {
        loop {
            // A connection of this worker is looked up again each time: a swap may have moved it meanwhile. One
            // of another worker is known to be where its worker said.
            let here = connection.is_some_and(|id| id.worker() == worker.index);
            let on_side = if here {
                self.is_on_side(connection)
            } else {
                on_side
            };
            let generation = self.main_or_side(on_side);
            if self.must_wait(&generation, connection) {
                Box::pin(self.settled.notified()).await;
                continue;
            }
            if let Ok(answer) = generation.call(worker, connection, hook).await {
                return answer;
            }
        }
    }

    /// Whether a connection is about to make an instance whose memory a swap under way would miss.
    fn must_wait(&self, generation: &Generation, connection: Option<ConnectionId>) -> bool {
        self.carrying.get()
            && generation.mode() == Instances::Connection
            && connection.is_some_and(|id| !generation.own.borrow().contains_key(&id))
    }

    /// Sends a hook to the single instance and waits for its answer.
    async fn call_home(
        &self,
        worker: &Rc<Worker>,
        connection: Option<ConnectionId>,
        side: bool,
        hook: Hook<'static>,
    ) -> Result<Answer, Failure> {
        let home = worker
            .mailboxes
            .get(usize::from(HOME))
            .ok_or(Failure::Stopped)?;
        let (reply, answer) = oneshot::channel();
        let call = RemoteCall {
            plugin: self.index,
            connection,
            side,
            hook,
            reply,
        };
        if !home.send(Letter::Call(Box::new(call))).await {
            return Err(Failure::Stopped);
        }
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// Queues an event of a socket, when the version that serves it wants to hear of it.
    pub(crate) fn queue_event(
        &self,
        connection: ConnectionId,
        hook: impl FnOnce() -> Hook<'static>,
    ) {
        if self.exports(Some(connection)).socket_events {
            let hook = hook();
            let last = matches!(hook, Hook::OnAfterRemoveSocket(_));
            if !self.events.push(&self.name, connection, hook) && last {
                self.forget(connection);
            }
        }
    }

    /// Waits until the events queued so far are delivered: other hooks of a connection come after them.
    pub(crate) async fn events_settled(&self) {
        if !self.events.is_settled() {
            Box::pin(self.events.settled()).await;
        }
    }

    /// Whether a call runs, or an event waits for one.
    pub(crate) fn is_busy(&self) -> bool {
        let side = self.side.borrow();
        let beside = side.as_ref().is_some_and(|side| side.generation.is_busy());
        beside || self.main.borrow().is_busy() || !self.events.is_settled()
    }

    /// Delivers queued events for as long as the worker runs.
    pub(crate) async fn deliver_events(&self, worker: Rc<Worker>) {
        self.events.deliver(worker, self.index).await;
    }

    /// Forgets a connection that is gone, once the plugin has heard all there is to hear of it.
    pub(crate) fn forget_later(&self, connection: ConnectionId) {
        if self.exports(Some(connection)).socket_events {
            // The event of its removal is in the queue, and the connection is forgotten behind it.
            return;
        }
        self.forget(connection);
    }

    /// The connection is gone, and with it the instance that it had to itself.
    pub(crate) fn forget(&self, connection: ConnectionId) {
        self.main.borrow().own.borrow_mut().remove(&connection);
        if let Some(side) = &mut *self.side.borrow_mut() {
            side.generation.own.borrow_mut().remove(&connection);
            if let Takes::Pinned(ids) = &mut side.takes {
                ids.remove(&connection);
            }
        }
        if let Some(pending) = &*self.pending.borrow() {
            pending.generation.own.borrow_mut().remove(&connection);
        }
    }

    /// What `on-shutdown` may take.
    pub(crate) fn shutdown_time(&self) -> Duration {
        self.main.borrow().version().config.limits.shutdown_time
    }

    /// The server stops: runs `on-shutdown` on every instance of this worker.
    pub(crate) async fn shut_down(&self) -> Vec<Failure> {
        let main = self.main.borrow().clone();
        let side = self.side.borrow().as_ref().map(|s| s.generation.clone());
        let mut errors = main.wind_up().await;
        if let Some(side) = side {
            errors.append(&mut side.wind_up().await);
        }
        errors
    }

    /// A line that an instance of a version wrote becomes a line of the log, as long as there are not too many.
    pub(crate) fn log_line(
        &self,
        version: &Digest,
        stream: GuestStream,
        connection: Option<jackfield_plugin::ConnectionId>,
        line: &str,
    ) {
        let mut lines = self.lines.get();
        let allowed = lines.allow(Instant::now());
        self.lines.set(lines);
        if let Some(dropped) = allowed.dropped_before {
            tracing::warn!(
                plugin = %self.name,
                dropped,
                "lines of the plugin were dropped: more than its limits.log_lines in a second"
            );
        }
        if !allowed.this {
            return;
        }
        let version = version.short();
        let (plugin, connection) = (&self.name, connection.map(|id| id.0));
        match stream {
            GuestStream::Stdout => {
                tracing::info!(target: "plugin", %plugin, %version, connection, "{line}");
            }
            GuestStream::Stderr => {
                tracing::warn!(target: "plugin", %plugin, %version, connection, "{line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_stable() {
        let ids = (1..10_000u64).map(|n| ConnectionId::from_u64(n << 32 | (n % 7) << 8));
        let chosen = ids.filter(|&id| part_of_a_million(id) < 100_000).count();
        assert!(
            (800..1200).contains(&chosen),
            "{chosen} of 10,000 for a tenth"
        );
    }
}
