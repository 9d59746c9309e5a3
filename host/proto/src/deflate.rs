//! permessage-deflate (RFC 7692): compressed messages.
//!
//! What client and server agree on is found in `negotiate`; `inflate` and `compress` do the work. flate2 runs
//! on zlib-rs here, because window sizes below 15 bits need a zlib. This room knows payloads only; frames and
//! their RSV1 bit are the business of `frame` and `connection`.
//!
//! # Memory
//! A side that takes its context over from message to message holds it from its first compressed message on:
//! 372 KiB to send with a window of 15 bits and 246 KiB with 9 (zlib's hash table does not shrink), 47 KiB to
//! receive with any (measured at the allocator, `tests/memory.rs`). A side that does not, holds its context
//! only while it works on a message. Nothing is allocated before, and nothing is kept when the connection has
//! ended.

mod compress;
mod inflate;
mod negotiate;

pub(crate) use inflate::{InflateError, Inflater};
pub(crate) use negotiate::negotiate;
pub use negotiate::{DeflateSettings, Negotiated};

pub(crate) use compress::Compressor;

/// What RFC 7692 section 7.2.1 removes from the end of every message and section 7.2.2 puts back: the end of
/// an empty block without compression.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Both directions of a connection on which the extension was agreed.
#[derive(Debug)]
pub(crate) struct Deflate {
    pub(crate) compressor: Compressor,
    pub(crate) inflater: Inflater,
}

impl Deflate {
    pub(crate) fn new(negotiated: &Negotiated) -> Self {
        Self {
            compressor: Compressor::new(negotiated),
            inflater: Inflater::new(negotiated),
        }
    }
}
