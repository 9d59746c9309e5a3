//! What follows when something goes wrong on a connection: what is logged, which close code, who hears of it.

use std::borrow::Cow;
use std::time::Instant;

use jackfield_hub::{ConnectionId, Overflow};
use jackfield_plugin::{CallError, ErrorKind};
use jackfield_proto::ProtocolError;

use super::INTERNAL_ERROR;
use crate::clock;
use crate::instances::{Failure, Hook};
use crate::metrics::Limit;
use crate::server::PluginIndex;
use crate::worker::Worker;

/// IANA's registry of close codes: 1013, "Try Again Later".
const TRY_AGAIN_LATER: u16 = 1013;

/// A call on behalf of an upgraded connection failed (and was logged): the connection is failed behind what was
/// already answered.
pub(crate) fn trapped(worker: &Worker, id: ConnectionId, failure: &Failure) {
    worker.shard.borrow_mut().fail(
        id,
        clock::now(),
        INTERNAL_ERROR,
        "the request could not be handled",
    );
    report_error(worker, id, ErrorKind::Plugin, &failure.to_string());
}

/// Something could not be queued because the peer reads too slowly: the connection is failed, and nothing more
/// is queued, unless its route says that messages are dropped. May be called while a plugin runs.
pub(crate) fn backlog_full(worker: &Worker, id: ConnectionId, now: Instant) {
    const WHY: &str = "the outgoing buffer is full (limits.backlog_bytes)";
    let overflow = worker.shard.borrow().entry(id).map(|entry| entry.overflow);
    if let Some(Overflow::DropOldest | Overflow::DropNewest) = overflow {
        worker.met(Limit::BacklogDroppedNewest);
        return;
    }
    worker.met(Limit::BacklogClosed);
    tracing::debug!(connection = %id, "closed: {WHY}");
    let mut shard = worker.shard.borrow_mut();
    shard.fail(id, now, TRY_AGAIN_LATER, "reading too slowly");
    drop(shard);
    report_error(worker, id, ErrorKind::Limit, WHY);
}

/// The peer broke a rule, and its connection was failed.
pub(crate) fn offence(worker: &Worker, id: ConnectionId, error: ProtocolError) {
    tracing::debug!(connection = %id, %error, code = error.code(), "the connection was failed");
    let limit = match error {
        ProtocolError::MessageTooBig => Some(Limit::MessageBytes),
        ProtocolError::MessageTooSlow => Some(Limit::MessageTimeout),
        _ => None,
    };
    let kind = match limit {
        Some(limit) => {
            worker.met(limit);
            ErrorKind::Limit
        }
        None => ErrorKind::Protocol,
    };
    report_error(worker, id, kind, &error.to_string());
}

/// Tells the plugins with `socket-events` that something went wrong.
pub(crate) fn report_error(worker: &Worker, id: ConnectionId, kind: ErrorKind, detail: &str) {
    super::socket_event(worker, id, || {
        Hook::OnError(id, kind, Cow::Owned(detail.to_owned()))
    });
}

/// One entry for a failed call.
pub(crate) fn log(
    worker: &Worker,
    plugin: PluginIndex,
    connection: Option<ConnectionId>,
    failure: &Failure,
) {
    let placement = worker.placement(plugin);
    let backtrace = match failure {
        Failure::Call {
            error: CallError::Trap { backtrace, .. },
            ..
        } => backtrace.join("\n  "),
        _ => String::new(),
    };
    let stderr = match failure {
        Failure::Call { error, .. } => error.stderr(),
        Failure::Stopped => "",
    };
    let version = match failure {
        Failure::Call { version, .. } => version.short(),
        Failure::Stopped => String::new(),
    };
    let connection = connection.map(ConnectionId::as_u64);
    tracing::warn!(
        plugin = placement.name(),
        version,
        connection,
        error = %failure,
        stderr,
        backtrace,
        "a plugin's call failed"
    );
}
