//! What a store carries beside guest memory: the limits, the WASI context with what was granted, and the way
//! to the host's services.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::clock;
use crate::grants::{GrantError, Grants};
use crate::limits::{Budget, Limiter};
use crate::output::{GuestOutput, Shared};
use crate::services::GuestStream;

/// Handles of host resources (streams, pollables) that one instance may hold.
const RESOURCES: usize = 1024;
/// Bytes of randomness that one call of `wasi:random` gives at most.
const RANDOM_BYTES: u64 = 1 << 20;

/// The data of a store.
pub(crate) struct State {
    pub(crate) shared: Arc<Shared>,
    pub(crate) limiter: Limiter,
    pub(crate) budget: Budget,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl State {
    pub(crate) fn new(
        shared: Arc<Shared>,
        limiter: Limiter,
        grants: &Grants,
    ) -> Result<State, GrantError> {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES);
        // No arguments, sockets or name lookup, and of environment and directories what is granted.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(GuestOutput::new(&shared, GuestStream::Stdout))
            .stderr(GuestOutput::new(&shared, GuestStream::Stderr))
            .max_random_size(RANDOM_BYTES)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        clock::apply(&mut wasi);
        grants.apply(&mut wasi)?;
        Ok(State {
            shared,
            limiter,
            budget: Budget::default(),
            wasi: wasi.build(),
            resources,
        })
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.resources,
        }
    }
}
