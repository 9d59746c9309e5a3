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

/// What is done about a message for which the outgoing buffer has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused, and so is what follows: the owner of the shard closes the connection.
    #[default]
    Close,
    /// Older messages that are not being written yet make room for it. Only where messages stand alone
    /// ([`Connection::messages_stand_alone`]); elsewhere as [`Overflow::DropNewest`].
    DropOldest,
    /// It is refused.
    DropNewest,
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
    /// What is done when the outbox is full.
    pub overflow: Overflow,
    /// The peer was faster than its rates allow: not to be read before this moment, at which the owner is woken.
    pub throttled: Option<Instant>,
    /// What waits to be written.
    pub outbox: Outbox,
    pub(crate) connection: Option<Connection>,
    pub(crate) attributes: Attributes,
    pub(crate) deadline: Option<Instant>,
    /// The deadline of a message, for which the wheel is armed.
    pub(crate) message_armed: Option<Instant>,
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
            overflow: Overflow::default(),
            throttled: None,
            outbox: Outbox::default(),
            connection: None,
            attributes: Attributes::default(),
            deadline: Some(deadline),
            message_armed: None,
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

    /// When the peer was heard last; its acceptance, before it is upgraded.
    pub fn last_traffic(&self) -> Instant {
        let connection = self.connection.as_ref();
        connection.map_or(self.accepted, Connection::last_traffic)
    }

    /// Gives the owner another deadline, or none. Whether the one before has passed is of no interest any more.
    pub(crate) fn expect(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.expired = false;
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
        [self.deadline, protocol, self.throttled]
            .into_iter()
            .flatten()
            .min()
    }
}
