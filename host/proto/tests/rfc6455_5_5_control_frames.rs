//! RFC 6455 section 5.5: close, ping and pong, and what floods of them cost.

#[path = "support/client.rs"]
mod client;

use client::*;
use jackfield_proto::{ProtocolError, SendError, Settings, Status};

#[test]
fn a_ping_is_answered_with_its_payload() {
    for payload in [
        b"".as_slice(),
        b"x",
        b"\x00\xff\xfe not text",
        &[7; 124],
        &[8; 125],
    ] {
        fed(&ping(payload)).assert_open(&[], &served(FIN | PONG, payload));
    }
}

#[test]
fn pings_are_answered_in_order() {
    let pings: Vec<u8> = (0..10u8).flat_map(|at| ping(&[at; 20])).collect();
    let pongs: Vec<u8> = (0..10u8)
        .flat_map(|at| served(FIN | PONG, &[at; 20]))
        .collect();
    fed(&pings).assert_open(&[], &pongs);
}

#[test]
fn an_unsolicited_pong_is_ignored() {
    let input = [
        frame(FIN | PONG, b""),
        frame(FIN | PONG, b"payload"),
        text("after"),
    ]
    .concat();
    fed(&input).assert_open(&[got_text("after")], b"");
}

#[test]
fn fragmented_control_frames_are_refused() {
    for opcode in [CLOSE, PING, PONG] {
        fed(&frame(opcode, b"")).assert_failed(ProtocolError::FragmentedControl, &[], b"");
        let inside = [frame(TEXT, b"a"), frame(opcode, b"x")].concat();
        fed(&inside).assert_failed(ProtocolError::FragmentedControl, &[], b"");
    }
}

#[test]
fn control_frames_above_125_bytes_are_refused() {
    for opcode in [CLOSE, PING, PONG] {
        for length in [126, 127, 65_535, 65_536] {
            let input = [ping(b"before"), header(FIN | opcode, length)].concat();
            let pong = served(FIN | PONG, b"before");
            fed(&input).assert_failed(ProtocolError::ControlTooLong, &[], &pong);
        }
        // Refused in the second byte, before the length is there.
        let mut server = Server::new();
        server.input(&[FIN | opcode, 0x80 | 126]);
        server
            .outcome()
            .assert_failed(ProtocolError::ControlTooLong, &[], b"");
    }
}

#[test]
fn replies_to_earlier_input_go_before_the_close_frame_of_a_failure() {
    let input = [
        text("one"),
        ping(b"two"),
        text("three"),
        frame(FIN | 0x3, b""),
    ]
    .concat();
    let outcome = every_way(Server::echoing, &input);
    let out = [
        served(FIN | TEXT, b"one"),
        served(FIN | PONG, b"two"),
        served(FIN | TEXT, b"three"),
    ];
    outcome.assert_failed(
        ProtocolError::ReservedOpcode(3),
        &[got_text("one"), got_text("three")],
        &out.concat(),
    );
}

#[test]
fn a_flood_of_pings_is_answered_with_a_bounded_output() {
    let mut server = Server::new();
    for round in 0..100u32 {
        for at in 0..100 {
            server.input(&ping(&[round as u8, at, 0, 0].repeat(31)));
        }
    }
    let bound = Settings::default().control_backlog;
    assert!(
        server.out.len() < bound + 128,
        "{} bytes wait",
        server.out.len()
    );

    // What waits is the latest ping, and it is answered once when there is room again.
    server.out.clear();
    server.connection.handle_drained(&mut server.out);
    assert_eq!(server.out, served(FIN | PONG, &[99, 99, 0, 0].repeat(31)));
    server.out.clear();
    server.connection.handle_drained(&mut server.out);
    assert_eq!(server.out, b"");
}

#[test]
fn a_ping_behind_a_full_output_is_answered_when_it_was_written() {
    let mut server = Server::new();
    server.out = vec![0; Settings::default().control_backlog];
    server.input(&[ping(b"early"), ping(b"late")].concat());
    assert_eq!(
        server.out.len(),
        Settings::default().control_backlog,
        "nothing was added"
    );
    server.out.clear();
    server.connection.handle_drained(&mut server.out);
    assert_eq!(server.out, served(FIN | PONG, b"late"));
}

#[test]
fn a_later_ping_replaces_one_that_waits() {
    let mut server = Server::new();
    server.out = vec![0; Settings::default().control_backlog];
    server.input(&ping(b"waits"));
    server.out.clear();
    server.input(&ping(b"answered at once"));
    server.connection.handle_drained(&mut server.out);
    assert_eq!(server.out, served(FIN | PONG, b"answered at once"));
}

#[test]
fn a_ping_that_waits_is_answered_before_a_close_frame_and_never_behind_one() {
    let mut server = Server::new();
    server.out = vec![0; Settings::default().control_backlog];
    server.input(&ping(b"waits"));
    server.out.clear();
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    server.input(&ping(b"after"));
    server.connection.handle_drained(&mut server.out);
    assert_eq!(
        server.out,
        [served(FIN | PONG, b"waits"), served_close(1000, "")].concat()
    );
}

#[test]
fn the_server_sends_pings_and_pongs_of_up_to_125_bytes() {
    let mut server = Server::new();
    let Server {
        connection, out, ..
    } = &mut server;
    connection.ping(&[1; 125], out).unwrap();
    connection.pong(b"", out).unwrap();
    assert_eq!(
        *out,
        [served(FIN | PING, &[1; 125]), served(FIN | PONG, b"")].concat()
    );
    out.clear();
    assert_eq!(
        connection.ping(&[1; 126], out),
        Err(SendError::ControlTooLong)
    );
    assert_eq!(
        connection.pong(&[1; 126], out),
        Err(SendError::ControlTooLong)
    );
    assert_eq!(*out, b"");
    assert_eq!(connection.status(), Status::Open);
}
