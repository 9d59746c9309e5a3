//! A stand-in for the host, so that a plugin's logic can be tested by `cargo test` without a server.
//!
//! There is a host only inside a component. In a build for your own machine, every call on a
//! [`Connection`] comes here instead, to a small host that keeps the contract's rules (order of fragments,
//! close codes, sizes of control frames and attributes) and remembers what was sent. Each thread, and so each
//! test, has one of its own.
//!
//! ```
//! use jackfield_guest::{Connection, Handler, Message, SendError, testing};
//!
//! struct Shout;
//!
//! impl Handler for Shout {
//!     fn business_handler(&mut self, connection: Connection, message: Message) {
//!         if let Some(text) = message.as_text()
//!             && connection.send_text(&text.to_uppercase()).is_err()
//!         {
//!             let _ = connection.close(1008, "read faster");
//!         }
//!     }
//! }
//!
//! let connection = testing::connect();
//! Shout.business_handler(connection, Message::from("hello"));
//! assert_eq!(testing::sent(connection), [testing::Sent::from("HELLO")]);
//!
//! testing::refuse_sends(connection, SendError::BacklogFull);
//! Shout.business_handler(connection, Message::from("hello"));
//! let close = testing::Sent::Close { code: 1008, reason: "read faster".to_owned() };
//! assert_eq!(testing::sent(connection), [close]);
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::connection::{ConnectionInfo, Payload};
use crate::{AttributeError, CloseError, Connection, Header, Message, SendError, UpgradeRequest};

/// Something that a plugin had sent, or done to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A message in one frame.
    Message(Message),
    /// A part of a message.
    Fragment {
        /// The part.
        part: Message,
        /// Whether it was the last one.
        last: bool,
    },
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The closing handshake was begun.
    Close {
        /// Its code.
        code: u16,
        /// Its reason, cut to 123 bytes.
        reason: String,
    },
    /// The TCP connection was ended.
    Disconnect,
}

impl From<&str> for Sent {
    /// A text message.
    fn from(text: &str) -> Self {
        Sent::Message(Message::from(text))
    }
}

/// A new open connection on the route `/`, from 192.0.2.1.
pub fn connect() -> Connection {
    with_host(|host| host.add("/", true))
}

/// An upgrade request for a target such as `/chat?room=1`, of a new connection that is not open yet. The
/// offered subprotocols are read from the `sec-websocket-protocol` fields.
pub fn request(target: &str, headers: &[(&str, &str)]) -> UpgradeRequest {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let headers: Vec<Header> = headers
        .iter()
        .map(|(name, value)| Header::new(name.to_ascii_lowercase(), *value))
        .collect();
    let protocols = headers
        .iter()
        .filter(|header| header.name == "sec-websocket-protocol")
        .filter_map(Header::text)
        .flat_map(|offered| offered.split(','))
        .map(|protocol| protocol.trim().to_owned())
        .collect();
    UpgradeRequest {
        connection: with_host(|host| host.add(path, false)).id(),
        peer: PEER.to_owned(),
        secure: false,
        authority: "localhost".to_owned(),
        path: path.to_owned(),
        query,
        headers,
        protocols,
    }
}

/// Completes the upgrade of a connection that [`request`] made: from now on it can be sent to.
pub fn accept(connection: Connection, protocol: Option<&str>) {
    with_entry(connection.id(), |entry| {
        entry.open = true;
        entry.info.protocol = protocol.map(str::to_owned);
    });
}

/// Takes what was sent on a connection since the last time.
pub fn sent(connection: Connection) -> Vec<Sent> {
    with_entry(connection.id(), |entry| std::mem::take(&mut entry.sent)).unwrap_or_default()
}

/// From now on, sends of every kind on this connection fail with this error.
pub fn refuse_sends(connection: Connection, error: SendError) {
    with_entry(connection.id(), |entry| entry.refuse = Some(error));
}

/// The connection ended: nothing more can be sent, attributes can still be read.
pub fn end(connection: Connection) {
    with_entry(connection.id(), |entry| entry.open = false);
}

const PEER: &str = "192.0.2.1:5000";

/// The attribute limit of a host that is not configured otherwise.
const ATTRIBUTES_MAX: usize = 16 * 1024;

