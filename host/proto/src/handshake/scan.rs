//! Where the head of a request ends, found byte by byte, each byte once.
//!
//! Also refuses, in the byte that brings it, what no request may have: a line end other than CR LF, a control
//! character, a folded line, too many fields, a target that is too long. What the lines say is judged when
//! the head is whole.

use super::{Malformed, Reason, RequestLimits};

/// The state between two bytes.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Bytes of the current line so far.
    line_bytes: usize,
    /// Whether the last byte was a CR.
    after_cr: bool,
    /// Whether the request line has ended.
    in_fields: bool,
    /// Spaces in the request line so far.
    spaces: usize,
    /// Bytes of the target so far.
    target_bytes: usize,
    /// Field lines begun.
    fields: usize,
}

/// What a byte did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scanned {
    /// It belongs to the head.
    Head,
    /// It is part of an empty line before the request line.
    Blank,
    /// It ends the head.
    End,
}

impl Scan {
    /// Field lines so far.
    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    /// Looks at the next byte.
    pub(super) fn byte(&mut self, byte: u8, limits: &RequestLimits) -> Result<Scanned, Reason> {
        if self.after_cr {
            // RFC 9112 section 2.2: "A recipient of such a bare CR MUST consider that element to be invalid".
            return if byte == b'\n' {
                Ok(self.line_end())
            } else {
                Err(Malformed::BareCr.into())
            };
        }
        match byte {
            b'\r' => {
                self.after_cr = true;
                let blank = self.line_bytes == 0 && !self.in_fields;
                return Ok(if blank { Scanned::Blank } else { Scanned::Head });
            }
            // RFC 9112 section 2.2 lets a recipient "recognize a single LF as a line terminator". Not here:
            // parsers that disagree about line ends are how requests are smuggled.
            b'\n' => return Err(Malformed::BareLf.into()),
            b'\t' if self.in_fields => {}
            0..=0x1f | 0x7f => return Err(Malformed::ControlCharacter.into()),
            _ => {}
        }
        if self.in_fields {
            self.field_byte(byte, limits)?;
        } else {
            self.request_line_byte(byte, limits)?;
        }
        self.line_bytes += 1;
        Ok(Scanned::Head)
    }

    fn field_byte(&mut self, byte: u8, limits: &RequestLimits) -> Result<(), Reason> {
        if self.line_bytes > 0 {
            return Ok(());
        }
        if byte == b' ' || byte == b'\t' {
            // RFC 9112 section 5.2: "A server that receives an obs-fold in a request message [...] MUST
            // either reject the message by sending a 400 (Bad Request) [...] or replace each received
            // obs-fold".
            return Err(Malformed::Folded.into());
        }
        self.fields += 1;
        if self.fields > limits.head_fields {
            Err(Reason::TooManyFields)
        } else {
            Ok(())
        }
    }

    fn request_line_byte(&mut self, byte: u8, limits: &RequestLimits) -> Result<(), Reason> {
        match byte {
            b' ' => self.spaces += 1,
            0x80.. => return Err(Malformed::RequestLine.into()),
            _ if self.spaces == 1 => self.target_bytes += 1,
            _ => {}
        }
        // RFC 9112 section 3: "A server that receives a request-target longer than any URI it wishes to parse
        // MUST respond with a 414 (URI Too Long) status code."
        if self.target_bytes > limits.target_bytes {
            Err(Reason::TargetTooLong)
        } else {
            Ok(())
        }
    }

    fn line_end(&mut self) -> Scanned {
        self.after_cr = false;
        let empty = std::mem::take(&mut self.line_bytes) == 0;
        match (self.in_fields, empty) {
            (true, true) => Scanned::End,
            // RFC 9112 section 2.2: a server "SHOULD ignore at least one empty line (CRLF) received prior to
            // the request-line". They count against the limit of the head.
            (false, true) => Scanned::Blank,
            (_, false) => {
                self.in_fields = true;
                Scanned::Head
            }
        }
    }
}
