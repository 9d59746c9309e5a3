//! What can go wrong on a connection: who is at fault, and what the wire says about it.
//!
//! Enums name the offence; their conversion to a close code stands here and nowhere else.

use thiserror::Error;

use crate::{close, deflate::InflateError, utf8::InvalidUtf8};

/// An offence of the peer. The connection fails with [`code`](Self::code) and is deaf from then on
/// (RFC 6455 section 7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// A client frame without a mask (section 5.1).
    #[error("unmasked frame")]
    Unmasked,
    /// A reserved bit without an extension that gives it a meaning (section 5.2).
    #[error("reserved bits set")]
    ReservedBits,
    /// One of the ten opcodes without a meaning (section 5.2).
    #[error("reserved opcode {0:#x}")]
    ReservedOpcode(u8),
    /// A control frame without FIN (section 5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A control frame with more than 125 bytes (section 5.5).
    #[error("control frame too long")]
    ControlTooLong,
    /// A length written with more bytes than it needs (section 5.2).
    #[error("length not minimal")]
    LengthNotMinimal,
    /// A 64-bit length with the top bit (section 5.2).
    #[error("length above 2^63 - 1")]
    LengthTopBit,
    /// A continuation frame without a message to continue (section 5.4).
    #[error("nothing to continue")]
    LoneContinuation,
    /// A new message in the middle of another (section 5.4).
    #[error("message inside a message")]
    InterruptedMessage,
    /// A message above [`Settings::message_bytes`](super::Settings::message_bytes) (section 10.4).
    #[error("message too big")]
    MessageTooBig,
    /// A message that was not complete within [`Settings::message_timeout`](super::Settings::message_timeout).
    #[error("message too slow")]
    MessageTooSlow,
    /// A compressed message that does not inflate (RFC 7692 section 7.2.2).
    #[error("bad compressed data")]
    Inflate,
    /// Text that is not UTF-8 (section 8.1).
    #[error("text not UTF-8")]
    TextNotUtf8,
    /// A close frame with a single byte (section 5.5.1).
    #[error("close frame of one byte")]
    CloseOneByte,
    /// A close code that no peer may send (section 7.4).
    #[error("invalid close code {0}")]
    CloseCode(u16),
    /// A close reason that is not UTF-8 (section 5.5.1).
    #[error("close reason not UTF-8")]
    CloseReasonNotUtf8,
}

impl ProtocolError {
    /// The close code that the peer gets for it (RFC 6455 section 7.4.1).
    pub fn code(self) -> u16 {
        match self {
            Self::Unmasked
            | Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::LengthNotMinimal
            | Self::LengthTopBit
            | Self::LoneContinuation
            | Self::InterruptedMessage
            | Self::CloseOneByte
            | Self::CloseCode(_) => close::PROTOCOL_ERROR,
            Self::Inflate | Self::TextNotUtf8 | Self::CloseReasonNotUtf8 => close::INVALID_DATA,
            Self::MessageTooBig => close::TOO_BIG,
            Self::MessageTooSlow => close::POLICY_VIOLATION,
        }
    }
}

impl From<InvalidUtf8> for ProtocolError {
    fn from(_: InvalidUtf8) -> Self {
        Self::TextNotUtf8
    }
}

impl From<InflateError> for ProtocolError {
    fn from(_: InflateError) -> Self {
        Self::Inflate
    }
}

/// Why a message, a fragment, a ping or a pong was not sent. Nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The closing handshake has begun, or the connection ended (RFC 6455 section 5.5.1: "The application
    /// MUST NOT send any more data frames after sending a Close frame").
    #[error("the connection is closing or closed")]
    NotOpen,
    /// A fragmented message is open, and this is no part of it (section 5.4).
    #[error("a fragmented message is unfinished")]
    MessageUnfinished,
    /// A fragment of another kind than the one that began the message.
    #[error("the open message is of the other kind")]
    KindChanged,
    /// A ping or pong above 125 bytes (section 5.5).
    #[error("a control frame carries at most 125 bytes")]
    ControlTooLong,
}

/// Why a close frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CloseError {
    /// The code may not be sent (RFC 6455 section 7.4): below 1000, 1004 to 1006, 1010, 1015 to 2999, 5000
    /// and up.
    #[error("the code {0} may not be sent")]
    InvalidCode(u16),
    /// The connection is closing or closed already.
    #[error("the connection is closing or closed")]
    NotOpen,
}
