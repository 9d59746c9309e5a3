//! What one instance may use: memory, tables, guest time, waiting. Records which limit was met, so that the
//! error of the call can name it.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Core instances per component instance. Toolchains link a handful (Python's some tens).
const CORE_INSTANCES: usize = 200;
/// Tables per component instance.
const TABLES: usize = 64;
/// Linear memories per component instance.
const MEMORIES: usize = 16;

/// The limits of one [`Instance`](crate::Instance).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceLimits {
    /// Bytes of linear memory, all memories of the instance together. Capped by
    /// [`EngineConfig::memory_bytes_max`](crate::EngineConfig::memory_bytes_max).
    pub memory_bytes: usize,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// Guest time that one call may spend; time suspended does not count. Rounded up to the engine's tick.
    pub call_time: Duration,
    /// The same for `on-shutdown`.
    pub shutdown_time: Duration,
    /// How long one call may wait, in sum, for things outside the guest (a clock that it sleeps on, another
    /// worker's answer).
    pub wait_time: Duration,
    /// Bytes that may cross from the guest in one import or result; at least `memory_bytes` is always
    /// allowed, so that a message above the host's largest is answered with `too-large`, not with a trap.
    pub hostcall_bytes: usize,
}

impl Default for InstanceLimits {
    /// 64 MiB of memory, 100,000 table elements, one second a call, five at shutdown, 30 waiting.
    fn default() -> Self {
        InstanceLimits {
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            call_time: Duration::from_secs(1),
            shutdown_time: Duration::from_secs(5),
            wait_time: Duration::from_secs(30),
            hostcall_bytes: 16 << 20,
        }
    }
}

/// A limit that a growth of memory or a table met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    Memory,
    Table,
}

/// Counts what a store has and refuses what is above its limits.
pub(crate) struct Limiter {
    memory_limit: usize,
    table_limit: usize,
    memory: usize,
    table: usize,
    /// What the last permitted growth added, to be taken back should it fail after all.
    pending_memory: usize,
    pending_table: usize,
    /// The limit met since the last call began.
    pub(crate) hit: Option<Hit>,
}

impl Limiter {
    pub(crate) fn new(memory_limit: usize, table_limit: usize) -> Limiter {
        Limiter {
            memory_limit,
            table_limit,
            memory: 0,
            table: 0,
            pending_memory: 0,
            pending_table: 0,
            hit: None,
        }
    }

    /// Bytes of linear memory now.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    pub(crate) fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    pub(crate) fn table_limit(&self) -> usize {
        self.table_limit
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.memory.saturating_add(more) > self.memory_limit {
            // The guest sees a failed `memory.grow`, as at any memory's end; some recover. If the call
            // traps because of it, its error names this limit.
            self.hit = Some(Hit::Memory);
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory += more;
        self.pending_memory = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory = self
            .memory
            .saturating_sub(std::mem::take(&mut self.pending_memory));
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.table.saturating_add(more) > self.table_limit {
            self.hit = Some(Hit::Table);
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table += more;
        self.pending_table = more;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table = self
            .table
            .saturating_sub(std::mem::take(&mut self.pending_table));
        Ok(())
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

/// Ticks of a call's first slice of guest time. With one, the tick would suspend every call that it happens to fall
/// into, and one call in progress makes everyone else wait; with two, only a call that takes a tick's length.
const FIRST_SLICE: u32 = 2;
/// Ticks of every further slice.
const SLICE: u32 = 1;

/// The guest time of the running call, counted in ticks of the engine's epoch.
#[derive(Default)]
pub(crate) struct Budget {
    used: u32,
    slice: u32,
    allowed: u32,
    /// The call was stopped because the budget was used up.
    pub(crate) spent: bool,
}

impl Budget {
    /// Starts a call that may use this many ticks.
    pub(crate) fn start(&mut self, allowed: u32) {
        *self = Budget {
            used: 0,
            slice: FIRST_SLICE,
            allowed,
            spent: false,
        };
    }

    /// Ticks until the guest is suspended.
    pub(crate) fn slice(&self) -> u64 {
        self.slice.into()
    }

    /// The slice is over. False: that was the last.
    pub(crate) fn tick(&mut self) -> bool {
        self.used = self.used.saturating_add(self.slice);
        self.slice = SLICE;
        self.spent = self.used >= self.allowed;
        !self.spent
    }
}

/// How many ticks make up this time. One more than fits, as the first tick of a call is cut short.
pub(crate) fn ticks(time: Duration, tick: Duration) -> u32 {
    let whole = time.as_nanos().div_ceil(tick.as_nanos().max(1));
    u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_count_together() {
        let mut limiter = Limiter::new(100, 10);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert_eq!((limiter.memory(), limiter.hit), (60, Some(Hit::Memory)));
        assert!(limiter.memory_growing(60, 100, None).unwrap());
    }

    #[test]
    fn a_growth_that_fails_is_taken_back() {
        let mut limiter = Limiter::new(100, 10);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        limiter
            .memory_grow_failed(wasmtime::Error::msg("no memory"))
            .unwrap();
        assert_eq!((limiter.memory(), limiter.hit), (0, None));
    }

    #[test]
    fn the_guests_own_maximum_is_not_our_limit() {
        let mut limiter = Limiter::new(100, 10);
        assert!(!limiter.memory_growing(0, 60, Some(50)).unwrap());
        assert!(!limiter.table_growing(0, 6, Some(5)).unwrap());
        assert_eq!(limiter.hit, None);
        assert!(!limiter.table_growing(0, 11, None).unwrap());
        assert_eq!(limiter.hit, Some(Hit::Table));
    }

    #[test]
    fn a_budget_ends_on_its_last_tick() {
        let mut budget = Budget::default();
        budget.start(ticks(Duration::from_millis(5), Duration::from_millis(2)));
        assert!(budget.tick() && budget.tick());
        assert!(!budget.tick() && budget.spent);
    }
}
