//! RFC 7692 sections 6 and 7.2.1: compressed messages to a client, read by an inflater that shares no code
//! with the crate.

#[path = "support/client.rs"]
mod client;
#[path = "support/deflate.rs"]
mod deflate;
#[path = "support/request.rs"]
mod request;

use client::*;
use deflate::{Inflater, agreed, agreed_with};
use jackfield_proto::{DeflateSettings, Kind, Settings};

/// The frames in the output: first byte and payload.
fn frames(mut out: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, length, rest @ ..] = out {
        let (length, rest) = match length {
            126 => (
                u64::from(u16::from_be_bytes([rest[0], rest[1]])),
                &rest[2..],
            ),
            127 => (u64::from_be_bytes(*rest.first_chunk().unwrap()), &rest[8..]),
            short => (u64::from(*short), rest),
        };
        let (payload, rest) = rest.split_at(length as usize);
        frames.push((*first, payload.to_vec()));
        out = rest;
    }
    frames
}

fn sent(server: &mut Server) -> Vec<(u8, Vec<u8>)> {
    frames(&std::mem::take(&mut server.out))
}

fn send(server: &mut Server, kind: Kind, payload: &[u8]) -> (u8, Vec<u8>) {
    server
        .connection
        .send(kind, payload, &mut server.out)
        .unwrap();
    let mut frames = sent(server);
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

#[test]
fn messages_are_compressed_and_marked() {
    let mut server = agreed("permessage-deflate");
    let mut inflater = Inflater::default();
    for (kind, first, payload) in [
        (Kind::Text, FIN | RSV1 | TEXT, "Hello".repeat(100)),
        (Kind::Binary, FIN | RSV1 | BINARY, "Hello".repeat(100)),
        (Kind::Text, FIN | RSV1 | TEXT, "x".to_owned()),
        (Kind::Text, FIN | RSV1 | TEXT, "large ".repeat(50_000)),
    ] {
        let (sent, packed) = send(&mut server, kind, payload.as_bytes());
        assert_eq!(sent, first);
        assert!(
            !packed.ends_with(&[0, 0, 0xff, 0xff]),
            "the tail is removed"
        );
        assert!(inflater.message(&packed) == payload.as_bytes());
    }
}

#[test]
fn empty_messages_are_one_zero_byte() {
    let mut server = agreed("permessage-deflate");
    let mut inflater = Inflater::default();
    for payload in ["", "", "x", "", ""] {
        let (first, packed) = send(&mut server, Kind::Text, payload.as_bytes());
        assert_eq!(first, FIN | RSV1 | TEXT);
        if payload.is_empty() {
            assert_eq!(packed, [0]);
        }
        assert_eq!(inflater.message(&packed), payload.as_bytes());
    }
}

#[test]
fn context_is_taken_over() {
    let mut server = agreed("permessage-deflate");
    let payload: Vec<u8> = (0..2000u32).map(|at| (at * at % 251) as u8).collect();
    let (_, first) = send(&mut server, Kind::Binary, &payload);
    let (_, second) = send(&mut server, Kind::Binary, &payload);
    assert!(
        second.len() * 2 < first.len(),
        "{} then {}",
        first.len(),
        second.len()
    );
    let mut inflater = Inflater::default();
    assert_eq!(inflater.message(&first), payload);
    assert_eq!(inflater.message(&second), payload);
}

#[test]
fn context_is_not_taken_over_when_so_agreed() {
    let mut server = agreed("permessage-deflate; server_no_context_takeover");
    let payload = b"Hello Hello Hello Hello".repeat(10);
    let (_, first) = send(&mut server, Kind::Binary, &payload);
    let (_, second) = send(&mut server, Kind::Binary, &payload);
    assert_eq!(first, second);
    assert_eq!(
        Inflater::default().message(&second),
        payload,
        "it stands alone"
    );
}

#[test]
fn without_takeover_a_message_that_would_grow_goes_as_it_is() {
    let mut server = agreed("permessage-deflate; server_no_context_takeover");
    assert_eq!(
        send(&mut server, Kind::Text, b"x"),
        (FIN | TEXT, b"x".to_vec())
    );
    // With takeover it must be sent as compressed: the client's window has to see it.
    let mut server = agreed("permessage-deflate");
    assert_eq!(send(&mut server, Kind::Text, b"x").0, FIN | RSV1 | TEXT);
}

/// Every window and every level: no reference reaches back farther than the window that was agreed on.
#[test]
fn windows_of_every_size_are_honoured() {
    // Text that repeats itself at every distance, with noise between.
    let mut seed = 7u32;
    let mut next = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let words: Vec<String> = (0..300)
        .map(|_| {
            (0..3 + next(9))
                .map(|_| char::from(97 + next(26) as u8))
                .collect()
        })
        .collect();
    let messages: Vec<String> = (0..4)
        .map(|_| {
            (0..1400)
                .map(|_| words[next(300) as usize].as_str())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    for bits in 8..=15u8 {
        for level in 0..=9 {
            let settings = DeflateSettings {
                level,
                threshold: 0,
                ..DeflateSettings::default()
            };
            let offer = format!("permessage-deflate; server_max_window_bits={bits}");
            let mut server = agreed_with(&offer, &settings, Settings::default());
            let mut inflater = Inflater::default();
            for message in &messages {
                let (first, packed) = send(&mut server, Kind::Text, message.as_bytes());
                assert_eq!(first, FIN | RSV1 | TEXT);
                assert!(
                    inflater.message(&packed) == message.as_bytes(),
                    "{bits} bits, level {level}"
                );
            }
            assert!(
                inflater.farthest <= 1 << bits,
                "{} with {bits} bits, level {level}",
                inflater.farthest
            );
            // And the window is used: the words repeat at every distance.
            assert!(
                level <= 1 || inflater.farthest > 1 << (bits - 2),
                "{} with {bits} bits",
                inflater.farthest
            );
        }
    }
}

#[test]
fn the_threshold_decides() {
    let settings = DeflateSettings {
        threshold: 100,
        ..DeflateSettings::default()
    };
    let mut server = agreed_with("permessage-deflate", &settings, Settings::default());
    assert_eq!(
        send(&mut server, Kind::Text, &[b'x'; 99]),
        (FIN | TEXT, vec![b'x'; 99])
    );
    let (first, packed) = send(&mut server, Kind::Text, &[b'x'; 100]);
    assert_eq!(first, FIN | RSV1 | TEXT);
    assert_eq!(Inflater::default().message(&packed), [b'x'; 100]);
}

#[test]
fn a_message_can_opt_out() {
    let mut server = agreed("permessage-deflate");
    server
        .connection
        .send_plain(Kind::Text, &[b'x'; 1000], &mut server.out)
        .unwrap();
    assert_eq!(sent(&mut server), [(FIN | TEXT, vec![b'x'; 1000])]);
}

#[test]
fn control_frames_are_never_compressed() {
    let mut server = agreed("permessage-deflate");
    server
        .connection
        .ping(&[b'x'; 100], &mut server.out)
        .unwrap();
    server
        .connection
        .pong(&[b'x'; 100], &mut server.out)
        .unwrap();
    server
        .connection
        .close(server.now, 1000, &"x".repeat(100), &mut server.out)
        .unwrap();
    let firsts: Vec<u8> = sent(&mut server)
        .into_iter()
        .map(|(first, _)| first)
        .collect();
    assert_eq!(firsts, [FIN | PING, FIN | PONG, FIN | CLOSE]);
}

#[test]
fn fragments_are_parts_of_one_compressed_message() {
    let mut server = agreed("permessage-deflate");
    let mut inflater = Inflater::default();
    let part = "fragment ".repeat(20);
    for parts in [
        vec![part.as_str(), part.as_str(), part.as_str()],
        vec![part.as_str(), "", part.as_str()],
        vec![part.as_str(), ""],
        vec!["", part.as_str()],
        vec!["", "", ""],
        vec![part.as_str()],
    ] {
        for (at, part) in parts.iter().enumerate() {
            let last = at + 1 == parts.len();
            server
                .connection
                .send_fragment(Kind::Text, part.as_bytes(), last, &mut server.out)
                .unwrap();
        }
        let frames = sent(&mut server);
        let firsts: Vec<u8> = frames.iter().map(|(first, _)| *first).collect();
        let mut expected = vec![CONTINUATION; parts.len()];
        expected[0] = RSV1 | TEXT;
        *expected.last_mut().unwrap() |= FIN;
        assert_eq!(firsts, expected, "RSV1 on the first, FIN on the last");
        let payload: Vec<u8> = frames
            .into_iter()
            .flat_map(|(_, payload)| payload)
            .collect();
        assert_eq!(inflater.message(&payload), parts.concat().as_bytes());
    }
}

#[test]
fn a_fragmented_message_is_judged_by_its_first_part() {
    let settings = DeflateSettings {
        threshold: 100,
        ..DeflateSettings::default()
    };
    let mut server = agreed_with("permessage-deflate", &settings, Settings::default());
    server
        .connection
        .send_fragment(Kind::Text, b"short", false, &mut server.out)
        .unwrap();
    server
        .connection
        .send_fragment(Kind::Text, &[b'x'; 1000], true, &mut server.out)
        .unwrap();
    assert_eq!(
        sent(&mut server),
        [
            (TEXT, b"short".to_vec()),
            (FIN | CONTINUATION, vec![b'x'; 1000])
        ]
    );
}

#[test]
fn what_is_sent_can_be_received() {
    // The crate's two halves against each other, for messages that compress badly and well.
    let mut seed = 1u32;
    let mut server = agreed("permessage-deflate");
    let mut input = Vec::new();
    let mut expected = Vec::new();
    for length in [0usize, 1, 100, 1000, 70_000, 5, 300_000] {
        let payload: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed.is_multiple_of(3) {
                (seed >> 24) as u8
            } else {
                b'x'
            }
        })
        .take(length)
        .collect();
        let (first, packed) = send(&mut server, Kind::Binary, &payload);
        input.extend(frame(first, &packed));
        expected.push(got_binary(&payload));
    }
    let outcome = every_way(|| agreed("permessage-deflate"), &input);
    outcome.assert_open(&expected, b"");
}
