//! Connection ids: opaque to everyone but the shard that hands them out.
//!
//! ```text
//! bit 52          32 31             8 7      0
//!     generation 21 |  slot 24       | worker 8
//! ```
//! An id says which worker owns the connection and where in its table the connection is, so that a
//! look-up is one bounds check and one comparison. A slot whose generations are used up is retired, so
//! no id is handed out twice while the process lives. All ids are below 2^53: JavaScript holds them exactly.

use std::fmt;

/// Which worker owns a connection.
pub type WorkerIndex = u8;

/// Names one socket from its acceptance to its removal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

const SLOT_BITS: u32 = 24;
const GENERATION_BITS: u32 = 21;

/// Slots that one shard can have.
pub(crate) const MAX_SLOTS: usize = 1 << SLOT_BITS;
/// The last generation of a slot.
pub(crate) const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;

impl ConnectionId {
    pub(crate) fn new(worker: WorkerIndex, slot: usize, generation: u32) -> Self {
        debug_assert!(slot < MAX_SLOTS && generation <= LAST_GENERATION);
        ConnectionId(u64::from(generation) << 32 | (slot as u64) << 8 | u64::from(worker))
    }

    /// The id behind a number that came from outside; it may name nothing.
    pub fn from_u64(id: u64) -> Self {
        ConnectionId(id)
    }

    /// The number that goes outside; below 2^53.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The worker that owns the connection, if this is an id at all.
    pub fn worker(self) -> WorkerIndex {
        (self.0 & 0xff) as WorkerIndex
    }

    pub(crate) fn slot(self) -> usize {
        (self.0 >> 8) as usize & (MAX_SLOTS - 1)
    }

    pub(crate) fn generation(self) -> u64 {
        self.0 >> 32
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_exact_in_a_double_and_gives_its_parts_back() {
        let id = ConnectionId::new(255, MAX_SLOTS - 1, LAST_GENERATION);
        assert!(id.as_u64() < 1 << 53);
        assert_eq!(id.as_u64() as f64 as u64, id.as_u64());
        assert_eq!(id.worker(), 255);
        assert_eq!(id.slot(), MAX_SLOTS - 1);
        assert_eq!(id.generation(), u64::from(LAST_GENERATION));
    }
}
