//! What is known of one connection.

use std::task::Waker;
use std::time::Instant;

use jackfield_proto::{Connection, Status};

use crate::attributes::Attributes;
use crate::outbox::Outbox;

/// How far a connection has come.
///
/// ```text
/// insert ──▶ Handshaking ──open──▶ Open ──close, fail, peer's close──▶ Closing ──▶ removed
///                 └──────────────── refused, 408, gone ───────────────────────────▶ removed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The upgrade request is awaited, or being answered.
    Handshaking,
    /// Messages go both ways.
    Open,
    /// Nothing more may be sent.
    Closing,
}

/// One connection.
#[derive(Debug)]
pub struct Entry {
    /// Address and port of the peer.
    pub peer: Box<str>,
    /// Encrypted or not.
    pub secure: bool,
    /// Index of the route, once the request named one.
    pub route: Option<u16>,
    /// The subprotocol agreed on.
    pub protocol: Option<Box<str>>,
    /// When the socket was accepted.
    pub accepted: Instant,
    /// A deadline of the socket's owner has passed.
    pub expired: bool,
    /// Someone asked for the socket to be dropped without a close frame.
    pub disconnect: bool,
    /// Its owner is at work on it and looks at the outbox before it sleeps: no need to wake it.
    pub in_turn: bool,
    /// Its owner does not read, because a plugin's call is suspended: the peer cannot be judged by its silence.
    pub paused: bool,
    /// What waits to be written.
    pub outbox: Outbox,
    pub(crate) connection: Option<Connection>,
    pub(crate) attributes: Attributes,
    pub(crate) deadline: Option<Instant>,
    waker: Option<Waker>,
}

impl Entry {
    pub(crate) fn new(peer: Box<str>, secure: bool, now: Instant, deadline: Instant) -> Self {
        Entry {
            peer,
            secure,
            route: None,
            protocol: None,
            accepted: now,
            expired: false,
            disconnect: false,
            in_turn: false,
            paused: false,
            outbox: Outbox::default(),
            connection: None,
            attributes: Attributes::default(),
            deadline: Some(deadline),
            waker: None,
        }
    }

    /// How far the connection has come.
    pub fn phase(&self) -> Phase {
        match &self.connection {
            None => Phase::Handshaking,
            Some(connection) if connection.is_open() => Phase::Open,
            Some(_) => Phase::Closing,
        }
    }

    /// The protocol's state, once upgraded.
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// The protocol's status, once upgraded.
    pub fn status(&self) -> Option<Status> {
        self.connection.as_ref().map(Connection::status)
    }

    /// The names of its attributes, in alphabetical order.
    pub fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.attributes.names()
    }

    /// The deadline that the socket's owner set and that has not passed.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Leaves the waker of the socket's owner, to be called at every change that it did not make.
    pub fn register(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(old) if old.will_wake(waker) => {}
            place => *place = Some(waker.clone()),
        }
    }

    /// Wakes the socket's owner, unless it is at work on this connection anyway.
    pub(crate) fn wake(&self) {
        if !self.in_turn
            && let Some(waker) = &self.waker
        {
            waker.wake_by_ref();
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let protocol = self.connection.as_ref().and_then(Connection::poll_timeout);
        match (self.deadline, protocol) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}
