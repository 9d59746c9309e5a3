//! The end of a connection (RFC 6455 section 7): what was sent, what was received, and what follows from it.
//!
//! Facts are recorded as they happen; the outcome is derived from them when it is asked for.

use std::time::Instant;

use super::{CloseError, Connection, ProtocolError, Status};
use crate::{
    close::{self, ClosePayload},
    frame::{Opcode, append_frame},
};

/// How a connection ended, in the words of RFC 6455 section 7.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// "_The WebSocket Connection Close Code_" (section 7.1.5): the code in the peer's close frame; 1005 when
    /// that frame had none; 1006 when no close frame came.
    pub code: u16,
    /// "_The WebSocket Connection Close Reason_" (section 7.1.6): from the peer's close frame, else empty.
    pub reason: String,
    /// Whether the closing handshake was completed: a close frame each way (section 7.1.4).
    pub clean: bool,
}

/// The recorded facts.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The code of our close frame; 1005 for one without.
    sent: Option<u16>,
    /// The peer's close frame.
    received: Option<Box<Received>>,
    /// The peer sends no more bytes.
    eof: bool,
}

#[derive(Debug)]
struct Received {
    code: u16,
    reason: String,
}

impl Connection {
    /// Begins the closing handshake: appends a close frame and waits [`Settings::close_timeout`] for its
    /// answer.
    ///
    /// The reason is cut to [`close::MAX_REASON_BYTES`] between characters. Messages that the peer sent
    /// before it saw the close frame are still delivered.
    ///
    /// # Errors
    /// When the code may not be sent (RFC 6455 section 7.4), or the connection is closing or closed already.
    ///
    /// [`Settings::close_timeout`]: super::Settings::close_timeout
    pub fn close(
        &mut self,
        now: Instant,
        code: u16,
        reason: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), CloseError> {
        if !close::may_send(code) {
            return Err(CloseError::InvalidCode(code));
        }
        if !self.is_open() {
            return Err(CloseError::NotOpen);
        }
        self.send_close(now, Some(code), reason, out);
        self.status = Status::Closing;
        Ok(())
    }

    /// Fails the connection: appends a close frame, unless one was sent before, and is deaf from then on
    /// (RFC 6455 section 7.1.7). For ends that are not the peer's choice: 1011, 1013, 1008.
    ///
    /// A code that may not be sent (RFC 6455 section 7.4) becomes 1011.
    pub fn fail(&mut self, now: Instant, code: u16, reason: &str, out: &mut Vec<u8>) {
        if matches!(self.status, Status::Open | Status::Closing) {
            let code = if close::may_send(code) {
                code
            } else {
                close::INTERNAL_ERROR
            };
            self.send_close(now, Some(code), reason, out);
            self.finish();
        }
    }

    /// The peer will send nothing more: a FIN, or a reset.
    ///
    /// Without a close frame from the peer this is an abnormal end (RFC 6455 section 7.1.5: 1006). What is in
    /// the output may still be written, since a FIN ends one direction only, and was accepted before.
    pub fn handle_eof(&mut self) {
        self.facts.eof = true;
        if self.status != Status::Dead {
            self.finish();
        }
    }

    /// How the connection ended; before its end, how it would if it ended now.
    pub fn ending(&self) -> Ending {
        match &self.facts.received {
            Some(received) => Ending {
                code: received.code,
                reason: received.reason.clone(),
                clean: self.facts.sent.is_some(),
            },
            None => Ending {
                code: close::ABNORMAL,
                reason: String::new(),
                clean: false,
            },
        }
    }

    /// The code of the close frame that was sent, if one was; 1005 for one without a code.
    pub fn sent_close(&self) -> Option<u16> {
        self.facts.sent
    }

    /// The peer broke a rule.
    pub(super) fn fail_with(&mut self, now: Instant, error: ProtocolError, out: &mut Vec<u8>) {
        self.fail(now, error.code(), &error.to_string(), out);
    }

    /// The peer's close frame.
    pub(super) fn peer_closed(
        &mut self,
        now: Instant,
        payload: ClosePayload<'_>,
        out: &mut Vec<u8>,
    ) {
        self.facts.received = Some(Box::new(Received {
            code: payload.code.unwrap_or(close::NO_CODE),
            reason: payload.reason.to_owned(),
        }));
        // "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST
        // send a Close frame in response. (When sending a Close frame in response, the endpoint typically
        // echos the status code it received.)" (section 5.5.1)
        self.send_close(now, payload.code, "", out);
        self.finish();
    }

    /// The close frame was not answered in time.
    pub(super) fn give_up(&mut self) {
        self.finish();
        self.status = Status::Dead;
    }

    /// Appends our close frame, once.
    fn send_close(&mut self, now: Instant, code: Option<u16>, reason: &str, out: &mut Vec<u8>) {
        if self.facts.sent.is_some() {
            return;
        }
        self.answer_waiting_ping(out);
        self.facts.sent = Some(code.unwrap_or(close::NO_CODE));
        self.timers.closed = Some(now);
        let mut payload = Vec::new();
        if let Some(code) = code {
            payload.extend_from_slice(&code.to_be_bytes());
            payload.extend_from_slice(close::cut_reason(reason).as_bytes());
        }
        append_frame(out, Opcode::Close, true, &payload);
    }

    /// Nothing is read or sent any more; nothing is held.
    fn finish(&mut self) {
        self.status = Status::Finished {
            linger: !self.facts.eof,
        };
        self.reading = super::input::Reading::START;
        self.message = None;
        self.held = None;
        self.deflate = None;
    }
}
