//! Streams of random frames, some of them damaged, cut at random places: what happens must not depend on the
//! cuts.
//!
//! The seeds are fixed, so that a failure can be repeated.

#[path = "support/client.rs"]
mod client;
#[path = "support/deflate.rs"]
mod deflate;
#[path = "support/request.rs"]
mod request;

use client::*;
use deflate::{Packer, agreed_with};
use jackfield_proto::{DeflateSettings, Settings, Status};

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }

    fn payload(&mut self) -> Vec<u8> {
        let length = match self.below(10) {
            0 => 0,
            1..=6 => self.below(20),
            7 => 120 + self.below(12),
            _ => self.below(800),
        };
        let words = ["a", "Jackfield ", "é", "€", "🤷", "\0", "the same again, "];
        let mut text = String::new();
        while text.len() < length {
            text.push_str(words[self.below(words.len())]);
        }
        text.into_bytes()
    }

    /// A message in one or several frames, with control frames between them.
    fn message(&mut self, packer: &mut Option<Packer>, stream: &mut Vec<u8>) {
        let plain = self.payload();
        let opcode = if self.below(2) == 0 { TEXT } else { BINARY };
        let (mark, payload) = match packer {
            Some(packer) if self.below(3) > 0 => (RSV1, packer.pack(&plain)),
            _ => (0, plain),
        };
        let parts = 1 + self.below(4) * self.below(2);
        let mut rest = payload.as_slice();
        for part in 1..=parts {
            let (piece, after) = rest.split_at(if part == parts {
                rest.len()
            } else {
                self.below(rest.len() + 1)
            });
            rest = after;
            let first = if part == 1 {
                mark | opcode
            } else {
                CONTINUATION
            };
            stream.extend(frame(first | if part == parts { FIN } else { 0 }, piece));
            if self.below(4) == 0 {
                stream.extend(frame(
                    FIN | if self.below(2) == 0 { PING } else { PONG },
                    &[part as u8; 9],
                ));
            }
        }
    }

    fn stream(&mut self, compressed: bool) -> Vec<u8> {
        let mut packer = compressed.then(Packer::new);
        let mut stream = Vec::new();
        for _ in 0..1 + self.below(8) {
            self.message(&mut packer, &mut stream);
        }
        if self.below(3) == 0 {
            stream.extend(close(1000 + self.below(20) as u16, b"reason"));
            stream.extend(frame(FIN | TEXT, b"late"));
        }
        // Damage: a bit, a byte left out, or the end.
        match self.below(6) {
            0 => {
                let at = self.below(stream.len());
                stream[at] ^= 1 << self.below(8);
            }
            1 => {
                stream.remove(self.below(stream.len()));
            }
            2 => stream.truncate(self.below(stream.len())),
            _ => {}
        }
        stream
    }
}

fn run(compressed: bool, seeds: std::ops::Range<u64>) {
    let server = || {
        let settings = Settings {
            message_bytes: 500,
            ..Settings::default()
        };
        let mut server = if compressed {
            agreed_with("permessage-deflate", &DeflateSettings::default(), settings)
        } else {
            Server::with(settings)
        };
        server.echo = true;
        server
    };
    let (mut open, mut finished) = (0, 0);
    for seed in seeds {
        let mut random = Random(seed);
        let stream = random.stream(compressed);
        let whole = server().pieces(&stream, stream.len().max(1)).outcome();
        match whole.status {
            Status::Open => open += 1,
            Status::Finished { linger: true } => finished += 1,
            other => panic!("seed {seed}: {other:?}"),
        }
        for _ in 0..3 {
            let mut cut = server();
            let mut rest = stream.as_slice();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + random.below(rest.len().min(40)));
                cut.input(piece);
                rest = after;
            }
            assert_eq!(cut.outcome(), whole, "seed {seed}");
        }
    }
    // Both kinds of end were met often enough for the test to mean something.
    assert!(
        open > 100 && finished > 100,
        "{open} open, {finished} finished"
    );
}

#[test]
fn plain_streams() {
    run(false, 0..1500);
}

#[test]
fn compressed_streams() {
    run(true, 0..1000);
}

#[test]
fn requests() {
    let limits = jackfield_proto::RequestLimits {
        head_bytes: 400,
        head_fields: 8,
        target_bytes: 60,
    };
    let (mut complete, mut refused) = (0, 0);
    for seed in 0..2000 {
        let mut random = Random(seed);
        let mut lines: Vec<&str> = request::GOOD.to_vec();
        let more = [
            "X: y",
            "Origin: null",
            " folded",
            "Host: again",
            "Sec-WebSocket-Protocol: a, b",
            "No colon",
        ];
        if random.below(2) == 0 {
            lines.insert(
                1 + random.below(lines.len()),
                more[random.below(more.len())],
            );
        }
        let mut bytes = request::head(&lines);
        bytes.extend(frame(FIN | TEXT, b"frame"));
        if random.below(2) == 0 {
            let at = random.below(bytes.len());
            bytes[at] = [b'\r', b'\n', 0, b' ', b':', 0xff, b'a'][random.below(7)];
        }
        let whole = request::read(&limits, &bytes, bytes.len());
        match &whole {
            Ok(_) => complete += 1,
            Err(_) => refused += 1,
        }
        for piece in 1..=9 {
            assert_eq!(request::read(&limits, &bytes, piece), whole, "seed {seed}");
        }
    }
    assert!(
        complete > 500 && refused > 500,
        "{complete} complete, {refused} refused"
    );
}
