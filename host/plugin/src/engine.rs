//! The engine: its settings, the thread that ticks its epoch, and loading.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::cache::Cache;
use crate::error::{EngineError, LoadError};
use crate::plugin::Plugin;
use crate::state::State;

/// Core instances of one component: Python's runtime has some tens, everything else a handful.
const CORE_INSTANCES: u32 = 100;
/// Tables that the pool keeps for each instance, on average: a module's own, the one that links it to its imports,
/// and some for runtimes that load libraries.
const TABLES: u32 = 4;
/// Tables and memories that one component or module may have.
const TABLES_EACH: u32 = 64;
const MEMORIES_EACH: u32 = 16;
/// Bytes of the engine's own records of one instance; allocated as needed, so this only bounds them.
const RECORD_BYTES: usize = 8 << 20;
/// Native stack of one suspended call. The guest's part of it is the engine's default of 512 KiB.
const STACK_BYTES: usize = 1 << 20;

/// Settings of an [`Engine`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// How often a computing guest is suspended so that its worker can do something else; also the unit in
    /// which guest time is counted.
    pub tick: Duration,
    /// Instances that may exist at once, over all plugins and workers.
    pub max_instances: u32,
    /// The largest memory that any instance may have; [`InstanceLimits`](crate::InstanceLimits) can only lower it.
    pub memory_bytes_max: usize,
    /// The most elements that any table of an instance may have; limits can only lower it.
    pub table_elements_max: usize,
    /// Folder for compiled code, private to this user; none: compile at every start.
    pub cache: Option<PathBuf>,
}

impl Default for EngineConfig {
    /// A tick of 1 ms, 4,096 instances of at most 1 GiB and 100,000 elements in a table, no cache.
    fn default() -> Self {
        EngineConfig {
            tick: Duration::from_millis(1),
            max_instances: 4096,
            memory_bytes_max: 1 << 30,
            table_elements_max: 100_000,
            cache: None,
        }
    }
}

/// A handle to the engine; cloning is cheap. The ticking thread ends with the last handle, plugin and instance.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What handles and plugins share.
pub(crate) struct Inner {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) cache: Option<Cache>,
    pub(crate) tick: Duration,
    pub(crate) memory_bytes_max: usize,
    table_elements_max: usize,
    allocation: &'static str,
}

impl Engine {
    /// Sets up the engine and starts its thread. Reserves address space, not memory, for all instances; when
    /// the system will not give it, instances are allocated one by one, which [`Engine::allocation`] tells.
    pub fn new(config: EngineConfig) -> Result<Engine, EngineError> {
        let (engine, allocation) = build(&config)?;
        let linker = crate::linker::build(&engine)
            .map_err(|error| EngineError::Start(format!("{error:#}")))?;
        let tick = config.tick.max(Duration::from_micros(100));
        start_ticking(&engine, tick)?;
        let cache = config
            .cache
            .as_deref()
            .and_then(|folder| Cache::open(folder, &engine));
        Ok(Engine {
            inner: Arc::new(Inner {
                engine,
                linker,
                cache,
                tick,
                memory_bytes_max: config.memory_bytes_max,
                table_elements_max: config.table_elements_max,
                allocation,
            }),
        })
    }

    /// How instances get their memory: `"pooling"` or `"on demand"`.
    pub fn allocation(&self) -> &'static str {
        self.inner.allocation
    }

    /// The largest memory that any instance may have, in bytes.
    pub fn memory_bytes_max(&self) -> usize {
        self.inner.memory_bytes_max
    }

    /// The most elements that any table of an instance may have.
    pub fn table_elements_max(&self) -> usize {
        self.inner.table_elements_max
    }

    /// Checks and compiles a component, or takes its compiled code from the cache. `name` is for messages.
    ///
    /// Blocks, for seconds with heavy guests: never call it on a worker.
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<Plugin, LoadError> {
        Plugin::load(&self.inner, name, bytes)
    }
}

/// The pooling allocator if the system allows it, the other otherwise.
fn build(config: &EngineConfig) -> Result<(wasmtime::Engine, &'static str), EngineError> {
    let mut settings = settings();
    settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    let refused = match wasmtime::Engine::new(&settings) {
        Ok(engine) => return Ok((engine, "pooling")),
        Err(error) => error,
    };
    tracing::debug!("no pooling allocator: {refused:#}");
    settings.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    // Where 4 GiB of address space an instance are too much for a pool, they are for single instances.
    settings.memory_reservation(config.memory_bytes_max as u64);
    match wasmtime::Engine::new(&settings) {
        Ok(engine) => Ok((engine, "on demand")),
        Err(error) => Err(EngineError::Start(format!("{error:#}"))),
    }
}

/// What does not depend on the allocator.
fn settings() -> Config {
    let mut settings = Config::new();
    // Without concurrency support a call costs about a quarter; the contract has no async functions.
    settings.concurrency_support(false);
    settings.epoch_interruption(true);
    settings.memory_init_cow(true);
    settings.async_stack_size(STACK_BYTES);
    settings.wasm_backtrace_details(WasmBacktraceDetails::Enable);
    settings
}

fn pool(config: &EngineConfig) -> PoolingAllocationConfig {
    let instances = config.max_instances.max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(TABLES))
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_tables_per_component(TABLES_EACH)
        .max_tables_per_module(TABLES_EACH)
        .max_memories_per_component(MEMORIES_EACH)
        .max_memories_per_module(MEMORIES_EACH)
        .max_component_instance_size(RECORD_BYTES)
        .max_core_instance_size(RECORD_BYTES)
        .max_memory_size(config.memory_bytes_max)
        .table_elements(config.table_elements_max);
    pool
}

/// One OS thread that moves the epoch on, until nothing holds the engine any more.
fn start_ticking(engine: &wasmtime::Engine, tick: Duration) -> Result<(), EngineError> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("jackfield-epoch".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(tick);
            }
        })
        .map(drop)
        .map_err(EngineError::Ticker)
}
