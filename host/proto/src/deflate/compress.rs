//! Plain payload to compressed payload (RFC 7692 section 7.2.1).

use flate2::{Compress, Compression, FlushCompress};

use super::{Negotiated, TAIL};

/// The sending side.
#[derive(Debug)]
pub(crate) struct Compressor {
    /// The window and what else one message takes over from the last; made for the first message.
    context: Option<Compress>,
    negotiated: Negotiated,
}

impl Compressor {
    pub(super) fn new(negotiated: &Negotiated) -> Self {
        Self {
            context: None,
            negotiated: *negotiated,
        }
    }

    /// Whether a message (or the first part of one) of this many bytes is worth it.
    pub(crate) fn wants(&self, bytes: usize) -> bool {
        bytes >= self.negotiated.threshold
    }

    /// Whether a compressed message leaves nothing behind, so that it may as well not be sent.
    pub(crate) fn may_discard(&self) -> bool {
        self.negotiated.server_no_context_takeover
    }

    /// Compresses a message, or a part of one; `last` ends the message.
    pub(crate) fn compress(&mut self, payload: &[u8], last: bool) -> Vec<u8> {
        let mut output = Vec::new();
        if payload.is_empty() {
            // Nothing can be flushed twice. Section 7.2.3.6: an empty message, or what ends one, is an empty
            // block without its tail; an empty part in the middle is nothing at all.
            if last {
                output.push(0);
            }
        } else {
            if self.deflate(payload, &mut output).is_none() {
                // zlib has no reason to fail. If it does, the data goes as it is, and the next begins anew.
                self.context = None;
                output.clear();
                store(payload, &mut output);
            }
            if last {
                // "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."
                output.truncate(output.len() - TAIL.len());
            }
        }
        if last && self.negotiated.server_no_context_takeover {
            self.context = None;
        }
        output
    }

    /// Appends all of `payload`, and an empty block without compression that makes it end on a byte.
    fn deflate(&mut self, mut payload: &[u8], output: &mut Vec<u8>) -> Option<()> {
        let negotiated = self.negotiated;
        let context = self.context.get_or_insert_with(|| {
            // zlib has no compressor for 8 bits. With 9 its matches reach back 512 - 262 bytes at most, which
            // a window of 8 bits holds (tested over all levels).
            let bits = negotiated.server_max_window_bits.max(9);
            Compress::new_with_window_bits(Compression::new(negotiated.level), false, bits)
        });
        output.reserve(payload.len() / 2 + 64);
        loop {
            let before = context.total_in();
            context
                .compress_vec(payload, output, FlushCompress::Sync)
                .ok()?;
            let used = usize::try_from(context.total_in() - before).ok()?;
            payload = payload.get(used..)?;
            // Room left means that the flush is complete.
            if payload.is_empty() && output.len() < output.capacity() {
                return output.ends_with(&TAIL).then_some(());
            }
            output.reserve(output.len() + 64);
        }
    }
}

/// Appends `payload` in blocks without compression (RFC 1951 section 3.2.4), the last of them empty.
fn store(payload: &[u8], output: &mut Vec<u8>) {
    for block in payload.chunks(0xffff).chain([[].as_slice()]) {
        let length = block.len() as u16;
        output.push(0);
        output.extend_from_slice(&length.to_le_bytes());
        output.extend_from_slice(&(!length).to_le_bytes());
        output.extend_from_slice(block);
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress};

    use super::store;

    #[test]
    fn stored_blocks_inflate() {
        for length in [1, 1000, 0xffff, 0x10000, 200_000] {
            let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut stored = Vec::new();
            store(&payload, &mut stored);
            assert!(stored.ends_with(&super::TAIL));
            let mut plain = Vec::with_capacity(length + 1);
            Decompress::new(false)
                .decompress_vec(&stored, &mut plain, FlushDecompress::None)
                .unwrap();
            assert!(plain == payload, "{length} bytes");
        }
    }
}
