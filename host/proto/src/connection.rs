//! A connection after the `101` (RFC 6455 sections 5 to 8): the server's half of the protocol as a machine
//! without IO.
//!
//! The machine is split by what it is busy with: `input` finds frames, `message` holds an unfinished message,
//! `control` answers control frames, `closing` knows about the end, `timers` and `health` about deadlines,
//! `rates` about how much may come, `sending` about commands. This room must never read a clock, wait, or write anything but the `out` that it
//! is given.

mod closing;
mod control;
mod error;
mod event;
mod health;
mod input;
mod message;
mod rates;
mod sending;
mod settings;
mod timers;

use std::{sync::Arc, time::Instant};

pub use closing::Ending;
pub use error::{CloseError, ProtocolError, SendError};
pub use event::Event;
pub use rates::Rate;
pub use settings::Settings;

use crate::deflate::{Deflate, Negotiated};

/// The life of a connection.
///
/// ```text
///            close()            close frame from the peer
///   Open ──────────────▶ Closing ──────────────────────────▶ Finished
///    │                      │  ╰──── close timeout ────▶ Dead   ▲
///    │                      ╰───── EOF, offence, fail() ────────┤
///    ╰──── close frame from the peer (echoed), offence, ────────╯
///          fail(), unhealthy, EOF
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Messages go both ways.
    Open,
    /// Our close frame was sent, the peer's is awaited. Nothing more is sent.
    Closing,
    /// Nothing more is sent, and nothing that comes matters. Write what is in the output, then end TCP so
    /// that the peer gets a FIN and not an RST: shut the sending side down, and (`linger`) read and discard
    /// until the peer's FIN or a bound, then drop. Without `linger` the peer's FIN has been seen.
    Finished {
        /// Whether the peer's FIN is still to come.
        linger: bool,
    },
    /// The peer does not answer: drop the connection now.
    Dead,
}

/// The server's end of one WebSocket connection.
///
/// It is small while idle: what an unfinished message needs is on the heap and is given up with the message.
///
/// # Getters
/// [`status`](Self::status), [`is_open`](Self::is_open), [`wants_input`](Self::wants_input),
/// [`is_sending_fragments`](Self::is_sending_fragments), [`ending`](Self::ending),
/// [`sent_close`](Self::sent_close), [`last_traffic`](Self::last_traffic), [`throttled`](Self::throttled),
/// [`messages_stand_alone`](Self::messages_stand_alone).
///
/// # What happened outside: `handle_*`
/// [`handle_input`](Self::handle_input), [`handle_eof`](Self::handle_eof),
/// [`handle_drained`](Self::handle_drained), [`handle_timeout`](Self::handle_timeout) (when
/// [`poll_timeout`](Self::poll_timeout) says).
///
/// # Commands
/// [`send`](Self::send), [`send_fragment`](Self::send_fragment), [`ping`](Self::ping), [`pong`](Self::pong),
/// [`close`](Self::close), [`fail`](Self::fail). They append whole frames to `out` or do nothing.
///
/// # Call order
/// 1. Input came: `handle_input` again and again until there is no event, doing what each event asks for
///    before the next call. EOF: `handle_eof`.
/// 2. Write `out`. All of it written: `handle_drained`, and write again if that put something there.
/// 3. Look at `status`: unless it is `Open` or `Closing`, do what it says.
/// 4. Wait for input, writability, or the deadline of `poll_timeout`.
#[derive(Debug)]
pub struct Connection {
    settings: Arc<Settings>,
    status: Status,
    reading: input::Reading,
    /// The message whose end has not arrived.
    message: Option<Box<message::Message>>,
    held: Option<Box<control::Held>>,
    /// Our own fragmented message whose last part was not sent.
    sending: Option<sending::Fragmented>,
    deflate: Option<Box<Deflate>>,
    facts: closing::Facts,
    timers: timers::Timers,
    rates: rates::Rates,
}

impl Connection {
    /// A connection whose `101` was just sent.
    pub fn new(settings: Arc<Settings>, now: Instant) -> Self {
        Self {
            settings,
            status: Status::Open,
            reading: input::Reading::START,
            message: None,
            held: None,
            sending: None,
            deflate: None,
            facts: closing::Facts::default(),
            timers: timers::Timers::new(now),
            rates: rates::Rates::default(),
        }
    }

    /// A connection whose `101` agreed on permessage-deflate.
    pub fn with_deflate(settings: Arc<Settings>, now: Instant, negotiated: &Negotiated) -> Self {
        Self {
            deflate: Some(Box::new(Deflate::new(negotiated))),
            ..Self::new(settings, now)
        }
    }

    /// Where in its life the connection is.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether messages may be sent.
    pub fn is_open(&self) -> bool {
        self.status == Status::Open
    }

    /// Whether input means anything. When not, it is to be discarded.
    pub fn wants_input(&self) -> bool {
        matches!(self.status, Status::Open | Status::Closing)
    }

    /// Whether a peer understands each of our messages without those before it: true unless they are compressed
    /// with context takeover (RFC 7692 section 7.1.1.1).
    pub fn messages_stand_alone(&self) -> bool {
        self.deflate
            .as_ref()
            .is_none_or(|deflate| deflate.compressor.may_discard())
    }

    /// Whether a message of the peer has begun and not ended.
    pub fn is_receiving(&self) -> bool {
        self.message.is_some()
    }

    /// Whether a fragmented message of ours is unfinished: no other message may be sent before its last part.
    pub fn is_sending_fragments(&self) -> bool {
        self.sending.is_some()
    }
}
