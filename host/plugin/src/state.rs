//! What a store carries beside guest memory: the limits, the WASI context with nothing granted, and the way
//! to the host's services.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

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
    pub(crate) fn new(shared: Arc<Shared>, limiter: Limiter) -> State {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES);
        // No arguments, environment, directories, sockets or name lookup: what is not granted is not there.
        let wasi = WasiCtx::builder()
            .stdout(GuestOutput::new(&shared, GuestStream::Stdout))
            .stderr(GuestOutput::new(&shared, GuestStream::Stderr))
            .max_random_size(RANDOM_BYTES)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        State {
            shared,
            limiter,
            budget: Budget::default(),
            wasi,
            resources,
        }
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
