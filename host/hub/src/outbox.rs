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
    /// Where a frame begins; every frame before it has been looked at and is written, or being written.
    frames: usize,
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

    /// What was appended so far is no frame.
    pub(crate) fn skip_to_tail(&mut self) {
        self.frames = self.bytes.len();
    }

    /// Drops whole messages of which nothing is written yet, the oldest first, until `room` bytes are free. Gives how
    /// many; none are dropped when that would not be enough.
    ///
    /// Control frames and the parts of fragmented messages stay: they belong to what was said before, or will be.
    pub(crate) fn drop_oldest(&mut self, room: usize) -> usize {
        self.skip_begun();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        let (mut at, mut free, mut messages) = (self.frames, 0, 0);
        while free < room
            && let Some(frame) = Frame::at(&self.bytes, at)
        {
            if frame.is_message {
                free += frame.bytes;
                messages += 1;
                match spans.last_mut() {
                    Some((_, end)) if *end == at => *end += frame.bytes,
                    _ => spans.push((at, at + frame.bytes)),
                }
            }
            at += frame.bytes;
        }
        if free < room {
            return 0;
        }
        // What stays in front of and between them moves back, which is little; what follows need not move.
        let mut to = spans.last().map_or(self.written, |&(_, end)| end);
        for (index, &(start, _)) in spans.iter().enumerate().rev() {
            let before = index.checked_sub(1).and_then(|before| spans.get(before));
            let kept = before.map_or(self.written, |&(_, end)| end)..start;
            to -= kept.len();
            self.bytes.copy_within(kept, to);
        }
        self.frames += to - self.written;
        self.written = to;
        self.give_up_written();
        messages
    }

    /// Moves `frames` behind the frame that is being written.
    fn skip_begun(&mut self) {
        while self.frames < self.written
            && let Some(frame) = Frame::at(&self.bytes, self.frames)
        {
            self.frames += frame.bytes;
        }
    }

    /// The first `count` pending bytes were written. Gives the buffer back when it was the last of them.
    pub(crate) fn advance(&mut self, count: usize, pool: &mut BufferPool) {
        self.written = (self.written + count).min(self.bytes.len());
        if self.is_empty() {
            self.written = 0;
            self.frames = 0;
            pool.give_back(std::mem::take(&mut self.bytes));
        } else {
            self.give_up_written();
        }
    }

    /// A connection that is never quite drained must not keep what it has written.
    fn give_up_written(&mut self) {
        if self.written > POOLED_CAPACITY && self.written > self.bytes.len() / 2 {
            self.skip_begun();
            self.bytes.drain(..self.written);
            self.frames = self.frames.saturating_sub(self.written);
            self.written = 0;
        }
    }

    /// Drops everything that waits.
    pub(crate) fn clear(&mut self, pool: &mut BufferPool) {
        let rest = self.len();
        self.advance(rest, pool);
    }
}

/// A frame as a server encodes it (RFC 6455 section 5.2): without a mask.
struct Frame {
    /// With its header.
    bytes: usize,
    /// Data, and the whole of a message.
    is_message: bool,
}

impl Frame {
    /// The frame that begins at `at`; none at the end.
    fn at(bytes: &[u8], at: usize) -> Option<Frame> {
        let [first, second, rest @ ..] = bytes.get(at..)? else {
            return None;
        };
        let (header, payload) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
            127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
            length => (2, u64::from(length)),
        };
        Some(Frame {
            bytes: usize::try_from(payload).ok()?.checked_add(header)?,
            // FIN, and the opcode of a text or a binary message.
            is_message: first & 0x80 != 0 && matches!(first & 0x0f, 1 | 2),
        })
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

    /// A frame without a mask.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            0..126 => bytes.push(payload.len() as u8),
            126..65_536 => {
                bytes.push(126);
                bytes.extend((payload.len() as u16).to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((payload.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    const TEXT: u8 = 0x81;
    const PART: u8 = 0x01;
    const LAST: u8 = 0x80;
    const PING: u8 = 0x89;

    fn holding(frames: &[Vec<u8>], written: usize) -> Outbox {
        let mut pool = BufferPool::default();
        let mut outbox = Outbox::default();
        outbox.tail(&mut pool).extend_from_slice(b"HTTP");
        outbox.skip_to_tail();
        for frame in frames {
            outbox.tail(&mut pool).extend_from_slice(frame);
        }
        outbox.advance(4 + written, &mut pool);
        outbox
    }

    #[test]
    fn the_oldest_whole_messages_go_and_nothing_that_was_begun() {
        let frames = [
            frame(TEXT, b"begun"),
            frame(PING, b"!"),
            frame(TEXT, &[b'a'; 200]),
            frame(PING, b"?"),
            frame(PART, b"part"),
            frame(LAST, b"end"),
            frame(TEXT, &[b'b'; 70_000]),
            frame(TEXT, b"new"),
        ];
        let whole = frames.concat();
        // Nothing written, a frame cut anywhere, and exactly a whole frame.
        for written in 0..=7 {
            let first_goes = written == 0;
            let mut outbox = holding(&frames, written);
            assert_eq!(
                outbox.drop_oldest(100),
                1 + usize::from(first_goes),
                "{written}"
            );
            let kept = [&[0, 1][usize::from(first_goes)..], &[3, 4, 5, 6, 7]].concat();
            let kept: Vec<u8> = kept.iter().flat_map(|&n| frames[n].clone()).collect();
            let begun = if first_goes { 0 } else { written };
            assert_eq!(outbox.pending(), &kept[begun..], "{written}");
            // And once more, over what has been moved.
            assert_eq!(outbox.drop_oldest(60_000), 1);
            let kept = [&[0, 1][usize::from(first_goes)..], &[3, 4, 5, 7]].concat();
            let kept: Vec<u8> = kept.iter().flat_map(|&n| frames[n].clone()).collect();
            assert_eq!(outbox.pending(), &kept[begun..], "{written}");
        }
        let mut outbox = holding(&frames, 3);
        assert_eq!(outbox.drop_oldest(80_000), 0, "that would not be enough");
        assert_eq!(outbox.pending(), &whole[3..]);
        assert_eq!(Outbox::default().drop_oldest(1), 0);
    }

    #[test]
    fn dropping_and_writing_in_turn_keeps_frames_whole() {
        let mut pool = BufferPool::default();
        let mut outbox = Outbox::default();
        let mut wire = Vec::new();
        let mut dropped = 0;
        for n in 0..20_000_u32 {
            let size = [1, 100, 3_000][n as usize % 3];
            let payload = [&n.to_be_bytes()[..], &vec![7; size]].concat();
            outbox
                .tail(&mut pool)
                .extend_from_slice(&frame(TEXT, &payload));
            if outbox.len() > 100_000 {
                dropped += outbox.drop_oldest(5_000);
            }
            let count = outbox.len().min(n as usize % 700);
            wire.extend_from_slice(&outbox.pending()[..count]);
            outbox.advance(count, &mut pool);
            assert!(outbox.bytes.len() < 300_000);
        }
        wire.extend_from_slice(outbox.pending());
        let (mut at, mut seen, mut last) = (0, 0, None);
        while let Some(frame) = Frame::at(&wire, at) {
            let header = if wire[at + 1] == 126 { 4 } else { 2 };
            let n = u32::from_be_bytes(wire[at + header..][..4].try_into().unwrap());
            assert!(last < Some(n), "in order");
            last = Some(n);
            at += frame.bytes;
            seen += 1;
        }
        assert_eq!(at, wire.len());
        assert_eq!(seen + dropped, 20_000);
        assert!(dropped > 1000 && last == Some(19_999));
    }
}
