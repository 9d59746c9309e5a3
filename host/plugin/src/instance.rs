//! One instance of a plugin, whatever it is made of: the hooks that it exports, one call at a time.

mod component;
mod native;

use std::sync::Arc;

use crate::error::CallError;
use crate::grants::Grants;
use crate::limits::InstanceLimits;
use crate::plugin::{Code, Version};
use crate::services::Services;
use crate::types::{
    ConnectionId, Ending, ErrorKind, Header, MessageRef, Rejection, UpgradeRequest,
};
use component::ComponentInstance;
use native::NativeInstance;

/// Bytes that [`Instance::save`] should give at most; the caller refuses more. A guest that gives more than twice
/// that is stopped before they are copied, because copying holds up everyone on the thread.
pub const STATE_BYTES: usize = 64 << 20;

/// A running plugin. Every hook is a future that must be awaited to its end: dropping it half-way poisons the
/// instance, as does every [`CallError`].
pub struct Instance {
    version: Arc<Version>,
    kind: Kind,
}

enum Kind {
    /// Boxed, as it is by far the larger.
    Component(Box<ComponentInstance>),
    Native(NativeInstance),
}

impl Instance {
    pub(crate) async fn new(
        version: Arc<Version>,
        services: Box<dyn Services>,
        limits: &InstanceLimits,
        grants: &Grants,
    ) -> Result<Instance, CallError> {
        let shared = Arc::clone(&version);
        let kind = match &version.code {
            Code::Component(code) => {
                let made = ComponentInstance::new(shared, code, services, limits, grants).await?;
                Kind::Component(Box::new(made))
            }
            Code::Native(native) => Kind::Native(NativeInstance::new(shared, native, services)?),
        };
        Ok(Instance { version, kind })
    }

