//! Receive buffers, lent for one turn of a connection: an idle connection owns none.

/// What one read can take in.
const SIZE: usize = 64 * 1024;
/// Above this many buffers lent at once (calls that are suspended hold theirs), smaller ones are made.
const LARGE_ONES: usize = 64;
const SMALL_SIZE: usize = 4 * 1024;
/// Free buffers that are kept. One is enough as long as no call is suspended; then each connection that waits for it
/// has one out.
const KEPT: usize = 16;

/// A buffer on loan.
pub(crate) type Buffer = Box<[u8]>;

/// The buffers of one worker.
#[derive(Default)]
pub(crate) struct ReceiveBuffers {
    free: Vec<Buffer>,
    lent: usize,
}

impl ReceiveBuffers {
    /// Lends a buffer. Give it back with [`Self::give_back`].
    pub(crate) fn lend(&mut self) -> Buffer {
        self.lent += 1;
        match self.free.pop() {
            Some(buffer) => buffer,
            None if self.lent <= LARGE_ONES => vec![0; SIZE].into_boxed_slice(),
            None => vec![0; SMALL_SIZE].into_boxed_slice(),
        }
    }

    /// Takes a buffer back.
    pub(crate) fn give_back(&mut self, buffer: Buffer) {
        self.lent = self.lent.saturating_sub(1);
        if buffer.len() == SIZE && self.free.len() < KEPT {
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lent_buffers_are_small_and_one_that_comes_back_is_used_again() {
        let mut buffers = ReceiveBuffers::default();
        let large: Vec<_> = (0..LARGE_ONES).map(|_| buffers.lend()).collect();
        assert!(large.iter().all(|buffer| buffer.len() == SIZE));
        assert_eq!(buffers.lend().len(), SMALL_SIZE);
        for buffer in large {
            buffers.give_back(buffer);
        }
        assert_eq!(buffers.free.len(), KEPT);
        assert_eq!(buffers.lend().len(), SIZE);
    }
}
