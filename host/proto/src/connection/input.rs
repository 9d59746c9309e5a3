//! Input to events: finds frame after frame, and hands each to the room that knows what it means.
//!
//! A frame that lies whole in the input is never copied. What happens is the same however the input is cut.

use std::{borrow::Cow, time::Instant};

use super::{Connection, Event, ProtocolError, message::Message};
use crate::frame::{FrameHeader, Kind, Opcode};

/// Where in a frame the input stands.
#[derive(Debug)]
pub(super) enum Reading {
    /// Before or in a header, of which the first bytes are here.
    Header {
        partial: [u8; FrameHeader::MAX_BYTES],
        used: u8,
    },
    /// In a payload: `header.length` counts what is still to come, `header.mask` stands where the payload
    /// does.
    Payload(FrameHeader),
}

impl Reading {
    pub(super) const START: Self = Self::Header {
        partial: [0; FrameHeader::MAX_BYTES],
        used: 0,
    };
}

/// What one step of reading found.
enum Step<'i> {
    /// Nothing to tell; there may be more in the input.
    Next,
    /// The input is used up in the middle of a header or payload.
    Starved,
    /// Something to tell.
    Told(Event<'i>),
}

impl Connection {
    /// Reads input up to the next event, unmasking it in place.
    ///
    /// Replies (a pong, the echo of a close frame, the close frame of a failure) are appended to `out`.
    /// Returns the event and the input behind it. Without an event all input was used. Call it again with the
    /// rest until there is no event, and carry out what an event asks for before: answers to earlier input go
    /// before what later input provokes.
    pub fn handle_input<'i>(
        &mut self,
        now: Instant,
        input: &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> (Option<Event<'i>>, &'i mut [u8]) {
        if !input.is_empty() {
            self.timers.heard(now);
        }
        let bytes = input.len();
        let (event, rest) = self.read(now, input, out);
        let used = bytes.saturating_sub(rest.len()) as u64;
        self.rates.spend(now, &self.settings, used, event.as_ref());
        if let Some(message) = &mut self.message
            && let Some((until, _)) = self.rates.until().filter(|(until, _)| *until > now)
        {
            // Nothing is read until then, so the message may take so much longer.
            message.begun += until - now;
        }
        (event, rest)
    }

    /// Reads up to the next event.
    fn read<'i>(
        &mut self,
        now: Instant,
        input: &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> (Option<Event<'i>>, &'i mut [u8]) {
        let mut rest = input;
        while self.wants_input() {
            match self.step(now, &mut rest, out) {
                Ok(Step::Next) => {}
                Ok(Step::Starved) => return (None, rest),
                Ok(Step::Told(event)) => return (Some(event), rest),
                Err(error) => {
                    self.fail_with(now, error, out);
                    return (Some(Event::Failed(error)), Default::default());
                }
            }
        }
        // "after receiving a control frame indicating the connection should be closed, a peer discards any
        // further data received" (section 1.4). The same goes for a connection that failed.
        (None, Default::default())
    }

    /// Reads a header, if one is due, and then as much of its payload as there is.
    fn step<'i>(
        &mut self,
        now: Instant,
        input: &mut &'i mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Step<'i>, ProtocolError> {
        let mut header = match &self.reading {
            Reading::Payload(header) => *header,
            Reading::Header { .. } => match self.read_header(input)? {
                Some(header) => {
                    self.check_order(&header)?;
                    header
                }
                None => return Ok(Step::Starved),
            },
        };
        let here = usize::try_from(header.length)
            .unwrap_or(usize::MAX)
            .min(input.len());
        if here == 0 && header.length > 0 {
            self.reading = Reading::Payload(header);
            return Ok(Step::Starved);
        }
        let (piece, rest) = std::mem::take(input).split_at_mut(here);
        *input = rest;
        header.mask.apply(piece);
        header.length -= here as u64;
        let whole = header.length == 0;
        self.reading = if whole {
            Reading::START
        } else {
            Reading::Payload(header)
        };
        let step = match header.opcode {
            Opcode::Text => self.data(now, Some(Kind::Text), &header, whole, piece)?,
            Opcode::Binary => self.data(now, Some(Kind::Binary), &header, whole, piece)?,
            Opcode::Continuation => self.data(now, None, &header, whole, piece)?,
            control => match self.control(now, control, piece, whole, out)? {
                Some(event) => Step::Told(event),
                None => Step::Next,
            },
        };
        Ok(if whole || matches!(step, Step::Told(_)) {
            step
        } else {
            Step::Starved
        })
    }

