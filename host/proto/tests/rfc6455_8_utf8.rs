//! RFC 6455 section 8.1: text that is not UTF-8 is found in the chunk that brings it, before the frame ends.

#[path = "support/client.rs"]
mod client;

use client::*;
use jackfield_proto::{ProtocolError, utf8::TextBuilder};

/// Each with the number of bytes after which it cannot become valid any more.
const BAD: &[(&[u8], usize)] = &[
    (b"\x80", 1),
    (b"\xbf", 1),
    (b"\xc0\x80", 1),             // overlong NUL
    (b"\xc1\xbf", 1),             // overlong
    (b"\xc3\x28", 2),             // no continuation
    (b"\xc3\xc3", 2),             // lead after lead
    (b"\xe0\x80\x80", 2),         // overlong
    (b"\xe0\x9f\xbf", 2),         // overlong
    (b"\xed\xa0\x80", 2),         // surrogate
    (b"\xed\xbf\xbf", 2),         // surrogate
    (b"\xe2\x82\x28", 3),         // no second continuation
    (b"\xf0\x80\x80\x80", 2),     // overlong
    (b"\xf0\x8f\xbf\xbf", 2),     // overlong
    (b"\xf4\x90\x80\x80", 2),     // above U+10FFFF
    (b"\xf5\x80\x80\x80", 1),     // above U+10FFFF
    (b"\xf8\x88\x80\x80\x80", 1), // five bytes
    (b"\xfc\x84\x80\x80\x80", 1), // six bytes
    (b"\xfe", 1),
    (b"\xff", 1),
    (b"\xf0\x9f\x28", 3),
    (b"\xf0\x9f\x98\x28", 4),
];

/// Valid texts with characters of every length, at the borders of what each length may hold.
const GOOD: &[&str] = &[
    "",
    "plain",
    "\u{7f}\u{80}\u{7ff}\u{800}\u{fff}\u{1000}\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10000}\u{3ffff}\u{40000}\u{10ffff}",
    "κόσμε",
    "Hello-µ@ßöäüàá-UTF-8!!",
    "\0 embedded \0",
    "🤷🏽‍♀️ über alles",
];

#[test]
fn good_text_arrives() {
    for text in GOOD {
        fed(&client::text(text)).assert_open(&[got_text(text)], b"");
    }
}

#[test]
fn good_text_may_be_cut_anywhere_into_fragments() {
    for text in GOOD {
        let bytes = text.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let input = [
                    frame(TEXT, &bytes[..first]),
                    frame(CONTINUATION, &bytes[first..second]),
                    frame(FIN | CONTINUATION, &bytes[second..]),
                ];
                let mut server = Server::new();
                server.input(&input.concat());
                server.outcome().assert_open(&[got_text(text)], b"");
            }
        }
    }
}

#[test]
fn bad_text_in_one_frame() {
    for (bad, _) in BAD {
        for (before, after) in [("", ""), ("before ", ""), ("", " after"), ("é🤷", "é🤷")] {
            let payload = [before.as_bytes(), bad, after.as_bytes()].concat();
            let outcome = fed(&frame(FIN | TEXT, &payload));
            outcome.assert_failed(ProtocolError::TextNotUtf8, &[], b"");
        }
    }
}

#[test]
fn bad_text_is_found_in_the_byte_that_makes_it_so() {
    for (bad, fatal) in BAD {
        // The frame declares much more than ever comes.
        let mut input = frame(FIN | TEXT, &[b"before ", *bad, &[b'x'; 1000]].concat());
        let fatal = input.len() - 1000 - bad.len() + fatal;
        let rest = input.split_off(fatal);
        let last = input.pop().unwrap();
        let mut server = Server::new();
        server.input(&input);
        assert_eq!(server.events, [], "{bad:x?} is not bad yet");
        server.input(&[last]);
        server
            .outcome()
            .assert_failed(ProtocolError::TextNotUtf8, &[], b"");
        server.input(&rest);
        server
            .outcome()
            .assert_failed(ProtocolError::TextNotUtf8, &[], b"");
    }
}

#[test]
fn bad_text_is_found_in_the_fragment_that_brings_it() {
    for (bad, fatal) in BAD {
        for cut in 0..*fatal {
            let input = [
                frame(TEXT, &bad[..cut]),
                frame(CONTINUATION, b""),
                frame(CONTINUATION, &bad[cut..]),
            ];
            fed(&input.concat()).assert_failed(ProtocolError::TextNotUtf8, &[], b"");
        }
    }
}

#[test]
fn text_that_ends_inside_a_character() {
    for cut in [
        b"\xc3".as_slice(),
        b"\xe2\x82",
        b"\xf0\x9f",
        b"\xf0\x9f\x98",
    ] {
        fed(&frame(FIN | TEXT, cut)).assert_failed(ProtocolError::TextNotUtf8, &[], b"");
        let fragments = [frame(TEXT, cut), frame(FIN | CONTINUATION, b"")].concat();
        fed(&fragments).assert_failed(ProtocolError::TextNotUtf8, &[], b"");
    }
}

#[test]
fn binary_is_not_checked() {
    let bad: Vec<u8> = BAD
        .iter()
        .flat_map(|(bad, _)| bad.iter().copied())
        .collect();
    fed(&binary(&bad)).assert_open(&[got_binary(&bad)], b"");
}

/// Every sequence of up to three bytes from a set that has each kind of byte, and many of four: in pieces of
/// every size, the builder agrees with the standard library about valid, invalid, and which byte made it so.
#[test]
fn pieces_agree_with_the_standard_library() {
    let bytes = [
        0x00, b'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef,
        0xf0, 0xf4, 0xf5,
    ];
    let mut sequences = vec![vec![]];
    for length in 1..=4usize {
        let longer: Vec<Vec<u8>> = sequences
            .iter()
            .filter(|sequence: &&Vec<u8>| sequence.len() == length - 1)
            .flat_map(|sequence| {
                bytes
                    .iter()
                    .map(|&byte| [sequence.as_slice(), &[byte]].concat())
            })
            .collect();
        sequences.extend(longer);
    }
    for sequence in sequences {
        for piece in 1..=4 {
            let mut builder = TextBuilder::default();
            let mut sent = 0;
            let mut failed = None;
            for piece in sequence.chunks(piece) {
                sent += piece.len();
                if builder.push(piece).is_err() {
                    failed = Some(sent);
                    break;
                }
            }
            match std::str::from_utf8(&sequence) {
                Ok(text) => {
                    assert_eq!(failed, None, "{sequence:x?}");
                    assert_eq!(builder.finish().as_deref(), Ok(text));
                }
                Err(error) => match error.error_len() {
                    None => {
                        assert_eq!(failed, None, "{sequence:x?}");
                        assert!(builder.finish().is_err(), "{sequence:x?}");
                    }
                    Some(_) => {
                        // The first prefix that the standard library calls wrong, rounded up to whole pieces.
                        let fatal = (1..=sequence.len())
                            .find(|&end| {
                                std::str::from_utf8(&sequence[..end])
                                    .is_err_and(|error| error.error_len().is_some())
                            })
                            .unwrap();
                        let expected = fatal.div_ceil(piece) * piece;
                        assert_eq!(
                            failed,
                            Some(expected.min(sequence.len())),
                            "{sequence:x?} by {piece}"
                        );
                    }
                },
            }
        }
    }
}
