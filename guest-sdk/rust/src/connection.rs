//! `Connection`: what a plugin may do with a connection, and what it may ask about it.

use std::fmt;
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use crate::host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host;
use crate::{AttributeError, CloseError, Message, SendError};

/// One connection, by its id: small, [`Copy`], a good key of a map.
///
/// A plugin reaches the connections of the routes that it serves, not only the one that a hook is called
/// for; on any other id everything answers `Gone`. Nothing here waits for the network: what is sent goes into
/// the connection's bounded outgoing buffer, in order. So the error that every sender must think about is
/// [`SendError::BacklogFull`], the peer that reads too slowly.
///
/// ```
/// # use jackfield_guest::{Connection, Handler, Message, SendError, testing};
/// #[derive(Default)]
/// struct Room {
///     members: Vec<Connection>,
/// }
///
/// impl Handler for Room {
///     fn business_handler(&mut self, connection: Connection, message: Message) {
///         if !self.members.contains(&connection) {
///             self.members.push(connection);
///         }
///         // To everyone; who is gone leaves the room.
///         self.members.retain(|member| member.send(&message) != Err(SendError::Gone));
///     }
/// }
///
/// let (ada, ben, mut room) = (testing::connect(), testing::connect(), Room::default());
/// room.business_handler(ada, Message::from("anyone?"));
/// room.business_handler(ben, Message::from("yes"));
/// assert_eq!(testing::sent(ada), [testing::Sent::from("anyone?"), testing::Sent::from("yes")]);
/// testing::end(ada);
/// room.business_handler(ben, Message::from("oh"));
/// assert_eq!(room.members, [ben]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(u64);

impl Connection {
    /// The connection with this id. Any number is fine; one that names no connection of this plugin is
    /// answered with `Gone`.
    pub const fn from_id(id: u64) -> Self {
        Self(id)
    }

    /// The id: opaque, below 2^53, never used again while the server process lives.
    pub const fn id(self) -> u64 {
        self.0
    }

    /// Sends one message in one frame.
    ///
    /// Ok means that it is queued behind everything sent before. For a connection that another worker thread
    /// owns, it means that the message was handed to that worker.
    ///
    /// ```
    /// # use jackfield_guest::{Message, testing};
    /// # let connection = testing::connect();
    /// connection.send(&Message::Binary(vec![1, 2, 3]))?;
    /// # assert_eq!(testing::sent(connection), [testing::Sent::Message(Message::Binary(vec![1, 2, 3]))]);
    /// # Ok::<(), jackfield_guest::SendError>(())
    /// ```
    ///
    /// # Errors
    /// Any [`SendError`] but `ControlTooLarge`. `FragmentOrder`: a message begun with
    /// [`send_fragment`](Self::send_fragment) is still open.
    pub fn send(self, message: &Message) -> Result<(), SendError> {
        host::send(self.0, message.into())
    }

