//! The bytes that wait to be written to one connection.
//!
//! An idle connection owns no buffer: the first byte borrows one from the shard's pool, and when the last
//! byte is written it goes back.

/// Buffers above this capacity are not kept in the pool.
const POOLED_CAPACITY: usize = 64 * 1024;
/// Buffers that the pool keeps.
const POOLED_BUFFERS: usize = 32;

/// Encoded bytes of one connection, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// What is to be written next.
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where encoded frames are appended.
    pub(crate) fn tail(&mut self, pool: &mut BufferPool) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = pool.take();
        }
        &mut self.bytes
    }

    /// The first `count` pending bytes were written. Gives the buffer back when it was the last of them.
    pub(crate) fn advance(&mut self, count: usize, pool: &mut BufferPool) {
        self.written = (self.written + count).min(self.bytes.len());
        if self.is_empty() {
            self.written = 0;
            pool.give_back(std::mem::take(&mut self.bytes));
        } else if self.written > POOLED_CAPACITY && self.written > self.bytes.len() / 2 {
            // A connection that is never quite drained must not keep what it has written.
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }

    /// Drops everything that waits.
    pub(crate) fn clear(&mut self, pool: &mut BufferPool) {
        let rest = self.len();
        self.advance(rest, pool);
    }
}

/// Empty buffers of a worker, ready for the next reply.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    free: Vec<Vec<u8>>,
}

impl BufferPool {
    fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    fn give_back(&mut self, mut buffer: Vec<u8>) {
        if (1..=POOLED_CAPACITY).contains(&buffer.capacity()) && self.free.len() < POOLED_BUFFERS {
            buffer.clear();
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drained_outbox_owns_no_memory() {
        let mut pool = BufferPool::default();
        let mut outbox = Outbox::default();
        outbox.tail(&mut pool).extend_from_slice(b"hello");
        outbox.advance(2, &mut pool);
        assert_eq!(outbox.pending(), b"llo");
        outbox.tail(&mut pool).extend_from_slice(b"!");
        assert_eq!(outbox.pending(), b"llo!");
        outbox.advance(4, &mut pool);
        assert!(outbox.is_empty());
        assert_eq!(outbox.bytes.capacity(), 0);
        assert_eq!(pool.free.len(), 1);
    }

    #[test]
    fn written_bytes_of_a_long_backlog_are_given_up() {
        let mut pool = BufferPool::default();
        let mut outbox = Outbox::default();
        outbox.tail(&mut pool).resize(4 * POOLED_CAPACITY, 7);
        outbox.advance(3 * POOLED_CAPACITY, &mut pool);
        assert_eq!(outbox.bytes.len(), POOLED_CAPACITY);
        assert_eq!(outbox.len(), POOLED_CAPACITY);
    }
}
