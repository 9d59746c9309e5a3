//! The health check in virtual time: by last traffic, with and without a ping.

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use client::*;
use jackfield_proto::{Event, Settings, Status};

const SECOND: Duration = Duration::from_secs(1);

fn pinging() -> Server {
    Server::with(Settings {
        health_interval: 30 * SECOND,
        ping: Some(10 * SECOND),
        ..Settings::default()
    })
}

#[test]
fn without_pings_a_quiet_connection_is_unhealthy() {
    let mut server = Server::new();
    let start = server.now;
    assert_eq!(server.connection.poll_timeout(), Some(start + 300 * SECOND));
    server.sleep(299 * SECOND);
    server.timeout();
    assert_eq!(server.connection.status(), Status::Open);
    server.sleep(SECOND);
    server.timeout();
    assert_eq!(server.events, [Event::Unhealthy]);
    assert_eq!(server.out, served_close(1001, "no traffic"));
    assert_eq!(
        server.connection.status(),
        Status::Finished { linger: true }
    );
    assert_eq!(
        (
            server.connection.ending().code,
            server.connection.ending().clean
        ),
        (1006, false)
    );
    assert_eq!(server.connection.poll_timeout(), None);
}

#[test]
fn any_traffic_counts() {
    for traffic in [
        text("x"),
        ping(b""),
        frame(FIN | PONG, b""),
        frame(TEXT, b"part"),
        vec![FIN],
    ] {
        let mut server = Server::new();
        server.sleep(200 * SECOND);
        server.input(&traffic);
        assert_eq!(server.connection.last_traffic(), server.now);
        assert_eq!(
            server.connection.poll_timeout(),
            Some(server.now + 300 * SECOND)
        );
        server.sleep(299 * SECOND);
        server.timeout();
        assert_eq!(server.connection.status(), Status::Open);
    }
}

#[test]
fn an_empty_read_is_no_traffic() {
    let mut server = Server::new();
    let start = server.now;
    server.sleep(SECOND);
    server.input(b"");
    assert_eq!(server.connection.last_traffic(), start);
}

#[test]
fn with_pings_a_quiet_connection_is_asked_first() {
    let mut server = pinging();
    server.sleep(30 * SECOND);
    server.timeout();
    assert_eq!(server.events, []);
    assert_eq!(server.out, served(FIN | PING, b""));
    assert_eq!(
        server.connection.poll_timeout(),
        Some(server.now + 10 * SECOND)
    );
    // Asked once, not at every look.
    server.timeout();
    assert_eq!(server.out, served(FIN | PING, b""));
    server.sleep(10 * SECOND);
    server.timeout();
    assert_eq!(server.events, [Event::Unhealthy]);
    assert_eq!(
        server.out,
        [
            served(FIN | PING, b""),
            served_close(1001, "ping unanswered")
        ]
        .concat()
    );
    assert_eq!(
        server.connection.status(),
        Status::Finished { linger: true }
    );
}

#[test]
fn a_connection_that_answers_is_asked_again_after_the_interval() {
    let mut server = pinging();
    for _ in 0..5 {
        server.out.clear();
        server.sleep(30 * SECOND);
        server.timeout();
        assert_eq!(server.out, served(FIN | PING, b""));
        server.sleep(9 * SECOND);
        server.input(&frame(FIN | PONG, b""));
        assert_eq!(
            server.connection.poll_timeout(),
            Some(server.now + 30 * SECOND)
        );
    }
    assert_eq!(server.events, []);
}

#[test]
fn health_does_not_matter_while_closing() {
    let mut server = Server::with(Settings {
        health_interval: SECOND,
        close_timeout: 10 * SECOND,
        ..Settings::default()
    });
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    server.sleep(5 * SECOND);
    server.timeout();
    assert_eq!(server.events, []);
    server.sleep(5 * SECOND);
    server.timeout();
    assert_eq!(server.events, [Event::CloseTimedOut]);
}

#[test]
fn times_beyond_the_end_of_time_are_never() {
    let mut server = Server::with(Settings {
        health_interval: Duration::MAX,
        close_timeout: Duration::MAX,
        ..Settings::default()
    });
    assert_eq!(server.connection.poll_timeout(), None);
    server.timeout();
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    assert_eq!(server.connection.poll_timeout(), None);
    server.timeout();
    assert_eq!(server.events, []);
}
