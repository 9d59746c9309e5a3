//! How fast a peer may send: messages, bytes and control frames a second.
//!
//! Whoever is faster is not closed but no longer read: TCP then slows the peer down to the rate, and nothing that it
//! sent is lost. One second of the rate may come at once.
//!
//! This room only counts; that nothing is read meanwhile is up to the connection's owner.

use std::{
    num::NonZeroU64,
    time::{Duration, Instant},
};

use super::{Connection, Event, Settings};

/// What may come at once: this long a time's worth.
const BURST: Duration = Duration::from_secs(1);

/// One of the rates that a connection is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// [`Settings::messages_per_second`].
    Messages,
    /// [`Settings::bytes_per_second`].
    Bytes,
    /// [`Settings::control_per_second`].
    Control,
}

/// What a peer has used of its rates.
#[derive(Debug, Default)]
pub(super) struct Rates {
    messages: Bucket,
    bytes: Bucket,
    control: Bucket,
}

/// A token bucket, as the moment at which it would be full again.
#[derive(Debug, Default)]
struct Bucket {
    full: Option<Instant>,
}

impl Bucket {
    fn take(&mut self, now: Instant, amount: u64, per_second: Option<NonZeroU64>) {
        let Some(per_second) = per_second else { return };
        let cost = Duration::from_nanos(amount.saturating_mul(1_000_000_000) / per_second);
        let from = self.full.map_or(now, |full| full.max(now));
        // Beyond the end of time there is no difference.
        self.full = Some(from.checked_add(cost).unwrap_or(from));
    }

    /// When there will be something in it.
    fn open(&self) -> Option<Instant> {
        self.full?.checked_sub(BURST)
    }
}

impl Rates {
    /// Takes what one step of reading used.
    pub(super) fn spend(
        &mut self,
        now: Instant,
        settings: &Settings,
        bytes: u64,
        event: Option<&Event<'_>>,
    ) {
        if let Some(Event::Text(_) | Event::Binary(_)) = event {
            self.messages.take(now, 1, settings.messages_per_second);
        }
        self.bytes.take(now, bytes, settings.bytes_per_second);
    }

    /// Takes what a message has become longer by inflation: the server has to handle that too.
    pub(super) fn inflated(&mut self, now: Instant, settings: &Settings, bytes: u64) {
        self.bytes.take(now, bytes, settings.bytes_per_second);
    }

    /// Takes a control frame.
    pub(super) fn control_frame(&mut self, now: Instant, settings: &Settings) {
        self.control.take(now, 1, settings.control_per_second);
    }

    /// Which rate is used up for the longest, and until when. That may be in the past.
    pub(super) fn until(&self) -> Option<(Instant, Rate)> {
        [
            (&self.messages, Rate::Messages),
            (&self.bytes, Rate::Bytes),
            (&self.control, Rate::Control),
        ]
        .into_iter()
        .filter_map(|(bucket, rate)| Some((bucket.open()?, rate)))
        .max_by_key(|(until, _)| *until)
    }
}

impl Connection {
    /// Until when no input should be read, and because of which rate. `None`: now is fine. Ask after every
    /// [`handle_input`](Self::handle_input). Input that is handled all the same does no harm.
    pub fn throttled(&self, now: Instant) -> Option<(Instant, Rate)> {
        if !self.is_open() {
            // What still comes is bounded by the close timeout.
            return None;
        }
        self.rates.until().filter(|(until, _)| *until > now)
    }
}
