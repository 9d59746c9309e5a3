//! The compressing end of the wire in the tests: an inflater written from RFC 1951 that shares no code with
//! the crate's, and ways to make compressed payloads.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::{sync::Arc, time::Instant};

use flate2::{Compress, Compression, FlushCompress};
use jackfield_proto::{Connection, DeflateSettings, Negotiated, Settings};

use crate::{client::Server, request};

/// What comes of this offer with these settings: the agreement, and the response's field.
pub(crate) fn negotiated(
    offers: &[&str],
    settings: &DeflateSettings,
) -> Option<(Negotiated, String)> {
    let lines: Vec<String> = offers
        .iter()
        .map(|offer| format!("Sec-WebSocket-Extensions: {offer}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut upgrade = request::upgraded(&request::head(&[request::GOOD, &lines].concat())).unwrap();
    let negotiated = upgrade.negotiate(settings);
    let response = String::from_utf8(upgrade.accept(None, &[]).unwrap()).unwrap();
    let field = request::field(&response, "Sec-WebSocket-Extensions").map(str::to_owned);
    assert_eq!(negotiated.is_some(), field.is_some());
    negotiated.zip(field)
}

/// A server that agreed to this offer, without a threshold.
pub(crate) fn agreed(offer: &str) -> Server {
    agreed_with(
        offer,
        &DeflateSettings {
            threshold: 0,
            ..DeflateSettings::default()
        },
        Settings::default(),
    )
}

pub(crate) fn agreed_with(offer: &str, deflate: &DeflateSettings, settings: Settings) -> Server {
    let (negotiated, _) = negotiated(&[offer], deflate).expect("the offer is accepted");
    server(&negotiated, settings)
}

/// A server after this agreement.
pub(crate) fn server(negotiated: &Negotiated, settings: Settings) -> Server {
    let now = Instant::now();
    Server {
        connection: Connection::with_deflate(Arc::new(settings), now, negotiated),
        now,
        ..Server::new()
    }
}

/// A client's compressor.
pub(crate) struct Packer(Compress);

impl Packer {
    pub(crate) fn new() -> Self {
        Self(Compress::new(Compression::best(), false))
    }

    /// A whole message's payload, taking over from the messages before.
    pub(crate) fn pack(&mut self, plain: &[u8]) -> Vec<u8> {
        if plain.is_empty() {
            return vec![0];
        }
        let mut packed = Vec::with_capacity(plain.len() + plain.len() / 8 + 1024);
        self.0
            .compress_vec(plain, &mut packed, FlushCompress::Sync)
            .unwrap();
        assert!(packed.len() < packed.capacity() && packed.ends_with(&[0, 0, 0xff, 0xff]));
        packed.truncate(packed.len() - 4);
        packed
    }
}

/// A whole message's payload, on its own.
pub(crate) fn packed(plain: &[u8]) -> Vec<u8> {
    Packer::new().pack(plain)
}

/// Why an inflater of the tests stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The payload ends in the middle of a block.
    Cut,
    /// More comes out than is wanted.
    Long,
    /// This is no DEFLATE data, or refers to what was never sent.
    Bad,
}

/// An inflater that remembers everything, and how far back it ever had to look.
#[derive(Default)]
pub(crate) struct Inflater {
    history: Vec<u8>,
    /// Where in `history` the window begins.
    begin: usize,
    /// `history` grows no further.
    most: usize,
    pub(crate) farthest: usize,
}

impl Inflater {
    /// Inflates a whole message's payload, taking over from the messages before.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        let (plain, end) = self.received(payload, usize::MAX);
        assert_eq!(end, Ok(()));
        plain
    }

    /// What any payload inflates to as far as that goes, at most `most` bytes, and how it ends.
    pub(crate) fn received(&mut self, payload: &[u8], most: usize) -> (Vec<u8>, Result<(), Stop>) {
        let start = self.history.len();
        self.most = start.saturating_add(most);
        let end = self.blocks(payload);
        (self.history[start..].to_vec(), end)
    }

    /// Forgets what came before.
    pub(crate) fn forget(&mut self) {
        self.begin = self.history.len();
    }

    fn blocks(&mut self, payload: &[u8]) -> Result<(), Stop> {
        let mut bits = Bits {
            bytes: &[payload, &[0, 0, 0xff, 0xff]].concat(),
            at: 0,
        };
        // A message of which nothing came, or that ends with a final block, has no block to complete.
        let whole = payload.len() * 8;
        let mut complete = whole == 0;
        while bits.at < bits.bytes.len() * 8 && !(complete && bits.at == whole) {
            let last = bits.take(1)? == 1;
            match bits.take(2)? {
                0 => self.stored(&mut bits)?,
                1 => {
                    let mut lengths = [8; 288];
                    lengths[144..256].fill(9);
                    lengths[256..280].fill(7);
                    self.coded(&mut bits, &Code::new(&lengths), &Code::new(&[5; 32]))?;
                }
                2 => {
                    let (literals, distances) = dynamic(&mut bits)?;
                    self.coded(&mut bits, &literals, &distances)?;
                }
                _ => return Err(Stop::Bad),
            }
            complete = last;
            if last {
                bits.at = bits.at.next_multiple_of(8);
                self.forget();
            }
        }
        Ok(())
    }

    fn stored(&mut self, bits: &mut Bits) -> Result<(), Stop> {
        bits.at = bits.at.next_multiple_of(8);
        let length = bits.take(16)?;
        if bits.take(16)? != length ^ 0xffff {
            return Err(Stop::Bad);
        }
        for _ in 0..length {
            let byte = bits.take(8)?;
            self.push(byte as u8)?;
        }
        Ok(())
    }

    fn push(&mut self, byte: u8) -> Result<(), Stop> {
        if self.history.len() == self.most {
            return Err(Stop::Long);
        }
        self.history.push(byte);
        Ok(())
    }

    fn coded(&mut self, bits: &mut Bits, literals: &Code, distances: &Code) -> Result<(), Stop> {
        const LENGTHS: [usize; 29] = [
            3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99,
            115, 131, 163, 195, 227, 258,
        ];
        loop {
            match literals.read(bits)? {
                literal @ 0..=255 => self.push(literal as u8)?,
                256 => return Ok(()),
                symbol => {
                    let index = symbol - 257;
                    let extra = if (8..28).contains(&index) {
                        index / 4 - 1
                    } else {
                        0
                    };
                    let length = LENGTHS.get(index).ok_or(Stop::Bad)? + bits.take(extra)?;
                    let symbol = distances.read(bits)?;
                    let distance = match symbol {
                        0..=3 => symbol + 1,
                        30.. => return Err(Stop::Bad),
                        _ => {
                            let extra = symbol / 2 - 1;
                            ((2 + symbol % 2) << extra) + 1 + bits.take(extra)?
                        }
                    };
                    if distance > self.history.len() - self.begin {
                        return Err(Stop::Bad);
                    }
                    self.farthest = self.farthest.max(distance);
                    for _ in 0..length {
                        self.push(self.history[self.history.len() - distance])?;
                    }
                }
            }
        }
    }
}

