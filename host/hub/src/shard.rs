//! One worker's connections: a table of entries, and what may be done to each.
//!
//! # The methods
//! * life: [`Shard::insert`], [`Shard::open`], [`Shard::remove`]
//! * from the socket: [`Shard::handle_input`], [`Shard::handle_eof`], [`Shard::handle_written`]
//! * from the clock: [`Shard::advance`]
//! * commands: [`Shard::send`], [`Shard::send_fragment`], [`Shard::ping`], [`Shard::pong`],
//!   [`Shard::close`], [`Shard::fail`], [`Shard::disconnect`], and the attributes
//!
//! Whoever owns the socket leaves a waker with [`Entry::register`] and is woken by every change that it did
//! not make itself.

mod commands;
mod entry;

use std::ops::Range;
use std::time::{Duration, Instant};

use jackfield_proto::{Connection, Event, ProtocolError, Rate};

use crate::id::{ConnectionId, LAST_GENERATION, MAX_SLOTS, WorkerIndex};
use crate::outbox::BufferPool;
use crate::wheel::Wheel;

pub use commands::{AttributeError, CloseError, SendError};
pub use entry::{Entry, Overflow, Phase};

/// When a connection that is not being read is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What every connection of a shard is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes waiting to be written to one connection.
    pub backlog_bytes: usize,
    /// Bytes of one connection's attributes, names and values together.
    pub attribute_bytes: usize,
}

/// Connections that a moment of the clock was the end of.
#[derive(Debug, Default)]
pub struct Due {
    /// Silent for too long.
    pub unhealthy: Vec<ConnectionId>,
    /// Failed because a message took too long, with the offence.
    pub failed: Vec<(ConnectionId, ProtocolError)>,
}

/// How often limits were met since this was asked for last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pauses in reading because of messages a second.
    pub message_rate: u64,
    /// Because of bytes a second.
    pub byte_rate: u64,
    /// Because of control frames a second.
    pub control_rate: u64,
    /// Messages dropped that were queued before ([`Overflow::DropOldest`]).
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    entry: Option<Box<Entry>>,
}

impl Slot {
    /// Whether an id of this worker names what is here, and not what was here before.
    fn is(&self, id: ConnectionId, worker: WorkerIndex) -> bool {
        u64::from(self.generation) == id.generation() && id.worker() == worker
    }
}

/// The connections of one worker.
#[derive(Debug)]
pub struct Shard {
    worker: WorkerIndex,
    limits: Limits,
    slots: Vec<Slot>,
    free: Vec<u32>,
    connections: usize,
    buffers: BufferPool,
    wheel: Wheel,
    due: Vec<ConnectionId>,
    counts: Counts,
}

