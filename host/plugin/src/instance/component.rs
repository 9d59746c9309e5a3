//! One instance of a component: a store, the hooks that it exports, one call at a time.
//!
//! A hook that is not exported is answered without a call, as if the plugin had done nothing. What a failed
//! call means for connections is the host's to decide; here it only ends the instance.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};

use super::STATE_BYTES;
use crate::bindings::{EndingIn, ErrorKindIn, MessageIn, UpgradeRequestIn, headers_in};
use crate::calls::{self, Times};
use crate::error::CallError;
use crate::grants::Grants;
use crate::hooks::Hooks;
use crate::limits::{InstanceLimits, Limiter};
use crate::output::Shared;
use crate::plugin::{Compiled, Version};
use crate::services::Services;
use crate::state::State;
use crate::types::{
    ConnectionId, Ending, ErrorKind, Header, MessageRef, Rejection, UpgradeRequest,
};

/// Beside the values themselves, what may cross in one go: lists of small records and the like.
const CROSSING_SLACK: usize = 64 << 10;

/// Linux counts mappings, 65,530 for a process by default, and an instance takes several.
const OUT_OF_MAPPINGS: &str = "; when the machine has memory, the process has no mappings left, of which every instance \
     takes some: raise the sysctl vm.max_map_count, or share instances (instances = \"worker\")";

/// A running component.
pub(super) struct ComponentInstance {
    store: Store<State>,
    hooks: Hooks,
    shared: Arc<Shared>,
    version: Arc<Version>,
    times: Times,
    fuel: usize,
    calls: u64,
    poisoned: bool,
}

impl ComponentInstance {
    pub(super) async fn new(
        version: Arc<Version>,
        code: &Compiled,
        services: Box<dyn Services>,
        limits: &InstanceLimits,
        grants: &Grants,
    ) -> Result<ComponentInstance, CallError> {
        let hook = "instantiation";
        let engine = &code.engine;
        let memory_limit = limits.memory_bytes.min(engine.memory_bytes_max);
        let shared = Shared::new(services);
        let limiter = Limiter::new(memory_limit, limits.table_elements);
        let state = State::new(Arc::clone(&shared), limiter, grants)
            .map_err(|error| CallError::Instantiate(error.to_string()))?;
        let mut store = Store::new(&engine.engine, state);
        store.limiter(|state| &mut state.limiter);
        let fuel = memory_limit
            .max(limits.hostcall_bytes)
            .saturating_add(CROSSING_SLACK);
        store.set_hostcall_fuel(fuel);
        calls::slice(&mut store);
        let times = Times::new(limits, engine.tick);
        let budget = times.of(hook);
        calls::arm(&mut store, budget);
        let started = {
            let starting = pin!(code.pre.instantiate_async(&mut store));
            calls::run(starting, &times, &shared).await
        };
        shared.end();
        let instance = match started {
            Some(Ok(instance)) => instance,
            Some(Err(error)) => {
                return Err(
                    match calls::explain(hook, budget, fuel, store.data(), &error) {
                        // No guest code ran: the engine itself refused.
                        CallError::Trap { backtrace, .. } if backtrace.is_empty() => {
                            refused(&error)
                        }
                        other => other,
                    },
                );
            }
            None => return Err(calls::waited(hook, &times)),
        };
        let hooks =
            Hooks::new(&mut store, &instance, &code.indices).map_err(|error| refused(&error))?;
        version.live.fetch_add(1, Ordering::Relaxed);
        Ok(ComponentInstance {
            store,
            hooks,
            shared,
            version,
            times,
            fuel,
            calls: 0,
            poisoned: false,
        })
    }

