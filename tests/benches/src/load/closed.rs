//! Closed loop: each connection has one burst in flight and sends the next when all of it came back. The server
//! is never idle as long as one connection waits, so this finds its throughput, and the CPU time of a message.
//!
//! This thread does not sleep unless it is told to: waking it is the work of the server's core, which a server pays
//! for each of its messages that finds this thread asleep, and so the more often the slower it is.

use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::connect::Target;
use super::frames::Frames;
use super::meter::Meter;
use super::socket::Socket;
use super::{LoadError, Plan, Report};

/// Nothing came back for this long: something is wrong.
const STALLED: Duration = Duration::from_secs(10);
/// Larger than what arrives for many small messages, small enough for the cache.
const BUFFER: usize = 256 * 1024;

struct Client {
    socket: Socket,
    sent: Instant,
    /// Messages of the burst that came back.
    answered: usize,
}

pub(super) fn run(plan: &Plan, target: &Target<'_>, frames: &Frames) -> Result<Report, LoadError> {
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(plan.connections);
    for (index, stream) in target
        .connect_all(plan.connections, frames)?
        .into_iter()
        .enumerate()
    {
        let socket = Socket::new(stream, index, poll.registry())?;
        clients.push(Client {
            socket,
            sent: Instant::now(),
            answered: 0,
        });
    }
    let mut meter = Meter::new(plan)?;
    for client in &mut clients {
        client.sent = Instant::now();
        client.socket.send(frames.burst.len(), frames)?;
    }
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; BUFFER];
    let mut heard = Instant::now();
    let patience = if plan.sleep { STALLED } else { Duration::ZERO };
    loop {
        let now = Instant::now();
        if !meter.goes_on(now)? {
            break;
        }
        poll.poll(&mut events, Some(patience))?;
        if !events.is_empty() {
            heard = Instant::now();
        } else if heard.elapsed() >= STALLED {
            return Err(LoadError::Plan(
                "the server has not answered for ten seconds",
            ));
        }
        for event in &events {
            let Some(client) = clients.get_mut(event.token().0) else {
                continue;
            };
            if event.is_writable() {
                client.socket.flush(frames)?;
            }
            if event.is_readable() {
                client.receive(&mut buffer, frames, &mut meter)?;
            }
        }
    }
    meter.report(clients.len())
}

impl Client {
    fn receive(
        &mut self,
        buffer: &mut [u8],
        frames: &Frames,
        meter: &mut Meter,
    ) -> Result<(), LoadError> {
        let complete = self.socket.receive(buffer, frames)?;
        if complete == 0 {
            return Ok(());
        }
        let now = Instant::now();
        meter.answered(complete as u64, self.sent, now);
        self.answered += complete;
        if self.answered >= frames.messages {
            self.answered = 0;
            self.sent = now;
            self.socket.send(frames.burst.len(), frames)?;
        }
        Ok(())
    }
}
