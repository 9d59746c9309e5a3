//! RFC 6455 section 5.4: messages in several frames, both ways.

#[path = "support/client.rs"]
mod client;

use client::*;
use jackfield_proto::{Event, Kind, ProtocolError, SendError, Settings};

#[test]
fn fragments_become_one_message() {
    let input = [
        frame(TEXT, b"one "),
        frame(CONTINUATION, b"two "),
        frame(FIN | CONTINUATION, b"three"),
        frame(BINARY, &[1]),
        frame(FIN | CONTINUATION, &[2]),
    ];
    let outcome = every_way(Server::echoing, &input.concat());
    let out = [
        served(FIN | TEXT, b"one two three"),
        served(FIN | BINARY, &[1, 2]),
    ]
    .concat();
    outcome.assert_open(&[got_text("one two three"), got_binary(&[1, 2])], &out);
}

#[test]
fn empty_fragments_are_fragments() {
    let input = [
        frame(TEXT, b""),
        frame(CONTINUATION, b""),
        frame(FIN | CONTINUATION, b""),
    ];
    fed(&input.concat()).assert_open(&[got_text("")], b"");
    let input = [
        frame(BINARY, b""),
        frame(CONTINUATION, b"x"),
        frame(FIN | CONTINUATION, b""),
    ];
    fed(&input.concat()).assert_open(&[got_binary(b"x")], b"");
}

#[test]
fn control_frames_may_stand_between_fragments() {
    let input = [
        frame(TEXT, b"he"),
        ping(b"1"),
        frame(CONTINUATION, b"ll"),
        frame(FIN | PONG, b"unasked"),
        ping(b"2"),
        frame(FIN | CONTINUATION, b"o"),
    ];
    let pongs = [served(FIN | PONG, b"1"), served(FIN | PONG, b"2")].concat();
    fed(&input.concat()).assert_open(&[got_text("hello")], &pongs);
}

#[test]
fn a_continuation_alone_is_refused() {
    for first in [CONTINUATION, FIN | CONTINUATION] {
        fed(&frame(first, b"x")).assert_failed(ProtocolError::LoneContinuation, &[], b"");
        let after = [text("whole"), frame(first, b"")].concat();
        fed(&after).assert_failed(ProtocolError::LoneContinuation, &[got_text("whole")], b"");
    }
    let after = [
        frame(TEXT, b"a"),
        frame(FIN | CONTINUATION, b"b"),
        frame(FIN | CONTINUATION, b"c"),
    ];
    fed(&after.concat()).assert_failed(ProtocolError::LoneContinuation, &[got_text("ab")], b"");
}

#[test]
fn a_message_inside_a_message_is_refused() {
    for first in [TEXT, BINARY] {
        for second in [TEXT, BINARY, FIN | TEXT, FIN | BINARY] {
            let input = [frame(first, b"a"), frame(second, b"b")].concat();
            fed(&input).assert_failed(ProtocolError::InterruptedMessage, &[], b"");
        }
    }
}

#[test]
fn an_empty_first_fragment_begins_a_message_too() {
    let input = [frame(BINARY, b""), frame(FIN | BINARY, b"")].concat();
    fed(&input).assert_failed(ProtocolError::InterruptedMessage, &[], b"");
}

/// A frame cap without a message cap is no cap (CVE-2026-42786).
#[test]
fn the_cap_counts_over_all_fragments() {
    let small = || {
        Server::with(Settings {
            message_bytes: 10,
            ..Settings::default()
        })
    };
    let fits = [
        frame(BINARY, &[0; 4]),
        frame(CONTINUATION, &[0; 4]),
        frame(FIN | CONTINUATION, &[0; 2]),
    ];
    every_way(small, &fits.concat()).assert_open(&[got_binary(&[0; 10])], b"");
    let above = [
        frame(BINARY, &[0; 4]),
        frame(CONTINUATION, &[0; 4]),
        frame(FIN | CONTINUATION, &[0; 3]),
    ];
    every_way(small, &above.concat()).assert_failed(ProtocolError::MessageTooBig, &[], b"");
    every_way(small, &binary(&[0; 10])).assert_open(&[got_binary(&[0; 10])], b"");
    every_way(small, &text("12345678901")).assert_failed(ProtocolError::MessageTooBig, &[], b"");
}

