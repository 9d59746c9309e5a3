//! The deadlines of a connection: a table of four. Of quiet, pong and close at most one counts at a time.
//!
//! | deadline | counts while | set by | when it passes |
//! |---|---|---|---|
//! | quiet | open, no ping under way | any traffic + `health_interval` | ping, or unhealthy when pings are off |
//! | pong | open, a ping under way | the health ping + `ping` | unhealthy |
//! | message | open, a message has begun | its first byte + `message_timeout`; time that the rates cost is given back | 1008 |
//! | close | closing | our close frame + `close_timeout` | the connection is dead |
//!
//! Silence counts from the end of a pause that the rates ordered, since nothing is read before.
//!
//! This room only computes; what a passed deadline does is decided in `health.rs`.

use std::time::Instant;

use super::{Settings, Status};

/// The deadline that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// No traffic for the health interval.
    Quiet,
    /// No traffic since the health ping.
    Pong,
    /// A message takes too long.
    Message,
    /// No answer to our close frame.
    Close,
}

/// The moments from which deadlines are counted.
#[derive(Debug)]
pub(super) struct Timers {
    /// When there was traffic last.
    pub(super) traffic: Instant,
    /// When the health ping was sent that has not been answered by any traffic.
    pub(super) pinged: Option<Instant>,
    /// When our close frame was sent.
    pub(super) closed: Option<Instant>,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            traffic: now,
            pinged: None,
            closed: None,
        }
    }

    /// Traffic from the peer: it is alive, whatever it said.
    pub(super) fn heard(&mut self, now: Instant) {
        self.traffic = now;
        self.pinged = None;
    }

    /// The timer that is next and its deadline. `None`: no timer, or a deadline beyond the end of time. `message` is
    /// when the unfinished message began, `paused` until when the rates forbid to read.
    pub(super) fn next(
        &self,
        status: Status,
        settings: &Settings,
        message: Option<Instant>,
        paused: Option<Instant>,
    ) -> Option<(Timer, Instant)> {
        let (timer, since, wait) = match status {
            Status::Open => match (self.pinged, settings.ping) {
                (Some(pinged), Some(wait)) => (Timer::Pong, pinged, wait),
                _ => {
                    let since = paused.map_or(self.traffic, |paused| paused.max(self.traffic));
                    (Timer::Quiet, since, settings.health_interval)
                }
            },
            Status::Closing => (Timer::Close, self.closed?, settings.close_timeout),
            Status::Finished { .. } | Status::Dead => return None,
        };
        let silence = since.checked_add(wait).map(|at| (timer, at));
        let message = message
            .zip(settings.message_timeout)
            .filter(|_| status == Status::Open)
            .and_then(|(begun, wait)| Some((Timer::Message, begun.checked_add(wait)?)));
        silence
            .into_iter()
            .chain(message)
            .min_by_key(|(_, deadline)| *deadline)
    }
}
