//! Frames over the wire (RFC 6455 section 5): what must be accepted comes back through the echo plugin, what
//! must not be accepted fails the connection with the code of PROTOCOL.md, at every size of TCP segment.

use e2e::frame::{BINARY, CLOSE, CONTINUATION, LengthForm, PING, PONG, TEXT, Wire};
use e2e::{Client, Server, Setup, table};

/// Sizes of the pieces in which bytes are written; 0 is all at once.
const PIECES: [usize; 5] = [1, 2, 3, 7, 0];

type Row = (&'static str, Vec<Wire>, u16);

fn bytes(frames: &[Wire]) -> Vec<u8> {
    frames.iter().flat_map(Wire::bytes).collect()
}

fn write(client: &mut Client, bytes: &[u8], piece: usize) {
    match piece {
        0 => client.write(bytes),
        piece => client.write_in_pieces(bytes, piece),
    }
}

/// Each row must fail the connection with its code; what was answered before arrives before that.
fn fails(server: &Server, rows: &[Row]) {
    table(
        rows,
        |row| row.0,
        |(_, frames, code)| {
            let offence = bytes(frames);
            for piece in PIECES {
                let mut client = Client::open(server, "/echo");
                let before = Wire::new(TEXT, "before").bytes();
                // What follows the offence is never looked at.
                let after = Wire::new(TEXT, "after").bytes();
                write(&mut client, &[&before, &offence[..]].concat(), piece);
                let _ = client.try_write(&after);
                assert_eq!(client.expect_text(), "before");
                client.expect_failed(*code);
            }
        },
    );
}

#[test]
fn messages_of_every_length_form_come_back() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 1 << 20] {
        let payload: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        client.binary(&payload);
        assert!(client.expect_binary() == payload, "{length} bytes");
        let text = "é".repeat(length / 2);
        assert!(client.ask_text(&text) == text, "{length} bytes of text");
    }
    client.close(1000, "");
}

#[test]
fn messages_in_pieces_of_any_size_come_back() {
    let server = Setup::echo().start();
    let payload: Vec<u8> = (0..=255).cycle().take(700).collect();
    let frames = bytes(&[
        Wire::new(TEXT, "hello"),
        Wire::new(BINARY, payload.clone()),
        Wire::new(TEXT, "").mask([0; 4]),
        Wire::new(TEXT, "κόσμε 🎛"),
        Wire::new(PING, "are you there"),
    ]);
    for piece in PIECES {
        let mut client = Client::open(&server, "/echo");
        write(&mut client, &frames, piece);
        assert_eq!(client.expect_text(), "hello");
        assert_eq!(client.expect_binary(), payload);
        assert_eq!(client.expect_text(), "");
        assert_eq!(client.expect_text(), "κόσμε 🎛");
        client.expect_pong(b"are you there");
        client.close(1000, "");
    }
}

#[test]
fn many_messages_in_one_segment_stay_in_order() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    let texts: Vec<String> = (0..2000).map(|number| number.to_string()).collect();
    let frames: Vec<Wire> = texts
        .iter()
        .map(|text| Wire::new(TEXT, text.as_str()))
        .collect();
    client.write(&bytes(&frames));
    for text in texts {
        assert_eq!(client.expect_text(), text);
    }
}

/// Section 5.4: fragments with control frames between them.
#[test]
fn fragments_with_pings_between_them() {
    let server = Setup::echo().start();
    let frames = bytes(&[
        Wire::new(TEXT, "one ").more(),
        Wire::new(PING, "1"),
        Wire::new(CONTINUATION, "").more(),
        Wire::new(PONG, "nobody asked"),
        Wire::new(CONTINUATION, "two ").more(),
        Wire::new(CONTINUATION, "three"),
    ]);
    for piece in PIECES {
        let mut client = Client::open(&server, "/echo");
        write(&mut client, &frames, piece);
        client.expect_pong(b"1");
        assert_eq!(client.expect_text(), "one two three");
        client.close(1000, "");
    }
}

/// CVE-2026-48779: tens of thousands of tiny fragments are legal.
#[test]
fn thirty_thousand_empty_and_tiny_fragments() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    let mut frames = Wire::new(BINARY, "").more().bytes();
    for number in 0..30_000_u32 {
        let part: &[u8] = if number % 2 == 0 { b"" } else { b"x" };
        frames.extend(Wire::new(CONTINUATION, part).more().bytes());
    }
    frames.extend(Wire::new(CONTINUATION, "!").bytes());
    client.write(&frames);
    let mut expected = vec![b'x'; 15_000];
    expected.push(b'!');
    assert!(client.expect_binary() == expected);
    client.close(1000, "");
}

