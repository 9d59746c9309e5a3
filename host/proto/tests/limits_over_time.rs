//! What a peer may do in a time: the rates it is read at, and how long a message may take. In virtual time.

#[path = "support/client.rs"]
mod client;
#[path = "support/deflate.rs"]
mod deflate;
#[path = "support/request.rs"]
mod request;

use std::{num::NonZeroU64, time::Duration};

use client::*;
use deflate::{agreed_with, packed};
use jackfield_proto::{DeflateSettings, Event, ProtocolError, Rate, Settings, Status};

const SECOND: Duration = Duration::from_secs(1);

fn rated(messages: u64, bytes: u64, control: u64) -> Settings {
    Settings {
        messages_per_second: NonZeroU64::new(messages),
        bytes_per_second: NonZeroU64::new(bytes),
        control_per_second: NonZeroU64::new(control),
        ..Settings::default()
    }
}

/// How long reading has to wait, and why.
fn pause(server: &Server) -> Option<(Duration, Rate)> {
    server
        .connection
        .throttled(server.now)
        .map(|(until, rate)| (until - server.now, rate))
}

#[test]
fn a_second_of_messages_may_come_at_once_and_the_rest_waits_its_turn() {
    let mut server = Server::with(rated(10, 0, 0));
    server.input(&text("x").repeat(10));
    assert_eq!(pause(&server), None);
    server.input(&text("x"));
    assert_eq!(pause(&server), Some((SECOND / 10, Rate::Messages)));
    server.sleep(SECOND / 10);
    assert_eq!(pause(&server), None);
    // Over a long time it is the rate, whoever reads as soon as it is allowed.
    let start = server.now;
    for _ in 0..100 {
        server.input(&text("x"));
        if let Some((wait, _)) = pause(&server) {
            server.sleep(wait);
        }
    }
    assert_eq!(server.now - start, 10 * SECOND);
    assert_eq!(server.events.len(), 111, "nothing is lost");
    // Saved up is one second's worth, not more.
    server.sleep(3600 * SECOND);
    server.input(&text("x").repeat(11));
    assert_eq!(pause(&server), Some((SECOND / 10, Rate::Messages)));
}

#[test]
fn a_fragmented_message_counts_once_and_its_bytes_as_they_are() {
    let message = [
        frame(TEXT, b"a"),
        frame(0, b"b").repeat(98),
        frame(FIN, b"c"),
    ]
    .concat();
    let mut server = Server::with(rated(1, 0, 0));
    server.input(&message);
    assert_eq!(pause(&server), None);
    let mut server = Server::with(rated(0, message.len() as u64, 0));
    server.input(&message);
    assert_eq!(pause(&server), None, "no byte is counted twice");
    server.input(&message);
    assert_eq!(pause(&server), Some((SECOND, Rate::Bytes)));
}

#[test]
fn bytes_count_at_every_chunk_size_and_unfinished_frames_too() {
    let bytes = binary(&[7; 2986]); // 3000 with its header
    for size in [1, 7, bytes.len()] {
        let mut server = Server::with(rated(0, 1000, 0));
        for piece in bytes[..2000].chunks(size) {
            server.input(piece);
        }
        assert!(server.events.is_empty());
        assert_eq!(pause(&server), Some((SECOND, Rate::Bytes)), "{size}");
    }
}

#[test]
fn what_a_message_inflates_to_counts() {
    let settings = Settings {
        message_bytes: 1 << 20,
        ..rated(0, 100_000, 0)
    };
    let deflate = DeflateSettings::default();
    let mut server = agreed_with("permessage-deflate", &deflate, settings);
    server.input(&frame(FIN | RSV1 | BINARY, &packed(&[0; 1_000_000])));
    let (wait, rate) = pause(&server).expect("ten seconds' worth");
    assert_eq!(rate, Rate::Bytes);
    assert!((8900..=9100).contains(&wait.as_millis()), "{wait:?}");
}

#[test]
fn ping_floods_are_read_at_their_rate() {
    let mut server = Server::with(rated(0, 0, 100));
    server.input(&[ping(b"x"), frame(FIN | PONG, b"")].concat().repeat(100));
    assert_eq!(pause(&server), Some((SECOND, Rate::Control)));
    assert_eq!(server.connection.status(), Status::Open);
}

