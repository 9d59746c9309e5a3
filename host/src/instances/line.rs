//! The line of those who wait for one of a few instances, and who goes next.
//!
//! Almost every call runs to its end in one go, so whoever comes finds an instance idle. Only a call that is
//! suspended makes others wait. How they are let in afterwards decides what a server costs that is never idle:
//!
//! * One by one, each in its turn and newcomers behind them, the line would never end: its first is let in when one
//!   more has joined it, and every call costs two visits of its task.
//! * So after a call that held up nobody everyone who comes may go, and those who wait are called up ahead of need.
//! * After a call that did hold someone up only the first in line may go. A plugin that suspends each of its calls
//!   serves in the order in which they came, and nobody waits for ever.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

/// How many of those who wait are called up at a time. Each may find that another call has been suspended meanwhile
/// and must wait again: that work is bounded by this.
const CALLED_UP: usize = 32;
/// Places for which an empty line keeps memory.
const KEPT: usize = 64;

/// Who came when.
pub(super) type Ticket = u64;

/// What waiting led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A call may run; [`Line::leave`] ends it.
    Go,
    /// No call will ever run here again.
    Closed,
}

/// One who waits.
#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    waker: Waker,
    called_up: bool,
}

/// The line; as long as there are connections at the most, as each has one call at a time.
#[derive(Debug)]
pub(super) struct Line {
    size: usize,
    running: usize,
    held: bool,
    closed: bool,
    /// Someone came while all instances were busy, since the last call ended.
    held_up: bool,
    /// Nobody goes before those who came earlier.
    in_order: bool,
    next: Ticket,
    /// By ticket.
    waiting: VecDeque<Waiting>,
}

