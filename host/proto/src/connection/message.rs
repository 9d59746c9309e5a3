//! A message under construction: the copy of what has arrived of it.
//!
//! It grows by what arrives, never by what a header declares, and is given up with the message. The cap was
//! checked against the declared lengths before a byte gets here.

use std::borrow::Cow;

use super::{Event, ProtocolError};
use crate::{frame::Kind, utf8::TextBuilder};

/// An unfinished message.
#[derive(Debug)]
pub(super) struct Message {
    body: Body,
    /// Bytes of payload so far.
    bytes: u64,
}

#[derive(Debug)]
enum Body {
    Text(TextBuilder),
    Binary(Vec<u8>),
}

impl Message {
    pub(super) fn new(kind: Kind) -> Self {
        let body = match kind {
            Kind::Text => Body::Text(TextBuilder::default()),
            Kind::Binary => Body::Binary(Vec::new()),
        };
        Self { body, bytes: 0 }
    }

    /// Bytes of payload so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends unmasked payload.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), ProtocolError> {
        self.bytes += piece.len() as u64;
        match &mut self.body {
            Body::Text(text) => text.push(piece)?,
            Body::Binary(bytes) => bytes.extend_from_slice(piece),
        }
        Ok(())
    }

    /// The whole message.
    pub(super) fn finish(self) -> Result<Event<'static>, ProtocolError> {
        Ok(match self.body {
            Body::Text(text) => Event::Text(Cow::Owned(text.finish()?)),
            Body::Binary(bytes) => Event::Binary(Cow::Owned(bytes)),
        })
    }
}
