//! The one place where policy lives: which plugins hear of what, in which order, and what a refusal, a trap
//! or a timeout means for the connection.
//!
//! | what happened | in the handshake | afterwards |
//! |---|---|---|
//! | the plugin's call trapped | 500 | the connection is failed with 1011 |
//! | the call ran out of its time budget | 503 | 1011 |
//! | an event hook trapped | logged | logged |
//! | the outgoing buffer is full | | 1013 |
//! | no traffic, or no pong | | 1001, by the protocol crate |

mod draining;
mod handshake;
mod trouble;

use std::borrow::Cow;
use std::pin::Pin;
use std::rc::Rc;

use jackfield_hub::{ConnectionId, SendError};
use jackfield_plugin::{Ending, Exports};
use jackfield_proto::Kind;
use tokio::time::timeout;

pub(crate) use draining::{close_all, drain};
pub(crate) use handshake::{check_custom_header, select_protocol};
pub(crate) use trouble::{backlog_full, log as log_failure, offence, report_error, trapped};

use crate::clock;
use crate::instances::{Answer, Failure, Hook, Message};
use crate::server::PluginIndex;
use crate::worker::Worker;

/// RFC 6455 section 7.4.1: an unexpected condition in the server.
const INTERNAL_ERROR: u16 = 1011;

/// Runs a hook of one plugin.
async fn call(
    worker: &Rc<Worker>,
    plugin: PluginIndex,
    connection: Option<ConnectionId>,
    hook: Hook<'_>,
) -> Result<Answer, Failure> {
    let placement = worker.placement(plugin);
    placement.events_settled().await;
    // Boxed, so that a connection that is not in a call does not carry room for one.
    Box::pin(placement.call(worker, connection, hook)).await
}

/// Runs an event hook of every one of `plugins` that exports it. A trap is logged and changes nothing else.
async fn tell(
    worker: &Rc<Worker>,
    plugins: &[PluginIndex],
    exported: fn(Exports) -> bool,
    connection: Option<ConnectionId>,
    hook: impl Fn() -> Hook<'static>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for &plugin in plugins {
        if !exported(worker.placement(plugin).exports(connection)) {
            continue;
        }
        if let Err(failure) = call(worker, plugin, connection, hook()).await {
            trouble::log(worker, plugin, connection, &failure);
            failures.push(failure);
        }
    }
    failures
}

/// Queues an event of a socket for every plugin that wants to hear of sockets. The route need not be known, and no
/// connection waits for a plugin that is not its own.
fn socket_event(worker: &Worker, id: ConnectionId, hook: impl Fn() -> Hook<'static>) {
    for placement in &worker.placements {
        placement.queue_event(id, &hook);
    }
}

/// Delivers one queued event.
pub(crate) async fn deliver_event(
    worker: &Rc<Worker>,
    plugin: PluginIndex,
    id: ConnectionId,
    hook: Hook<'static>,
) {
    let delivered = worker.placement(plugin).call(worker, Some(id), hook).await;
    if let Err(failure) = delivered {
        trouble::log(worker, plugin, Some(id), &failure);
    }
}

/// A socket was accepted.
pub(crate) fn connected(worker: &Worker, id: ConnectionId) {
    let peer = worker.shard.borrow().entry(id).map(|e| e.peer.to_string());
    let peer = peer.unwrap_or_default();
    socket_event(worker, id, || {
        Hook::OnConnected(id, Cow::Owned(peer.clone()))
    });
}

/// A part of the upgrade request arrived.
pub(crate) fn part_received(worker: &Worker, id: ConnectionId, received: usize) {
    let received = u32::try_from(received).unwrap_or(u32::MAX);
    socket_event(worker, id, || Hook::OnUpgradePartReceive(id, received));
}

/// The upgrade was refused with a status, or the peer left (status 0).
pub(crate) fn handshake_failed(worker: &Worker, id: ConnectionId, status: u16, reason: &str) {
    socket_event(worker, id, || {
        Hook::OnHandshakeFailure(id, status, Cow::Owned(reason.to_owned()))
    });
}

/// The 101 is in the outbox.
pub(crate) async fn opened(worker: &Rc<Worker>, id: ConnectionId) {
    let route = worker.plugins_of(id);
    let hook = || Hook::OnHandshakeSuccess(id);
    for failure in tell(worker, route, |e| e.connection_events, Some(id), hook).await {
        trapped(worker, id, &failure);
    }
}