    /// Sends one text message; as [`send`](Self::send), without the need of a [`Message`].
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// # let connection = testing::connect();
    /// connection.send_text("hello")?;
    /// # assert_eq!(testing::sent(connection), [testing::Sent::from("hello")]);
    /// # Ok::<(), jackfield_guest::SendError>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(self, text: &str) -> Result<(), SendError> {
        host::send(self.0, Payload::Text(text))
    }

    /// Sends one binary message; as [`send`](Self::send), without the need of a [`Message`].
    ///
    /// ```
    /// # use jackfield_guest::{Message, testing};
    /// # let connection = testing::connect();
    /// connection.send_binary(&[0xca, 0xfe])?;
    /// # assert_eq!(testing::sent(connection), [testing::Sent::Message(Message::Binary(vec![0xca, 0xfe]))]);
    /// # Ok::<(), jackfield_guest::SendError>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_binary(self, bytes: &[u8]) -> Result<(), SendError> {
        host::send(self.0, Payload::Binary(bytes))
    }

    /// Sends one message that is never compressed, whatever was agreed on with the peer: for payloads that are
    /// compressed already, and for secrets beside what an attacker chooses. Otherwise as [`send`](Self::send).
    ///
    /// ```
    /// # use jackfield_guest::{Message, testing};
    /// # let connection = testing::connect();
    /// connection.send_uncompressed(&Message::from("token=5f3a"))?;
    /// # assert_eq!(testing::sent(connection), [testing::Sent::from("token=5f3a")]);
    /// # Ok::<(), jackfield_guest::SendError>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_uncompressed(self, message: &Message) -> Result<(), SendError> {
        host::send_uncompressed(self.0, message.into())
    }

    /// Sends a part of a message as a fragment (RFC 6455 section 5.4). The first part begins the message and
    /// gives its kind, every part is of that kind, and `last` ends it.
    ///
    /// For a message whose beginning should leave before its end is known. Until the last part is sent, no
    /// other message can be sent on the connection; [`ping`](Self::ping), [`pong`](Self::pong) and
    /// [`close`](Self::close) can.
    ///
    /// ```
    /// # use jackfield_guest::{Message, SendError, testing};
    /// # let connection = testing::connect();
    /// connection.send_fragment(&Message::from("once upon "), false)?;
    /// assert_eq!(connection.send_text("me first"), Err(SendError::FragmentOrder));
    /// connection.send_fragment(&Message::from("a time"), true)?;
    /// connection.send_text("the end")?;
    /// # Ok::<(), SendError>(())
    /// ```
    ///
    /// # Errors
    /// Any [`SendError`] but `ControlTooLarge`. `FragmentOrder`: a part of the other kind.
    pub fn send_fragment(self, part: &Message, last: bool) -> Result<(), SendError> {
        host::send_fragment(self.0, part.into(), last)
    }

    /// Sends a ping with a payload of at most 125 bytes (RFC 6455 section 5.5.2). The answer counts as a sign
    /// of life for the host's health check; no hook hears of it.
    ///
    /// ```
    /// # use jackfield_guest::{SendError, testing};
    /// # let connection = testing::connect();
    /// connection.ping(b"still there?")?;
    /// assert_eq!(connection.ping(&[0; 126]), Err(SendError::ControlTooLarge));
    /// # assert_eq!(testing::sent(connection), [testing::Sent::Ping(b"still there?".to_vec())]);
    /// # Ok::<(), SendError>(())
    /// ```
    ///
    /// # Errors
    /// `ControlTooLarge`, `Gone` or `BacklogFull`.
    pub fn ping(self, payload: &[u8]) -> Result<(), SendError> {
        host::ping(self.0, payload)
    }

    /// Sends a pong that nobody asked for, with a payload of at most 125 bytes (RFC 6455 section 5.5.3). Pings
    /// are answered by the host.
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// # let connection = testing::connect();
    /// connection.pong(b"heartbeat")?;
    /// # assert_eq!(testing::sent(connection), [testing::Sent::Pong(b"heartbeat".to_vec())]);
    /// # Ok::<(), jackfield_guest::SendError>(())
    /// ```
    ///
    /// # Errors
    /// `ControlTooLarge`, `Gone` or `BacklogFull`.
    pub fn pong(self, payload: &[u8]) -> Result<(), SendError> {
        host::pong(self.0, payload)
    }

    /// Starts the closing handshake, after everything sent so far (RFC 6455 section 7.1.2). Messages that the
    /// peer still sends are no longer delivered;
    /// [`on_disconnected`](crate::ConnectionEvents::on_disconnected) tells how it ended.
    ///
    /// 1000 is the normal closure, 1008 a broken rule of yours, 1011 a failure of yours; 3000 to 4999 are free
    /// for applications. A reason above 123 bytes is cut on a character boundary.
    ///
    /// ```
    /// # use jackfield_guest::{CloseError, testing};
    /// # let connection = testing::connect();
    /// assert_eq!(connection.close(1005, ""), Err(CloseError::InvalidCode));
    /// connection.close(4001, "kicked")?;
    /// assert_eq!(connection.close(1000, "again"), Err(CloseError::Gone));
    /// # assert_eq!(
    /// #     testing::sent(connection),
    /// #     [testing::Sent::Close { code: 4001, reason: "kicked".to_owned() }],
    /// # );
    /// # Ok::<(), CloseError>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidCode`, or `Gone` when it is closing already.
    pub fn close(self, code: u16, reason: &str) -> Result<(), CloseError> {
        host::close(self.0, code, reason)
    }

    /// Ends the TCP connection without a close frame and without waiting; what is queued is dropped.
    ///
    /// ```
    /// # use jackfield_guest::{SendError, testing};
    /// # let connection = testing::connect();
    /// connection.disconnect()?;
    /// assert_eq!(connection.send_text("too late"), Err(SendError::Gone));
    /// # Ok::<(), jackfield_guest::CloseError>(())
    /// ```
    ///
    /// # Errors
    /// `Gone`.
    pub fn disconnect(self) -> Result<(), CloseError> {
        host::disconnect(self.0)
    }

    /// The value of an attribute; none when it is not set.
    ///
    /// Attributes live in the host: they survive traps and swaps of the plugin, and every plugin of the route
    /// sees them. They can be written from
    /// [`check_custom_header`](crate::Handshake::check_custom_header) on, and still be read in
    /// [`on_disconnected`](crate::ConnectionEvents::on_disconnected).
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// # let connection = testing::connect();
    /// assert_eq!(connection.attribute("user")?, None);
    /// connection.set_attribute("user", b"ada")?;
    /// assert_eq!(connection.attribute("user")?.as_deref(), Some(&b"ada"[..]));
    /// # Ok::<(), jackfield_guest::AttributeError>(())
    /// ```
    ///
    /// # Errors
    /// `Gone`.
    pub fn attribute(self, name: &str) -> Result<Option<Vec<u8>>, AttributeError> {
        host::attribute(self.0, name)
    }

    /// Sets an attribute, replacing its value. Names and values of a connection together are bounded (16 KiB
    /// unless the host is configured otherwise): keep a key here, not a document.
    ///
    /// ```
    /// # use jackfield_guest::{AttributeError, testing};
    /// # let connection = testing::connect();
    /// connection.set_attribute("room", "lobby")?;
    /// assert_eq!(connection.set_attribute("room", [0; 20_000]), Err(AttributeError::TooLarge));
    /// assert_eq!(connection.attribute("room")?.as_deref(), Some(&b"lobby"[..]));
    /// # Ok::<(), AttributeError>(())
    /// ```
    ///
    /// # Errors
    /// `TooLarge` (the old value is kept), or `Gone`.
    pub fn set_attribute(self, name: &str, value: impl AsRef<[u8]>) -> Result<(), AttributeError> {
        host::set_attribute(self.0, name, value.as_ref())
    }

    /// Removes an attribute; ok also when it was not set.
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// # let connection = testing::connect();
    /// connection.set_attribute("typing", b"1")?;
    /// connection.remove_attribute("typing")?;
    /// assert_eq!(connection.attribute("typing")?, None);
    /// # Ok::<(), jackfield_guest::AttributeError>(())
    /// ```
    ///
    /// # Errors
    /// `Gone`.
    pub fn remove_attribute(self, name: &str) -> Result<(), AttributeError> {
        host::remove_attribute(self.0, name)
    }

    /// What the host knows about the connection; none when there is no such connection.
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// # let connection = testing::connect();
    /// if let Some(info) = connection.info() {
    ///     println!("{} on {}, {} bytes behind", info.peer, info.route, info.backlog);
    /// }
    /// ```
    pub fn info(self) -> Option<ConnectionInfo> {
        host::info(self.0)
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.0)
    }
}

/// What the host knows about a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Address and port of the peer.
    pub peer: String,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The path of the route that it was accepted on.
    pub route: String,
    /// The subprotocol agreed on, if any.
    pub protocol: Option<String>,
    /// Since the socket was accepted, to the millisecond.
    pub age: Duration,
    /// Since the last byte from the peer, to the millisecond.
    pub idle: Duration,
    /// Bytes waiting in the outgoing buffer.
    pub backlog: u64,
}

/// A message on its way to the host, wherever its bytes are.
#[derive(Clone, Copy)]
pub(crate) enum Payload<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl<'a> From<&'a Message> for Payload<'a> {
    fn from(message: &'a Message) -> Self {
        match message {
            Message::Text(text) => Payload::Text(text),
            Message::Binary(bytes) => Payload::Binary(bytes),
        }
    }
}
