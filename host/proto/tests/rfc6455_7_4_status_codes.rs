//! RFC 6455 section 7.4 and 5.5.1: every close code there is, from the peer and to the peer, and reasons.

#[path = "support/client.rs"]
mod client;

use client::*;
use jackfield_proto::{
    CloseError, Event, ProtocolError, Status,
    close::{cut_reason, may_receive, may_send},
};

fn accepted(code: u16) -> bool {
    (1000..=1003).contains(&code) || (1007..=1014).contains(&code) || (3000..=4999).contains(&code)
}

/// Item 7 of the checklist, over all 65,536 codes.
#[test]
fn codes_from_a_peer() {
    for code in 0..=u16::MAX {
        assert_eq!(may_receive(code), accepted(code), "{code}");
        let mut server = Server::new();
        server.input(&close(code, b""));
        if accepted(code) {
            assert_eq!(server.events, [Event::PeerClosed], "{code}");
            assert_eq!(server.out, served_close(code, ""));
            assert_eq!(server.connection.ending().code, code);
        } else {
            server
                .outcome()
                .assert_failed(ProtocolError::CloseCode(code), &[], b"");
        }
    }
}

/// Item 8 of the checklist, over all 65,536 codes.
#[test]
fn codes_to_a_peer() {
    for code in 0..=u16::MAX {
        let may = accepted(code) && code != 1010;
        assert_eq!(may_send(code), may, "{code}");
        let mut server = Server::new();
        let result = server
            .connection
            .close(server.now, code, "", &mut server.out);
        if may {
            assert_eq!((result, server.out), (Ok(()), served_close(code, "")));
        } else {
            assert_eq!(result, Err(CloseError::InvalidCode(code)));
            assert_eq!(server.out, b"");
            assert_eq!(
                server.connection.status(),
                Status::Open,
                "a refused close closes nothing"
            );
        }
    }
}

#[test]
fn codes_at_the_borders_in_every_chunk_size() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        fed(&close(code, b"why")).assert_failed(ProtocolError::CloseCode(code), &[], b"");
    }
}

#[test]
fn a_close_frame_of_one_byte_is_refused() {
    fed(&frame(FIN | CLOSE, &[3])).assert_failed(ProtocolError::CloseOneByte, &[], b"");
}

#[test]
fn reasons_up_to_the_limit_are_heard() {
    let longest = "x".repeat(123);
    for reason in ["", "é", "because 🤷", &longest] {
        let outcome = fed(&close(1000, reason.as_bytes()));
        assert_eq!(outcome.events, [Event::PeerClosed]);
        assert_eq!(outcome.ending.reason, reason);
        assert_eq!(outcome.out, served_close(1000, ""));
    }
}

#[test]
fn a_reason_that_is_not_utf8_is_refused() {
    for reason in [
        b"\xff".as_slice(),
        b"ok \xc0\x80",
        b"cut \xf0\x9f\x98",
        b"\xed\xa0\x80 after",
    ] {
        fed(&close(1000, reason)).assert_failed(ProtocolError::CloseReasonNotUtf8, &[], b"");
    }
}

#[test]
fn a_bad_code_or_reason_is_refused_before_the_frame_ends() {
    let bytes = close(1005, b"a long reason");
    let mut server = Server::new();
    server.input(&bytes[..8]);
    server
        .outcome()
        .assert_failed(ProtocolError::CloseCode(1005), &[], b"");

    let bytes = close(1000, b"a \xff reason");
    let mut server = Server::new();
    server.input(&bytes[..10]);
    assert_eq!(server.events, []);
    server.input(&bytes[10..11]);
    server
        .outcome()
        .assert_failed(ProtocolError::CloseReasonNotUtf8, &[], b"");
}

#[test]
fn reasons_are_cut_between_characters() {
    assert_eq!(cut_reason(&"x".repeat(200)), "x".repeat(123));
    // 41 characters of three bytes are 123 bytes; 61 of two are 122, and one more would be 124.
    assert_eq!(cut_reason(&"€".repeat(50)), "€".repeat(41));
    assert_eq!(cut_reason(&"é".repeat(100)), "é".repeat(61));
    assert_eq!(
        cut_reason(&format!("{}🤷", "x".repeat(122))),
        "x".repeat(122)
    );
    assert_eq!(cut_reason("short"), "short");

    let mut server = Server::new();
    server
        .connection
        .close(server.now, 1000, &"é".repeat(100), &mut server.out)
        .unwrap();
    assert_eq!(server.out, served_close(1000, &"é".repeat(61)));
}