#[test]
fn a_pause_is_not_the_peers_silence() {
    let mut server = Server::with(Settings {
        health_interval: 2 * SECOND,
        ..rated(1, 0, 0)
    });
    server.input(&text("x").repeat(11));
    let (wait, _) = pause(&server).expect("a pause");
    assert_eq!(wait, 10 * SECOND);
    server.sleep(wait + SECOND);
    server.timeout();
    assert_eq!(server.connection.status(), Status::Open);
    server.sleep(SECOND);
    server.timeout();
    assert_eq!(server.events.last(), Some(&Event::Unhealthy));
}

#[test]
fn a_closing_connection_is_not_held_back() {
    let mut server = Server::with(rated(1, 0, 0));
    server.input(&text("x").repeat(3));
    assert!(pause(&server).is_some());
    let now = server.now;
    server
        .connection
        .close(now, 1000, "", &mut server.out)
        .unwrap();
    assert_eq!(pause(&server), None, "its close frame is awaited");
}

fn slow() -> Server {
    Server::with(Settings {
        message_timeout: Some(60 * SECOND),
        ..Settings::default()
    })
}

/// Fragments that trickle hold a message's memory: not for ever, however regularly they come.
#[test]
fn a_message_that_trickles_is_ended() {
    let mut server = slow();
    let start = server.now;
    server.input(&frame(TEXT, b"x"));
    for _ in 0..59 {
        server.sleep(SECOND);
        server.input(&[frame(0, b"x"), ping(b"")].concat());
        assert_eq!(server.connection.poll_timeout(), Some(start + 60 * SECOND));
        server.timeout();
    }
    assert_eq!(server.connection.status(), Status::Open);
    server.out.clear();
    server.sleep(SECOND);
    server.timeout();
    server
        .outcome()
        .assert_failed(ProtocolError::MessageTooSlow, &[], &[]);
    assert_eq!(ProtocolError::MessageTooSlow.code(), 1008);
    assert!(!server.connection.is_receiving());
}

#[test]
fn a_frame_that_trickles_is_a_message_that_does() {
    let mut server = slow();
    server.input(&header(FIN | BINARY, 1000));
    for _ in 0..60 {
        server.input(b"x");
        server.sleep(SECOND);
    }
    server.timeout();
    assert_eq!(
        server.events,
        [Event::Failed(ProtocolError::MessageTooSlow)]
    );
}

#[test]
fn every_message_has_the_whole_time() {
    let mut server = slow();
    for _ in 0..5 {
        server.input(&frame(TEXT, b"x"));
        assert!(server.connection.is_receiving());
        server.sleep(59 * SECOND);
        server.timeout();
        server.input(&frame(FIN, b"y"));
        assert!(!server.connection.is_receiving());
        assert_eq!(
            server.connection.poll_timeout(),
            Some(server.now + 300 * SECOND)
        );
    }
    assert_eq!(server.events.len(), 5);
}

#[test]
fn the_time_that_the_rates_take_is_not_the_messages() {
    let mut server = Server::with(Settings {
        message_timeout: Some(60 * SECOND),
        ..rated(0, 1000, 0)
    });
    let start = server.now;
    server.input(&header(FIN | BINARY, 100_000));
    server.input(&[7; 91_000]);
    let (wait, _) = pause(&server).expect("a pause");
    server.sleep(wait);
    assert!(server.now - start > 60 * SECOND);
    server.timeout();
    assert_eq!(server.connection.status(), Status::Open);
    server.input(&[7; 9_000]);
    assert_eq!(server.events.len(), 1);
}

#[test]
fn a_close_in_the_middle_of_a_message_waits_for_the_close_alone() {
    let mut server = slow();
    server.input(&frame(TEXT, b"x"));
    server.sleep(58 * SECOND);
    let now = server.now;
    server
        .connection
        .close(now, 1000, "", &mut server.out)
        .unwrap();
    server.sleep(3 * SECOND);
    server.timeout();
    assert_eq!(server.connection.status(), Status::Closing);
    server.sleep(2 * SECOND);
    server.timeout();
    assert_eq!(server.events, [Event::CloseTimedOut]);
}
