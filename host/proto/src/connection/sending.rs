//! Commands that put frames into the output (RFC 6455 sections 5.4 to 5.6 and 6.1), compressed where that was
//! agreed on and is worth it (RFC 7692 section 6.1).

use super::{Connection, SendError};
use crate::{
    deflate::Deflate,
    frame::{Kind, Opcode, append_frame, encode_header},
};

/// A fragmented message under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragmented {
    kind: Kind,
    compressed: bool,
}

impl Connection {
    /// Appends a whole message in one frame. It is compressed if that was agreed on and the message is long
    /// enough.
    ///
    /// The payload of a text message must be UTF-8; that is the caller's duty.
    ///
    /// # Errors
    /// When the connection is not open, or a fragmented message is unfinished.
    pub fn send(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.check_message()?;
        if let Some(deflate) = self.worth_compressing(payload) {
            let packed = deflate.compressor.compress(payload, true);
            // Where nothing is taken over from it, a message that did not get shorter may as well go as it
            // is.
            if packed.len() < payload.len() || !deflate.compressor.may_discard() {
                append_compressed(out, kind.into(), true, &packed);
                return Ok(());
            }
        }
        append_frame(out, kind.into(), true, payload);
        Ok(())
    }

    /// As [`Self::send`], but never compressed: for payloads that are compressed already, or secrets beside
    /// what an attacker chooses.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_plain(
        &mut self,
        kind: Kind,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check_message()?;
        append_frame(out, kind.into(), true, payload);
        Ok(())
    }

    /// Appends a part of a message as one frame; `last` ends the message. Whether the message is compressed
    /// is decided with its first part.
    ///
    /// A text must be cut between characters, which a `&str` is by itself: the caller's duty, too.
    ///
    /// # Errors
    /// When the connection is not open, or the open message is of another kind.
    pub fn send_fragment(
        &mut self,
        kind: Kind,
        payload: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check_open()?;
        let (opcode, compress) = match self.sending {
            None => (kind.into(), self.worth_compressing(payload).is_some()),
            Some(open) if open.kind == kind => (Opcode::Continuation, open.compressed),
            Some(_) => return Err(SendError::KindChanged),
        };
        self.sending = (!last).then_some(Fragmented {
            kind,
            compressed: compress,
        });
        match &mut self.deflate {
            Some(deflate) if compress => {
                let packed = deflate.compressor.compress(payload, last);
                append_compressed(out, opcode, last, &packed);
            }
            _ => append_frame(out, opcode, last, payload),
        }
        Ok(())
    }

    /// Appends a ping. Allowed in the middle of a fragmented message (section 5.4).
    ///
    /// # Errors
    /// When the connection is not open, or the payload is above 125 bytes.
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(Opcode::Ping, payload, out)
    }

    /// Appends an unsolicited pong (section 5.5.3). Pings are answered without being asked.
    ///
    /// # Errors
    /// When the connection is not open, or the payload is above 125 bytes.
    pub fn pong(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.send_control(Opcode::Pong, payload, out)
    }

    /// Everything in the output was written: a pong that was held back may go out.
    pub fn handle_drained(&mut self, out: &mut Vec<u8>) {
        if self.is_open() {
            self.answer_waiting_ping(out);
        }
    }

    fn send_control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check_open()?;
        if payload.len() > 125 {
            return Err(SendError::ControlTooLong);
        }
        append_frame(out, opcode, true, payload);
        Ok(())
    }

    fn check_open(&self) -> Result<(), SendError> {
        if self.is_open() {
            Ok(())
        } else {
            Err(SendError::NotOpen)
        }
    }

    /// Whether a whole message may be sent.
    fn check_message(&self) -> Result<(), SendError> {
        self.check_open()?;
        if self.sending.is_some() {
            Err(SendError::MessageUnfinished)
        } else {
            Ok(())
        }
    }

    /// The compressor's side, if there is one and a message that begins with this payload is for it.
    fn worth_compressing(&mut self, payload: &[u8]) -> Option<&mut Deflate> {
        self.deflate
            .as_deref_mut()
            .filter(|deflate| deflate.compressor.wants(payload.len()))
    }
}

/// Appends a frame of a compressed message. "An endpoint MUST NOT set the 'Per-Message Compressed' bit of
/// [...] non-first fragments of a data message" (RFC 7692 section 6).
fn append_compressed(out: &mut Vec<u8>, opcode: Opcode, fin: bool, packed: &[u8]) {
    let first = opcode != Opcode::Continuation;
    out.extend_from_slice(&encode_header(opcode, fin, first, packed.len()));
    out.extend_from_slice(packed);
}
