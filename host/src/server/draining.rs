//! The first part of a stop, when there is a drain window: listeners go on accepting, so that load balancers are told
//! that there is no more service here, while the workers close their connections one after another.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep_until;

use crate::config::resolved::Limits;
use crate::worker::{Letter, Mailbox};

/// Told when a stop is asked for: the moment at which everything must have ended.
pub(super) type Stop = watch::Receiver<Option<Instant>>;

/// How a stop is divided.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    window: Duration,
    /// What is left of the stop after the window.
    rest: Duration,
}

impl Plan {
    pub(super) fn new(limits: &Limits) -> Plan {
        Plan {
            window: limits.drain_window,
            rest: limits.shutdown_timeout,
        }
    }

    /// Everything together, from the signal to the exit.
    pub(super) fn whole(self) -> Duration {
        self.window + self.rest
    }

    /// Waits until the window of a stop is over (or nobody can ask for a stop any more).
    pub(super) async fn over(self, stop: &mut Stop) {
        if let Some(end) = self.asked(stop).await {
            sleep_until(end.into()).await;
        }
    }

    /// Waits for a stop and tells the workers to begin, if there is a window.
    pub(super) async fn announce(self, mut stop: Stop, mailboxes: Vec<Mailbox>) {
        let Some(until) = self.asked(&mut stop).await else {
            return;
        };
        if self.window.is_zero() {
            return;
        }
        for mailbox in mailboxes {
            // A worker that is gone has nothing to close.
            mailbox.send(Letter::Drain { until }).await;
        }
    }

    /// Waits for a stop. Gives the end of its window.
    async fn asked(self, stop: &mut Stop) -> Option<Instant> {
        let deadline = (*stop.wait_for(Option::is_some).await.ok()?)?;
        Some(deadline.checked_sub(self.rest).unwrap_or(deadline))
    }
}