    /// `handshake.check-custom-header`: extra fields for the 101 response, or a refusal. Not exported: no fields.
    pub async fn check_custom_header(
        &mut self,
        request: &UpgradeRequest,
    ) -> Result<Result<Vec<Header>, Rejection>, CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.check_custom_header(request).await,
            Kind::Native(native) => {
                let exported = self.version.exports.handshake;
                native.call(
                    "check-custom-header",
                    exported,
                    Ok(Vec::new()),
                    |handler, host| handler.check_custom_header(host, request),
                )
            }
        }
    }

    /// `handshake.select-protocol`. Not exported: none. Whether the answer was offered is for the host to check.
    pub async fn select_protocol(
        &mut self,
        connection: ConnectionId,
        offered: &[String],
    ) -> Result<Option<String>, CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.select_protocol(connection, offered).await,
            Kind::Native(native) => {
                let exported = self.version.exports.handshake;
                native.call("select-protocol", exported, None, |handler, host| {
                    handler.select_protocol(host, connection, offered)
                })
            }
        }
    }

    /// `handler.business-handler`. The payload is copied once, into guest memory.
    pub async fn business_handler(
        &mut self,
        connection: ConnectionId,
        message: MessageRef<'_>,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.business_handler(connection, message).await,
            Kind::Native(native) => {
                let exported = self.version.exports.handler;
                native.call("business-handler", exported, (), |handler, host| {
                    handler.business_handler(host, connection, message)
                })
            }
        }
    }

    /// `connection-events.on-handshake-success`.
    pub async fn on_handshake_success(
        &mut self,
        connection: ConnectionId,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_handshake_success(connection).await,
            Kind::Native(native) => {
                let exported = self.version.exports.connection_events;
                native.call("on-handshake-success", exported, (), |handler, host| {
                    handler.on_handshake_success(host, connection)
                })
            }
        }
    }

    /// `connection-events.on-disconnected`.
    pub async fn on_disconnected(
        &mut self,
        connection: ConnectionId,
        ending: &Ending,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_disconnected(connection, ending).await,
            Kind::Native(native) => {
                let exported = self.version.exports.connection_events;
                native.call("on-disconnected", exported, (), |handler, host| {
                    handler.on_disconnected(host, connection, ending)
                })
            }
        }
    }

    /// `socket-events.on-connected`.
    pub async fn on_connected(
        &mut self,
        connection: ConnectionId,
        peer: &str,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_connected(connection, peer).await,
            Kind::Native(native) => {
                let exported = self.version.exports.socket_events;
                native.call("on-connected", exported, (), |handler, host| {
                    handler.on_connected(host, connection, peer)
                })
            }
        }
    }

    /// `socket-events.on-upgrade-part-receive`.
    pub async fn on_upgrade_part_receive(
        &mut self,
        connection: ConnectionId,
        received: u32,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => {
                component
                    .on_upgrade_part_receive(connection, received)
                    .await
            }
            Kind::Native(native) => {
                let exported = self.version.exports.socket_events;
                native.call("on-upgrade-part-receive", exported, (), |handler, host| {
                    handler.on_upgrade_part_receive(host, connection, received)
                })
            }
        }
    }

    /// `socket-events.on-handshake-failure`.
    pub async fn on_handshake_failure(
        &mut self,
        connection: ConnectionId,
        status: u16,
        reason: &str,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => {
                component
                    .on_handshake_failure(connection, status, reason)
                    .await
            }
            Kind::Native(native) => {
                let exported = self.version.exports.socket_events;
                native.call("on-handshake-failure", exported, (), |handler, host| {
                    handler.on_handshake_failure(host, connection, status, reason)
                })
            }
        }
    }

    /// `socket-events.on-after-remove-socket`.
    pub async fn on_after_remove_socket(
        &mut self,
        connection: ConnectionId,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_after_remove_socket(connection).await,
            Kind::Native(native) => {
                let exported = self.version.exports.socket_events;
                native.call("on-after-remove-socket", exported, (), |handler, host| {
                    handler.on_after_remove_socket(host, connection)
                })
            }
        }
    }

    /// `socket-events.on-error`.
    pub async fn on_error(
        &mut self,
        connection: ConnectionId,
        kind: ErrorKind,
        detail: &str,
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_error(connection, kind, detail).await,
            Kind::Native(native) => {
                let exported = self.version.exports.socket_events;
                native.call("on-error", exported, (), |handler, host| {
                    handler.on_error(host, connection, kind, detail)
                })
            }
        }
    }

    /// `health-events.on-after-health-check`.
    pub async fn on_after_health_check(
        &mut self,
        unhealthy: &[ConnectionId],
    ) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_after_health_check(unhealthy).await,
            Kind::Native(native) => {
                let exported = self.version.exports.health_events;
                native.call("on-after-health-check", exported, (), |handler, host| {
                    handler.on_after_health_check(host, unhealthy)
                })
            }
        }
    }

    /// `server-events.on-started`: the host calls it once, before any other hook.
    pub async fn on_started(&mut self) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_started().await,
            Kind::Native(native) => {
                let exported = self.version.exports.server_events;
                native.call("on-started", exported, (), |handler, host| {
                    handler.on_started(host)
                })
            }
        }
    }

    /// `server-events.on-shutdown`, under a budget of its own.
    pub async fn on_shutdown(&mut self) -> Result<(), CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.on_shutdown().await,
            Kind::Native(native) => {
                let exported = self.version.exports.server_events;
                native.call("on-shutdown", exported, (), |handler, host| {
                    handler.on_shutdown(host)
                })
            }
        }
    }

    /// `state.save`: what the next version must know, or why this one must stay. Not exported: nothing.
    pub async fn save(&mut self) -> Result<Result<Vec<u8>, String>, CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.save().await,
            Kind::Native(native) => {
                let exported = self.version.exports.state;
                native.call("save", exported, Ok(Vec::new()), |handler, host| {
                    handler.save(host)
                })
            }
        }
    }

    /// `state.restore`: what the version with the digest `from_version` saved.
    pub async fn restore(
        &mut self,
        from_version: &str,
        state: &[u8],
    ) -> Result<Result<(), String>, CallError> {
        match &mut self.kind {
            Kind::Component(component) => component.restore(from_version, state).await,
            Kind::Native(native) => {
                let exported = self.version.exports.state;
                native.call("restore", exported, Ok(()), |handler, host| {
                    handler.restore(host, from_version, state)
                })
            }
        }
    }

    /// A call failed or was dropped half-way: no further call is possible, drop the instance.
    pub fn is_poisoned(&self) -> bool {
        match &self.kind {
            Kind::Component(component) => component.is_poisoned(),
            Kind::Native(native) => native.is_poisoned(),
        }
    }

    /// Bytes of linear memory that the guest has now; a native handler has none.
    pub fn memory_bytes(&self) -> usize {
        match &self.kind {
            Kind::Component(component) => component.memory_bytes(),
            Kind::Native(_) => 0,
        }
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        match &self.kind {
            Kind::Component(component) => component.calls(),
            Kind::Native(native) => native.calls(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_and_its_calls_may_move_between_threads() {
        fn is_send<T: Send>(_: T) {}
        fn check(instance: &'static mut Instance) {
            is_send(instance.business_handler(ConnectionId(1), MessageRef::Text("")));
        }
        is_send(check);
    }
}