#[derive(Default)]
struct Host {
    last_id: u64,
    entries: BTreeMap<u64, Entry>,
}

/// What is known about one connection.
struct Entry {
    info: ConnectionInfo,
    open: bool,
    sent: Vec<Sent>,
    attributes: BTreeMap<String, Vec<u8>>,
    /// The kind of the fragmented message that is open: whether it is text.
    fragmented: Option<bool>,
    refuse: Option<SendError>,
}

impl Host {
    fn add(&mut self, route: &str, open: bool) -> Connection {
        self.last_id += 1;
        let info = ConnectionInfo {
            peer: PEER.to_owned(),
            secure: false,
            route: route.to_owned(),
            protocol: None,
            age: Duration::ZERO,
            idle: Duration::ZERO,
            backlog: 0,
        };
        let entry = Entry {
            info,
            open,
            sent: Vec::new(),
            attributes: BTreeMap::new(),
            fragmented: None,
            refuse: None,
        };
        self.entries.insert(self.last_id, entry);
        Connection::from_id(self.last_id)
    }
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

fn with_host<R>(f: impl FnOnce(&mut Host) -> R) -> R {
    HOST.with_borrow_mut(f)
}

fn with_entry<R>(id: u64, f: impl FnOnce(&mut Entry) -> R) -> Option<R> {
    with_host(|host| host.entries.get_mut(&id).map(f))
}

/// The same functions as the imports have inside a component.
pub(crate) mod host {
    use super::*;

    pub(crate) fn send(to: u64, message: Payload<'_>) -> Result<(), SendError> {
        sending(to, |entry| {
            if entry.fragmented.is_some() {
                return Err(SendError::FragmentOrder);
            }
            entry.sent.push(Sent::Message(message.to_message()));
            Ok(())
        })
    }

    pub(crate) fn send_uncompressed(to: u64, message: Payload<'_>) -> Result<(), SendError> {
        send(to, message)
    }

    pub(crate) fn send_fragment(to: u64, part: Payload<'_>, last: bool) -> Result<(), SendError> {
        sending(to, |entry| {
            let is_text = matches!(part, Payload::Text(_));
            if entry.fragmented.is_some_and(|open| open != is_text) {
                return Err(SendError::FragmentOrder);
            }
            entry.fragmented = (!last).then_some(is_text);
            entry.sent.push(Sent::Fragment {
                part: part.to_message(),
                last,
            });
            Ok(())
        })
    }

    pub(crate) fn ping(to: u64, payload: &[u8]) -> Result<(), SendError> {
        control(to, payload, Sent::Ping)
    }

    pub(crate) fn pong(to: u64, payload: &[u8]) -> Result<(), SendError> {
        control(to, payload, Sent::Pong)
    }

    pub(crate) fn close(to: u64, code: u16, reason: &str) -> Result<(), CloseError> {
        // RFC 6455 section 7.4: the codes that may be sent.
        if !matches!(code, 1000..=1003 | 1007..=1009 | 1011..=1014 | 3000..=4999) {
            return Err(CloseError::InvalidCode);
        }
        let reason = reason[..reason.floor_char_boundary(123)].to_owned();
        ending(to, Sent::Close { code, reason })
    }

    pub(crate) fn disconnect(to: u64) -> Result<(), CloseError> {
        ending(to, Sent::Disconnect)
    }

    pub(crate) fn attribute(of: u64, name: &str) -> Result<Option<Vec<u8>>, AttributeError> {
        with_entry(of, |entry| entry.attributes.get(name).cloned()).ok_or(AttributeError::Gone)
    }

    pub(crate) fn set_attribute(of: u64, name: &str, value: &[u8]) -> Result<(), AttributeError> {
        with_entry(of, |entry| {
            let others: usize = entry
                .attributes
                .iter()
                .filter(|(key, _)| *key != name)
                .map(|(key, value)| key.len() + value.len())
                .sum();
            if others + name.len() + value.len() > ATTRIBUTES_MAX {
                return Err(AttributeError::TooLarge);
            }
            entry.attributes.insert(name.to_owned(), value.to_vec());
            Ok(())
        })
        .unwrap_or(Err(AttributeError::Gone))
    }

