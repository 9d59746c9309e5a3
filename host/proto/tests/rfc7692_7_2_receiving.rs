//! RFC 7692 sections 6 and 7.2.2: compressed messages from a client, and what bad ones get.

#[path = "support/client.rs"]
mod client;
#[path = "support/deflate.rs"]
mod deflate;
#[path = "support/request.rs"]
mod request;

use client::*;
use deflate::{Packer, agreed, agreed_with, packed};
use jackfield_proto::{DeflateSettings, Event, ProtocolError, Settings};

const OFFER: &str = "permessage-deflate; client_max_window_bits";
const ALONE: &str = "permessage-deflate; client_no_context_takeover";

/// A compressed text message in one frame.
fn zipped(payload: &[u8]) -> Vec<u8> {
    frame(FIN | RSV1 | TEXT, payload)
}

#[track_caller]
fn fed(bytes: &[u8]) -> Outcome {
    every_way(|| agreed(OFFER), bytes)
}

/// The examples of section 7.2.3.
#[test]
fn the_rfcs_own_examples() {
    let hello = [got_text("Hello")];
    // 7.2.3.1: one frame, and the same in two fragments.
    fed(&zipped(b"\xf2\x48\xcd\xc9\xc9\x07\x00")).assert_open(&hello, b"");
    let fragments = [
        frame(RSV1 | TEXT, b"\xf2\x48\xcd"),
        frame(FIN | CONTINUATION, b"\xc9\xc9\x07\x00"),
    ];
    fed(&fragments.concat()).assert_open(&hello, b"");
    // 7.2.3.2: the second message refers to the first.
    let two = [
        zipped(b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        zipped(b"\xf2\x00\x11\x00\x00"),
    ]
    .concat();
    fed(&two).assert_open(&[got_text("Hello"), got_text("Hello")], b"");
    // 7.2.3.3: a block without compression.
    fed(&zipped(b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")).assert_open(&hello, b"");
    // 7.2.3.4: a block with BFINAL set.
    fed(&zipped(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")).assert_open(&hello, b"");
    // 7.2.3.5: two blocks.
    fed(&zipped(
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
    ))
    .assert_open(&hello, b"");
}

#[test]
fn empty_messages() {
    // 7.2.3.6, and a payload that is empty by itself.
    fed(&zipped(b"\x00")).assert_open(&[got_text("")], b"");
    fed(&zipped(b"")).assert_open(&[got_text("")], b"");
    let fragments = [
        frame(RSV1 | TEXT, b""),
        frame(CONTINUATION, b"\x00"),
        frame(FIN | CONTINUATION, b""),
    ];
    fed(&fragments.concat()).assert_open(&[got_text("")], b"");
    let many = [
        zipped(b"\x00"),
        zipped(b""),
        zipped(b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        zipped(b"\x00"),
    ]
    .concat();
    fed(&many).assert_open(
        &[got_text(""), got_text(""), got_text("Hello"), got_text("")],
        b"",
    );
}

#[test]
fn messages_after_final_blocks() {
    let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let hello = got_text("Hello");
    fed(&[
        zipped(last),
        zipped(last),
        zipped(b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
    ]
    .concat())
    .assert_open(&[hello.clone(), hello.clone(), hello.clone()], b"");
    // Without the zero byte that the sender owes.
    fed(&[zipped(&last[..7]), zipped(last)].concat()).assert_open(&[hello.clone(), hello], b"");
    // Two final blocks in one message.
    fed(&zipped(&[&last[..7], last].concat())).assert_open(&[got_text("HelloHello")], b"");
}

#[test]
fn uncompressed_messages_stay_legal() {
    let input = [
        text("plain"),
        zipped(b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        binary(b"plain"),
        zipped(b"\xf2\x00\x11\x00\x00"),
    ];
    let hello = got_text("Hello");
    fed(&input.concat()).assert_open(
        &[
            got_text("plain"),
            hello.clone(),
            got_binary(b"plain"),
            hello,
        ],
        b"",
    );
}

/// Every window size, compressed by CPython's zlib, taken over from message to message.
#[test]
fn windows_of_every_size() {
    let message = |at: u32| {
        let line = format!("The quick brown fox {at} jumps over the lazy dog. ").repeat(8);
        let rest: String = (0..300u32)
            .map(|place| char::from((32 + (place * place + at) % 90) as u8))
            .collect();
        got_text(&(line + &rest))
    };
    for line in include_str!("data/cpython_zlib.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (bits, messages) = line.split_once(' ').unwrap();
        let input: Vec<u8> = messages
            .split(' ')
            .flat_map(|hex| {
                let payload: Vec<u8> = (0..hex.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                    .collect();
                zipped(&payload)
            })
            .collect();
        let offer = format!("permessage-deflate; client_max_window_bits={bits}");
        let outcome = every_way(|| agreed(&offer), &input);
        outcome.assert_open(&[message(0), message(1), message(2)], b"");
    }
}

#[test]
fn context_is_taken_over_between_messages_and_kinds() {
    let mut packer = Packer::new();
    let long = "context ".repeat(100);
    let first = packer.pack(long.as_bytes());
    let second = packer.pack(long.as_bytes());
    assert!(second.len() < first.len(), "it refers to the first");
    let input = [
        zipped(&first),
        text("between"),
        frame(FIN | RSV1 | BINARY, &second),
    ]
    .concat();
    fed(&input).assert_open(
        &[
            got_text(&long),
            got_text("between"),
            got_binary(long.as_bytes()),
        ],
        b"",
    );
}

#[test]
fn without_context_takeover_every_message_stands_alone() {
    let server = || agreed(ALONE);
    let long = "context ".repeat(100);
    let alone = [
        zipped(&packed(long.as_bytes())),
        zipped(&packed(long.as_bytes())),
    ]
    .concat();
    every_way(server, &alone).assert_open(&[got_text(&long), got_text(&long)], b"");
    // A client that refers to an earlier message all the same refers to nothing.
    let mut packer = Packer::new();
    let referring = [
        zipped(&packer.pack(long.as_bytes())),
        zipped(&packer.pack(long.as_bytes())),
    ]
    .concat();
    every_way(server, &referring).assert_failed(ProtocolError::Inflate, &[got_text(&long)], b"");
}

#[test]
fn the_bit_stands_on_the_first_frame_only() {
    let payload = packed(b"hello");
    let (start, end) = payload.split_at(3);
    let good = [
        frame(RSV1 | BINARY, start),
        ping(b"!"),
        frame(FIN | CONTINUATION, end),
    ]
    .concat();
    fed(&good).assert_open(&[got_binary(b"hello")], &served(FIN | PONG, b"!"));
    let twice = [
        frame(RSV1 | BINARY, start),
        frame(FIN | RSV1 | CONTINUATION, end),
    ]
    .concat();
    fed(&twice).assert_failed(ProtocolError::ReservedBits, &[], b"");
    let late = [
        frame(BINARY, b""),
        frame(FIN | RSV1 | CONTINUATION, &payload),
    ]
    .concat();
    fed(&late).assert_failed(ProtocolError::ReservedBits, &[], b"");
    for opcode in [CLOSE, PING, PONG] {
        fed(&frame(FIN | RSV1 | opcode, b"")).assert_failed(ProtocolError::ReservedBits, &[], b"");
    }
    for bits in [0x20, 0x10, 0x60, 0x50, 0x70] {
        fed(&frame(FIN | bits | TEXT, b"")).assert_failed(ProtocolError::ReservedBits, &[], b"");
    }
}

#[test]
fn data_that_is_no_deflate_is_refused() {
    for payload in [
        b"\x07".as_slice(),              // a block of type 3
        b"\x00\x05\x00\x00\x00Hello",    // a length that its complement denies
        b"\xf2\x00\x11\x00\x00",         // refers to what was never sent
        b"\x04\xc0\xff\xff\xff\xff\xff", // a code that is none
    ] {
        fed(&zipped(payload)).assert_failed(ProtocolError::Inflate, &[], b"");
        let after = [zipped(b"\xf2\x48\xcd\xc9\xc9\x07\x00"), zipped(b"\x07")].concat();
        fed(&after).assert_failed(ProtocolError::Inflate, &[got_text("Hello")], b"");
    }
}

#[test]
fn text_is_checked_after_inflation_and_before_the_frame_ends() {
    for bad in [b"\xff".as_slice(), b"ok \xed\xa0\x80", b"cut \xf0\x9f"] {
        fed(&zipped(&packed(bad))).assert_failed(ProtocolError::TextNotUtf8, &[], b"");
    }
    fed(&frame(FIN | RSV1 | BINARY, &packed(b"\xff"))).assert_open(&[got_binary(b"\xff")], b"");
    let good = "é🤷".repeat(50);
    fed(&zipped(&packed(good.as_bytes()))).assert_open(&[got_text(&good)], b"");

    // Stored, so that the bad byte's place in the frame is known; the frame goes on for long.
    let stored = |payload: &[u8]| {
        let length = payload.len() as u16;
        [
            &[0],
            length.to_le_bytes().as_slice(),
            &(!length).to_le_bytes(),
            payload,
        ]
        .concat()
    };
    let input = zipped(&stored(&[b"good \xff".as_slice(), &[b'x'; 300]].concat()));
    let mut server = agreed(OFFER);
    // Header 8, block header 5, five good bytes and the bad one.
    server.input(&input[..18]);
    assert_eq!(server.events, []);
    server.input(&input[18..19]);
    server
        .outcome()
        .assert_failed(ProtocolError::TextNotUtf8, &[], b"");
}

#[test]
fn the_cap_counts_what_comes_out() {
    let settings = || Settings {
        message_bytes: 1000,
        ..Settings::default()
    };
    let server = || agreed_with(OFFER, &DeflateSettings::default(), settings());
    let fits = [b'x'; 1000];
    every_way(server, &frame(FIN | RSV1 | BINARY, &packed(&fits)))
        .assert_open(&[got_binary(&fits)], b"");
    let above = packed(&[b'x'; 1001]);
    every_way(server, &frame(FIN | RSV1 | BINARY, &above)).assert_failed(
        ProtocolError::MessageTooBig,
        &[],
        b"",
    );
    every_way(server, &zipped(&above)).assert_failed(ProtocolError::MessageTooBig, &[], b"");
    // In fragments.
    let (start, end) = above.split_at(above.len() / 2);
    let fragments = [frame(RSV1 | BINARY, start), frame(FIN | CONTINUATION, end)].concat();
    every_way(server, &fragments).assert_failed(ProtocolError::MessageTooBig, &[], b"");
    // What does not compress may take a little more on the wire than the cap.
    let mut seed = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    })
    .take(1000)
    .collect();
    assert!(packed(&noise).len() > 1000);
    every_way(server, &frame(FIN | RSV1 | BINARY, &packed(&noise)))
        .assert_open(&[got_binary(&noise)], b"");
}

/// What is wrong first is said, however the input was cut: bad text within the cap, the cap, bad text above
/// it.
#[test]
fn the_first_offence_in_the_inflated_bytes_counts() {
    let settings = || Settings {
        message_bytes: 1000,
        ..Settings::default()
    };
    let server = || agreed_with(OFFER, &DeflateSettings::default(), settings());
    let mut plain = vec![b'x'; 2000];
    plain[1500] = 0xff;
    every_way(server, &zipped(&packed(&plain))).assert_failed(
        ProtocolError::MessageTooBig,
        &[],
        b"",
    );
    plain[500] = 0xff;
    every_way(server, &zipped(&packed(&plain))).assert_failed(ProtocolError::TextNotUtf8, &[], b"");
    let mut broken = packed(&[b'x'; 2000]);
    broken.push(0x07);
    every_way(server, &zipped(&broken)).assert_failed(ProtocolError::MessageTooBig, &[], b"");
}

/// CVE-2026-39804: small on the wire, huge in memory.
#[test]
fn bombs_are_refused() {
    let bomb = packed(&vec![0; 10 << 20]);
    assert!(bomb.len() < 16 << 10);
    let mut server = agreed(OFFER);
    server.input(&frame(FIN | RSV1 | BINARY, &bomb));
    server
        .outcome()
        .assert_failed(ProtocolError::MessageTooBig, &[], b"");
    // Split into fragments of a byte each.
    let mut server = agreed(OFFER);
    server.input(&frame(RSV1 | BINARY, b""));
    for byte in &bomb {
        server.input(&frame(CONTINUATION, &[*byte]));
    }
    server
        .outcome()
        .assert_failed(ProtocolError::MessageTooBig, &[], b"");
    // With what an honest message left in the window.
    let mut packer = Packer::new();
    let honest = packer.pack(&[0; 1000]);
    let bomb = packer.pack(&vec![0; 10 << 20]);
    let mut server = agreed(OFFER);
    server.input(&frame(FIN | RSV1 | BINARY, &honest));
    server.input(&frame(FIN | RSV1 | BINARY, &bomb));
    server
        .outcome()
        .assert_failed(ProtocolError::MessageTooBig, &[got_binary(&[0; 1000])], b"");
}

/// A compressed message that never yields a byte has an end too.
#[test]
fn blocks_that_hold_nothing_do_not_go_on_for_ever() {
    let mut server = agreed(OFFER);
    server.input(&frame(RSV1 | BINARY, b""));
    let nothing = frame(CONTINUATION, &[0, 0, 0, 0xff, 0xff].repeat(1000));
    let mut sent = 0;
    while server.events.is_empty() {
        server.input(&nothing);
        sent += 5000;
        assert!(sent < 2 << 20, "it is endless");
    }
    assert_eq!(server.events, [Event::Failed(ProtocolError::MessageTooBig)]);
}

#[test]
fn a_declared_length_is_judged_for_compressed_messages_too() {
    let mut server = agreed(OFFER);
    server.input(&header(FIN | RSV1 | BINARY, 2 << 20));
    server
        .outcome()
        .assert_failed(ProtocolError::MessageTooBig, &[], b"");
}