    /// Reads the rest of a header. `None`: it goes on in the next input.
    fn read_header(&mut self, input: &mut &mut [u8]) -> Result<Option<FrameHeader>, ProtocolError> {
        let Reading::Header { partial, used } = &mut self.reading else {
            return Ok(None);
        };
        if *used == 0
            && let Some((header, bytes)) = FrameHeader::parse(input, self.deflate.is_some())?
        {
            let (_, rest) = std::mem::take(input).split_at_mut(bytes);
            *input = rest;
            return Ok(Some(header));
        }
        // Only the last header of an input gets here, so a byte at a time is no loss.
        while let Some(slot) = partial.get_mut(usize::from(*used))
            && let Some(byte) = input.split_off_first_mut()
        {
            *slot = *byte;
            *used += 1;
            let so_far = partial.get(..usize::from(*used)).unwrap_or(partial);
            if let Some((header, _)) = FrameHeader::parse(so_far, self.deflate.is_some())? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Whether a frame with this header may come now, and fits.
    fn check_order(&self, header: &FrameHeader) -> Result<(), ProtocolError> {
        if header.opcode.is_control() {
            // "Control frames [...] MAY be injected in the middle of a fragmented message" (section 5.4).
            return Ok(());
        }
        let (before, compressed) = match (&self.message, header.opcode) {
            // A fragmented message consists of a first frame with an opcode other than 0, and frames with the
            // opcode 0 (section 5.4); "fragments of one message MUST NOT be interleaved between the fragments
            // of another message".
            (None, Opcode::Continuation) => return Err(ProtocolError::LoneContinuation),
            (Some(_), Opcode::Text | Opcode::Binary) => {
                return Err(ProtocolError::InterruptedMessage);
            }
            (None, _) => (0, header.rsv1),
            (Some(message), _) => (message.wire_bytes(), message.is_compressed()),
        };
        // Judged by what the peer declares, before any of it arrives: "implementations [...] MUST protect
        // themselves against exceeding" their limits (section 10.4).
        if before.saturating_add(header.length) > self.wire_limit(compressed) {
            return Err(ProtocolError::MessageTooBig);
        }
        Ok(())
    }

    /// The most bytes that a message may take on the wire.
    fn wire_limit(&self, compressed: bool) -> u64 {
        let limit = self.settings.message_bytes as u64;
        // Compression may make a message longer, by an eighth at the worst; the limit proper counts what
        // comes out. Without one here, blocks that hold nothing could go on for ever.
        if compressed {
            limit.saturating_add(limit / 8).saturating_add(1024)
        } else {
            limit
        }
    }

    /// A piece of a data frame, `whole` if it ends the frame. `kind` is that of the frame's opcode, `None`
    /// for a continuation.
    fn data<'i>(
        &mut self,
        now: Instant,
        kind: Option<Kind>,
        header: &FrameHeader,
        whole: bool,
        piece: &'i mut [u8],
    ) -> Result<Step<'i>, ProtocolError> {
        let limit = self.settings.message_bytes;
        let inflater = self.deflate.as_mut().map(|deflate| &mut deflate.inflater);
        let message = match (&mut self.message, kind) {
            (Some(message), _) => message,
            (None, Some(kind)) if whole && header.fin && !header.rsv1 => {
                return Ok(Step::Told(single(kind, piece)?));
            }
            (None, Some(kind)) => {
                self.message
                    .insert(Box::new(Message::new(kind, header.rsv1, now)))
            }
            // Refused with the header.
            (None, None) => return Err(ProtocolError::LoneContinuation),
        };
        let mut inflater = inflater.filter(|_| message.is_compressed());
        message.push(piece, inflater.as_deref_mut(), limit)?;
        if whole
            && header.fin
            && let Some(message) = self.message.take()
        {
            let wire_bytes = message.wire_bytes();
            let event = message.finish(inflater, limit)?;
            let bytes = match &event {
                Event::Text(text) => text.len() as u64,
                Event::Binary(bytes) => bytes.len() as u64,
                _ => 0,
            };
            self.rates
                .inflated(now, &self.settings, bytes.saturating_sub(wire_bytes));
            return Ok(Step::Told(event));
        }
        Ok(Step::Next)
    }
}

/// A message that came in one frame and in one piece.
fn single(kind: Kind, payload: &mut [u8]) -> Result<Event<'_>, ProtocolError> {
    Ok(match kind {
        // "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in
        // fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_" (section 8.1).
        Kind::Text => Event::Text(Cow::Borrowed(
            simdutf8::basic::from_utf8(payload).map_err(|_| ProtocolError::TextNotUtf8)?,
        )),
        Kind::Binary => Event::Binary(Cow::Borrowed(payload)),
    })
}