#[test]
fn the_cap_begins_anew_with_every_message() {
    let small = || {
        Server::with(Settings {
            message_bytes: 10,
            ..Settings::default()
        })
    };
    let ten = got_binary(&[0; 10]);
    let fragmented = [frame(BINARY, &[0; 5]), frame(FIN | CONTINUATION, &[0; 5])].concat();
    let input = [fragmented.clone(), binary(&[0; 10]), fragmented].concat();
    every_way(small, &input).assert_open(&[ten.clone(), ten.clone(), ten], b"");
}

#[test]
fn a_message_above_the_cap_is_refused_with_the_header_that_declares_it() {
    let mut server = Server::new();
    server.input(&header(FIN | BINARY, (1 << 20) + 1));
    server
        .outcome()
        .assert_failed(ProtocolError::MessageTooBig, &[], b"");
}

#[test]
fn the_server_sends_fragments() {
    let mut server = Server::new();
    let Server {
        connection, out, ..
    } = &mut server;
    connection
        .send_fragment(Kind::Text, b"one ", false, out)
        .unwrap();
    assert!(connection.is_sending_fragments());
    connection.ping(b"!", out).unwrap();
    connection
        .send_fragment(Kind::Text, b"", false, out)
        .unwrap();
    connection
        .send_fragment(Kind::Text, b"two", true, out)
        .unwrap();
    assert!(!connection.is_sending_fragments());
    connection
        .send_fragment(Kind::Binary, b"alone", true, out)
        .unwrap();
    connection.send(Kind::Text, b"after", out).unwrap();
    let expected = [
        served(TEXT, b"one "),
        served(FIN | PING, b"!"),
        served(CONTINUATION, b""),
        served(FIN | CONTINUATION, b"two"),
        served(FIN | BINARY, b"alone"),
        served(FIN | TEXT, b"after"),
    ];
    assert_eq!(*out, expected.concat());
}

#[test]
fn the_server_never_interleaves_messages() {
    let mut server = Server::new();
    let Server {
        connection, out, ..
    } = &mut server;
    connection
        .send_fragment(Kind::Binary, b"part", false, out)
        .unwrap();
    let before = out.clone();
    assert_eq!(
        connection.send(Kind::Binary, b"x", out),
        Err(SendError::MessageUnfinished)
    );
    assert_eq!(
        connection.send_fragment(Kind::Text, b"x", true, out),
        Err(SendError::KindChanged)
    );
    assert_eq!(*out, before, "a refused command leaves no bytes");
    connection
        .send_fragment(Kind::Binary, b"end", true, out)
        .unwrap();
    connection.send(Kind::Text, b"x", out).unwrap();
}

/// Tiny fragments cost no more than their bytes (CVE-2026-48779), and no time that grows with their number.
#[test]
fn tens_of_thousands_of_tiny_fragments_are_a_message() {
    let mut server = Server::new();
    server.input(&frame(TEXT, b"a"));
    let one = frame(CONTINUATION, b"b").repeat(1000);
    let none = frame(CONTINUATION, b"").repeat(1000);
    for _ in 0..50 {
        server.input(&one);
        server.input(&none);
    }
    server.input(&frame(FIN | CONTINUATION, b""));
    let [Event::Text(text)] = server.events.as_slice() else {
        panic!("one message expected")
    };
    assert_eq!(text.len(), 50_001);
    // Owned by the receiver now; the growth of a string at most doubles it.
    assert!(matches!(text, std::borrow::Cow::Owned(text) if text.capacity() <= 2 * 50_001));
}
