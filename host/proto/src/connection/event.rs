//! What a connection tells its owner.

use std::borrow::Cow;

use super::ProtocolError;

/// Something that happened on a connection. Payloads borrow from the input where a message came in one piece,
/// and are owned where it had to be assembled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A whole text message.
    Text(Cow<'i, str>),
    /// A whole binary message.
    Binary(Cow<'i, [u8]>),
    /// The peer's close frame is here, and either its echo was appended or it answers ours. No input matters
    /// any more.
    PeerClosed,
    /// The peer broke a rule. A close frame was appended (unless one was sent before); the connection is
    /// deaf.
    Failed(ProtocolError),
    /// No traffic for too long. A close frame was appended; the connection is deaf.
    Unhealthy,
    /// The peer did not answer our close frame in time. Drop the connection.
    CloseTimedOut,
}