#[test]
fn pings_and_pongs() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    for payload in [&b""[..], b"x", &[0xff; 125]] {
        client.send(&Wire::new(PING, payload));
        client.expect_pong(payload);
    }
    client.send(&Wire::new(PONG, "unsolicited"));
    assert_eq!(client.ask_text("still here"), "still here");
    client.close(1000, "");
}

/// Section 5.5.3: of several waiting pings the latest may be answered alone.
#[test]
fn a_burst_of_pings_is_answered_at_least_by_the_last() {
    // At the default rate they would be read over most of a minute.
    let server = (Setup::echo().set("limits", "control_per_second", "false")).start();
    let mut client = Client::open(&server, "/echo");
    let pings: Vec<Wire> = (0..50_000_u32)
        .map(|number| Wire::new(PING, number.to_string()))
        .collect();
    client.write(&bytes(&pings));
    client.text("behind the pings");
    let mut latest = None;
    let mut answered = false;
    // Where the last pong is between the messages is up to the server.
    while !answered || latest < Some(49_999) {
        let frame = client.expect_frame();
        match frame.opcode {
            PONG => {
                let number: u32 = frame.text().parse().expect("a payload of ours");
                assert!(latest < Some(number), "pongs out of order");
                latest = Some(number);
            }
            TEXT => {
                assert_eq!(frame.text(), "behind the pings");
                answered = true;
            }
            other => panic!("opcode {other}"),
        }
    }
    client.expect_nothing();
}

#[test]
fn broken_framing_is_1002() {
    let server = Setup::echo().start();
    let mut rows: Vec<Row> = vec![
        ("unmasked", vec![Wire::new(TEXT, "x").unmasked()], 1002),
        (
            "unmasked and empty",
            vec![Wire::new(TEXT, "").unmasked()],
            1002,
        ),
        ("unmasked ping", vec![Wire::new(PING, "").unmasked()], 1002),
        ("RSV1", vec![Wire::new(TEXT, "x").reserved(4)], 1002),
        ("RSV2", vec![Wire::new(TEXT, "x").reserved(2)], 1002),
        ("RSV3", vec![Wire::new(TEXT, "x").reserved(1)], 1002),
        (
            "RSV1 on a ping",
            vec![Wire::new(PING, "").reserved(4)],
            1002,
        ),
        ("fragmented ping", vec![Wire::new(PING, "").more()], 1002),
        ("fragmented pong", vec![Wire::new(PONG, "").more()], 1002),
        ("fragmented close", vec![Wire::close(1000, "").more()], 1002),
        ("long ping", vec![Wire::new(PING, vec![0; 126])], 1002),
        ("long close", vec![Wire::new(CLOSE, vec![3; 126])], 1002),
        (
            "125 in 16 bits",
            vec![Wire::new(TEXT, "x".repeat(125)).form(LengthForm::Bits16)],
            1002,
        ),
        (
            "0 in 64 bits",
            vec![Wire::new(TEXT, "").form(LengthForm::Bits64)],
            1002,
        ),
        (
            "65535 in 64 bits",
            vec![Wire::new(BINARY, "").declaring(65_535, LengthForm::Bits64)],
            1002,
        ),
        (
            "a length of 2^63 (CVE-2026-27889)",
            vec![Wire::new(BINARY, "").declaring(1 << 63, LengthForm::Bits64)],
            1002,
        ),
        (
            "a length of 2^64-1",
            vec![Wire::new(BINARY, "").declaring(u64::MAX, LengthForm::Bits64)],
            1002,
        ),
        (
            "continuation alone",
            vec![Wire::new(CONTINUATION, "x")],
            1002,
        ),
        (
            "open continuation alone",
            vec![Wire::new(CONTINUATION, "x").more()],
            1002,
        ),
        (
            "a message in a message",
            vec![Wire::new(TEXT, "x").more(), Wire::new(TEXT, "y")],
            1002,
        ),
        (
            "an empty message in an empty message",
            vec![Wire::new(BINARY, "").more(), Wire::new(TEXT, "")],
            1002,
        ),
    ];
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        rows.push(("a reserved opcode", vec![Wire::new(opcode, "")], 1002));
    }
    fails(&server, &rows);
}