impl Shard {
    /// An empty shard; `tick` is the resolution of its deadlines.
    pub fn new(worker: WorkerIndex, limits: Limits, tick: Duration, now: Instant) -> Self {
        Shard {
            worker,
            limits,
            slots: Vec::new(),
            free: Vec::new(),
            connections: 0,
            buffers: BufferPool::default(),
            wheel: Wheel::new(tick, now),
            due: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Connections in the table.
    pub fn len(&self) -> usize {
        self.connections
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.connections == 0
    }

    /// The ids in the table, in no particular order.
    pub fn ids(&self) -> impl Iterator<Item = ConnectionId> {
        self.slots.iter().enumerate().filter_map(|(slot, s)| {
            s.entry
                .as_ref()
                .map(|_| ConnectionId::new(self.worker, slot, s.generation))
        })
    }

    /// Places of the table, taken or not: what [`Self::ids_in`] goes through.
    pub fn places(&self) -> usize {
        self.slots.len()
    }

    /// The connections in some places of the table, each with its place. A connection never changes its place, so that
    /// a table can be looked through piece by piece while others come and go.
    pub fn ids_in(&self, places: Range<usize>) -> impl Iterator<Item = (usize, ConnectionId)> {
        let end = places.end.min(self.slots.len());
        let places = places.start.min(end)..end;
        let slots = self.slots.get(places.clone()).unwrap_or_default();
        slots
            .iter()
            .zip(places)
            .filter(|(place, _)| place.entry.is_some())
            .map(|(place, slot)| (slot, ConnectionId::new(self.worker, slot, place.generation)))
    }

    /// Takes a new socket in, in [`Phase::Handshaking`] until `deadline`. None when all ids of this shard
    /// are in use or spent (16 million at a time, 2 million times each).
    pub fn insert(
        &mut self,
        peer: Box<str>,
        secure: bool,
        now: Instant,
        deadline: Instant,
    ) -> Option<ConnectionId> {
        let slot = match self.free.pop() {
            Some(slot) => slot as usize,
            None if self.slots.len() < MAX_SLOTS => {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            }
            None => return None,
        };
        let place = self.slots.get_mut(slot)?;
        place.generation += 1;
        let id = ConnectionId::new(self.worker, slot, place.generation);
        place.entry = Some(Box::new(Entry::new(peer, secure, now, deadline)));
        self.connections += 1;
        self.wheel.arm(id, deadline);
        Some(id)
    }

    /// Forgets a connection; its id is never used again.
    pub fn remove(&mut self, id: ConnectionId) {
        let Some(place) = self.place(id) else { return };
        let Some(mut entry) = place.entry.take() else {
            return;
        };
        if place.generation < LAST_GENERATION {
            self.free.push(id.slot() as u32);
        }
        self.connections -= 1;
        entry.outbox.clear(&mut self.buffers);
        if self.connections == 0 && self.slots.len() > 1024 {
            self.free.shrink_to(1024);
        }
    }

    /// A connection's entry.
    pub fn entry(&self, id: ConnectionId) -> Option<&Entry> {
        let place = self.slots.get(id.slot())?;
        place.entry.as_deref().filter(|_| place.is(id, self.worker))
    }

    /// A connection's entry, to change what the table itself does not depend on.
    pub fn entry_mut(&mut self, id: ConnectionId) -> Option<&mut Entry> {
        self.place(id)?.entry.as_deref_mut()
    }

    /// The upgrade succeeded: from now on input is frames.
    pub fn open(&mut self, id: ConnectionId, connection: Connection) {
        let deadline = connection.poll_timeout();
        if let Some(entry) = self.entry_mut(id) {
            // The handshake's may have passed while the plugins were asked; it is not the open connection's.
            entry.expect(None);
            entry.connection = Some(connection);
        }
        if let Some(deadline) = deadline {
            self.wheel.arm(id, deadline);
        }
    }

    /// Appends bytes that are no frames: the answer to the upgrade request.
    pub fn append(&mut self, id: ConnectionId, bytes: &[u8]) {
        if let Some((entry, buffers)) = self.parts(id) {
            entry.outbox.tail(buffers).extend_from_slice(bytes);
            entry.outbox.skip_to_tail();
        }
    }

    /// Its owner reads again after [`Entry::paused`] was set: the protocol's deadlines begin anew.
    pub fn resume(&mut self, id: ConnectionId, now: Instant) {
        if let Some(entry) = self.entry_mut(id)
            && std::mem::take(&mut entry.paused)
            && let Some(connection) = &mut entry.connection
        {
            connection.handle_resumed(now);
            if let Some(deadline) = connection.poll_timeout() {
                self.wheel.arm(id, deadline);
            }
        }
    }

    /// Sets a deadline of the socket's owner: linger, refusal. When it passes, [`Entry::expired`] is set
    /// and the owner is woken.
    pub fn set_deadline(&mut self, id: ConnectionId, deadline: Instant) {
        if let Some(entry) = self.entry_mut(id) {
            entry.expect(Some(deadline));
            self.wheel.arm(id, deadline);
        }
    }

    /// Feeds received bytes; gives the next event and the input behind it. See
    /// [`Connection::handle_input`]. Replies of the protocol itself go to the outbox. Look at
    /// [`Entry::throttled`] before the next call.
    pub fn handle_input<'i>(
        &mut self,
        id: ConnectionId,
        now: Instant,
        input: &'i mut [u8],
    ) -> (Option<Event<'i>>, &'i mut [u8]) {
        let Some((entry, buffers)) = self.parts(id) else {
            return Default::default();
        };
        let Some(connection) = &mut entry.connection else {
            return Default::default();
        };
        let asked = connection.is_asked();
        let (event, rest) = connection.handle_input(now, input, entry.outbox.tail(buffers));
        entry.outbox.advance(0, buffers);
        let throttled = connection.throttled(now);
        // A message that has begun may be due before anything else.
        let begun = (event.is_none() && entry.message_armed.is_none() && connection.is_receiving())
            .then(|| connection.poll_timeout())
            .flatten();
        entry.message_armed = entry.message_armed.or(begun);
        // The next check is due an interval after an answer, which may be before the answer had to be there.
        let answered = (asked && !connection.is_asked())
            .then(|| connection.poll_timeout())
            .flatten();
        if throttled.is_some() || begun.is_some() || answered.is_some() {
            self.await_time(id, throttled, begun.or(answered));
        }
        (event, rest)
    }

    /// The peer ended its side, or the socket broke.
    pub fn handle_eof(&mut self, id: ConnectionId) {
        if let Some(entry) = self.entry_mut(id)
            && let Some(connection) = &mut entry.connection
        {
            connection.handle_eof();
        }
    }

    /// The first `count` bytes of the outbox were written.
    pub fn handle_written(&mut self, id: ConnectionId, count: usize) {
        let Some((entry, buffers)) = self.parts(id) else {
            return;
        };
        entry.outbox.advance(count, buffers);
        if entry.outbox.is_empty()
            && let Some(connection) = &mut entry.connection
        {
            connection.handle_drained(entry.outbox.tail(buffers));
            entry.outbox.advance(0, buffers);
        }
    }

    /// What happened to limits since the last time.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Moves the clock to `now`. Connections that this was the end of are appended to `ended`; owners of sockets
    /// with something to do are woken.
    pub fn advance(&mut self, now: Instant, ended: &mut Due) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.advance(now, &mut due);
        for id in due.drain(..) {
            if let Some(next) = self.expire(id, now, ended) {
                self.wheel.arm(id, next);
            }
        }
        due.shrink_to(1024);
        self.due = due;
    }

