//! Commands that put frames into the output (RFC 6455 sections 5.4 to 5.6 and 6.1).

use super::{Connection, SendError};
use crate::frame::{Kind, Opcode, append_frame};

impl Connection {
    /// Appends a whole message in one frame.
    ///
    /// The payload of a text message must be UTF-8; that is the caller's duty.
    ///
    /// # Errors
    /// When the connection is not open, or a fragmented message is unfinished.
    pub fn send(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.check_open()?;
        if self.sending.is_some() {
            return Err(SendError::MessageUnfinished);
        }
        append_frame(out, kind.into(), true, payload);
        Ok(())
    }

    /// Appends a part of a message as one frame; `last` ends the message.
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
        let opcode = match self.sending {
            None => kind.into(),
            Some(open) if open == kind => Opcode::Continuation,
            Some(_) => return Err(SendError::KindChanged),
        };
        self.sending = (!last).then_some(kind);
        append_frame(out, opcode, last, payload);
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
}