/// Section 8.1, found in the chunk that brings it.
#[test]
fn bad_text_is_1007() {
    let server = Setup::echo().start();
    let text = |payload: &[u8]| vec![Wire::new(TEXT, payload)];
    let rows: Vec<Row> = vec![
        ("a lone continuation byte", text(b"\x80"), 1007),
        ("a byte that never occurs", text(b"ok \xff"), 1007),
        ("overlong slash", text(b"\xc0\xaf"), 1007),
        ("overlong in three bytes", text(b"\xe0\x80\xaf"), 1007),
        ("a surrogate", text(b"\xed\xa0\x80"), 1007),
        ("above U+10FFFF", text(b"\xf4\x90\x80\x80"), 1007),
        ("cut off at the end", text(b"\xf0\x9f\x8e"), 1007),
        (
            "cut off at the end of the last fragment",
            vec![
                Wire::new(TEXT, &b"\xce"[..]).more(),
                Wire::new(CONTINUATION, ""),
            ],
            1007,
        ),
        (
            "bad across fragments",
            vec![
                Wire::new(TEXT, &b"\xce"[..]).more(),
                Wire::new(CONTINUATION, "x").more(),
            ],
            1007,
        ),
        (
            "before the frame ends",
            vec![Wire::new(TEXT, &b"good\xff"[..]).declaring(1000, LengthForm::Bits16)],
            1007,
        ),
        (
            "in a fragment that is not the last",
            vec![Wire::new(TEXT, &b"\xff"[..]).more()],
            1007,
        ),
    ];
    fails(&server, &rows);
}

#[test]
fn characters_split_between_fragments_are_whole() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    let text = "κόσμε 🎛 end";
    for cut in 1..text.len() {
        let (head, tail) = text.as_bytes().split_at(cut);
        client.send(&Wire::new(TEXT, head).more());
        client.send(&Wire::new(CONTINUATION, tail));
        assert_eq!(client.expect_text(), text);
    }
    // Binary is not text.
    client.binary(b"\xff\xfe\x80");
    assert_eq!(client.expect_binary(), b"\xff\xfe\x80");
}

/// CVE-2026-42786, CVE-2022-35922: the cap counts the message, not the frame, and is judged by the declared
/// length before any of it comes.
#[test]
fn messages_above_the_cap_are_1009() {
    let setup = Setup::echo().on_route("/echo", "message_bytes", "\"4 KiB\"");
    let server = setup.start();
    let declared = |length| vec![Wire::new(BINARY, "").declaring(length, LengthForm::Bits64)];
    let rows: Vec<Row> = vec![
        (
            "one byte too many",
            vec![Wire::new(BINARY, vec![7; 4097])],
            1009,
        ),
        ("declared only", declared(1 << 40), 1009),
        (
            "declared, the largest there is",
            declared((1 << 63) - 1),
            1009,
        ),
        (
            "over two fragments",
            vec![
                Wire::new(BINARY, vec![7; 4096]).more(),
                Wire::new(CONTINUATION, "x"),
            ],
            1009,
        ),
        (
            "declared in the second fragment",
            vec![
                Wire::new(TEXT, "x").more(),
                Wire::new(CONTINUATION, "").declaring(4096, LengthForm::Bits16),
            ],
            1009,
        ),
    ];
    fails(&server, &rows);

    let mut client = Client::open(&server, "/echo");
    client.binary(&[7; 4096]);
    assert_eq!(client.expect_binary().len(), 4096);
    client.send(&Wire::new(BINARY, vec![7; 4095]).more());
    client.send(&Wire::new(CONTINUATION, "x"));
    assert_eq!(client.expect_binary().len(), 4096);
    client.close(1000, "");
}

#[test]
fn the_default_cap_is_one_mebibyte() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    client.binary(&vec![1; 1 << 20]);
    assert_eq!(client.expect_binary().len(), 1 << 20);
    client.send(&Wire::new(BINARY, "").declaring((1 << 20) + 1, LengthForm::Bits64));
    client.expect_failed(1009);
}

/// Declared lengths cost no memory.
#[test]
fn declared_lengths_are_not_allocated() {
    let setup = Setup::echo().on_route("/echo", "message_bytes", "\"64 MiB\"");
    let server = setup.start();
    let open = |declared: bool| {
        let mut client = Client::open(&server, "/echo");
        assert_eq!(client.ask_text("warm"), "warm");
        if declared {
            client.send(&Wire::new(BINARY, "x").declaring(64 << 20, LengthForm::Bits64));
            client.expect_nothing();
        }
        client
    };
    let _warm: Vec<Client> = (0..4).map(|_| open(false)).collect();
    let before = e2e::process::resident_kib(server.pid());
    let _waiting: Vec<Client> = (0..30).map(|_| open(true)).collect();
    let grown = e2e::process::resident_kib(server.pid()).saturating_sub(before);
    // 30 times 64 MiB would be 1.9 GiB.
    assert!(grown < 64 * 1024, "grew by {grown} KiB");
}
