//! Why the host did not do what a plugin asked for: the error enums of `wit/connections.wit`.

use std::fmt;

/// Why something could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendError {
    /// There is no such open connection: it ended, is closing, or was never this plugin's.
    Gone,
    /// The connection's outgoing buffer is full: the peer reads too slowly. Nothing was queued.
    BacklogFull,
    /// The message is above the largest that the host sends.
    TooLarge,
    /// A fragmented message is open on this connection, and this is not a part of it; or a fragment of
    /// the other kind (text or binary) than the one that began the message.
    FragmentOrder,
    /// A ping's or pong's payload is above 125 bytes (RFC 6455 section 5.5).
    ControlTooLarge,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Gone => "there is no such open connection",
            SendError::BacklogFull => "the connection's outgoing buffer is full",
            SendError::TooLarge => "the message is above the largest that the host sends",
            SendError::FragmentOrder => "not a part of the fragmented message that is open",
            SendError::ControlTooLarge => "the payload of a ping or pong is above 125 bytes",
        })
    }
}

impl std::error::Error for SendError {}

/// Why a connection could not be closed as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseError {
    /// There is no such open connection, or it is closing already.
    Gone,
    /// The code may not be sent (RFC 6455 section 7.4): below 1000, 1004 to 1006, 1010, 1015 to 2999,
    /// 5000 and up.
    InvalidCode,
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CloseError::Gone => "there is no such open connection",
            CloseError::InvalidCode => "a close code that may not be sent",
        })
    }
}

impl std::error::Error for CloseError {}

/// Why an attribute could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeError {
    /// There is no such connection.
    Gone,
    /// Names and values together would exceed the connection's attribute limit (16 KiB unless the host is
    /// configured otherwise). The old value, if any, is kept.
    TooLarge,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AttributeError::Gone => "there is no such connection",
            AttributeError::TooLarge => "the connection's attributes would exceed their limit",
        })
    }
}

impl std::error::Error for AttributeError {}
