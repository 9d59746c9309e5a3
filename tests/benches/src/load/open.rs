//! Open loop: messages are due at a fixed rate, in turn over the connections, whatever the server does. A latency
//! counts from when its message was due, not from when it could be sent, so a stall of the server shows in every
//! message that it held up (no coordinated omission).
//!
//! Between messages this thread sleeps until the next tick of a high-resolution timer or the next answer. Spinning
//! would be a little more exact on an idle machine and far worse on any other: who never sleeps is made to wait.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::connect::Target;
use super::frames::Frames;
use super::meter::Meter;
use super::socket::Socket;
use super::{LoadError, Plan, Report};

/// How much later than due counts as an overload, as the number of unanswered messages: seconds' worth of the rate.
const OVERLOAD: u64 = 2;
/// Messages sent before the answers are looked at again.
const AT_ONCE: u64 = 32;
/// How long the answers to the last messages are awaited.
const PATIENCE: Duration = Duration::from_secs(2);
/// The timer ticks for each message, but not more often than this.
const SHORTEST_TICK: Duration = Duration::from_micros(20);
/// The timer's events; connections have their index.
const TICK: Token = Token(usize::MAX);
const BUFFER: usize = 256 * 1024;

struct Client {
    socket: Socket,
    /// When the unanswered messages were due.
    due: VecDeque<Instant>,
}

pub(super) fn run(plan: &Plan, target: &Target<'_>, frames: &Frames) -> Result<Report, LoadError> {
    let poll = Poll::new()?;
    let mut clients = Vec::with_capacity(plan.connections);
    for (index, stream) in target
        .connect_all(plan.connections, frames)?
        .into_iter()
        .enumerate()
    {
        let socket = Socket::new(stream, index, poll.registry())?;
        clients.push(Client {
            socket,
            due: VecDeque::new(),
        });
    }
    let timer = ticking(plan.rate)?;
    poll.registry()
        .register(&mut SourceFd(&timer.as_raw_fd()), TICK, Interest::READABLE)?;
    let mut run = Run {
        timer,
        poll,
        clients,
        frames,
        meter: Meter::new(plan)?,
        unanswered: 0,
        withheld: 0,
    };
    run.serve(plan)
}

struct Run<'a> {
    timer: OwnedFd,
    poll: Poll,
    clients: Vec<Client>,
    frames: &'a Frames,
    meter: Meter,
    unanswered: u64,
    withheld: u64,
}

impl Run<'_> {
    fn serve(&mut self, plan: &Plan) -> Result<Report, LoadError> {
        let start = Instant::now();
        let due = |number: u64| start + Duration::from_secs_f64(number as f64 / plan.rate as f64);
        let most = plan.rate.saturating_mul(OVERLOAD);
        let mut number = 0;
        let mut next = start;
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; BUFFER];
        while self.meter.goes_on(Instant::now())? {
            let now = Instant::now();
            for _ in 0..AT_ONCE {
                if next > now {
                    break;
                }
                self.send(number, next, most)?;
                number += 1;
                next = due(number);
            }
            self.receive(&mut events, &mut buffer)?;
        }
        let mut report = self.meter.report(self.clients.len())?;
        let last = Instant::now() + PATIENCE;
        while self.unanswered > 0 && Instant::now() < last {
            self.receive(&mut events, &mut buffer)?;
        }
        report.unanswered = self.unanswered;
        report.withheld = self.withheld;
        Ok(report)
    }

    fn send(&mut self, number: u64, due: Instant, most: u64) -> Result<(), LoadError> {
        if self.unanswered >= most {
            self.withheld += 1;
            return Ok(());
        }
        let index = (number % self.clients.len() as u64) as usize;
        let Some(client) = self.clients.get_mut(index) else {
            return Ok(());
        };
        client.due.push_back(due);
        self.unanswered += 1;
        client.socket.send(self.frames.frame_len(), self.frames)
    }

    fn receive(&mut self, events: &mut Events, buffer: &mut [u8]) -> Result<(), LoadError> {
        self.poll.poll(events, Some(PATIENCE))?;
        for event in &*events {
            if event.token() == TICK {
                // Reading it is what starts the next period; how many have passed does not matter.
                let _ = rustix::io::read(&self.timer, &mut [0; 8]);
            }
            let Some(client) = self.clients.get_mut(event.token().0) else {
                continue;
            };
            if event.is_writable() {
                client.socket.flush(self.frames)?;
            }
            if event.is_readable() {
                let complete = client.socket.receive(buffer, self.frames)?;
                let now = Instant::now();
                for due in client.due.drain(..complete.min(client.due.len())) {
                    self.meter.answered(1, due, now);
                    self.unanswered -= 1;
                }
            }
        }
        Ok(())
    }
}

/// A timer that wakes this thread for each message that is due.
fn ticking(rate: u64) -> Result<OwnedFd, LoadError> {
    let tick = Duration::from_nanos(1_000_000_000 / rate).max(SHORTEST_TICK);
    let tick = Timespec::try_from(tick).map_err(|_| LoadError::Plan("no such rate"))?;
    let timer = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
    )
    .map_err(std::io::Error::from)?;
    let spec = Itimerspec {
        it_interval: tick,
        it_value: tick,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec).map_err(std::io::Error::from)?;
    Ok(timer)
}
