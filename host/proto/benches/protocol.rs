//! What the protocol costs for a message, by itself: time, and what it takes from the allocator.
//!
//! `cargo bench -p jackfield-proto`

use std::sync::Arc;
use std::time::Instant;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use jackfield_proto::frame::{FrameHeader, Mask};
use jackfield_proto::utf8::TextBuilder;
use jackfield_proto::{Connection, Event, Kind, Settings};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 4] = [20, 1024, 16 * 1024, 1 << 20];
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn main() {
    divan::main();
}

/// A masked frame with `size` bytes of ASCII (RFC 6455 section 5.2).
fn frame(opcode: u8, size: usize) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match (u8::try_from(size), u16::try_from(size)) {
        (Ok(short @ 0..=125), _) => bytes.push(0x80 | short),
        (_, Ok(medium)) => {
            bytes.push(0x80 | 126);
            bytes.extend(medium.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((size as u64).to_be_bytes());
        }
    }
    bytes.extend(KEY);
    bytes.extend((0..size).map(|at| b'a' ^ KEY[at % 4]));
    bytes
}

/// Unmasking in place.
#[divan::bench(args = SIZES)]
fn unmask(bencher: Bencher<'_, '_>, size: usize) {
    let mut payload = vec![0; size];
    bencher
        .counter(BytesCount::new(size))
        .bench_local(|| Mask::new(KEY).apply(black_box(&mut payload)));
}

/// A frame's header.
#[divan::bench(args = SIZES)]
fn parse_header(bencher: Bencher<'_, '_>, size: usize) {
    let bytes = frame(2, size);
    bencher.bench_local(|| FrameHeader::parse(black_box(&bytes), false));
}

/// A whole message in one piece of input: header, mask, UTF-8, rates, timers.
#[divan::bench(args = SIZES)]
fn read_text(bencher: Bencher<'_, '_>, size: usize) {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(Settings::default()), now);
    let bytes = frame(1, size);
    let mut out = Vec::new();
    bencher
        .counter(BytesCount::new(size))
        .with_inputs(|| bytes.clone())
        .bench_local_refs(|input| {
            let (event, rest) = connection.handle_input(now, input, &mut out);
            assert!(matches!(event, Some(Event::Text(text)) if text.len() == size));
            assert!(rest.is_empty());
        });
}

/// A message into an outbox that has had room for one before.
#[divan::bench(args = SIZES)]
fn encode(bencher: Bencher<'_, '_>, size: usize) {
    let mut connection = Connection::new(Arc::new(Settings::default()), Instant::now());
    let payload = vec![b'a'; size];
    let mut out = Vec::with_capacity(size + 16);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        out.clear();
        connection.send(Kind::Text, black_box(&payload), &mut out)
    });
}

/// Text that arrives in pieces, each of which cuts a character.
#[divan::bench(args = [1024, 16 * 1024])]
fn utf8_in_pieces(bencher: Bencher<'_, '_>, size: usize) {
    let text = "aß€𝄞".repeat(size / 10);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| {
            let mut builder = TextBuilder::default();
            for piece in text.as_bytes().chunks(127) {
                builder.push(black_box(piece)).unwrap();
            }
            builder.finish()
        });
}
