//! What passed deadlines do: the health ping, the end of a quiet connection, of a message that never ends, and of a
//! close that no one answers.

use std::time::Instant;

use super::{Connection, Event, ProtocolError, timers::Timer};
use crate::{
    close,
    frame::{Opcode, append_frame},
};

impl Connection {
    /// Does what is due at `now`. Nothing is due before [`poll_timeout`](Self::poll_timeout), and calling
    /// early or late does no harm.
    ///
    /// A quiet connection is pinged; one that is quiet after that too, or is not to be pinged, is unhealthy
    /// and is closed with 1001; one whose message takes too long is failed with 1008; one that does not answer our
    /// close frame is dead.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Event<'static>> {
        let (timer, deadline) = self.next_timer()?;
        if now < deadline {
            return None;
        }
        match timer {
            Timer::Quiet if self.settings.ping.is_some() => {
                self.timers.pinged = Some(now);
                append_frame(out, Opcode::Ping, true, b"");
                None
            }
            Timer::Quiet => {
                self.fail(now, close::GOING_AWAY, "no traffic", out);
                Some(Event::Unhealthy)
            }
            Timer::Pong => {
                self.fail(now, close::GOING_AWAY, "ping unanswered", out);
                Some(Event::Unhealthy)
            }
            Timer::Message => {
                self.fail_with(now, ProtocolError::MessageTooSlow, out);
                Some(Event::Failed(ProtocolError::MessageTooSlow))
            }
            Timer::Close => {
                self.give_up();
                Some(Event::CloseTimedOut)
            }
        }
    }

    /// The owner did not read for a while, and reads again: what the peer sent meanwhile has not been seen, so every
    /// deadline begins anew.
    pub fn handle_resumed(&mut self, now: Instant) {
        self.timers.heard(now);
        if self.timers.closed.is_some() {
            self.timers.closed = Some(now);
        }
    }

    /// The next deadline: call [`handle_timeout`](Self::handle_timeout) then. It moves with every input, so a
    /// timer that is set once and asks again when it fires is enough, except for two things that may bring it closer:
    /// the beginning of a message ([`is_receiving`](Self::is_receiving)), and the answer to a health ping
    /// ([`is_asked`](Self::is_asked)). `None`: nothing to wait for, unless the
    /// status says [`Finished`](super::Status::Finished), whose bounds are the owner's.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_timer().map(|(_, deadline)| deadline)
    }

    /// Whether a health ping is under way: sent, and nothing has come since.
    pub fn is_asked(&self) -> bool {
        self.timers.pinged.is_some()
    }

    fn next_timer(&self) -> Option<(Timer, Instant)> {
        self.timers.next(
            self.status,
            &self.settings,
            self.message.as_ref().map(|message| message.begun),
            self.rates.until().map(|(until, _)| until),
        )
    }

    /// When bytes from the peer came last; the connection's beginning when none came.
    pub fn last_traffic(&self) -> Instant {
        self.timers.traffic
    }
}
