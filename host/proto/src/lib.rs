//! The server side of RFC 6455 and the upgrade request in front of it: bytes, commands and `now` in; events,
//! bytes and the next deadline out.
//!
//! This crate must never do IO, read a clock, start a task or know that plugins exist. Its rooms:
//!
//! - [`handshake`]: from the first byte of a socket to the `101` (RFC 6455 section 4.2, RFC 9110, RFC 9112);
//! - [`frame`]: frame headers in and out, and the mask (RFC 6455 section 5.2);
//! - [`connection`]: what happens after the `101` (RFC 6455 sections 5 to 8);
//! - `deflate`: compressed messages (RFC 7692);
//! - [`close`]: which close codes exist, and who may use them (RFC 6455 section 7.4);
//! - [`utf8`]: UTF-8 that arrives in pieces.
#![forbid(unsafe_code)]

pub mod close;
pub mod connection;
mod deflate;
pub mod frame;
pub mod handshake;
pub mod utf8;

pub use connection::{
    CloseError, Connection, Ending, Event, ProtocolError, Rate, SendError, Settings, Status,
};
pub use deflate::{DeflateSettings, Negotiated};
pub use frame::{Kind, Opcode};
pub use handshake::{
    ForbiddenHeader, Head, OriginPattern, OriginPolicy, Refusal, RequestLimits, RequestReader,
    Upgrade, plain_response, vet_header,
};