    /// `handshake.check-custom-header`: extra fields for the 101 response, or a refusal. Not exported: no fields.
    pub(super) async fn check_custom_header(
        &mut self,
        request: &UpgradeRequest,
    ) -> Result<Result<Vec<Header>, Rejection>, CallError> {
        let Some(hook) = self.hooks.check_custom_header else {
            return Ok(Ok(Vec::new()));
        };
        let headers = headers_in(&request.headers);
        let params = (UpgradeRequestIn::new(request, &headers),);
        let (answer,) = self
            .call(
                "check-custom-header",
                Some(request.connection),
                hook,
                params,
            )
            .await?;
        Ok(match answer {
            Ok(headers) => Ok(headers.into_iter().map(Into::into).collect()),
            Err(rejection) => Err(rejection.into()),
        })
    }

    /// `handshake.select-protocol`. Not exported: none. Whether the answer was offered is for the host to check.
    pub(super) async fn select_protocol(
        &mut self,
        connection: ConnectionId,
        offered: &[String],
    ) -> Result<Option<String>, CallError> {
        let Some(hook) = self.hooks.select_protocol else {
            return Ok(None);
        };
        let (answer,) = self
            .call(
                "select-protocol",
                Some(connection),
                hook,
                (connection.0, offered),
            )
            .await?;
        Ok(answer)
    }

