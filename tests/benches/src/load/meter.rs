//! The clock of a run: when the measurement begins and ends, and what was used in between.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::{Latency, LoadError, Plan, Report};
use crate::system::Cpu;

/// The longest latency that is told from a longer one.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts what happens between the end of the warm-up and the end of the run.
pub(super) struct Meter {
    pid: Option<u32>,
    begins: Instant,
    ends: Instant,
    running: Option<Start>,
    limit: Option<u64>,
    messages: u64,
    histogram: Histogram<u64>,
}

struct Start {
    at: Instant,
    server: Cpu,
    generator: Cpu,
}

impl Meter {
    pub(super) fn new(plan: &Plan) -> Result<Meter, LoadError> {
        let begins = Instant::now() + plan.warmed();
        let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
        let histogram = Histogram::new_with_max(longest, 3)
            .map_err(|_| LoadError::Plan("no histogram of this size"))?;
        Ok(Meter {
            pid: plan.pid,
            begins,
            ends: begins + plan.measured(),
            running: None,
            limit: plan.messages,
            messages: 0,
            histogram,
        })
    }

    /// Looks at the clock; false when the run is over. Call it often, but not for each message.
    pub(super) fn goes_on(&mut self, now: Instant) -> Result<bool, LoadError> {
        if self.running.is_none() && now >= self.begins {
            self.running = Some(self.start()?);
        }
        let spent = self.limit.is_some_and(|limit| self.messages >= limit);
        Ok(now < self.ends && !spent)
    }

    /// `count` messages came back at `now`, and had been due (or sent) at `due`.
    pub(super) fn answered(&mut self, count: u64, due: Instant, now: Instant) {
        if self.running.is_none() {
            return;
        }
        self.messages += count;
        let waited = now.saturating_duration_since(due).as_nanos();
        self.histogram
            .saturating_record_n(u64::try_from(waited).unwrap_or(u64::MAX), count);
    }

    /// Ends the measurement.
    pub(super) fn report(&self, connections: usize) -> Result<Report, LoadError> {
        let Some(start) = &self.running else {
            return Err(LoadError::Plan(
                "the run ended before the measurement began",
            ));
        };
        let end = self.start()?;
        let server = end.server.since(start.server);
        Ok(Report {
            connections,
            seconds: end.at.duration_since(start.at).as_secs_f64(),
            messages: self.messages,
            server_cpu: nanoseconds(server.busy),
            server_user: server.user_share(),
            generator_cpu: nanoseconds(end.generator.since(start.generator).busy),
            latency: Latency {
                p50: self.histogram.value_at_quantile(0.5),
                p99: self.histogram.value_at_quantile(0.99),
                p999: self.histogram.value_at_quantile(0.999),
                max: self.histogram.max(),
            },
            ..Report::default()
        })
    }

    fn start(&self) -> Result<Start, LoadError> {
        Ok(Start {
            server: self.pid.map_or(Ok(Cpu::default()), Cpu::of)?,
            generator: Cpu::of(std::process::id())?,
            at: Instant::now(),
        })
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
