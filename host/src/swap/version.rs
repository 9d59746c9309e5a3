//! One version of a plugin: a component with its configuration, and how it has fared so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jackfield_hub::WorkerIndex;
use jackfield_plugin::{CallError, Digest, Plugin};

use crate::config::{escaped, resolved};

/// A version of a plugin, shared by the workers that run it and the manager that swaps it.
pub(crate) struct Version {
    pub(crate) plugin: Plugin,
    pub(crate) config: resolved::Plugin,
    /// When it was loaded.
    pub(crate) since: SystemTime,
    /// One for each worker, so that counting shares no cache line.
    counters: Box<[Counters]>,
    last_error: Mutex<Option<String>>,
    /// Until when the version is taken out, in milliseconds after `born`; 0: it is not.
    out_until: AtomicU64,
    born: Instant,
}

/// Counts of one worker. Written by that worker only.
#[derive(Default)]
#[repr(align(64))]
struct Counters {
    calls: AtomicU64,
    traps: AtomicU64,
    timeouts: AtomicU64,
}

/// How a version has fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls of hooks.
    pub calls: u64,
    /// Of these, how many trapped (memory limits included).
    pub traps: u64,
    /// Of these, how many ran out of time.
    pub timeouts: u64,
}

impl Tally {
    /// Calls that failed.
    pub fn errors(self) -> u64 {
        self.traps + self.timeouts
    }

    /// What was added since `earlier`.
    pub fn since(self, earlier: Tally) -> Tally {
        Tally {
            calls: self.calls.saturating_sub(earlier.calls),
            traps: self.traps.saturating_sub(earlier.traps),
            timeouts: self.timeouts.saturating_sub(earlier.timeouts),
        }
    }
}

/// What a guest wrote, line by line, without what could move a terminal's cursor.
fn lines(said: &str) -> String {
    let lines: Vec<String> = said.lines().map(escaped).collect();
    lines.join("\n")
}

impl Version {
    pub(crate) fn new(plugin: Plugin, config: resolved::Plugin, workers: usize) -> Arc<Self> {
        Arc::new(Version {
            plugin,
            config,
            since: SystemTime::now(),
            counters: (0..workers).map(|_| Counters::default()).collect(),
            last_error: Mutex::default(),
            out_until: AtomicU64::new(0),
            born: Instant::now(),
        })
    }

    /// Whether this is the same component under the same configuration.
    pub(crate) fn is_same(&self, digest: &Digest, config: &resolved::Plugin) -> bool {
        self.plugin.digest() == digest
            && self.config.instances == config.instances
            && self.config.limits == config.limits
            && self.config.recycle == config.recycle
            && self.config.grants == config.grants
    }

    /// Counts a call of a worker's.
    pub(crate) fn count(&self, worker: WorkerIndex, failure: Option<&CallError>) {
        let Some(counters) = self.counters.get(usize::from(worker)) else {
            return;
        };
        // Only the worker's own thread writes, so that load and store need not be one operation.
        let bump = |counter: &AtomicU64| {
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        };
        bump(&counters.calls);
        if let Some(error) = failure {
            match error {
                CallError::TimeBudget { .. } | CallError::WaitLimit { .. } => {
                    bump(&counters.timeouts)
                }
                _ => bump(&counters.traps),
            }
            let mut last = self
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *last = Some(match error.stderr() {
                "" => error.to_string(),
                // The guest's own words, for a terminal or a page.
                said => format!("{error}\n{}", lines(said)),
            });
        }
    }

    /// The counts of all workers.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for counters in &self.counters {
            tally.calls += counters.calls.load(Ordering::Relaxed);
            tally.traps += counters.traps.load(Ordering::Relaxed);
            tally.timeouts += counters.timeouts.load(Ordering::Relaxed);
        }
        tally
    }

    /// What the last failed call said.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes the version out of service for a while: its routes refuse upgrades.
    pub(crate) fn take_out(&self, pause: Duration) {
        let until = self.born.elapsed() + pause;
        self.out_until
            .store((until.as_millis() as u64).max(1), Ordering::Relaxed);
    }

    /// For how much longer the version is out of service; none when it serves.
    pub(crate) fn out_for(&self) -> Option<Duration> {
        let until = self.out_until.load(Ordering::Relaxed);
        if until == 0 {
            return None;
        }
        Duration::from_millis(until)
            .checked_sub(self.born.elapsed())
            .filter(|left| !left.is_zero())
    }
}
