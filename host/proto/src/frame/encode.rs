//! Frames of a server, to bytes (RFC 6455 section 5.2): unmasked, with the shortest length.
//!
//! Public so that a frame for many receivers can be encoded once. Whether a frame may be sent now is the
//! connection's business, not this room's.

use std::ops::Deref;

use super::Opcode;

/// A frame header of 2 to 10 bytes; dereferences to them.
#[derive(Clone, Copy, Debug)]
pub struct EncodedHeader {
    bytes: [u8; 10],
    used: u8,
}

impl Deref for EncodedHeader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.used))
            .unwrap_or(&self.bytes)
    }
}

/// Encodes the header of an unmasked frame with `length` bytes of payload.
///
/// `fin` ends the message; `rsv1` marks the first frame of a compressed message (RFC 7692 section 6).
pub fn encode_header(opcode: Opcode, fin: bool, rsv1: bool, length: usize) -> EncodedHeader {
    let first = u8::from(fin) << 7 | u8::from(rsv1) << 6 | opcode.bits();
    let mut bytes = [first, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let used = if let Ok(short @ 0..=125) = u8::try_from(length) {
        bytes[1] = short;
        2
    } else if let Ok(wide) = u16::try_from(length) {
        bytes[1] = 126;
        bytes[2..4].copy_from_slice(&wide.to_be_bytes());
        4
    } else {
        bytes[1] = 127;
        bytes[2..10].copy_from_slice(&(length as u64).to_be_bytes());
        10
    };
    EncodedHeader { bytes, used }
}

/// Appends a whole unmasked frame to `out`.
pub fn append_frame(out: &mut Vec<u8>, opcode: Opcode, fin: bool, payload: &[u8]) {
    let header = encode_header(opcode, fin, false, payload.len());
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::{Opcode, append_frame, encode_header};

    #[test]
    fn lengths_take_the_fewest_bytes() {
        let header = |length| encode_header(Opcode::Binary, true, false, length).to_vec();
        assert_eq!(header(0), [0x82, 0]);
        assert_eq!(header(125), [0x82, 125]);
        assert_eq!(header(126), [0x82, 126, 0, 126]);
        assert_eq!(header(65_535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(header(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn bits_stand_where_the_rfc_puts_them() {
        assert_eq!(*encode_header(Opcode::Text, false, true, 1), [0x41, 1]);
        assert_eq!(
            *encode_header(Opcode::Continuation, true, false, 1),
            [0x80, 1]
        );
        let mut out = Vec::new();
        append_frame(&mut out, Opcode::Text, true, b"Hello");
        // The example of RFC 6455 section 5.7.
        assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    }
}
