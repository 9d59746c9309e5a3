//! RFC 6455 sections 5.1 and 5.3: every client frame is masked, and is unmasked wherever it is cut.

#[path = "support/client.rs"]
mod client;

use client::*;
use jackfield_proto::{Event, ProtocolError};

#[test]
fn an_unmasked_frame_of_any_kind_fails_the_connection() {
    for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
        for payload in [b"".as_slice(), b"ab", &[0; 125]] {
            let input = [text("before"), served(FIN | opcode, payload)].concat();
            fed(&input).assert_failed(ProtocolError::Unmasked, &[got_text("before")], b"");
        }
    }
}

#[test]
fn an_unmasked_continuation_fails_the_connection() {
    let input = [frame(BINARY, b"a"), served(FIN | CONTINUATION, b"b")].concat();
    fed(&input).assert_failed(ProtocolError::Unmasked, &[], b"");
}

#[test]
fn an_unmasked_frame_is_refused_in_its_second_byte() {
    let mut server = Server::new();
    server.input(&[FIN | TEXT]);
    assert_eq!(server.events, []);
    server.input(&[5]);
    server
        .outcome()
        .assert_failed(ProtocolError::Unmasked, &[], b"");
}

#[test]
fn the_mask_is_right_at_every_offset() {
    // Every length up to several words, cut at every place: the key must go on where it stopped.
    for length in 0..70usize {
        let payload: Vec<u8> = (0..length).map(|at| (at * 37) as u8).collect();
        let input = binary(&payload);
        for cut in 0..=input.len() {
            let mut server = Server::new();
            server.input(&input[..cut]);
            server.input(&input[cut..]);
            server.outcome().assert_open(&[got_binary(&payload)], b"");
        }
    }
}

#[test]
fn the_all_zero_key_is_a_key() {
    let mut server = Server::new();
    server.input(&[FIN | TEXT, 0x80 | 2, 0, 0, 0, 0, b'h', b'i']);
    assert_eq!(server.events, [got_text("hi")]);
}

#[test]
fn every_frame_has_its_own_key() {
    let mut input = Vec::new();
    for key in [[1, 2, 3, 4], [0xff, 0, 0xff, 0], [9, 9, 9, 9]] {
        input.extend([FIN | BINARY, 0x80 | 3]);
        input.extend(key);
        input.extend([b'x' ^ key[0], b'y' ^ key[1], b'z' ^ key[2]]);
    }
    let xyz = got_binary(b"xyz");
    fed(&input).assert_open(&[xyz.clone(), xyz.clone(), xyz], b"");
}

#[test]
fn masked_control_frames_are_unmasked_too() {
    fed(&ping(b"payload")).assert_open(&[], &served(FIN | PONG, b"payload"));
    let outcome = fed(&close(4000, b"because"));
    assert_eq!(outcome.events, [Event::PeerClosed]);
    assert_eq!(outcome.ending.reason, "because");
}
