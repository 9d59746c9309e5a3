//! RFC 6455 section 7: the closing checklist of the design, item by item, in virtual time.

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use client::*;
use jackfield_proto::{CloseError, Ending, Event, Kind, ProtocolError, Settings, Status};

const FINISHED: Status = Status::Finished { linger: true };

fn ending(code: u16, reason: &str, clean: bool) -> Ending {
    Ending {
        code,
        reason: reason.to_owned(),
        clean,
    }
}

/// Item 1: the replies already accepted go out, the same code is echoed, once.
#[test]
fn the_peer_closes_first() {
    let input = [text("last words"), close(1001, b"bye")].concat();
    let outcome = every_way(Server::echoing, &input);
    assert_eq!(outcome.events, [got_text("last words"), Event::PeerClosed]);
    assert_eq!(
        outcome.out,
        [served(FIN | TEXT, b"last words"), served_close(1001, "")].concat()
    );
    assert_eq!(outcome.status, FINISHED);
    assert_eq!(outcome.ending, ending(1001, "bye", true));
}

/// Item 1 and 10: empty for empty, which the application hears as 1005.
#[test]
fn an_empty_close_frame_is_answered_with_an_empty_one() {
    let outcome = fed(&frame(FIN | CLOSE, b""));
    assert_eq!(outcome.events, [Event::PeerClosed]);
    assert_eq!(outcome.out, served(FIN | CLOSE, b""));
    assert_eq!(outcome.ending, ending(1005, "", true));
}

/// Item 2: peer data after its own close is dropped, and a second close frame is not answered.
#[test]
fn nothing_counts_after_the_peers_close_frame() {
    let garbage = [0xff; 100].as_slice();
    let input = [
        &close(1000, b""),
        &text("late"),
        &ping(b"late"),
        &close(1000, b""),
        garbage,
    ]
    .concat();
    let outcome = every_way(Server::echoing, &input);
    assert_eq!(outcome.events, [Event::PeerClosed]);
    assert_eq!(outcome.out, served_close(1000, ""));
}

/// Item 3, as far as it is the protocol's: the end of TCP is asked for, with a linger, and then with none.
#[test]
fn the_end_of_tcp_is_the_servers() {
    let mut server = Server::new();
    server.input(&close(1000, b""));
    assert_eq!(server.connection.status(), FINISHED);
    assert!(!server.connection.wants_input());
    server.connection.handle_eof();
    assert_eq!(
        server.connection.status(),
        Status::Finished { linger: false }
    );
    assert_eq!(
        server.connection.ending(),
        ending(1000, "", true),
        "a FIN behind it changes nothing"
    );
}

/// Item 4: the server closes first and is answered.
#[test]
fn the_server_closes_first() {
    let mut server = Server::new();
    server
        .connection
        .close(server.now, 3000, "enough", &mut server.out)
        .unwrap();
    assert_eq!(server.connection.status(), Status::Closing);
    assert_eq!(server.out, served_close(3000, "enough"));
    assert_eq!(server.connection.sent_close(), Some(3000));
    server.input(&close(3000, b""));
    let outcome = server.outcome();
    assert_eq!(outcome.events, [Event::PeerClosed]);
    assert_eq!(
        outcome.out,
        served_close(3000, "enough"),
        "one close frame each way"
    );
    assert_eq!(outcome.status, FINISHED);
    assert_eq!(outcome.ending, ending(3000, "", true));
}

/// Item 4: what the peer sent before it saw our close frame is not lost, and pings are not answered any more.
#[test]
fn messages_on_the_way_while_the_server_closes_are_delivered() {
    let mut server = Server::new();
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    server.input(
        &[
            frame(TEXT, b"on the"),
            ping(b"x"),
            frame(FIN | CONTINUATION, b" way"),
        ]
        .concat(),
    );
    server.input(&close(1000, b""));
    assert_eq!(server.events, [got_text("on the way"), Event::PeerClosed]);
    assert_eq!(server.out, served_close(1000, ""));
}

/// Item 4: no answer within the close timeout, whatever else the peer sends; the application hears 1006.
#[test]
fn a_close_frame_that_is_not_answered_in_time() {
    let mut server = Server::new();
    server.sleep(Duration::from_secs(100));
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    assert_eq!(
        server.connection.poll_timeout(),
        Some(server.now + Duration::from_secs(5))
    );
    server.sleep(Duration::from_millis(4_999));
    server.input(&text("still talking"));
    server.timeout();
    assert_eq!(server.connection.status(), Status::Closing);
    server.sleep(Duration::from_millis(1));
    server.timeout();
    assert_eq!(
        server.events,
        [got_text("still talking"), Event::CloseTimedOut]
    );
    assert_eq!(server.connection.status(), Status::Dead);
    assert_eq!(server.connection.poll_timeout(), None);
    assert_eq!(server.connection.ending(), ending(1006, "", false));
    assert_eq!(server.out, served_close(1000, ""));
}

/// Item 5: both at once: one frame each way, one event.
#[test]
fn both_close_at_once() {
    let mut server = Server::new();
    server
        .connection
        .close(server.now, 1000, "ours", &mut server.out)
        .unwrap();
    server.input(&close(4000, b"theirs"));
    assert_eq!(server.events, [Event::PeerClosed]);
    assert_eq!(server.out, served_close(1000, "ours"));
    assert_eq!(server.connection.ending(), ending(4000, "theirs", true));
}

