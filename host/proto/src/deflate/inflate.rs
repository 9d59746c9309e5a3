//! Compressed payload to plain payload (RFC 7692 section 7.2.2), a bounded piece at a time.
//!
//! What comes out goes to its sink before more is made, so that the sink's limit stops a bomb within one
//! piece.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Negotiated, TAIL};

/// The most that is inflated at a time, in bytes.
const PIECE: usize = 16 << 10;

/// The payload is no DEFLATE data, or refers to what was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InflateError;

/// The receiving side.
#[derive(Debug)]
pub(crate) struct Inflater {
    /// The window and what else one message takes over from the last; made for the first message.
    context: Option<Decompress>,
    /// There is no block to complete: nothing of the message came, or the last that came is a final block.
    complete: bool,
    window_bits: u8,
    keep: bool,
}

impl Inflater {
    pub(super) fn new(negotiated: &Negotiated) -> Self {
        Self {
            context: None,
            complete: true,
            // zlib has no inflater for 8 bits. A larger window than the peer's does no harm.
            window_bits: negotiated.client_max_window_bits.max(9),
            keep: !negotiated.client_no_context_takeover,
        }
    }

    /// Inflates a piece of a message, wherever it was cut.
    ///
    /// # Errors
    /// When the data is bad, or whatever `sink` finds wrong with what came out.
    pub(crate) fn push<E: From<InflateError>>(
        &mut self,
        piece: &[u8],
        sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.run(piece, sink)
    }

    /// Ends a message.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub(crate) fn finish<E: From<InflateError>>(
        &mut self,
        sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message." A sender
        // owes the byte that these four make a block of (sections 7.2.3.4 and 7.2.3.6); without it they would
        // be the beginning of one, and spoil the next message.
        if !self.complete {
            self.run(&TAIL, sink)?;
        }
        self.complete = true;
        if !self.keep {
            self.context = None;
        }
        Ok(())
    }

    fn run<E: From<InflateError>>(
        &mut self,
        mut input: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if input.is_empty() {
            return Ok(());
        }
        let window_bits = self.window_bits;
        let context = self
            .context
            .get_or_insert_with(|| Decompress::new_with_window_bits(false, window_bits));
        self.complete = false;
        // By what has come, not by what was declared; most messages fit at once.
        let mut output = Vec::with_capacity(input.len().saturating_mul(4).clamp(256, PIECE));
        loop {
            let before = context.total_in();
            let result = context.decompress_vec(input, &mut output, FlushDecompress::None);
            let used = usize::try_from(context.total_in() - before).unwrap_or(usize::MAX);
            input = input.get(used..).unwrap_or_default();
            let full = output.len() == output.capacity();
            let stuck = used == 0 && output.is_empty();
            // What came out before an error comes first, as it would have if the input had been cut there.
            if !output.is_empty() {
                sink(&output)?;
                output.clear();
            }
            match result.map_err(|_| InflateError)? {
                // Section 7.2.3.4 allows blocks with BFINAL set. DEFLATE says that such a block ends its
                // stream, and zlib's senders begin with an empty window after it; so does this side.
                Status::StreamEnd => {
                    context.reset(false);
                    if input.is_empty() {
                        self.complete = true;
                        return Ok(());
                    }
                }
                Status::Ok | Status::BufError if input.is_empty() && !full => return Ok(()),
                Status::Ok | Status::BufError if stuck => return Err(InflateError.into()),
                Status::Ok | Status::BufError => {}
            }
        }
    }
}
