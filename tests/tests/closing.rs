//! The closing checklist of PROTOCOL.md over the wire (RFC 6455 section 7). What a plugin hears of it is in
//! `contract.rs`.

use e2e::frame::{CLOSE, CONTINUATION, PING, TEXT, Wire};
use e2e::{Client, Incoming, PATIENCE, Setup, table};

/// Item 1: the peer closes first. Replies already accepted go out, the same code comes back, once.
#[test]
fn the_peers_close_is_answered_behind_the_replies() {
    let server = Setup::echo().start();
    for piece in [1, 3, 1 << 20] {
        let mut client = Client::open(&server, "/echo");
        let mut bytes = Vec::new();
        for number in 0..100 {
            bytes.extend(Wire::new(TEXT, format!("message {number}")).bytes());
        }
        bytes.extend(Wire::close(4321, "that was all").bytes());
        client.write_in_pieces(&bytes, piece);
        for number in 0..100 {
            assert_eq!(client.expect_text(), format!("message {number}"));
        }
        client.expect_close(4321);
        client.expect_fin();
    }
}

#[test]
fn an_empty_close_is_answered_with_an_empty_one() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    client.send(&Wire::new(CLOSE, ""));
    let frame = client.expect_frame();
    assert_eq!((frame.opcode, frame.payload.len()), (CLOSE, 0));
    client.expect_fin();
}

/// Item 2: what the peer sends behind its close frame is dropped.
#[test]
fn nothing_behind_the_peers_close_is_delivered() {
    let server = Setup::echo().start();
    for piece in [1, 1 << 20] {
        let mut client = Client::open(&server, "/echo");
        let frames = [
            Wire::close(1000, ""),
            Wire::new(TEXT, "too late"),
            Wire::new(PING, "too late"),
            Wire::close(1001, "again"),
        ];
        let bytes: Vec<u8> = frames.iter().flat_map(Wire::bytes).collect();
        for part in bytes.chunks(piece) {
            let _ = client.try_write(part);
        }
        client.expect_close(1000);
        client.expect_fin();
    }
}

/// Item 3: FIN, not RST, even when the peer pipelined a megabyte behind its close frame.
#[test]
fn a_megabyte_behind_the_close_still_ends_with_fin() {
    let server = Setup::echo().start();
    for _ in 0..5 {
        let mut client = Client::open(&server, "/echo");
        let mut bytes = Wire::new(TEXT, "first").bytes();
        bytes.extend(Wire::close(1000, "").bytes());
        bytes.extend(vec![0xaa; 1 << 20]);
        client.write(&bytes);
        assert_eq!(client.expect_text(), "first");
        client.expect_close(1000);
        client.expect_fin();
    }
}

/// Item 3 again, for a connection that is failed: the reader must get the reason.
#[test]
fn a_megabyte_behind_an_offence_still_ends_with_fin() {
    let server = Setup::echo().start();
    for _ in 0..5 {
        let mut client = Client::open(&server, "/echo");
        let mut bytes = Wire::new(TEXT, "first").bytes();
        bytes.extend(Wire::new(TEXT, "x").unmasked().bytes());
        bytes.extend(vec![0xaa; 1 << 20]);
        client.write(&bytes);
        assert_eq!(client.expect_text(), "first");
        client.expect_failed(1002);
    }
}

/// Item 6: after failing the connection the server is deaf; it neither answers nor fails again.
#[test]
fn a_failed_connection_is_deaf() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    client.send(&Wire::new(TEXT, "x").reserved(4));
    client.expect_close(1002);
    for frame in [
        Wire::new(PING, "?"),
        Wire::new(TEXT, "?"),
        Wire::new(TEXT, "?").unmasked(),
        Wire::close(1000, ""),
    ] {
        let _ = client.try_write(&frame.bytes());
    }
    client.expect_fin();
}

