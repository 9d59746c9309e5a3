//! The contract's vocabulary on the host's side: what the types of `wit/types.wit` and
//! `wit/connections.wit` look like to the rest of the host. Plain data; nothing here names the engine.

/// Names one socket from acceptance to removal. Always below 2^53, never reused in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl std::fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A message, or a part of one, borrowed from wherever its bytes are (the worker's receive buffer,
/// guest memory). RFC 6455 section 5.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageRef<'a> {
    /// Text, known to be UTF-8.
    Text(&'a str),
    /// Binary.
    Binary(&'a [u8]),
}

impl<'a> MessageRef<'a> {
    /// The payload, whatever its kind.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            MessageRef::Text(text) => text.as_bytes(),
            MessageRef::Binary(bytes) => bytes,
        }
    }
}

/// One HTTP field line; the name in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Field name, lower case.
    pub name: String,
    /// Field value without surrounding whitespace.
    pub value: Vec<u8>,
}

/// An upgrade request that passed every check of RFC 6455 section 4.2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeRequest {
    /// The connection that asks.
    pub connection: ConnectionId,
    /// Address and port of the peer.
    pub peer: String,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The Host field.
    pub authority: String,
    /// The path of the target.
    pub path: String,
    /// What follows the first `?`.
    pub query: Option<String>,
    /// Every field line in order.
    pub headers: Vec<Header>,
    /// The subprotocols offered.
    pub protocols: Vec<String>,
}

/// Why a plugin refused an upgrade; not vetted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status as the plugin gave it.
    pub status: u16,
    /// Extra response fields.
    pub headers: Vec<Header>,
    /// The body.
    pub body: String,
}

/// How a connection ended (RFC 6455 sections 7.1.5 and 7.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Close code received; 1005 for an empty close frame, 1006 for none.
    pub code: u16,
    /// Reason received.
    pub reason: String,
    /// Both close frames were exchanged.
    pub clean: bool,
}

/// Who broke what on a socket (`socket-events.error-kind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Reading or writing failed.
    Transport,
    /// The peer broke RFC 6455.
    Protocol,
    /// A plugin's call trapped or ran out of time.
    Plugin,
    /// A limit was met.
    Limit,
}

/// Why something could not be sent (`connections.send-error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No such open connection.
    Gone,
    /// The outgoing buffer is full.
    BacklogFull,
    /// Above the largest message.
    TooLarge,
    /// Not a continuation of the fragmented message that is open, or none is open.
    FragmentOrder,
    /// A control payload above 125 bytes.
    ControlTooLarge,
}

/// Why a connection could not be closed as asked (`connections.close-error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseError {
    /// No such open connection.
    Gone,
    /// A code that must not be sent.
    InvalidCode,
}

/// Why an attribute could not be read or written (`connections.attribute-error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeError {
    /// No such connection.
    Gone,
    /// Above the connection's attribute limit.
    TooLarge,
}

/// What the host knows about a connection (`connections.connection-info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Address and port of the peer.
    pub peer: String,
    /// Encrypted or not.
    pub secure: bool,
    /// Path of the route.
    pub route: String,
    /// Subprotocol agreed on.
    pub protocol: Option<String>,
    /// Milliseconds since acceptance.
    pub age_ms: u64,
    /// Milliseconds since the last byte from the peer.
    pub idle_ms: u64,
    /// Bytes waiting to be written.
    pub backlog: u64,
}