impl Line {
    /// A line for this many instances.
    pub(super) fn new(size: usize) -> Self {
        Line {
            size,
            running: 0,
            held: false,
            closed: false,
            held_up: false,
            in_order: false,
            next: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Whether a call runs.
    pub(super) fn is_running(&self) -> bool {
        self.running > 0
    }

    /// Goes ahead or waits. Who has waited comes with the ticket got before; it is gone with the verdict. Who gives
    /// up waiting says so with [`Self::give_up`].
    pub(super) fn poll_enter(
        &mut self,
        cx: &Context<'_>,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Verdict> {
        let place = ticket.map_or(self.waiting.len(), |ticket| self.place(ticket));
        let free = self.size - self.running;
        if self.closed || (!self.held && free > 0 && (!self.in_order || place < free)) {
            if ticket.take().is_some() {
                self.step_out(place);
            }
            if self.closed {
                return Poll::Ready(Verdict::Closed);
            }
            self.running += 1;
            return Poll::Ready(Verdict::Go);
        }
        self.held_up |= free == 0;
        match self.waiting.get_mut(place) {
            Some(waiting) => {
                waiting.waker.clone_from(cx.waker());
                waiting.called_up = false;
            }
            None => {
                *ticket = Some(self.next);
                self.waiting.push_back(Waiting {
                    ticket: self.next,
                    waker: cx.waker().clone(),
                    called_up: false,
                });
                self.next += 1;
            }
        }
        Poll::Pending
    }

    /// A call has ended.
    pub(super) fn leave(&mut self) {
        self.running -= 1;
        self.in_order = std::mem::take(&mut self.held_up);
        self.call_up();
    }

    /// Someone does not wait any more.
    pub(super) fn give_up(&mut self, ticket: Ticket) {
        let place = self.place(ticket);
        self.step_out(place);
        // It may have been the one that was called up.
        self.call_up();
    }

    /// Lets no call begin.
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    /// Undoes [`Self::hold`].
    pub(super) fn release(&mut self) {
        self.held = false;
        self.call_up();
    }

    /// Lets no call begin any more, and sends away those who wait.
    pub(super) fn close(&mut self) {
        self.closed = true;
        for waiting in &self.waiting {
            waiting.waker.wake_by_ref();
        }
    }

    /// Wakes those who may go now, and a few more.
    fn call_up(&mut self) {
        if self.waiting.is_empty() || self.held {
            return;
        }
        let free = self.size - self.running;
        let count = if self.in_order {
            free
        } else {
            free.max(CALLED_UP)
        };
        for waiting in self.waiting.iter_mut().take(count) {
            if !std::mem::replace(&mut waiting.called_up, true) {
                waiting.waker.wake_by_ref();
            }
        }
    }

    /// Where in the line a ticket is.
    fn place(&self, ticket: Ticket) -> usize {
        self.waiting
            .partition_point(|waiting| waiting.ticket < ticket)
    }

    fn step_out(&mut self, place: usize) {
        self.waiting.remove(place);
        if self.waiting.is_empty() && self.waiting.capacity() > 16 * KEPT {
            self.waiting.shrink_to(KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// Counts how often it was woken.
    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One who wants a call to run.
    #[derive(Default)]
    struct Guest {
        bell: Arc<Bell>,
        ticket: Option<Ticket>,
    }

    impl Guest {
        fn enters(&mut self, line: &mut Line) -> bool {
            let waker = self.bell.clone().into();
            line.poll_enter(&Context::from_waker(&waker), &mut self.ticket)
                == Poll::Ready(Verdict::Go)
        }

        fn rung(&self) -> usize {
            self.bell.0.load(Ordering::Relaxed)
        }
    }

    fn guests<const N: usize>() -> [Guest; N] {
        std::array::from_fn(|_| Guest::default())
    }

    #[test]
    fn after_a_call_that_held_others_up_they_go_first_and_in_order() {
        let mut line = Line::new(1);
        let [mut slow, mut first, mut second, mut newcomer] = guests();
        assert!(slow.enters(&mut line));
        assert!(!first.enters(&mut line) && !second.enters(&mut line));
        line.leave();
        assert_eq!((first.rung(), second.rung()), (1, 0));
        assert!(!newcomer.enters(&mut line), "not before those who wait");
        assert!(!second.enters(&mut line), "nor out of order");
        assert!(first.enters(&mut line));
    }

    #[test]
    fn a_line_does_not_outlive_its_reason() {
        let mut line = Line::new(1);
        let [mut slow, mut first, mut second, mut newcomer] = guests();
        assert!(slow.enters(&mut line));
        assert!(!first.enters(&mut line) && !second.enters(&mut line));
        line.leave();
        assert!(first.enters(&mut line));
        line.leave();
        assert_eq!(second.rung(), 1);
        assert!(newcomer.enters(&mut line), "nobody is in its way");
        line.leave();
        assert!(second.enters(&mut line));
        line.leave();
        assert!(line.waiting.is_empty());
    }

    #[test]
    fn one_that_suspends_every_call_serves_everyone_in_order() {
        let mut line = Line::new(1);
        let mut guests: Vec<Guest> = (0..100).map(|_| Guest::default()).collect();
        assert!(guests[0].enters(&mut line));
        for at in 1..100 {
            assert!(
                guests[at..]
                    .iter_mut()
                    .all(|guest| !guest.enters(&mut line))
            );
            line.leave();
            assert!(guests[at].rung() > 0);
            assert!(guests[at].enters(&mut line), "{at}");
        }
    }

    #[test]
    fn only_a_few_are_called_up_at_a_time() {
        let mut line = Line::new(1);
        let mut slow = Guest::default();
        let mut guests: Vec<Guest> = (0..1000).map(|_| Guest::default()).collect();
        assert!(slow.enters(&mut line));
        assert!(guests.iter_mut().all(|guest| !guest.enters(&mut line)));
        line.leave();
        for at in 0..1000 {
            let called_up = guests[at..].iter().filter(|guest| guest.rung() > 0).count();
            assert!((1..=CALLED_UP).contains(&called_up), "{called_up} at {at}");
            assert!(guests[at].enters(&mut line));
            line.leave();
        }
        assert!(guests.iter().all(|guest| guest.rung() == 1));
        assert!(line.waiting.capacity() <= 16 * KEPT);
    }

    #[test]
    fn who_gives_up_passes_the_turn_on() {
        let mut line = Line::new(1);
        let [mut slow, mut first, mut second] = guests();
        assert!(slow.enters(&mut line));
        assert!(!first.enters(&mut line) && !second.enters(&mut line));
        line.leave();
        line.give_up(first.ticket.take().unwrap());
        assert_eq!(second.rung(), 1);
        assert!(second.enters(&mut line));
    }

    #[test]
    fn a_held_line_lets_nobody_in_until_it_is_released_and_a_closed_one_never() {
        let mut line = Line::new(2);
        let [mut one, mut two, mut three] = guests();
        assert!(one.enters(&mut line));
        line.hold();
        assert!(!two.enters(&mut line));
        line.leave();
        assert!(!line.is_running() && two.rung() == 0);
        line.release();
        assert_eq!(two.rung(), 1);
        assert!(two.enters(&mut line) && one.enters(&mut line));
        assert!(!three.enters(&mut line));
        line.close();
        assert_eq!(three.rung(), 1);
        let waker = three.bell.clone().into();
        let verdict = line.poll_enter(&Context::from_waker(&waker), &mut three.ticket);
        assert_eq!(verdict, Poll::Ready(Verdict::Closed));
        assert_eq!(three.ticket, None);
    }
}