fn dynamic(bits: &mut Bits) -> Result<(Code, Code), Stop> {
    let (literals, distances, lengths) =
        (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    if literals > 286 || distances > 30 {
        return Err(Stop::Bad);
    }
    let order = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let mut code = [0; 19];
    for &at in &order[..lengths] {
        code[at] = bits.take(3)? as u8;
    }
    // Without any code zlib takes every bit for a length of 0, and finds the end-of-block code missing.
    if code == [0; 19] {
        for _ in 0..literals + distances {
            bits.take(1)?;
        }
        return Err(Stop::Bad);
    }
    let code = Code::new(&code).whole()?;
    let mut all = Vec::new();
    while all.len() < literals + distances {
        match code.read(bits)? {
            16 => {
                let count = 3 + bits.take(2)?;
                all.extend(vec![*all.last().ok_or(Stop::Bad)?; count]);
            }
            17 => all.extend(vec![0; 3 + bits.take(3)?]),
            18 => all.extend(vec![0; 11 + bits.take(7)?]),
            length => all.push(length as u8),
        }
    }
    if all.len() > literals + distances || all[256] == 0 {
        return Err(Stop::Bad);
    }
    let read = |lengths: &[u8]| {
        let code = Code::new(lengths);
        // A single code of one bit may be alone (RFC 1951 section 3.2.7), and there may be no distances.
        match code.counts[2..].iter().sum::<usize>() {
            0 if code.counts[1] <= 1 => Ok(code),
            _ => code.whole(),
        }
    };
    Ok((read(&all[..literals])?, read(&all[literals..])?))
}

/// A Huffman code: how many codes there are of each length, and their symbols in order (RFC 1951 section 3.2.2).
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut symbols = Vec::with_capacity(lengths.len());
        for length in 1..16 {
            let found = lengths.iter().enumerate();
            symbols.extend(
                found
                    .filter(|(_, other)| **other == length)
                    .map(|(at, _)| at),
            );
            counts[usize::from(length)] = symbols.len() - counts.iter().sum::<usize>();
        }
        Self { counts, symbols }
    }

    /// The code, when it uses all the bits that there are and no more.
    fn whole(self) -> Result<Self, Stop> {
        let used: usize = (1..16)
            .map(|length| self.counts[length] << (15 - length))
            .sum();
        if used == 1 << 15 {
            Ok(self)
        } else {
            Err(Stop::Bad)
        }
    }

    fn read(&self, bits: &mut Bits) -> Result<usize, Stop> {
        let longest = self.counts.iter().rposition(|count| *count > 0);
        let (mut code, mut first, mut index) = (0, 0, 0);
        for length in 1..=longest.unwrap_or(1) {
            code |= bits.take(1)?;
            let count = self.counts[length];
            if code < first + count {
                return Ok(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Bad)
    }
}

struct Bits<'p> {
    bytes: &'p [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<usize, Stop> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or(Stop::Cut)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(value)
    }
}
