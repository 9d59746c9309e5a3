//! RFC 6455 section 5.6 and 6: text and binary messages, and what they cost.

#[path = "support/client.rs"]
mod client;

use client::*;
use jackfield_proto::{Connection, Event, Kind, SendError};

#[test]
fn text_and_binary_are_told_apart() {
    let input = [text("é"), binary("é".as_bytes())].concat();
    fed(&input).assert_open(&[got_text("é"), got_binary("é".as_bytes())], b"");
}

#[test]
fn empty_messages_are_messages() {
    fed(&[text(""), binary(b"")].concat()).assert_open(&[got_text(""), got_binary(b"")], b"");
}

#[test]
fn binary_may_be_any_bytes() {
    let every: Vec<u8> = (0..=255).collect();
    fed(&binary(&every)).assert_open(&[got_binary(&every)], b"");
}

#[test]
fn a_large_message_arrives_whole() {
    let large = "0123456789abcdef".repeat(1 << 16);
    let outcome = Server::echoing().pieces(&text(&large), 16 << 10).outcome();
    outcome.assert_open(&[got_text(&large)], &served(FIN | TEXT, large.as_bytes()));
}

#[test]
fn nothing_is_sent_after_the_close_frame() {
    let mut server = Server::new();
    server
        .connection
        .close(server.now, 1000, "", &mut server.out)
        .unwrap();
    let Server {
        connection, out, ..
    } = &mut server;
    let before = out.clone();
    assert_eq!(
        connection.send(Kind::Text, b"x", out),
        Err(SendError::NotOpen)
    );
    assert_eq!(
        connection.send_fragment(Kind::Text, b"x", true, out),
        Err(SendError::NotOpen)
    );
    assert_eq!(connection.ping(b"", out), Err(SendError::NotOpen));
    assert_eq!(connection.pong(b"", out), Err(SendError::NotOpen));
    assert_eq!(*out, before);
}

/// Ten thousand idle connections are the normal case: what one costs is a promise.
#[test]
fn an_idle_connection_is_small() {
    assert!(
        size_of::<Connection>() <= 200,
        "{} bytes",
        size_of::<Connection>()
    );
}

#[test]
fn the_same_bytes_as_one_event_each() {
    // The loop that every owner writes: one event a call, the rest handed back.
    let mut server = Server::new();
    let mut input = [text("a"), text("b")].concat();
    let (event, rest) = server
        .connection
        .handle_input(server.now, &mut input, &mut server.out);
    assert_eq!(event, Some(Event::Text("a".into())));
    assert_eq!(rest.len(), text("b").len());
}
