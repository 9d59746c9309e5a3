//! Collects the head of a request, in whatever pieces it comes.
//!
//! The buffer is bounded and grows with what arrives; every byte is looked at once, then the whole head is
//! parsed once. A reader that failed stays failed, and one that finished reads no second request.

use super::{
    Head, Malformed, Reason, Refusal,
    scan::{Scan, Scanned},
};

/// How much of a request is read before it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of the whole head: request line, fields, and the empty line. Above: 431.
    pub head_bytes: usize,
    /// Number of field lines. Above: 431.
    pub head_fields: usize,
    /// Bytes of the request target. Above: 414.
    pub target_bytes: usize,
}

impl Default for RequestLimits {
    /// 16 KiB, 100 fields, a target of 8 KiB.
    fn default() -> Self {
        Self {
            head_bytes: 16 << 10,
            head_fields: 100,
            target_bytes: 8 << 10,
        }
    }
}

/// Reads the head of one request.
#[derive(Debug)]
pub struct RequestReader {
    limits: RequestLimits,
    scan: Scan,
    buffer: Vec<u8>,
    received: usize,
    end: Option<Refusal>,
}

impl RequestReader {
    /// A reader at the beginning of a socket's input.
    pub fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            scan: Scan::default(),
            buffer: Vec::new(),
            received: 0,
            end: None,
        }
    }

    /// Takes the next input. `None`: the head is not complete. Otherwise the head, and the bytes behind it,
    /// which are frames already if the request becomes an upgrade.
    ///
    /// # Errors
    /// The request cannot be well-formed any more, or exceeds a limit; found in the byte that does it. Every
    /// later call gives the same refusal.
    pub fn push(&mut self, input: &[u8]) -> Result<Option<(Head, Vec<u8>)>, Refusal> {
        if let Some(refusal) = &self.end {
            return Err(refusal.clone());
        }
        let result = self.read(input).map_err(Refusal::from);
        match &result {
            Ok(None) => {}
            Ok(Some(_)) => self.end = Some(Malformed::SecondRequest.into()),
            Err(refusal) => self.end = Some(refusal.clone()),
        }
        if self.end.is_some() {
            self.buffer = Vec::new();
        }
        result
    }

    /// Bytes of the request so far, without those behind a complete head.
    pub fn received(&self) -> usize {
        self.received
    }

    fn read(&mut self, input: &[u8]) -> Result<Option<(Head, Vec<u8>)>, Reason> {
        // Where in the input the part begins that goes to the buffer: behind empty lines.
        let mut from = 0;
        for (at, &byte) in (1..).zip(input) {
            if self.received == self.limits.head_bytes {
                return Err(Reason::HeadTooLarge);
            }
            self.received += 1;
            match self.scan.byte(byte, &self.limits)? {
                Scanned::Head => {}
                Scanned::Blank => from = at,
                Scanned::End => {
                    let (head, rest) = input.split_at(at);
                    self.buffer
                        .extend_from_slice(head.get(from..).unwrap_or_default());
                    let head = Head::parse(&self.buffer, self.scan.fields())?;
                    return Ok(Some((head, rest.to_vec())));
                }
            }
        }
        self.buffer
            .extend_from_slice(input.get(from..).unwrap_or_default());
        Ok(None)
    }
}
