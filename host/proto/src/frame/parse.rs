//! A client's frame header, from bytes (RFC 6455 section 5.2).
//!
//! Every offence is found in the byte that commits it, in the order of the bytes, so that the outcome does
//! not depend on how the network cut the input. Nothing here allocates.

use super::{Mask, Opcode};
use crate::connection::ProtocolError;

/// The header of a frame that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether this frame ends its message.
    pub fin: bool,
    /// Whether the first reserved bit is set (RFC 7692: the message is compressed).
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, at its beginning.
    pub mask: Mask,
    /// Declared length of the payload in bytes; below 2^63. A claim of the peer, never a reason to allocate.
    pub length: u64,
}

impl FrameHeader {
    /// The longest header in bytes: two, a 64-bit length, and the masking key.
    pub const MAX_BYTES: usize = 14;

    /// Reads the header at the beginning of `bytes`: the header and its length in bytes, or `None` when more
    /// is needed. `compression` says whether an extension that gives a meaning to RSV1 was negotiated.
    ///
    /// # Errors
    /// The first offence, as soon as the byte that commits it is there.
    pub fn parse(bytes: &[u8], compression: bool) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some((&first, bytes)) = bytes.split_first() else {
            return Ok(None);
        };
        let (fin, rsv1, opcode) = first_byte(first, compression)?;
        let Some((&second, bytes)) = bytes.split_first() else {
            return Ok(None);
        };
        let short = second & 0x7f;
        // "a server MUST close the connection upon receiving a frame that is not masked" (section 5.1).
        if second & 0x80 == 0 {
            return Err(ProtocolError::Unmasked);
        }
        // "All control frames MUST have a payload length of 125 bytes or less" (section 5.5).
        if opcode.is_control() && short > 125 {
            return Err(ProtocolError::ControlTooLong);
        }
        let (length, length_bytes) = match short {
            126 => match bytes.first_chunk::<2>() {
                Some(&wide) => (u64::from(u16::from_be_bytes(wide)), 2),
                None => return Ok(None),
            },
            127 => {
                // "the most significant bit MUST be 0" (section 5.2).
                if bytes.first().is_some_and(|top| top & 0x80 != 0) {
                    return Err(ProtocolError::LengthTopBit);
                }
                match bytes.first_chunk::<8>() {
                    Some(&wide) => (u64::from_be_bytes(wide), 8),
                    None => return Ok(None),
                }
            }
            short => (u64::from(short), 0),
        };
        // "the minimal number of bytes MUST be used to encode the length" (section 5.2).
        if (length_bytes == 2 && length < 126) || (length_bytes == 8 && length <= 0xffff) {
            return Err(ProtocolError::LengthNotMinimal);
        }
        let Some(&key) = bytes
            .get(length_bytes..)
            .and_then(|rest| rest.first_chunk::<4>())
        else {
            return Ok(None);
        };
        let header = Self {
            fin,
            rsv1,
            opcode,
            mask: Mask::new(key),
            length,
        };
        Ok(Some((header, 2 + length_bytes + 4)))
    }
}

/// FIN, RSV1 and the opcode, with everything about them that a single frame can break.
fn first_byte(first: u8, compression: bool) -> Result<(bool, bool, Opcode), ProtocolError> {
    let fin = first & 0x80 != 0;
    let rsv1 = first & 0x40 != 0;
    // RSV1, RSV2, RSV3 "MUST be 0 unless an extension is negotiated that defines meanings for non-zero
    // values" (section 5.2). RFC 7692 defines RSV1 only.
    if first & 0x30 != 0 || (rsv1 && !compression) {
        return Err(ProtocolError::ReservedBits);
    }
    // "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
    let Some(opcode) = Opcode::from_bits(first & 0x0f) else {
        return Err(ProtocolError::ReservedOpcode(first & 0x0f));
    };
    // "All control frames [...] MUST NOT be fragmented" (section 5.5).
    if opcode.is_control() && !fin {
        return Err(ProtocolError::FragmentedControl);
    }
    // RFC 7692 section 6: "An endpoint MUST NOT set the 'Per-Message Compressed' bit of control frames and
    // non-first fragments of a data message."
    if rsv1 && !matches!(opcode, Opcode::Text | Opcode::Binary) {
        return Err(ProtocolError::ReservedBits);
    }
    Ok((fin, rsv1, opcode))
}