/// Item 7: the codes that a peer may send are echoed; all others, and half a code, are 1002.
#[test]
fn codes_of_the_peer() {
    let server = Setup::echo().start();
    let good = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ];
    for code in good {
        Client::open(&server, "/echo").close(code, "reason");
    }
    let bad = [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65_535,
    ];
    for code in bad {
        let mut client = Client::open(&server, "/echo");
        client.send(&Wire::close(code, ""));
        let found = client.expect_frame();
        assert_eq!(found.close_reason().0, Some(1002), "code {code}");
        client.expect_fin();
    }
}

#[test]
fn bad_close_payloads() {
    let server = Setup::echo().start();
    let rows = [
        ("half a code", vec![3], 1002),
        ("reason cut in a character", b"\x03\xe8\xce".to_vec(), 1007),
        ("reason not UTF-8", b"\x03\xe8ok\xff".to_vec(), 1007),
        ("bad code and bad reason", b"\x00\x01\xff".to_vec(), 1002),
    ];
    table(
        &rows,
        |row| row.0,
        |(_, payload, code)| {
            let mut client = Client::open(&server, "/echo");
            client.send(&Wire::new(CLOSE, payload.clone()));
            client.expect_failed(*code);
        },
    );
}

#[test]
fn the_longest_reason() {
    let server = Setup::echo().start();
    Client::open(&server, "/echo").close(1000, &"r".repeat(123));
}

/// Item 9: a close in the middle of a fragmented message is legal; the message is dropped.
#[test]
fn a_close_in_a_fragmented_message() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    client.send(&Wire::new(TEXT, "begun").more());
    client.send(&Wire::new(CONTINUATION, "and more").more());
    client.close(1001, "changed my mind");
}

/// A peer that goes away without a close frame gets no close frame either, only the end of TCP.
#[test]
fn fin_without_a_close_frame() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    assert_eq!(client.ask_text("x"), "x");
    client.finish_writing();
    client.expect_fin();
}

/// Replies to what came before a FIN are not lost with it.
#[test]
fn fin_behind_messages_does_not_swallow_their_replies() {
    let server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    let mut bytes = Vec::new();
    for number in 0..50 {
        bytes.extend(Wire::new(TEXT, number.to_string()).bytes());
    }
    client.write(&bytes);
    client.finish_writing();
    for number in 0..50 {
        assert_eq!(client.expect_text(), number.to_string());
    }
    client.expect_fin();
}

/// A peer that neither closes nor reads to the end of its own close is let go after the linger time.
#[test]
fn a_peer_that_never_ends_tcp_is_let_go() {
    let setup = Setup::echo().set("limits", "linger_timeout", "\"200 ms\"");
    let server = setup.start();
    let before = server.settled_descriptors();
    let mut clients: Vec<Client> = (0..20).map(|_| Client::open(&server, "/echo")).collect();
    for client in &mut clients {
        client.send(&Wire::close(1000, ""));
        client.expect_close(1000);
        client.expect_fin();
    }
    // No client ends its side; the server does not wait for ever.
    e2e::eventually("descriptors back at the baseline", || {
        e2e::process::descriptors(server.pid()) <= before
    });
}

/// The same for one that keeps sending: the discarding has a bound.
#[test]
fn a_peer_that_never_stops_sending_is_let_go() {
    let setup = Setup::echo().set("limits", "linger_timeout", "\"200 ms\"");
    let server = setup.start();
    let mut client = Client::open(&server, "/echo");
    client.send(&Wire::close(1000, ""));
    let deadline = std::time::Instant::now() + PATIENCE;
    while client.try_write(&[0xaa; 4096]).is_ok() {
        assert!(std::time::Instant::now() < deadline, "it reads for ever");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // It was told why before.
    match client.incoming(PATIENCE) {
        Incoming::Frame(frame) => assert_eq!(frame.close_reason().0, Some(1000)),
        Incoming::Reset => {}
        other => panic!("{other:?}"),
    }
}
