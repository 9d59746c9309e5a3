//! The other end of the wire in the tests: frames as a client writes them, and a server that is fed with them
//! in pieces of every size.
//!
//! Written from the RFC, without the crate's own encoder.
#![allow(dead_code, reason = "every test file uses its own part of the client")]

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use jackfield_proto::{Connection, Ending, Event, Kind, ProtocolError, Settings, Status};

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;

/// A masked frame with this first byte and the shortest length.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(
        payload
            .iter()
            .zip(KEY.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// The header of a masked frame that declares `length` bytes of payload, key included.
pub(crate) fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 | length as u8),
        126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(KEY);
    bytes
}

const KEY: [u8; 4] = [0x5a, 0x00, 0xff, 0xc3];

pub(crate) fn text(payload: &str) -> Vec<u8> {
    frame(FIN | TEXT, payload.as_bytes())
}

pub(crate) fn binary(payload: &[u8]) -> Vec<u8> {
    frame(FIN | BINARY, payload)
}

pub(crate) fn ping(payload: &[u8]) -> Vec<u8> {
    frame(FIN | PING, payload)
}

/// A close frame with a code and a reason.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// A frame as a server writes it: no mask.
pub(crate) fn served(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes[1] &= 0x7f;
    bytes.truncate(bytes.len() - 4);
    bytes.extend(payload);
    bytes
}

/// The server's close frame.
pub(crate) fn served_close(code: u16, reason: &str) -> Vec<u8> {
    served(
        FIN | CLOSE,
        &[&code.to_be_bytes(), reason.as_bytes()].concat(),
    )
}

/// A connection, what it said, and what it wants to be written.
pub(crate) struct Server {
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
    pub(crate) events: Vec<Event<'static>>,
    pub(crate) out: Vec<u8>,
    /// Every message is sent back as it came.
    pub(crate) echo: bool,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            connection: Connection::new(Arc::new(settings), now),
            now,
            events: Vec::new(),
            out: Vec::new(),
            echo: false,
        }
    }

    pub(crate) fn echoing() -> Self {
        Self {
            echo: true,
            ..Self::new()
        }
    }

    /// Input that came in one piece.
    pub(crate) fn input(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let mut rest = bytes.as_mut_slice();
        loop {
            let (event, left) = self.connection.handle_input(self.now, rest, &mut self.out);
            rest = left;
            let Some(event) = event else { break };
            if self.echo {
                let sent = match &event {
                    Event::Text(text) => {
                        self.connection
                            .send(Kind::Text, text.as_bytes(), &mut self.out)
                    }
                    Event::Binary(bytes) => {
                        self.connection.send(Kind::Binary, bytes, &mut self.out)
                    }
                    _ => Ok(()),
                };
                sent.expect("an open connection sends");
            }
            self.events.push(owned(event));
        }
        assert!(rest.is_empty(), "without an event, all input was used");
    }

    /// Input that came in pieces of `piece` bytes.
    pub(crate) fn pieces(mut self, bytes: &[u8], piece: usize) -> Self {
        bytes.chunks(piece).for_each(|piece| self.input(piece));
        self
    }

    pub(crate) fn sleep(&mut self, time: Duration) {
        self.now += time;
    }

    pub(crate) fn timeout(&mut self) {
        let event = self.connection.handle_timeout(self.now, &mut self.out);
        self.events.extend(event);
    }

    pub(crate) fn outcome(&self) -> Outcome {
        Outcome {
            events: self.events.clone(),
            out: self.out.clone(),
            status: self.connection.status(),
            ending: self.connection.ending(),
        }
    }
}

/// All that can be seen from outside.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Event<'static>>,
    pub(crate) out: Vec<u8>,
    pub(crate) status: Status,
    pub(crate) ending: Ending,
}

impl Outcome {
    /// The connection failed with this offence, after these events and this output, and said so once.
    #[track_caller]
    pub(crate) fn assert_failed(
        &self,
        error: ProtocolError,
        before: &[Event<'static>],
        out: &[u8],
    ) {
        let mut events = before.to_vec();
        events.push(Event::Failed(error));
        assert_eq!(self.events, events);
        let close = served_close(error.code(), &error.to_string());
        assert_eq!(self.out, [out, &close].concat());
        assert_eq!(self.status, Status::Finished { linger: true });
        assert_eq!(
            self.ending,
            Ending {
                code: 1006,
                reason: String::new(),
                clean: false
            }
        );
    }

    /// The connection is open after exactly these events and this output.
    #[track_caller]
    pub(crate) fn assert_open(&self, events: &[Event<'static>], out: &[u8]) {
        assert_eq!(self.events, events);
        assert_eq!(self.out, out);
        assert_eq!(self.status, Status::Open);
    }
}

/// Feeds the same bytes to a fresh server in pieces of 1, 2, 3 and 7 bytes and whole; the outcome must be the
/// same.
#[track_caller]
pub(crate) fn every_way(server: impl Fn() -> Server, bytes: &[u8]) -> Outcome {
    let whole = server().pieces(bytes, bytes.len().max(1)).outcome();
    for piece in [1, 2, 3, 7] {
        let pieces = server().pieces(bytes, piece).outcome();
        assert_eq!(pieces, whole, "in pieces of {piece} bytes");
    }
    whole
}

/// As [`every_way`] with a server of default settings.
#[track_caller]
pub(crate) fn fed(bytes: &[u8]) -> Outcome {
    every_way(Server::new, bytes)
}

pub(crate) fn got_text(text: &str) -> Event<'static> {
    Event::Text(Cow::Owned(text.to_owned()))
}

pub(crate) fn got_binary(bytes: &[u8]) -> Event<'static> {
    Event::Binary(Cow::Owned(bytes.to_vec()))
}

fn owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Text(text) => Event::Text(Cow::Owned(text.into_owned())),
        Event::Binary(bytes) => Event::Binary(Cow::Owned(bytes.into_owned())),
        Event::PeerClosed => Event::PeerClosed,
        Event::Failed(error) => Event::Failed(error),
        Event::Unhealthy => Event::Unhealthy,
        Event::CloseTimedOut => Event::CloseTimedOut,
    }
}
