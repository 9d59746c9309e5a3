//! How many lines a second a plugin may write to the log.

use std::time::{Duration, Instant};

/// Counts lines in windows of a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineLimit {
    per_second: u32,
    window: Option<Instant>,
    written: u32,
    dropped: u64,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    /// Whether it is written.
    pub(super) this: bool,
    /// How many lines were dropped in the window that has just ended, if any.
    pub(super) dropped_before: Option<u64>,
}

impl LineLimit {
    pub(super) fn new(per_second: u32) -> Self {
        LineLimit {
            per_second,
            window: None,
            written: 0,
            dropped: 0,
        }
    }

    /// Counts one more line.
    pub(super) fn allow(&mut self, now: Instant) -> Allowed {
        let mut dropped_before = None;
        let ended = self
            .window
            .is_none_or(|start| now.saturating_duration_since(start) >= Duration::from_secs(1));
        if ended {
            self.window = Some(now);
            self.written = 0;
            dropped_before = (self.dropped > 0).then_some(self.dropped);
            self.dropped = 0;
        }
        let this = self.written < self.per_second;
        if this {
            self.written += 1;
        } else {
            self.dropped += 1;
        }
        Allowed {
            this,
            dropped_before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let start = Instant::now();
        let mut limit = LineLimit::new(2);
        let fates: Vec<bool> = (0..5).map(|_| limit.allow(start).this).collect();
        assert_eq!(fates, [true, true, false, false, false]);
        let later = limit.allow(start + Duration::from_secs(1));
        assert_eq!(later.dropped_before, Some(3));
        assert!(later.this);
    }
}
