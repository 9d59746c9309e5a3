//! What a plugin does to a connection that another worker owns.

use std::rc::Rc;
use std::time::Instant;

use jackfield_hub::{AttributeError, ConnectionId, SendError};
use jackfield_plugin as plugin;
use jackfield_proto::Kind;
use tokio::sync::oneshot;

use super::Worker;
use crate::clock;
use crate::dispatch;
use crate::server::PluginIndex;

/// One operation on behalf of a plugin.
pub(crate) struct RemoteOp {
    pub(crate) plugin: PluginIndex,
    pub(crate) to: ConnectionId,
    pub(crate) action: Action,
}

/// What is to be done. Those without a reply were accepted when they were put into the mailbox.
pub(crate) enum Action {
    Send(Kind, Vec<u8>),
    SendUncompressed(Kind, Vec<u8>),
    SendFragment(Kind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    Disconnect,
    Attribute(
        AttributeOp,
        oneshot::Sender<Result<Option<Vec<u8>>, AttributeError>>,
    ),
    Info(oneshot::Sender<Option<plugin::ConnectionInfo>>),
}

/// An operation on attributes.
pub(crate) enum AttributeOp {
    Read(String),
    Write(String, Vec<u8>),
    Remove(String),
}

impl Worker {
    /// Does what another worker's plugin asked for.
    pub(super) fn remote(self: &Rc<Self>, op: RemoteOp) {
        let RemoteOp { plugin, to, action } = op;
        let reachable = self.may_reach(plugin, to);
        let now = clock::now();
        let sent = match action {
            Action::Attribute(op, reply) => {
                let answer = if reachable {
                    self.attribute_op(to, op)
                } else {
                    Err(AttributeError::Gone)
                };
                // The asker may have been stopped at its time budget meanwhile.
                let _ = reply.send(answer);
                return;
            }
            Action::Info(reply) => {
                let _ = reply.send(reachable.then(|| self.info(to, now)).flatten());
                return;
            }
            _ if !reachable => return,
            Action::Send(kind, payload) => self.shard.borrow_mut().send(to, kind, &payload),
            Action::SendUncompressed(kind, payload) => self
                .shard
                .borrow_mut()
                .send_uncompressed(to, kind, &payload),
            Action::SendFragment(kind, payload, last) => self
                .shard
                .borrow_mut()
                .send_fragment(to, kind, &payload, last),
            Action::Ping(payload) => self.shard.borrow_mut().ping(to, &payload),
            Action::Pong(payload) => self.shard.borrow_mut().pong(to, &payload),
            Action::Close(code, reason) => {
                // The code was checked before it was sent here; gone is what it should become.
                let _ = self.shard.borrow_mut().close(to, now, code, &reason);
                return;
            }
            Action::Disconnect => {
                let _ = self.shard.borrow_mut().disconnect(to);
                return;
            }
        };
        match sent {
            // It was accepted from the plugin, so it may not be lost in silence.
            Err(SendError::BacklogFull) => dispatch::backlog_full(self, to, now),
            Err(error) => {
                tracing::debug!(connection = %to, ?error, "a send from another worker was dropped")
            }
            Ok(()) => {}
        }
    }

    /// Reads or changes an attribute of a connection of this worker.
    pub(super) fn attribute_op(
        &self,
        of: ConnectionId,
        op: AttributeOp,
    ) -> Result<Option<Vec<u8>>, AttributeError> {
        let mut shard = self.shard.borrow_mut();
        match op {
            AttributeOp::Read(name) => shard.attribute(of, &name),
            AttributeOp::Write(name, value) => {
                shard.set_attribute(of, &name, &value).map(|()| None)
            }
            AttributeOp::Remove(name) => shard.remove_attribute(of, &name).map(|()| None),
        }
    }

    /// What is known of a connection of this worker.
    pub(super) fn info(&self, of: ConnectionId, now: Instant) -> Option<plugin::ConnectionInfo> {
        let shard = self.shard.borrow();
        let entry = shard.entry(of)?;
        let millis = |since: Instant| now.saturating_duration_since(since).as_millis() as u64;
        Some(plugin::ConnectionInfo {
            peer: entry.peer.to_string(),
            secure: entry.secure,
            route: self.route_of(entry)?.path.clone(),
            protocol: entry.protocol.as_deref().map(str::to_owned),
            age_ms: millis(entry.accepted),
            idle_ms: millis(entry.last_traffic()),
            backlog: entry.outbox.len() as u64,
        })
    }
}