    /// `handler.business-handler`. The payload is copied once, into guest memory.
    pub(super) async fn business_handler(
        &mut self,
        connection: ConnectionId,
        message: MessageRef<'_>,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.business_handler else {
            return Ok(());
        };
        let params = (connection.0, MessageIn::from(message));
        self.call("business-handler", Some(connection), hook, params)
            .await
    }

    /// `connection-events.on-handshake-success`.
    pub(super) async fn on_handshake_success(
        &mut self,
        connection: ConnectionId,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_handshake_success else {
            return Ok(());
        };
        self.call(
            "on-handshake-success",
            Some(connection),
            hook,
            (connection.0,),
        )
        .await
    }

    /// `connection-events.on-disconnected`.
    pub(super) async fn on_disconnected(
        &mut self,
        connection: ConnectionId,
        ending: &Ending,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_disconnected else {
            return Ok(());
        };
        let params = (connection.0, EndingIn::from(ending));
        self.call("on-disconnected", Some(connection), hook, params)
            .await
    }

    /// `socket-events.on-connected`.
    pub(super) async fn on_connected(
        &mut self,
        connection: ConnectionId,
        peer: &str,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_connected else {
            return Ok(());
        };
        self.call("on-connected", Some(connection), hook, (connection.0, peer))
            .await
    }

    /// `socket-events.on-upgrade-part-receive`.
    pub(super) async fn on_upgrade_part_receive(
        &mut self,
        connection: ConnectionId,
        received: u32,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_upgrade_part_receive else {
            return Ok(());
        };
        self.call(
            "on-upgrade-part-receive",
            Some(connection),
            hook,
            (connection.0, received),
        )
        .await
    }

    /// `socket-events.on-handshake-failure`.
    pub(super) async fn on_handshake_failure(
        &mut self,
        connection: ConnectionId,
        status: u16,
        reason: &str,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_handshake_failure else {
            return Ok(());
        };
        let params = (connection.0, status, reason);
        self.call("on-handshake-failure", Some(connection), hook, params)
            .await
    }

    /// `socket-events.on-after-remove-socket`.
    pub(super) async fn on_after_remove_socket(
        &mut self,
        connection: ConnectionId,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_after_remove_socket else {
            return Ok(());
        };
        self.call(
            "on-after-remove-socket",
            Some(connection),
            hook,
            (connection.0,),
        )
        .await
    }

    /// `socket-events.on-error`.
    pub(super) async fn on_error(
        &mut self,
        connection: ConnectionId,
        kind: ErrorKind,
        detail: &str,
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_error else {
            return Ok(());
        };
        let params = (connection.0, ErrorKindIn::from(kind), detail);
        self.call("on-error", Some(connection), hook, params).await
    }

    /// `health-events.on-after-health-check`.
    pub(super) async fn on_after_health_check(
        &mut self,
        unhealthy: &[ConnectionId],
    ) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_after_health_check else {
            return Ok(());
        };
        let unhealthy: Vec<u64> = unhealthy.iter().map(|id| id.0).collect();
        self.call("on-after-health-check", None, hook, (unhealthy.as_slice(),))
            .await
    }

    /// `server-events.on-started`: the host calls it once, before any other hook.
    pub(super) async fn on_started(&mut self) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_started else {
            return Ok(());
        };
        self.call("on-started", None, hook, ()).await
    }

    /// `server-events.on-shutdown`, under a budget of its own.
    pub(super) async fn on_shutdown(&mut self) -> Result<(), CallError> {
        let Some(hook) = self.hooks.on_shutdown else {
            return Ok(());
        };
        self.call("on-shutdown", None, hook, ()).await
    }

    /// `state.save`: what the next version must know, or why this one must stay. Not exported: nothing.
    pub(super) async fn save(&mut self) -> Result<Result<Vec<u8>, String>, CallError> {
        let Some(hook) = self.hooks.save else {
            return Ok(Ok(Vec::new()));
        };
        let usual = self.fuel;
        self.fuel = usual.min(2 * STATE_BYTES);
        self.store.set_hostcall_fuel(self.fuel);
        let answer = self.call("save", None, hook, ()).await;
        self.fuel = usual;
        self.store.set_hostcall_fuel(usual);
        let (answer,) = answer?;
        Ok(answer)
    }

    /// `state.restore`: what the version with the digest `from_version` saved.
    pub(super) async fn restore(
        &mut self,
        from_version: &str,
        state: &[u8],
    ) -> Result<Result<(), String>, CallError> {
        let Some(hook) = self.hooks.restore else {
            return Ok(Ok(()));
        };
        let (answer,) = self
            .call("restore", None, hook, (from_version, state))
            .await?;
        Ok(answer)
    }

    /// A call failed or was dropped half-way: no further call is possible, drop the instance.
    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Bytes of linear memory that the guest has now.
    pub(super) fn memory_bytes(&self) -> usize {
        self.store.data().limiter.memory()
    }

    /// Calls made so far.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    async fn call<P, R>(
        &mut self,
        hook: &'static str,
        caller: Option<ConnectionId>,
        function: TypedFunc<P, R>,
        params: P,
    ) -> Result<R, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        if self.poisoned {
            return Err(CallError::Poisoned { hook });
        }
        // Set until the guest has returned: a future dropped half-way leaves the guest in the middle of a call.
        self.poisoned = true;
        self.calls += 1;
        self.shared.begin(caller);
        let budget = self.times.of(hook);
        calls::arm(&mut self.store, budget);
        let answer = {
            let call = pin!(function.call_async(&mut self.store, params));
            calls::run(call, &self.times, &self.shared).await
        };
        self.shared.end();
        match answer {
            Some(Ok(answer)) => {
                self.poisoned = false;
                Ok(answer)
            }
            Some(Err(error)) => Err(calls::explain(
                hook,
                budget,
                self.fuel,
                self.store.data(),
                &error,
            )),
            None => Err(calls::waited(hook, &self.times)),
        }
    }
}

/// Why there is no instance, and what to do when it is the system that has no more room: ENOMEM, of which the
/// engine's error keeps the words only.
fn refused(error: &wasmtime::Error) -> CallError {
    let mut reason = format!("{error:#}");
    if reason.contains("os error 12)") {
        reason.push_str(OUT_OF_MAPPINGS);
    }
    CallError::Instantiate(reason)
}

impl Drop for ComponentInstance {
    fn drop(&mut self) {
        // A call that was dropped half-way may have left a line.
        self.shared.end();
        self.version.live.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_mappings_is_told_what_to_raise() {
        let errno = std::io::Error::from_raw_os_error(12);
        let error = wasmtime::Error::new(errno).context("mprotect failed");
        let shown = refused(&error).to_string();
        assert!(shown.contains("mprotect failed"), "{shown}");
        assert!(shown.contains("vm.max_map_count"), "{shown}");
        let other = refused(&wasmtime::Error::msg("unknown import")).to_string();
        assert!(!other.contains("max_map_count"), "{other}");
    }
}