    /// Looks at the real deadlines of one connection; gives the next one.
    fn expire(&mut self, id: ConnectionId, now: Instant, ended: &mut Due) -> Option<Instant> {
        let (entry, buffers) = self.parts(id)?;
        if entry.deadline.is_some_and(|deadline| deadline <= now) {
            entry.deadline = None;
            entry.expired = true;
            entry.wake();
        }
        if entry.throttled.is_some_and(|until| until <= now) {
            entry.throttled = None;
            entry.wake();
        }
        entry.message_armed = entry.message_armed.filter(|deadline| *deadline > now);
        if entry.paused {
            return Some(now + LOOK_AGAIN);
        }
        if let Some(connection) = &mut entry.connection
            && connection.poll_timeout().is_some_and(|at| at <= now)
        {
            let event = connection.handle_timeout(now, entry.outbox.tail(buffers));
            match event {
                Some(Event::Unhealthy) => ended.unhealthy.push(id),
                Some(Event::Failed(error)) => ended.failed.push((id, error)),
                _ => {}
            }
            entry.outbox.advance(0, buffers);
            entry.wake();
        }
        entry.next_deadline()
    }

    /// Notes a pause and has the clock look at a connection in time.
    fn await_time(
        &mut self,
        id: ConnectionId,
        throttled: Option<(Instant, Rate)>,
        closer: Option<Instant>,
    ) {
        if let Some((until, rate)) = throttled
            && let Some(entry) = self.entry_mut(id)
        {
            let before = entry.throttled.replace(until);
            // Events behind one another in the same input push the same pause on.
            if before.is_none() {
                let count = match rate {
                    Rate::Messages => &mut self.counts.message_rate,
                    Rate::Bytes => &mut self.counts.byte_rate,
                    Rate::Control => &mut self.counts.control_rate,
                };
                *count += 1;
                self.wheel.arm(id, until);
            }
        }
        if let Some(deadline) = closer {
            self.wheel.arm(id, deadline);
        }
    }

