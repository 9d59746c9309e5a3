//! Frames on the wire (RFC 6455 section 5.2): the vocabulary, and the three things done to them.
//!
//! This room knows single frames only; what a sequence of frames means is the connection's business.

mod encode;
mod mask;
mod parse;

pub use encode::{EncodedHeader, append_frame, encode_header};
pub use mask::Mask;
pub use parse::FrameHeader;

/// The meaning of a frame (RFC 6455 section 5.2, "Opcode").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Another part of the message that an earlier frame began.
    Continuation,
    /// A text message, or its first part.
    Text,
    /// A binary message, or its first part.
    Binary,
    /// The closing handshake.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl Opcode {
    /// The opcode with this number; `None` for the ten that are reserved.
    pub fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// The number that stands in the low four bits of a frame's first byte.
    pub fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    /// Whether this is a control frame: never fragmented, at most 125 bytes (RFC 6455 section 5.5).
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The kind of a data message (RFC 6455 section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

impl From<Kind> for Opcode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}
