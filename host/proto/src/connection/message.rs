//! A message under construction: the copy of what has arrived of it, inflated if it came compressed.
//!
//! It grows by what arrives, never by what a header declares, and is given up with the message.

use std::{borrow::Cow, time::Instant};

use super::{Event, ProtocolError};
use crate::{deflate::Inflater, frame::Kind, utf8::TextBuilder};

/// An unfinished message.
#[derive(Debug)]
pub(super) struct Message {
    body: Body,
    /// When it began, later by what the rates made it wait.
    pub(super) begun: Instant,
    /// Bytes of payload as they came over the wire.
    wire_bytes: u64,
    /// Whether they are compressed.
    compressed: bool,
}

#[derive(Debug)]
enum Body {
    Text(TextBuilder),
    Binary(Vec<u8>),
}

impl Message {
    pub(super) fn new(kind: Kind, compressed: bool, now: Instant) -> Self {
        let body = match kind {
            Kind::Text => Body::Text(TextBuilder::default()),
            Kind::Binary => Body::Binary(Vec::new()),
        };
        Self {
            body,
            begun: now,
            wire_bytes: 0,
            compressed,
        }
    }

    /// Bytes of payload so far, as they came over the wire.
    pub(super) fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    /// Whether the payload on the wire is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Appends unmasked payload, through the inflater if it is compressed. What comes out of that is held to
    /// `limit` bytes here; what is not compressed was measured before it got here.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        inflater: Option<&mut Inflater>,
        limit: usize,
    ) -> Result<(), ProtocolError> {
        self.wire_bytes += piece.len() as u64;
        match inflater {
            Some(inflater) => inflater.push(piece, |plain| self.body.push_limited(plain, limit)),
            None => self.body.push(piece),
        }
    }

    /// The whole message. The inflater is the one that its pieces went through.
    pub(super) fn finish(
        mut self,
        inflater: Option<&mut Inflater>,
        limit: usize,
    ) -> Result<Event<'static>, ProtocolError> {
        if let Some(inflater) = inflater {
            inflater.finish(|plain| self.body.push_limited(plain, limit))?;
        }
        Ok(match self.body {
            Body::Text(text) => Event::Text(Cow::Owned(text.finish()?)),
            Body::Binary(bytes) => Event::Binary(Cow::Owned(bytes)),
        })
    }
}

impl Body {
    /// The limit on the "total message size after reassembly" (RFC 6455 section 10.4), and after inflation.
    fn push_limited(&mut self, piece: &[u8], limit: usize) -> Result<(), ProtocolError> {
        // Up to the limit first: what is wrong with those bytes is wrong however the input was cut.
        let (within, above) = piece.split_at(piece.len().min(limit.saturating_sub(self.len())));
        self.push(within)?;
        if above.is_empty() {
            Ok(())
        } else {
            Err(ProtocolError::MessageTooBig)
        }
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), ProtocolError> {
        match self {
            Self::Text(text) => text.push(piece)?,
            Self::Binary(bytes) => bytes.extend_from_slice(piece),
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}
