//! Control frames from the peer (RFC 6455 section 5.5): ping, pong and close.

use std::time::Instant;

use super::{Connection, Event, ProtocolError};
use crate::{close::ClosePayload, frame::Opcode};

/// What is held of control frames: at most 125 bytes of each, and only while there is something to hold.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The first bytes of a control frame that the input cut.
    cut: Vec<u8>,
    /// Payload of the latest ping, when its pong waits for the output to be written.
    pub(super) ping: Option<Vec<u8>>,
}

impl Connection {
    /// A piece of a control frame; `whole` says that it ends the frame.
    pub(super) fn control(
        &mut self,
        now: Instant,
        opcode: Opcode,
        piece: &[u8],
        whole: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, ProtocolError> {
        if whole && self.held.as_ref().is_none_or(|held| held.cut.is_empty()) {
            return self.whole_control(now, opcode, piece, out);
        }
        let held = self.held.get_or_insert_default();
        held.cut.extend_from_slice(piece);
        if whole {
            let payload = std::mem::take(&mut held.cut);
            if held.ping.is_none() {
                self.held = None;
            }
            return self.whole_control(now, opcode, &payload, out);
        }
        if opcode == Opcode::Close {
            ClosePayload::check_prefix(&held.cut)?;
        }
        Ok(None)
    }

    fn whole_control(
        &mut self,
        now: Instant,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, ProtocolError> {
        self.rates.control_frame(now, &self.settings);
        match opcode {
            Opcode::Ping => self.pinged(payload, out),
            Opcode::Close => {
                self.peer_closed(now, ClosePayload::parse(payload)?, out);
                return Ok(Some(Event::PeerClosed));
            }
            // "A Pong frame MAY be sent unsolicited [...] A response to an unsolicited Pong frame is not
            // expected" (section 5.5.3). That it came at all is what the health check counts.
            _ => {}
        }
        Ok(None)
    }

    /// Answers a ping, or remembers it while too much output waits.
    ///
    /// Section 5.5.3: "A Pong frame sent in response to a Ping frame must have identical 'Application data'";
    /// "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping
    /// frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping
    /// frame."
    fn pinged(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        if !self.is_open() {
            // Nothing is sent after our close frame.
            return;
        }
        if out.len() < self.settings.control_backlog {
            // This ping is later than any that waits.
            self.drop_waiting_ping();
            crate::frame::append_frame(out, Opcode::Pong, true, payload);
        } else {
            let waiting = self
                .held
                .get_or_insert_default()
                .ping
                .get_or_insert_default();
            waiting.clear();
            waiting.extend_from_slice(payload);
        }
    }

    /// Appends the pong that was held back, if any.
    pub(super) fn answer_waiting_ping(&mut self, out: &mut Vec<u8>) {
        if let Some(payload) = self.held.as_mut().and_then(|held| held.ping.take()) {
            crate::frame::append_frame(out, Opcode::Pong, true, &payload);
            self.drop_waiting_ping();
        }
    }

    fn drop_waiting_ping(&mut self) {
        if let Some(held) = &mut self.held {
            held.ping = None;
            if held.cut.is_empty() {
                self.held = None;
            }
        }
    }
}
