//! One worker: a thread with a runtime of its own, its share of the connections, its shard of the hub and its
//! own plugin instances. What concerns one worker only never takes a lock or leaves the thread; what crosses
//! workers arrives as a [`Letter`] in a bounded mailbox.

mod admin;
mod buffers;
mod clock;
mod mailbox;
mod remote;
mod run;
mod services;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jackfield_hub::{self as hub, ConnectionId, Entry, Shard, WorkerIndex};
use tokio::sync::Notify;

pub(crate) use admin::{Filter, NotClosed, Question};
pub(crate) use buffers::{Buffer, ReceiveBuffers};
pub(crate) use clock::tick;
pub(crate) use mailbox::{Arrival, ByteStream, Counted, Letter, Mailbox, RemoteCall, Stream};
pub(crate) use remote::{AttributeOp, RemoteOp};
pub(crate) use run::{Start, assemble, spawn};
pub(crate) use services::HostServices;

use crate::instances::Placement;
use crate::metrics::{Counters, Limit};
use crate::server::{PluginIndex, Route, Site};

/// Resolution of every deadline.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// What one worker thread owns.
pub(crate) struct Worker {
    pub(crate) index: WorkerIndex,
    pub(crate) site: Arc<Site>,
    pub(crate) shard: RefCell<Shard>,
    pub(crate) receive: RefCell<ReceiveBuffers>,
    /// By [`PluginIndex`].
    pub(crate) placements: Vec<Placement>,
    /// Every worker's mailbox, this one's included, by [`WorkerIndex`].
    pub(crate) mailboxes: Vec<Mailbox>,
    /// The server stops: upgrades are refused.
    pub(crate) draining: Cell<bool>,
    /// Rung when a connection came or went.
    pub(crate) population: Notify,
}

impl Worker {
    pub(crate) fn new(
        index: WorkerIndex,
        site: Arc<Site>,
        mailboxes: Vec<Mailbox>,
        placements: Vec<Placement>,
    ) -> Rc<Self> {
        let limits = hub::Limits {
            backlog_bytes: site.config.limits.backlog_bytes,
            attribute_bytes: site.config.limits.attribute_bytes,
        };
        Rc::new(Worker {
            index,
            site,
            shard: RefCell::new(Shard::new(index, limits, TICK, crate::clock::now())),
            receive: RefCell::default(),
            placements,
            mailboxes,
            draining: Cell::new(false),
            population: Notify::new(),
        })
    }

    /// What this worker counts.
    pub(crate) fn counters(&self) -> &Counters {
        self.site.metrics.worker(self.index)
    }

    /// A peer met a limit.
    pub(crate) fn met(&self, limit: Limit) {
        self.site.metrics.met(self.counters(), limit, 1);
    }

    /// The placement of a plugin's instances on this worker.
    pub(crate) fn placement(&self, plugin: PluginIndex) -> &Placement {
        // Indexes are made by `Site` from the same list, so they are in range.
        &self.placements[plugin.0]
    }

    /// The plugins of the route that a connection was accepted on; none before the route is known.
    pub(crate) fn plugins_of(&self, id: ConnectionId) -> &[PluginIndex] {
        self.route(id).map_or(&[], |route| &route.plugins)
    }

    /// The route that a connection was accepted on; none before it is known.
    pub(crate) fn route(&self, id: ConnectionId) -> Option<&Route> {
        self.route_of(self.shard.borrow().entry(id)?)
    }

    /// The same, of an entry that was looked up already.
    pub(crate) fn route_of(&self, entry: &Entry) -> Option<&Route> {
        self.site.routes.get(usize::from(entry.route?))
    }

    /// Whether a plugin serves the route of a connection of this worker.
    pub(crate) fn may_reach(&self, plugin: PluginIndex, id: ConnectionId) -> bool {
        self.plugins_of(id).contains(&plugin)
    }
}
