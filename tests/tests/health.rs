//! Health over the wire, with short times in the configuration: the handshake deadline, the periodic check by
//! last traffic, the ping with its deadline. What the plugin hears of it is in `contract.rs`.

use e2e::frame::{CONTINUATION, PING, PONG, TEXT, Wire};
use e2e::{Client, Incoming, PATIENCE, Request, Setup, process};

fn quick(ping: &str) -> Setup {
    Setup::echo()
        .set("health", "interval", "\"150 ms\"")
        .set("health", "ping", ping)
}

/// A head that is not complete in time is 408, counted from acceptance and not from the last byte.
#[test]
fn slow_handshakes_get_408() {
    let setup = Setup::echo().set("limits", "handshake_timeout", "\"300 ms\"");
    let server = setup.start();
    for begun in [
        &b""[..],
        b"G",
        b"GET /echo HTTP/1.1\r\nHost: jackfield.test\r\n",
    ] {
        let mut client = Client::tcp(server.address());
        client.write(begun);
        let response = client.response();
        assert_eq!(response.status, 408, "{response:?}");
        assert_eq!(response.field("connection"), Some("close"));
        client.expect_fin();
    }
    // One byte at a time does not extend it (CVE-2023-43669).
    let mut client = Client::tcp(server.address());
    for byte in Request::upgrade("/echo").bytes() {
        if client.try_write(&[byte]).is_err() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(client.response().status, 408);
}

/// Thousands of half-open handshakes hold nothing when they are over.
#[test]
fn half_open_handshakes_hold_nothing() {
    let setup = Setup::echo().set("limits", "handshake_timeout", "\"500 ms\"");
    let server = setup.start();
    let before = server.settled_descriptors();
    let half: Vec<Client> = (0..2000)
        .map(|_| {
            let mut client = Client::tcp(server.address());
            client.write(b"GET /echo HTTP/1.1\r\n");
            client
        })
        .collect();
    // Others are served meanwhile.
    assert_eq!(Client::open(&server, "/echo").ask_text("x"), "x");
    e2e::eventually("every half-open handshake is over", || {
        process::descriptors(server.pid()) <= before + 2000 / 2
    });
    drop(half);
    e2e::eventually("descriptors back at the baseline", || {
        process::descriptors(server.pid()) <= before
    });
}

/// An upgraded connection is not subject to the handshake deadline.
#[test]
fn the_handshake_deadline_ends_with_the_handshake() {
    let setup = Setup::echo().set("limits", "handshake_timeout", "\"200 ms\"");
    let server = setup.start();
    let mut client = Client::open(&server, "/echo");
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(client.ask_text("still here"), "still here");
}

#[test]
fn a_silent_connection_is_pinged() {
    let server = quick("\"2 s\"").start();
    let mut client = Client::open(&server, "/echo");
    for _ in 0..3 {
        let ping = client.expect_frame();
        assert_eq!(ping.opcode, PING, "{ping:?}");
        client.send(&Wire::new(PONG, ping.payload));
    }
    client.send(&Wire::close(1000, ""));
    loop {
        let frame = client.expect_frame();
        if frame.opcode != PING {
            assert_eq!(frame.close_reason().0, Some(1000));
            break;
        }
    }
    client.expect_fin();
}

#[test]
fn whoever_does_not_answer_the_ping_is_closed() {
    let server = quick("\"200 ms\"")
        .set("limits", "close_timeout", "\"200 ms\"")
        .start();
    let mut client = Client::open(&server, "/echo");
    let ping = client.expect_frame();
    assert_eq!(ping.opcode, PING);
    // Silence. The end comes, with a close frame or without; an unhealthy peer may get either.
    loop {
        match client.incoming(PATIENCE) {
            Incoming::Frame(frame) if frame.opcode == PING => {}
            Incoming::Frame(frame) => {
                let code = frame.close_reason().0.expect("a code");
                assert!([1001, 1008, 1011, 1013].contains(&code), "code {code}");
            }
            Incoming::Fin | Incoming::Reset => break,
            other => panic!("{other:?}"),
        }
    }
}

/// Any traffic counts as life, not only a pong; also a frame that is still incomplete.
#[test]
fn traffic_is_life() {
    let server = quick("\"300 ms\"").start();
    let mut client = Client::open(&server, "/echo");
    let mut frame = Wire::new(TEXT, "x".repeat(40)).bytes();
    let last = frame.split_off(frame.len() - 1);
    // One byte of a frame at a time, for several intervals and deadlines, no pong ever.
    for byte in frame {
        client.write(&[byte]);
        std::thread::sleep(std::time::Duration::from_millis(40));
    }
    client.write(&last);
    loop {
        let frame = client.expect_frame();
        match frame.opcode {
            PING => {}
            TEXT => break assert_eq!(frame.payload.len(), 40),
            _ => panic!("{frame:?}"),
        }
    }
}

/// `ping = false`: silence for the whole interval is the end.
#[test]
fn without_pings_silence_is_unhealthy() {
    let server = quick("false")
        .set("limits", "close_timeout", "\"200 ms\"")
        .start();
    let mut silent = Client::open(&server, "/echo");
    loop {
        match silent.incoming(PATIENCE) {
            Incoming::Frame(frame) => {
                assert_ne!(frame.opcode, PING, "no pings were asked for");
                let _ = frame.close_reason();
            }
            Incoming::Fin | Incoming::Reset => break,
            other => panic!("{other:?}"),
        }
    }
}

/// A ping of the host fits between the fragments of a message in either direction.
#[test]
fn a_health_ping_within_a_fragmented_message() {
    let server = quick("\"20 s\"").start();
    let mut client = Client::open(&server, "/echo");
    client.send(&Wire::new(TEXT, "begun ").more());
    let ping = client.expect_frame();
    assert_eq!(ping.opcode, PING);
    client.send(&Wire::new(PONG, ping.payload));
    client.send(&Wire::new(CONTINUATION, "and ended"));
    loop {
        let frame = client.expect_frame();
        if frame.opcode != PING {
            assert_eq!(frame.text(), "begun and ended");
            break;
        }
    }
}
