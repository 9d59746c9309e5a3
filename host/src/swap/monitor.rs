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

impl Plugins {
    /// Runs until the server stops.
    pub(crate) async fn monitor(self) {
        let mut stopping = self.shared.stopping.clone();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stopping.wait_for(Option::is_some) => return,
            }
            for index in 0..self.shared.slots.len() {
                self.look(PluginIndex(index)).await;
            }
        }
    }

    async fn look(&self, index: PluginIndex) {
        let Some(slot) = self.shared.slots.get(index.0) else {
            return;
        };
        // Being swapped: looked at next time.
        let Ok(mut slot) = slot.try_lock() else { return };
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
        let new = match &slot.side {
            Some(side) if matches!(side.kind, SideKind::Canary { .. }) => side.version.clone(),
            _ => slot.main.clone(),
        };
        if let Some(watched) = slot.watched {
            if watched.since.elapsed() > limits.probation {
                slot.watched = None;
            } else if fails(new.tally(), limits) {
                let tally = new.tally();
                let why = format!("{} of {} calls failed", tally.errors(), tally.calls);
                self.roll_back(index, slot, &why).await?;
                // Not to be tried again by itself.
                slot.previous = None;
                return Ok(());
            }
        }
        let main = slot.main.clone();
        let lately = main.tally().since(slot.looked);
        if main.out_for().is_some() {
            return Ok(());
        }
        if fails(lately, limits) {
            slot.looked = main.tally();
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
        } else if lately.calls >= u64::from(limits.failures) {
            slot.looked = main.tally();
            if lately.errors() == 0 {
                slot.strikes = 0;
            }
        }
        Ok(())
    }
}

/// Whether so many of the calls failed that something must be done.
fn fails(tally: Tally, limits: &SwapLimits) -> bool {
    let errors = tally.errors();
    errors >= u64::from(limits.failures)
        && errors.saturating_mul(100) >= tally.calls.saturating_mul(limits.failure_percent.into())
}
