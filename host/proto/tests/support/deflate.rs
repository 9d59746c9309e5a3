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
    let now = Instant::now();
    Server {
        connection: Connection::with_deflate(Arc::new(settings), now, &negotiated),
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

/// An inflater that remembers everything, and how far back it ever had to look.
#[derive(Default)]
pub(crate) struct Inflater {
    history: Vec<u8>,
    pub(crate) farthest: usize,
}

impl Inflater {
    /// Inflates a whole message's payload, taking over from the messages before.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        let start = self.history.len();
        let mut bits = Bits {
            bytes: [payload, &[0, 0, 0xff, 0xff]].concat(),
            at: 0,
        };
        while bits.at < bits.bytes.len() * 8 {
            bits.take(1);
            match bits.take(2) {
                0 => self.stored(&mut bits),
                1 => {
                    let lengths: Vec<u8> = (0..288)
                        .map(|at| match at {
                            0..=143 => 8,
                            144..=255 => 9,
                            256..=279 => 7,
                            _ => 8,
                        })
                        .collect();
                    self.coded(&mut bits, &Code::new(&lengths), &Code::new(&[5; 30]));
                }
                2 => {
                    let (literals, distances) = dynamic(&mut bits);
                    self.coded(&mut bits, &literals, &distances);
                }
                _ => panic!("a block of type 3"),
            }
        }
        self.history[start..].to_vec()
    }

    fn stored(&mut self, bits: &mut Bits) {
        bits.at = bits.at.next_multiple_of(8);
        let length = bits.take(16);
        assert_eq!(bits.take(16), length ^ 0xffff);
        for _ in 0..length {
            let byte = bits.take(8) as u8;
            self.history.push(byte);
        }
    }

    fn coded(&mut self, bits: &mut Bits, literals: &Code, distances: &Code) {
        const LENGTHS: [usize; 29] = [
            3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99,
            115, 131, 163, 195, 227, 258,
        ];
        loop {
            match literals.read(bits) {
                literal @ 0..=255 => self.history.push(literal as u8),
                256 => return,
                symbol => {
                    let index = symbol - 257;
                    let extra = if (8..28).contains(&index) {
                        index / 4 - 1
                    } else {
                        0
                    };
                    let length = LENGTHS[index] + bits.take(extra);
                    let symbol = distances.read(bits);
                    let distance = match symbol {
                        0..=3 => symbol + 1,
                        _ => {
                            let extra = symbol / 2 - 1;
                            ((2 + symbol % 2) << extra) + 1 + bits.take(extra)
                        }
                    };
                    self.farthest = self.farthest.max(distance);
                    for _ in 0..length {
                        self.history
                            .push(self.history[self.history.len() - distance]);
                    }
                }
            }
        }
    }
}

fn dynamic(bits: &mut Bits) -> (Code, Code) {
    let (literals, distances, lengths) = (bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4);
    let order = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let mut code = [0; 19];
    for &at in &order[..lengths] {
        code[at] = bits.take(3) as u8;
    }
    let code = Code::new(&code);
    let mut all = Vec::new();
    while all.len() < literals + distances {
        match code.read(bits) {
            16 => all.extend(vec![*all.last().unwrap(); 3 + bits.take(2)]),
            17 => all.extend(vec![0; 3 + bits.take(3)]),
            18 => all.extend(vec![0; 11 + bits.take(7)]),
            length => all.push(length as u8),
        }
    }
    (Code::new(&all[..literals]), Code::new(&all[literals..]))
}

/// A Huffman code: symbols by length and code.
struct Code(std::collections::HashMap<(u8, usize), usize>);

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut code = 0;
        let mut symbols = std::collections::HashMap::new();
        for length in 1..16 {
            for (symbol, _) in lengths
                .iter()
                .enumerate()
                .filter(|(_, other)| **other == length)
            {
                symbols.insert((length, code), symbol);
                code += 1;
            }
            code <<= 1;
        }
        Self(symbols)
    }

    fn read(&self, bits: &mut Bits) -> usize {
        let mut code = 0;
        for length in 1..16 {
            code = code << 1 | bits.take(1);
            if let Some(symbol) = self.0.get(&(length, code)) {
                return *symbol;
            }
        }
        panic!("no such code")
    }
}

struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn take(&mut self, count: usize) -> usize {
        (0..count).fold(0, |value, place| {
            let bit = self.bytes[self.at / 8] >> (self.at % 8) & 1;
            self.at += 1;
            value | usize::from(bit) << place
        })
    }
}