    pub(crate) fn remove_attribute(of: u64, name: &str) -> Result<(), AttributeError> {
        with_entry(of, |entry| drop(entry.attributes.remove(name))).ok_or(AttributeError::Gone)
    }

    pub(crate) fn info(of: u64) -> Option<ConnectionInfo> {
        with_entry(of, |entry| entry.info.clone())
    }

    fn sending(
        to: u64,
        send: impl FnOnce(&mut Entry) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        with_entry(to, |entry| match entry.refuse {
            _ if !entry.open => Err(SendError::Gone),
            Some(error) => Err(error),
            None => send(entry),
        })
        .unwrap_or(Err(SendError::Gone))
    }

    fn control(to: u64, payload: &[u8], sent: fn(Vec<u8>) -> Sent) -> Result<(), SendError> {
        sending(to, |entry| {
            // RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less".
            if payload.len() > 125 {
                return Err(SendError::ControlTooLarge);
            }
            entry.sent.push(sent(payload.to_vec()));
            Ok(())
        })
    }

    fn ending(to: u64, sent: Sent) -> Result<(), CloseError> {
        with_entry(to, |entry| {
            if sent != Sent::Disconnect && !entry.open {
                return Err(CloseError::Gone);
            }
            entry.open = false;
            entry.sent.push(sent);
            Ok(())
        })
        .unwrap_or(Err(CloseError::Gone))
    }
}

impl Payload<'_> {
    fn to_message(self) -> Message {
        match self {
            Payload::Text(text) => Message::from(text),
            Payload::Binary(bytes) => Message::from(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_before_the_upgrade_or_after_the_end() {
        let request = request("/chat", &[("sec-websocket-protocol", "a, b")]);
        let connection = request.connection();
        assert_eq!(request.protocols, ["a", "b"]);
        assert_eq!(connection.send_text("early"), Err(SendError::Gone));
        accept(connection, Some("a"));
        assert_eq!(connection.send_text("now"), Ok(()));
        assert_eq!(
            connection.info().and_then(|info| info.protocol).as_deref(),
            Some("a")
        );
        end(connection);
        assert_eq!(connection.send_text("late"), Err(SendError::Gone));
        assert_eq!(sent(connection), [Sent::from("now")]);
    }

    #[test]
    fn a_part_of_the_other_kind_is_refused_and_the_message_stays_open() {
        let connection = connect();
        assert_eq!(connection.send_fragment(&Message::from("a"), false), Ok(()));
        let binary = Message::from(vec![1]);
        assert_eq!(
            connection.send_fragment(&binary, true),
            Err(SendError::FragmentOrder)
        );
        assert_eq!(connection.send(&binary), Err(SendError::FragmentOrder));
        assert_eq!(connection.ping(b""), Ok(()));
        assert_eq!(connection.send_fragment(&Message::from("b"), true), Ok(()));
        assert_eq!(connection.send(&binary), Ok(()));
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let connection = connect();
        assert_eq!(connection.close(1000, &"é".repeat(100)), Ok(()));
        assert_eq!(
            sent(connection),
            [Sent::Close {
                code: 1000,
                reason: "é".repeat(61)
            }]
        );
    }

    #[test]
    fn only_codes_that_may_be_sent_are_accepted() {
        let accepted = |code| connect().close(code, "").is_ok();
        for code in [1000, 1003, 1007, 1011, 1014, 3000, 4999] {
            assert!(accepted(code), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1010, 1015, 2999, 5000, u16::MAX] {
            assert!(!accepted(code), "{code}");
        }
    }

    #[test]
    fn an_unknown_id_is_gone() {
        let nobody = Connection::from_id(u64::MAX);
        assert_eq!(nobody.send_text(""), Err(SendError::Gone));
        assert_eq!(nobody.close(1000, ""), Err(CloseError::Gone));
        assert_eq!(nobody.disconnect(), Err(CloseError::Gone));
        assert_eq!(nobody.attribute("a"), Err(AttributeError::Gone));
        assert_eq!(nobody.set_attribute("a", ""), Err(AttributeError::Gone));
        assert_eq!(nobody.remove_attribute("a"), Err(AttributeError::Gone));
        assert_eq!(nobody.info(), None);
    }
}
