//! The mask that every client frame carries (RFC 6455 section 5.3).
//!
//! Unmasking happens in place and a word at a time, in code without `unsafe` that the compiler turns into
//! vector instructions. This room never looks at what the bytes mean.

/// A masking key and how far into it the payload is, so that a payload may be unmasked in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask([u8; 4]);

impl Mask {
    /// A mask at the beginning of its payload.
    pub fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Unmasks (or masks, which is the same) the next piece of the payload.
    ///
    /// RFC 6455 section 5.3: "Octet i of the transformed data is the XOR of octet i of the original data with
    /// octet at index i modulo 4 of the masking key".
    pub fn apply(&mut self, piece: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, tail) = piece.as_chunks_mut::<8>();
        for bytes in words {
            *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
        }
        for (byte, key) in tail.iter_mut().zip([a, b, c, d, a, b, c]) {
            *byte ^= key;
        }
        // Only the tail moves the key: a word is two turns of it.
        self.0.rotate_left(tail.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    #[test]
    fn pieces_of_every_length_equal_the_definition() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..200u8).collect();
        let expected: Vec<u8> = plain
            .iter()
            .enumerate()
            .map(|(i, b)| b ^ key[i % 4])
            .collect();
        for piece in 1..=plain.len() {
            let mut mask = Mask::new(key);
            let mut bytes = plain.clone();
            bytes.chunks_mut(piece).for_each(|chunk| mask.apply(chunk));
            assert_eq!(bytes, expected, "pieces of {piece}");
        }
    }
}
