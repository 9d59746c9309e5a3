//! What may be done to a connection from outside its own task: send, close, attributes.

use std::time::Instant;

use jackfield_proto::{self as proto, Kind};

use super::{Overflow, Shard};
use crate::attributes::AttributesFull;
use crate::id::ConnectionId;

/// The largest header of a frame from a server (RFC 6455 section 5.2), which has no masking key.
const FRAME_HEADER: usize = 10;

/// Why something could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No such open connection.
    Gone,
    /// The outgoing buffer has no room for it now.
    BacklogFull,
    /// It would not fit into an empty outgoing buffer.
    TooLarge,
    /// Not a continuation of the fragmented message that is open, or none is open.
    FragmentOrder,
    /// A control payload above 125 bytes.
    ControlTooLarge,
}

/// Why a connection could not be closed as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseError {
    /// No such open connection.
    Gone,
    /// A code that must not be sent (RFC 6455 section 7.4).
    InvalidCode,
}

/// Why an attribute could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeError {
    /// No such connection.
    Gone,
    /// Above the limit; the old value is kept.
    Full,
}

impl Shard {
    /// Queues one message in one frame.
    pub fn send(&mut self, id: ConnectionId, kind: Kind, payload: &[u8]) -> Result<(), SendError> {
        self.queue(id, payload.len(), |connection, out| {
            connection.send(kind, payload, out)
        })
    }

    /// Queues one message in one frame that is not compressed, whatever was agreed on.
    pub fn send_uncompressed(
        &mut self,
        id: ConnectionId,
        kind: Kind,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.queue(id, payload.len(), |connection, out| {
            connection.send_plain(kind, payload, out)
        })
    }

    /// Queues a part of a fragmented message.
    pub fn send_fragment(
        &mut self,
        id: ConnectionId,
        kind: Kind,
        payload: &[u8],
        last: bool,
    ) -> Result<(), SendError> {
        self.queue(id, payload.len(), |connection, out| {
            connection.send_fragment(kind, payload, last, out)
        })
    }

    /// Queues a ping.
    pub fn ping(&mut self, id: ConnectionId, payload: &[u8]) -> Result<(), SendError> {
        self.queue(id, payload.len(), |connection, out| {
            connection.ping(payload, out)
        })
    }

    /// Queues an unsolicited pong.
    pub fn pong(&mut self, id: ConnectionId, payload: &[u8]) -> Result<(), SendError> {
        self.queue(id, payload.len(), |connection, out| {
            connection.pong(payload, out)
        })
    }

    /// Starts the closing handshake behind everything that is queued.
    pub fn close(
        &mut self,
        id: ConnectionId,
        now: Instant,
        code: u16,
        reason: &str,
    ) -> Result<(), CloseError> {
        let answer = self.with_connection(id, |connection, out| {
            connection.close(now, code, reason, out)
        });
        match answer {
            None | Some(Err(proto::CloseError::NotOpen)) => Err(CloseError::Gone),
            Some(Err(proto::CloseError::InvalidCode(_))) => Err(CloseError::InvalidCode),
            Some(Ok(())) => {
                self.changed(id);
                Ok(())
            }
        }
    }

    /// Fails the connection: a close frame behind everything that is queued, then deaf. Nothing happens when
    /// a close frame was sent before.
    pub fn fail(&mut self, id: ConnectionId, now: Instant, code: u16, reason: &str) {
        self.with_connection(id, |connection, out| {
            connection.fail(now, code, reason, out);
        });
        self.changed(id);
    }

    /// Has the socket dropped without a close frame.
    pub fn disconnect(&mut self, id: ConnectionId) -> Result<(), CloseError> {
        let entry = self.entry_mut(id).ok_or(CloseError::Gone)?;
        entry.disconnect = true;
        entry.wake();
        Ok(())
    }

    /// The value of an attribute.
    pub fn attribute(
        &self,
        id: ConnectionId,
        name: &str,
    ) -> Result<Option<Vec<u8>>, AttributeError> {
        let entry = self.entry(id).ok_or(AttributeError::Gone)?;
        Ok(entry.attributes.value(name).map(<[u8]>::to_vec))
    }

    /// Sets an attribute.
    pub fn set_attribute(
        &mut self,
        id: ConnectionId,
        name: &str,
        value: &[u8],
    ) -> Result<(), AttributeError> {
        let limit = self.limits.attribute_bytes;
        let entry = self.entry_mut(id).ok_or(AttributeError::Gone)?;
        entry
            .attributes
            .set(name, value, limit)
            .map_err(|AttributesFull| AttributeError::Full)
    }

    /// Removes an attribute; it need not be there.
    pub fn remove_attribute(&mut self, id: ConnectionId, name: &str) -> Result<(), AttributeError> {
        let entry = self.entry_mut(id).ok_or(AttributeError::Gone)?;
        entry.attributes.remove(name);
        Ok(())
    }

    /// Queues bytes as `encode` writes them, within the backlog.
    fn queue(
        &mut self,
        id: ConnectionId,
        payload: usize,
        encode: impl FnOnce(&mut proto::Connection, &mut Vec<u8>) -> Result<(), proto::SendError>,
    ) -> Result<(), SendError> {
        let backlog = self.limits.backlog_bytes;
        let (entry, buffers) = self.parts(id).ok_or(SendError::Gone)?;
        let connection = entry.connection.as_mut().ok_or(SendError::Gone)?;
        let needed = payload.saturating_add(FRAME_HEADER);
        if !connection.is_open() || entry.disconnect {
            return Err(SendError::Gone);
        }
        if needed > backlog {
            return Err(SendError::TooLarge);
        }
        let missing = (entry.outbox.len() + needed).saturating_sub(backlog);
        let mut dropped = 0;
        if missing > 0 {
            if entry.overflow == Overflow::DropOldest && connection.messages_stand_alone() {
                // A little more than is needed, so that not every message to a slow reader drops one.
                let ample = missing.max(backlog / 16);
                dropped = entry.outbox.drop_oldest(ample);
                if dropped == 0 && ample > missing {
                    dropped = entry.outbox.drop_oldest(missing);
                }
            }
            if dropped == 0 {
                return Err(SendError::BacklogFull);
            }
        }
        let encoded = encode(connection, entry.outbox.tail(buffers));
        entry.wake();
        self.counts.dropped += dropped as u64;
        encoded.map_err(SendError::from)
    }

    /// A deadline may have moved closer, and there is something to write.
    fn changed(&mut self, id: ConnectionId) {
        if let Some(entry) = self.entry(id) {
            entry.wake();
            if let Some(deadline) = entry.next_deadline() {
                self.wheel.arm(id, deadline);
            }
        }
    }
}

impl From<proto::SendError> for SendError {
    fn from(error: proto::SendError) -> Self {
        match error {
            proto::SendError::NotOpen => SendError::Gone,
            proto::SendError::MessageUnfinished | proto::SendError::KindChanged => {
                SendError::FragmentOrder
            }
            proto::SendError::ControlTooLong => SendError::ControlTooLarge,
        }
    }
}
