//! A coarse timer wheel: one per worker instead of one timer per connection.
//!
//! Arming costs a push. A deadline that moves later costs nothing: whoever is asked about a due id
//! looks at its real deadline and arms it again. So the path of a message never touches the wheel.

use std::time::{Duration, Instant};

use crate::id::ConnectionId;

const BUCKETS: usize = 1024;
/// Ids for which a bucket that was emptied keeps room.
const KEPT: usize = 16;

/// Ids by the tick at which they are looked at.
#[derive(Debug)]
pub struct Wheel {
    buckets: Vec<Vec<ConnectionId>>,
    tick: Duration,
    start: Instant,
    /// The next tick to be looked at, counted from `start`.
    next: u64,
    armed: usize,
}

impl Wheel {
    /// A wheel with this resolution. Deadlines farther than 1024 ticks are looked at in between.
    pub fn new(tick: Duration, now: Instant) -> Self {
        Wheel {
            buckets: vec![Vec::new(); BUCKETS],
            tick: tick.max(Duration::from_millis(1)),
            start: now,
            next: 0,
            armed: 0,
        }
    }

    /// The resolution.
    pub fn tick(&self) -> Duration {
        self.tick
    }

    /// Whether nothing is armed.
    pub fn is_empty(&self) -> bool {
        self.armed == 0
    }

    /// Has `id` looked at no earlier than `deadline`, and at most one tick later; or before, when the
    /// deadline is beyond the wheel's reach.
    pub fn arm(&mut self, id: ConnectionId, deadline: Instant) {
        let since = deadline.saturating_duration_since(self.start);
        let tick = (since.as_nanos() / self.tick.as_nanos()) as u64 + 1;
        let tick = tick.clamp(self.next, self.next + BUCKETS as u64 - 1);
        if let Some(bucket) = self.buckets.get_mut(tick as usize % BUCKETS) {
            bucket.push(id);
            self.armed += 1;
        }
    }

    /// Moves the wheel to `now` and appends to `due` every id whose tick has come.
    pub fn advance(&mut self, now: Instant, due: &mut Vec<ConnectionId>) {
        let since = now.saturating_duration_since(self.start);
        let current = (since.as_nanos() / self.tick.as_nanos()) as u64;
        // After a long pause one turn visits every bucket; more would visit them twice.
        let first = self.next.max((current + 1).saturating_sub(BUCKETS as u64));
        for tick in first..=current {
            if let Some(bucket) = self.buckets.get_mut(tick as usize % BUCKETS) {
                self.armed -= bucket.len();
                due.append(bucket);
                // A storm of connections passes every bucket; what each kept of it would add up to many megabytes.
                if bucket.capacity() > KEPT {
                    *bucket = Vec::new();
                }
            }
        }
        self.next = self.next.max(current + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(50);

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new(0, n, 1)
    }

    #[test]
    fn never_early_and_at_most_one_tick_late() {
        let start = Instant::now();
        let mut wheel = Wheel::new(TICK, start);
        wheel.arm(id(1), start + Duration::from_millis(120));
        let mut due = Vec::new();
        wheel.advance(start + Duration::from_millis(119), &mut due);
        assert!(due.is_empty());
        wheel.advance(start + Duration::from_millis(170), &mut due);
        assert_eq!(due, [id(1)]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn a_deadline_in_the_past_comes_at_the_next_tick() {
        let start = Instant::now();
        let mut wheel = Wheel::new(TICK, start);
        let mut due = Vec::new();
        wheel.advance(start + Duration::from_secs(10), &mut due);
        wheel.arm(id(1), start);
        wheel.advance(start + Duration::from_secs(10) + TICK, &mut due);
        assert_eq!(due, [id(1)]);
    }

    #[test]
    fn a_storm_leaves_nothing_behind() {
        let start = Instant::now();
        let mut wheel = Wheel::new(TICK, start);
        let mut due = Vec::new();
        for tick in 0..2 * BUCKETS as u32 {
            let now = start + TICK * tick;
            wheel.advance(now, &mut due);
            for n in 0..100 {
                wheel.arm(id(n), now + Duration::from_secs(300));
            }
        }
        wheel.advance(start + Duration::from_secs(3600), &mut due);
        assert!(wheel.is_empty());
        assert_eq!(due.len(), 100 * 2 * BUCKETS);
        let kept: usize = wheel.buckets.iter().map(Vec::capacity).sum();
        assert!(kept <= KEPT * BUCKETS, "room for {kept} ids");
    }

    #[test]
    fn far_deadlines_are_looked_at_within_a_turn_and_a_long_pause_loses_none() {
        let start = Instant::now();
        let mut wheel = Wheel::new(TICK, start);
        wheel.arm(id(1), start + Duration::from_secs(300));
        wheel.arm(id(2), start + Duration::from_secs(1));
        let mut due = Vec::new();
        wheel.advance(start + Duration::from_secs(3600), &mut due);
        due.sort();
        assert_eq!(due, [id(1), id(2)]);
        wheel.arm(id(3), start + Duration::from_secs(3601));
        due.clear();
        wheel.advance(start + Duration::from_secs(3602), &mut due);
        assert_eq!(due, [id(3)]);
    }
}