/// Item 6: failing the connection: a close frame, then deaf.
#[test]
fn a_failed_connection_is_deaf() {
    let input = [
        frame(FIN | 0x3, b""),
        text("late"),
        ping(b"late"),
        close(1000, b"late"),
    ]
    .concat();
    fed(&input).assert_failed(ProtocolError::ReservedOpcode(3), &[], b"");
}

/// Item 6: the same at the server's own wish.
#[test]
fn the_server_fails_the_connection() {
    let mut server = Server::new();
    server.input(&frame(TEXT, b"unfinished"));
    server
        .connection
        .fail(server.now, 1011, "trap", &mut server.out);
    server.input(&[frame(FIN | CONTINUATION, b""), ping(b""), close(1000, b"")].concat());
    let outcome = server.outcome();
    assert_eq!(outcome.events, []);
    assert_eq!(outcome.out, served_close(1011, "trap"));
    assert_eq!(outcome.status, FINISHED);
    assert_eq!(outcome.ending, ending(1006, "", false));
    // Failing twice says nothing twice.
    server
        .connection
        .fail(server.now, 1013, "again", &mut server.out);
    assert_eq!(server.out, served_close(1011, "trap"));
    assert_eq!(server.connection.sent_close(), Some(1011));
}

#[test]
fn failing_with_a_code_that_may_not_be_sent_is_an_internal_error() {
    let mut server = Server::new();
    server
        .connection
        .fail(server.now, 1006, "", &mut server.out);
    assert_eq!(server.out, served_close(1011, ""));
}

/// Item 6: an offence while our close frame waits for its answer: nothing more is said.
#[test]
fn an_offence_while_closing_is_not_answered() {
    let mut server = Server::new();
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    server.input(&served(FIN | TEXT, b"unmasked"));
    assert_eq!(server.events, [Event::Failed(ProtocolError::Unmasked)]);
    assert_eq!(server.out, served_close(1000, ""));
    assert_eq!(server.connection.status(), FINISHED);
    assert_eq!(server.connection.ending(), ending(1006, "", false));
}

/// Item 9: a close in the middle of a fragmented message is legal, both ways.
#[test]
fn a_close_frame_may_interrupt_a_message() {
    let outcome = fed(&[frame(TEXT, b"unfinished"), close(1000, b"")].concat());
    assert_eq!(outcome.events, [Event::PeerClosed]);
    assert_eq!(outcome.ending, ending(1000, "", true));

    let mut server = Server::new();
    let Server {
        connection,
        now,
        out,
        ..
    } = &mut server;
    connection
        .send_fragment(Kind::Text, b"unfinished", false, out)
        .unwrap();
    connection.close(*now, 1000, "", out).unwrap();
    assert_eq!(
        *out,
        [served(TEXT, b"unfinished"), served_close(1000, "")].concat()
    );
}

/// Item 10: EOF without a close frame is 1006 to the application and nothing on the wire.
#[test]
fn eof_without_a_close_frame() {
    for input in [
        vec![],
        text("whole"),
        frame(TEXT, b"half"),
        header(FIN | BINARY, 70_000),
        vec![FIN | TEXT],
    ] {
        let mut server = Server::echoing();
        server.input(&input);
        let before = server.out.clone();
        server.connection.handle_eof();
        assert_eq!(
            server.out, before,
            "what was accepted is still to be written, and nothing else"
        );
        assert_eq!(
            server.connection.status(),
            Status::Finished { linger: false }
        );
        assert_eq!(server.connection.ending(), ending(1006, "", false));
        assert_eq!(server.connection.poll_timeout(), None);
        assert_eq!(
            server.connection.send(Kind::Text, b"", &mut server.out),
            Err(jackfield_proto::SendError::NotOpen)
        );
    }
}

#[test]
fn eof_while_our_close_frame_waits_is_abnormal_too() {
    let mut server = Server::new();
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    server.connection.handle_eof();
    assert_eq!(
        server.connection.status(),
        Status::Finished { linger: false }
    );
    assert_eq!(server.connection.ending(), ending(1006, "", false));
}

#[test]
fn a_dead_connection_stays_dead() {
    let mut server = Server::new();
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    server.sleep(Duration::from_secs(5));
    server.timeout();
    server.connection.handle_eof();
    server
        .connection
        .fail(server.now, 1011, "", &mut server.out);
    server.input(&close(1000, b""));
    assert_eq!(server.connection.status(), Status::Dead);
    assert_eq!(server.out, served_close(1000, ""));
}

#[test]
fn closing_twice_is_refused() {
    let mut server = Server::new();
    let Server {
        connection,
        now,
        out,
        ..
    } = &mut server;
    connection.close(*now, 1000, "", out).unwrap();
    assert_eq!(
        connection.close(*now, 1000, "", out),
        Err(CloseError::NotOpen)
    );
    assert_eq!(*out, served_close(1000, ""));
}

#[test]
fn the_close_timeout_can_be_set() {
    let settings = Settings {
        close_timeout: Duration::from_millis(10),
        ..Settings::default()
    };
    let mut server = Server::with(settings);
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    server.sleep(Duration::from_millis(10));
    server.timeout();
    assert_eq!(server.events, [Event::CloseTimedOut]);
}
