//! Watches how versions do: goes back from a new one that fails, takes out one that fails again and again, ends
//! drains.

use std::time::{Duration, Instant};

use super::slot::{SideKind, Slot};
use super::version::Tally;
use super::{Plugins, SwapError};
use crate::config::resolved::SwapLimits;
use crate::instances::Step;
use crate::server::PluginIndex;

/// How often versions are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The first pause of a version that is taken out; each one in a row is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often in a row a version is taken out before the one before it serves again.
const STRIKES: u32 = 3;

impl Plugins {
    /// Runs until the server stops.
    pub(crate) async fn monitor(self) {
        let mut stopping = self.shared.stopping.clone();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stopping.wait_for(Option::is_some) => return,
            }
            for index in 0..self.shared.seats.len() {
                self.look(PluginIndex(index)).await;
            }
        }
    }

    async fn look(&self, index: PluginIndex) {
        let Some(seat) = self.shared.seats.get(index.0) else {
            return;
        };
        // Being swapped: looked at next time.
        let Some(mut slot) = seat.try_turn() else {
            return;
        };
        let done = match slot.side.as_ref().map(|side| side.kind) {
            Some(SideKind::Draining { until }) => self.look_at_drain(index, &mut slot, until).await,
            _ => Ok(()),
        };
        let done = match done {
            Ok(()) => self.look_at_failures(index, &mut slot).await,
            error => error,
        };
        if let Err(error) = done {
            tracing::warn!(plugin = self.name(index), %error, "a plugin could not be put right");
        }
    }

    async fn look_at_drain(
        &self,
        index: PluginIndex,
        slot: &mut Slot,
        until: Instant,
    ) -> Result<(), SwapError> {
        let left = self.census(index).await.side;
        if left > 0 && Instant::now() < until {
            return Ok(());
        }
        self.all(index, |reply| Step::DropSide { reply }).await?;
        slot.side = None;
        tracing::info!(
            plugin = self.name(index),
            moved = left,
            "the old version is drained; connections that were left went over to the new one"
        );
        Ok(())
    }

    async fn look_at_failures(&self, index: PluginIndex, slot: &mut Slot) -> Result<(), SwapError> {
        let limits = &self.shared.site.config.swap;
        if let Some(why) = slot.failing_on_probation(limits) {
            // Tried once: with nothing to go back to, failing again and again takes the version out instead.
            slot.stop_watching();
            return self.leave(index, slot, &why).await;
        }
        let main = slot.main.clone();
        let lately = main.tally().since(slot.looked);
        if main.out_for().is_some() {
            return Ok(());
        }
        if fails(lately, limits) {
            slot.looked = main.tally();
            if slot.strikes >= STRIKES && slot.has_older() {
                let why = format!("taken out {STRIKES} times in a row");
                return self.leave(index, slot, &why).await;
            }
            let pause = FIRST_PAUSE
                .saturating_mul(1 << slot.strikes.min(6))
                .min(LONGEST_PAUSE);
            slot.strikes = slot.strikes.saturating_add(1);
            main.take_out(pause);
            tracing::warn!(
                plugin = self.name(index),
                version = main.plugin.digest().short(),
                failed = lately.errors(),
                calls = lately.calls,
                ?pause,
                last_error = main.last_error().unwrap_or_default(),
                "the plugin fails again and again (swap.failures, swap.failure_percent): its routes refuse upgrades with 503 for a while"
            );
        } else if is_enough_to_judge(lately, limits) {
            slot.looked = main.tally();
            if lately.errors() == 0 {
                slot.strikes = 0;
            }
        }
        Ok(())
    }

    /// Goes back from a version that fails.
    async fn leave(&self, index: PluginIndex, slot: &mut Slot, why: &str) -> Result<(), SwapError> {
        let was_canary = slot.canary().is_some();
        self.roll_back(index, slot, Some(why)).await?;
        if !was_canary {
            // What failed is not what a rollback should lead to.
            slot.previous = None;
        }
        Ok(())
    }
}

impl Slot {
    /// Why the newest version has to go, if it is watched and fails: as long as its probation lasts by all its calls,
    /// and a canary behind that by those since the last look, for as long as it is one.
    fn failing_on_probation(&mut self, limits: &SwapLimits) -> Option<String> {
        let on_probation = self
            .watched
            .is_some_and(|watched| watched.since.elapsed() <= limits.probation);
        if !on_probation {
            self.watched = None;
        }
        let (judged, all) = match &mut self.side {
            Some(side) if matches!(side.kind, SideKind::Canary { .. }) => {
                let all = side.version.tally();
                let lately = all.since(side.looked);
                if is_enough_to_judge(lately, limits) {
                    side.looked = all;
                }
                (Some(lately), all)
            }
            _ => (None, self.main.tally()),
        };
        let judged = if on_probation { Some(all) } else { judged }?;
        fails(judged, limits)
            .then(|| format!("{} of {} calls failed", judged.errors(), judged.calls))
    }
}

/// Whether there were calls enough to say that the version does not fail. With fewer, those that failed so far are
/// kept in mind.
fn is_enough_to_judge(tally: Tally, limits: &SwapLimits) -> bool {
    tally.calls.saturating_mul(limits.failure_percent.into()) >= u64::from(limits.failures) * 100
}

/// Whether so many of the calls failed that something must be done.
fn fails(tally: Tally, limits: &SwapLimits) -> bool {
    let errors = tally.errors();
    errors >= u64::from(limits.failures)
        && errors.saturating_mul(100) >= tally.calls.saturating_mul(limits.failure_percent.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(calls: u64, traps: u64) -> Tally {
        Tally {
            calls,
            traps,
            timeouts: 0,
        }
    }

    #[test]
    fn failures_are_kept_in_mind_until_there_are_calls_enough_to_judge() {
        let limits = SwapLimits {
            failures: 10,
            failure_percent: 10,
            ..SwapLimits::default()
        };
        assert!(fails(tally(100, 10), &limits));
        assert!(fails(tally(10, 10), &limits));
        // Every second call fails, but few were made so far: neither guilty nor innocent.
        assert!(!fails(tally(18, 9), &limits));
        assert!(!is_enough_to_judge(tally(18, 9), &limits));
        assert!(!fails(tally(1000, 99), &limits));
        assert!(is_enough_to_judge(tally(1000, 99), &limits));
    }
}
