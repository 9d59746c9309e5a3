//! What follows when something goes wrong on a connection: what is logged, which close code, who hears of it.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Instant;

use jackfield_hub::ConnectionId;
use jackfield_plugin::{CallError, ErrorKind};

use super::{INTERNAL_ERROR, call};
use crate::instances::{Failure, Hook};
use crate::server::PluginIndex;
use crate::worker::Worker;

/// IANA's registry of close codes: 1013, "Try Again Later".
const TRY_AGAIN_LATER: u16 = 1013;

/// A call on behalf of an upgraded connection failed (and was logged): the connection is failed behind what was
/// already answered.
pub(crate) async fn trapped(
    worker: &Rc<Worker>,
    _plugin: PluginIndex,
    id: ConnectionId,
    failure: &Failure,
) {
    worker.shard.borrow_mut().fail(
        id,
        Instant::now(),
        INTERNAL_ERROR,
        "the request could not be handled",
    );
    report_error(worker, id, ErrorKind::Plugin, &failure.to_string()).await;
}

/// Something could not be queued because the peer reads too slowly: the connection is failed, and nothing more
/// is queued. May be called while a plugin runs.
pub(crate) fn backlog_full(worker: &Rc<Worker>, id: ConnectionId, now: Instant) {
    tracing::debug!(connection = %id, "closed: the outgoing buffer is full (limits.backlog_bytes)");
    worker
        .shard
        .borrow_mut()
        .fail(id, now, TRY_AGAIN_LATER, "reading too slowly");
    let worker = worker.clone();
    // Later, because a plugin cannot be called while it runs. Once per connection: it is not open any more.
    tokio::task::spawn_local(async move {
        report_error(
            &worker,
            id,
            ErrorKind::Limit,
            "the outgoing buffer is full (limits.backlog_bytes)",
        )
        .await;
    });
}

/// Tells the plugins with `socket-events` that something went wrong. Their own traps in here are only logged.
pub(crate) async fn report_error(
    worker: &Rc<Worker>,
    id: ConnectionId,
    kind: ErrorKind,
    detail: &str,
) {
    for &plugin in &worker.site.all_plugins {
        if !worker.placement(plugin).exports(Some(id)).socket_events {
            continue;
        }
        let hook = Hook::OnError(id, kind, Cow::Borrowed(detail));
        if let Err(failure) = call(worker, plugin, Some(id), hook).await {
            log(worker, plugin, Some(id), &failure);
        }
    }
}

/// One entry for a failed call.
pub(crate) fn log(
    worker: &Worker,
    plugin: PluginIndex,
    connection: Option<ConnectionId>,
    failure: &Failure,
) {
    let placement = worker.placement(plugin);
    let id = connection;
    let connection = connection.map(ConnectionId::as_u64);
    let backtrace = match failure {
        Failure::Call(CallError::Trap { backtrace, .. }) => backtrace.join("\n  "),
        _ => String::new(),
    };
    tracing::warn!(
        plugin = placement.name(),
        version = placement.generation(id).version().plugin.digest().short(),
        connection,
        error = %failure,
        backtrace,
        "a plugin's call failed"
    );
}
