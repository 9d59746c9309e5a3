//! Events of raw sockets on their way to a plugin: queued, so that a plugin that is busy holds up no connection
//! but those of its own routes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use jackfield_hub::ConnectionId;
use tokio::sync::{Notify, mpsc};

use super::hook::Hook;
use crate::dispatch;
use crate::server::PluginIndex;
use crate::worker::Worker;

/// Events that wait for one plugin on one worker; more are dropped, counted and logged.
const WAITING: usize = 8192;

/// One event.
struct Event {
    connection: ConnectionId,
    hook: Hook<'static>,
}

/// The events of one plugin on one worker, delivered in order.
pub(super) struct EventQueue {
    events: mpsc::Sender<Event>,
    /// Taken by the task that delivers.
    waiting: RefCell<Option<mpsc::Receiver<Event>>>,
    queued: Cell<u64>,
    delivered: Cell<u64>,
    dropped: Cell<u64>,
    moved: Notify,
}

impl EventQueue {
    pub(super) fn new() -> Self {
        let (events, waiting) = mpsc::channel(WAITING);
        EventQueue {
            events,
            waiting: RefCell::new(Some(waiting)),
            queued: Cell::new(0),
            delivered: Cell::new(0),
            dropped: Cell::new(0),
            moved: Notify::new(),
        }
    }

    /// Queues an event, unless too many wait; whether it did.
    pub(super) fn push(&self, plugin: &str, connection: ConnectionId, hook: Hook<'static>) -> bool {
        if self.events.try_send(Event { connection, hook }).is_ok() {
            self.queued.set(self.queued.get() + 1);
            return true;
        }
        let dropped = self.dropped.get() + 1;
        self.dropped.set(dropped);
        // Once for each doubling: a flood must not become one of the log.
        if dropped.is_power_of_two() {
            tracing::warn!(
                plugin,
                dropped,
                "events of sockets were dropped: the plugin is too slow for them"
            );
        }
        false
    }

    /// Waits until everything that was queued before now is delivered.
    pub(super) async fn settled(&self) {
        let queued = self.queued.get();
        while self.delivered.get() < queued {
            self.moved.notified().await;
        }
    }

    /// Whether everything that was queued is delivered.
    pub(super) fn is_settled(&self) -> bool {
        self.delivered.get() == self.queued.get()
    }

    /// Delivers events for as long as the worker runs.
    pub(super) async fn deliver(&self, worker: Rc<Worker>, plugin: PluginIndex) {
        let waiting = self.waiting.borrow_mut().take();
        let Some(mut waiting) = waiting else { return };
        while let Some(Event { connection, hook }) = waiting.recv().await {
            let last = matches!(hook, Hook::OnAfterRemoveSocket(_));
            dispatch::deliver_event(&worker, plugin, connection, hook).await;
            if last {
                worker.placement(plugin).forget(connection);
            }
            self.delivered.set(self.delivered.get() + 1);
            self.moved.notify_waiters();
        }
    }
}