    fn place(&mut self, id: ConnectionId) -> Option<&mut Slot> {
        let worker = self.worker;
        self.slots
            .get_mut(id.slot())
            .filter(|place| place.is(id, worker))
    }

    /// The entry and the buffers from which its outbox grows.
    fn parts(&mut self, id: ConnectionId) -> Option<(&mut Entry, &mut BufferPool)> {
        // Not through `place`, which would borrow the buffers too.
        let place = self.slots.get_mut(id.slot())?;
        if !place.is(id, self.worker) {
            return None;
        }
        Some((place.entry.as_deref_mut()?, &mut self.buffers))
    }

    /// Runs `act` on an upgraded connection and the tail of its outbox.
    fn with_connection<T>(
        &mut self,
        id: ConnectionId,
        act: impl FnOnce(&mut Connection, &mut Vec<u8>) -> T,
    ) -> Option<T> {
        let (entry, buffers) = self.parts(id)?;
        let connection = entry.connection.as_mut()?;
        let answer = act(connection, entry.outbox.tail(buffers));
        entry.outbox.advance(0, buffers);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_looked_through_piece_by_piece() {
        let now = Instant::now();
        let limits = Limits {
            backlog_bytes: 1024,
            attribute_bytes: 1024,
        };
        let mut shard = Shard::new(3, limits, Duration::from_millis(50), now);
        let mut ids: Vec<_> = (0..5)
            .filter_map(|_| shard.insert("peer".into(), false, now, now))
            .collect();
        shard.remove(ids.remove(1));
        let pieces = [0..2, 2..4, 4..9, 9..12];
        let seen: Vec<_> = pieces.into_iter().flat_map(|p| shard.ids_in(p)).collect();
        let places: Vec<_> = seen.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [0, 2, 3, 4]);
        assert!(seen.iter().map(|(_, id)| *id).eq(ids));
        assert_eq!(shard.places(), 5);
    }

    #[test]
    fn a_check_comes_an_interval_after_the_answer_to_the_last() {
        const SECOND: Duration = Duration::from_secs(1);
        // A masked pong, as a client sends it, and a ping, as a server does.
        const PONG: [u8; 6] = [0x8a, 0x80, 1, 2, 3, 4];
        const PING: [u8; 2] = [0x89, 0];
        let start = Instant::now();
        let limits = Limits {
            backlog_bytes: 1024,
            attribute_bytes: 1024,
        };
        let mut shard = Shard::new(0, limits, Duration::from_millis(50), start);
        let id = shard.insert("peer".into(), false, start, start + SECOND);
        let id = id.expect("a place");
        let settings = jackfield_proto::Settings {
            health_interval: 10 * SECOND,
            ping: Some(60 * SECOND),
            ..Default::default()
        };
        shard.open(id, Connection::new(settings.into(), start));
        let mut due = Due::default();
        for round in 1..4 {
            // A second for the answer, and a moment for the wheel.
            let now = start + 11 * round * SECOND;
            shard.advance(now, &mut due);
            let sent = shard.entry(id).map(|entry| entry.outbox.len());
            assert_eq!(sent, Some(PING.len()), "in round {round}");
            shard.handle_written(id, PING.len());
            shard.handle_input(id, now, &mut PONG.clone());
        }
        assert!(due.unhealthy.is_empty());
    }
}