/// A call of a plugin's handler, with the plugin that it is of. It owns all its room: a connection that is not in a
/// call does not carry any.
pub(crate) type Delivery<'m> = (
    PluginIndex,
    Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'm>>,
);

/// A message arrived: the first plugin of the route with a handler gets it. None when that is done already.
pub(crate) fn message<'m>(
    worker: &'m Rc<Worker>,
    id: ConnectionId,
    message: Message<'m>,
) -> Option<Delivery<'m>> {
    worker.counters().messages.add(1);
    let route = worker.route(id);
    if route.is_some_and(|route| route.native_echo) {
        echo(worker, id, &message);
        return None;
    }
    let mut plugins = route
        .map_or(&[][..], |route| &route.plugins)
        .iter()
        .copied();
    let handler = plugins.find(|&plugin| worker.placement(plugin).exports(Some(id)).handler);
    let Some(plugin) = handler else {
        tracing::debug!(connection = %id, "a message was ignored: no plugin of the route exports handler");
        return None;
    };
    let placement = worker.placement(plugin);
    let call = async move {
        placement.events_settled().await;
        let hook = Hook::BusinessHandler(id, message);
        placement.call(worker, Some(id), hook).await
    };
    Some((plugin, Box::pin(call)))
}

/// A handler failed: that costs the connection.
pub(crate) fn not_delivered(
    worker: &Worker,
    plugin: PluginIndex,
    id: ConnectionId,
    failure: &Failure,
) {
    trouble::log(worker, plugin, Some(id), failure);
    trapped(worker, id, failure);
}

/// The echo without a plugin: what the server costs without the sandbox (`native_echo` of a route).
fn echo(worker: &Worker, id: ConnectionId, message: &Message<'_>) {
    let mut shard = worker.shard.borrow_mut();
    let sent = match message {
        Message::Text(text) => shard.send(id, Kind::Text, text.as_bytes()),
        Message::Binary(bytes) => shard.send(id, Kind::Binary, bytes),
    };
    drop(shard);
    if sent == Err(SendError::BacklogFull) {
        backlog_full(worker, id, clock::now());
    }
}

/// An upgraded connection ended.
pub(crate) async fn disconnected(worker: &Rc<Worker>, id: ConnectionId, ending: &Ending) {
    let route = worker.plugins_of(id);
    let hook = || Hook::OnDisconnected(id, Cow::Owned(ending.clone()));
    tell(worker, route, |e| e.connection_events, Some(id), hook).await;
}

/// The socket is closed and its id is gone.
pub(crate) fn removed(worker: &Worker, id: ConnectionId) {
    socket_event(worker, id, || Hook::OnAfterRemoveSocket(id));
    for placement in &worker.placements {
        placement.forget_later(id);
    }
}

/// The health check found these silent: they are closed, and the plugins of their routes hear of it.
pub(crate) async fn unhealthy(worker: &Rc<Worker>, ids: Vec<ConnectionId>) {
    tracing::debug!(
        count = ids.len(),
        "unhealthy connections are closed (health.interval, health.ping)"
    );
    for &plugin in &worker.site.all_plugins {
        let own: Vec<_> = ids
            .iter()
            .copied()
            .filter(|&id| worker.may_reach(plugin, id))
            .collect();
        if own.is_empty() {
            continue;
        }
        for group in worker.placement(plugin).by_instance(own) {
            // Any connection of a group leads to the instance, or the version, that serves them all.
            let one = group.first().copied();
            let hook = || Hook::OnAfterHealthCheck(Cow::Owned(group.clone()));
            tell(worker, &[plugin], |e| e.health_events, one, hook).await;
        }
    }
}

/// The server stops: every instance of this worker is told, within its time budget.
pub(crate) async fn shutting_down(worker: &Rc<Worker>) {
    for (index, placement) in worker.placements.iter().enumerate() {
        // Computing and waiting together: a plugin that waits for something must not cost everyone their close frame.
        let Ok(errors) = timeout(placement.shutdown_time(), placement.shut_down()).await else {
            tracing::warn!(
                plugin = placement.name(),
                "on-shutdown did not return in time (limits.shutdown_time)"
            );
            continue;
        };
        for failure in errors {
            trouble::log(worker, PluginIndex(index), None, &failure);
        }
    }
}
