//! RFC 6455 section 5.2: the base framing protocol, as a client writes it and as the server does.

#[path = "support/client.rs"]
mod client;

use client::*;
use jackfield_proto::{Event, Kind, Opcode, ProtocolError, Settings, frame::FrameHeader};

#[test]
fn every_length_and_its_neighbours() {
    for length in [
        0, 1, 2, 124, 125, 126, 127, 128, 254, 255, 256, 65_534, 65_535, 65_536, 65_537,
    ] {
        let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let outcome = every_way(Server::echoing, &binary(&payload));
        outcome.assert_open(&[got_binary(&payload)], &served(FIN | BINARY, &payload));
    }
}

#[test]
fn several_frames_in_one_read_are_answered_in_order() {
    let input = [text("one"), binary(b"two"), ping(b"three"), text("")].concat();
    let outcome = every_way(Server::echoing, &input);
    let out = [
        served(FIN | TEXT, b"one"),
        served(FIN | BINARY, b"two"),
        served(FIN | PONG, b"three"),
        served(FIN | TEXT, b""),
    ];
    outcome.assert_open(
        &[got_text("one"), got_binary(b"two"), got_text("")],
        &out.concat(),
    );
}

#[test]
fn a_frame_that_is_whole_in_the_input_is_borrowed_and_others_are_owned() {
    let mut server = Server::new();
    let mut input = [text("whole"), binary(b"whole"), text("cut")].concat();
    let split = input.len() - 2;
    let (now, first) = input.split_at_mut(split);
    let (event, rest) = server
        .connection
        .handle_input(server.now, now, &mut server.out);
    assert!(matches!(
        event,
        Some(Event::Text(std::borrow::Cow::Borrowed("whole")))
    ));
    let (event, rest) = server
        .connection
        .handle_input(server.now, rest, &mut server.out);
    assert!(matches!(
        event,
        Some(Event::Binary(std::borrow::Cow::Borrowed(b"whole")))
    ));
    let (event, rest) = server
        .connection
        .handle_input(server.now, rest, &mut server.out);
    assert_eq!((event, rest.len()), (None, 0));
    let (event, _) = server
        .connection
        .handle_input(server.now, first, &mut server.out);
    assert!(matches!(event, Some(Event::Text(std::borrow::Cow::Owned(text))) if text == "cut"));
}

#[test]
fn reserved_bits_are_refused_in_every_frame() {
    for rsv in 1..8u8 {
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            let input = [text("before"), frame(FIN | rsv << 4 | opcode, b"")].concat();
            fed(&input).assert_failed(ProtocolError::ReservedBits, &[got_text("before")], b"");
        }
    }
}

#[test]
fn reserved_bits_are_refused_in_a_continuation() {
    let input = [frame(TEXT, b"a"), frame(FIN | 0x10 | CONTINUATION, b"b")].concat();
    fed(&input).assert_failed(ProtocolError::ReservedBits, &[], b"");
}

#[test]
fn reserved_opcodes_are_refused() {
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        for fin in [0, FIN] {
            let outcome = fed(&frame(fin | opcode, b"x"));
            outcome.assert_failed(ProtocolError::ReservedOpcode(opcode), &[], b"");
        }
    }
}

#[test]
fn a_bad_first_byte_is_refused_before_the_second_comes() {
    let mut server = Server::new();
    server.input(&[FIN | 0x3]);
    server
        .outcome()
        .assert_failed(ProtocolError::ReservedOpcode(3), &[], b"");
}

#[test]
fn lengths_that_are_not_minimal_are_refused() {
    for length in [0u16, 1, 125] {
        let mut bytes = vec![FIN | BINARY, 0x80 | 126];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 4]);
        fed(&bytes).assert_failed(ProtocolError::LengthNotMinimal, &[], b"");
    }
    for length in [0u64, 125, 126, 65_535] {
        let mut bytes = vec![FIN | BINARY, 0x80 | 127];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 4]);
        fed(&bytes).assert_failed(ProtocolError::LengthNotMinimal, &[], b"");
    }
}

/// CVE-2026-27889: a length near the top of its type overflows what it is added to.
#[test]
fn lengths_at_the_top_overflow_nothing() {
    for length in [1 << 63, u64::MAX, u64::MAX - 13] {
        fed(&header(FIN | BINARY, length)).assert_failed(ProtocolError::LengthTopBit, &[], b"");
    }
    for length in [(1 << 63) - 1, 1 << 62, 1 << 32, u64::from(u32::MAX)] {
        fed(&header(FIN | BINARY, length)).assert_failed(ProtocolError::MessageTooBig, &[], b"");
        let later = [frame(BINARY, b"x"), header(FIN | CONTINUATION, length)].concat();
        fed(&later).assert_failed(ProtocolError::MessageTooBig, &[], b"");
    }
    // Even without a cap there is no sum that wraps.
    let uncapped = || {
        Server::with(Settings {
            message_bytes: usize::MAX,
            ..Settings::default()
        })
    };
    let later = [
        frame(BINARY, b"x"),
        header(FIN | CONTINUATION, (1 << 63) - 1),
        vec![0; 9],
    ]
    .concat();
    every_way(uncapped, &later).assert_open(&[], b"");
}

#[test]
fn a_partial_header_is_no_header() {
    let whole = header(FIN | BINARY, 1 << 20);
    assert_eq!(whole.len(), FrameHeader::MAX_BYTES);
    for end in 0..whole.len() {
        assert_eq!(
            FrameHeader::parse(&whole[..end], false),
            Ok(None),
            "{end} bytes"
        );
    }
    let (header, bytes) = FrameHeader::parse(&whole, false).unwrap().unwrap();
    assert_eq!(
        (header.opcode, header.length, bytes),
        (Opcode::Binary, 1 << 20, 14)
    );
    assert!(header.fin && !header.rsv1);
}

#[test]
fn the_server_never_masks_and_takes_the_shortest_length() {
    let mut server = Server::new();
    for length in [0, 125, 126, 65_535, 65_536] {
        server.out.clear();
        let payload = vec![7; length];
        server
            .connection
            .send(Kind::Binary, &payload, &mut server.out)
            .unwrap();
        assert!(server.out == served(FIN | BINARY, &payload), "{length}");
    }
}
