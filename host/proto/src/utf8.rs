//! UTF-8 that arrives in pieces (RFC 6455 section 8.1, RFC 3629).
//!
//! A piece may end inside a character; its bytes wait for the next piece. A byte that cannot continue any
//! valid text is an error in the piece that brings it: overlong forms, surrogates and what lies above
//! U+10FFFF included.

use thiserror::Error;

/// The bytes seen so far cannot be the beginning of valid UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not UTF-8")]
pub struct InvalidUtf8;

/// Text under construction from pieces. Every byte is checked once.
#[derive(Debug, Default)]
pub struct TextBuilder {
    text: String,
    /// The first bytes of a character that the last piece cut: a valid, incomplete prefix.
    cut: [u8; 4],
    cut_bytes: u8,
}

impl TextBuilder {
    /// Appends a piece.
    ///
    /// # Errors
    /// When the text cannot become valid any more. The builder is of no use afterwards.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), InvalidUtf8> {
        while self.cut_bytes > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            piece = rest;
            self.extend_cut(byte)?;
        }
        let (whole, cut) = piece.split_at(piece.len() - unfinished(piece));
        self.text
            .push_str(simdutf8::basic::from_utf8(whole).map_err(|_| InvalidUtf8)?);
        for &byte in cut {
            self.extend_cut(byte)?;
        }
        Ok(())
    }

    /// The text, if it does not end inside a character.
    ///
    /// # Errors
    /// When it does.
    pub fn finish(self) -> Result<String, InvalidUtf8> {
        if self.cut_bytes > 0 {
            Err(InvalidUtf8)
        } else {
            Ok(self.text)
        }
    }

    /// Bytes pushed so far.
    pub fn len(&self) -> usize {
        self.text.len() + usize::from(self.cut_bytes)
    }

    /// Whether no byte was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one byte to the character that was cut; moves the character to the text when it is whole.
    fn extend_cut(&mut self, byte: u8) -> Result<(), InvalidUtf8> {
        let used = usize::from(self.cut_bytes);
        // A prefix of four bytes is a whole character or an error, so there is always room for one more.
        *self.cut.get_mut(used).ok_or(InvalidUtf8)? = byte;
        match str::from_utf8(self.cut.get(..=used).ok_or(InvalidUtf8)?) {
            Ok(character) => {
                self.text.push_str(character);
                self.cut_bytes = 0;
            }
            Err(error) if error.error_len().is_some() => return Err(InvalidUtf8),
            Err(_) => self.cut_bytes += 1,
        }
        Ok(())
    }
}

/// How many bytes at the end of `piece` begin a character that needs more bytes than there are.
fn unfinished(piece: &[u8]) -> usize {
    for (at, &byte) in (1..=3).zip(piece.iter().rev()) {
        let width = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        return if width > at { at } else { 0 };
    }
    0
}
