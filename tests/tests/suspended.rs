//! What happens around a call that is suspended, because the plugin waits in the host or computes for long: the
//! peer's input waits in order and within bounds, health checks and deadlines go on, endings are noticed.

use std::time::Duration;

use e2e::frame::{PING, PONG, TEXT, Wire};
use e2e::{Client, Incoming, PATIENCE, Plugin, Request, Setup, eventually, process};

fn hostile(mode: &str) -> Setup {
    hostile_waiting(mode, "4 s")
}

/// The same with this bound on what a call may wait for.
fn hostile_waiting(mode: &str, wait_time: &str) -> Setup {
    Setup::new()
        .workers(1)
        .plugin(
            Plugin::guest("hostile")
                .instances(mode)
                .limit("wait_time", &format!("\"{wait_time}\"")),
        )
        .plugin(Plugin::guest("echo"))
        .route("/", &["hostile"])
        .route("/echo", &["echo"])
}

#[test]
fn input_behind_a_suspended_call_keeps_its_order() {
    for mode in ["\"worker\"", "\"connection\"", "{ pool = 2 }", "\"single\""] {
        let server = hostile(mode).start();
        let mut client = Client::open(&server, "/");
        let frames = [
            Wire::new(TEXT, "text first"),
            Wire::new(TEXT, "rest 300"),
            Wire::new(TEXT, "text second"),
            Wire::new(PING, "behind"),
            Wire::close(4006, "and out"),
        ];
        client.write(&frames.iter().flat_map(Wire::bytes).collect::<Vec<_>>());
        for expected in ["first", "ok", "rested", "second", "ok"] {
            assert_eq!(client.expect_text(), expected, "{mode}");
        }
        client.expect_pong(b"behind");
        client.expect_close(4006);
        client.expect_fin();
    }
}

/// The peer answers its pings; that the host does not read them while the plugin waits is not the peer's fault.
#[test]
fn a_suspended_call_is_not_an_unhealthy_peer() {
    let server = hostile("\"connection\"")
        .set("health", "interval", "\"150 ms\"")
        .set("health", "ping", "\"150 ms\"")
        .start();
    let mut client = Client::open(&server, "/");
    client.text("rest 2000");
    loop {
        let frame = client.expect_frame();
        match frame.opcode {
            PING => client.send(&Wire::new(PONG, frame.payload)),
            TEXT => break assert_eq!(frame.text(), "rested"),
            _ => panic!("{frame:?} {:?}", frame.close_reason()),
        }
    }
}

/// What a peer sends meanwhile waits in its own kernel, not in the server's memory.
#[test]
fn input_behind_a_suspended_call_is_not_piled_up() {
    let server = hostile("\"connection\"").start();
    let mut warm = Client::open(&server, "/");
    assert!(!warm.ask_text("id").is_empty());
    let before = process::resident_kib(server.pid());
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::open(&server, "/");
        client.write_timeout(Duration::from_millis(300));
        client.text("rest 3000");
        let frame = Wire::new(TEXT, format!("text {}", "x".repeat(60_000))).bytes();
        for _ in 0..500 {
            if client.try_write(&frame).is_err() {
                break;
            }
        }
        clients.push(client);
    }
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    // Four times 30 MB were offered.
    assert!(grown < 40 * 1024, "grew by {grown} KiB");
    assert_eq!(clients[0].expect_text(), "rested");
}

/// A peer that leaves while its call waits for ever must not be kept for ever.
#[test]
fn a_peer_that_leaves_during_an_endless_wait_is_let_go() {
    let server = hostile("\"connection\"").start();
    let leave = |count: usize| {
        for number in 0..count {
            let mut client = Client::open(&server, "/");
            client.text("text begun\nsleep");
            assert_eq!(client.expect_text(), "begun");
            if number % 2 == 0 {
                client.reset();
            }
        }
    };
    let before = server.settled_descriptors() + 4;
    leave(20);
    eventually("descriptors back at the baseline", || {
        process::descriptors(server.pid()) <= before
    });
    assert_eq!(Client::open(&server, "/echo").ask_text("x"), "x");
}

/// The handshake's deadline holds while a plugin thinks it over.
#[test]
fn a_handshake_hook_that_waits_for_ever_is_answered() {
    for (query, mode) in [
        ("check=sleep", "\"worker\""),
        ("select=sleep", "\"worker\""),
        ("check=sleep", "\"connection\""),
        ("check=sleep", "\"single\""),
    ] {
        let server = hostile_waiting(mode, "500 ms")
            .set("limits", "handshake_timeout", "\"400 ms\"")
            .start();
        let request = Request::upgrade(&format!("/?{query}")).and("Sec-WebSocket-Protocol", "a");
        let response = Client::ask(server.address(), request.bytes());
        assert!(
            [408, 503].contains(&response.status),
            "{query}: {response:?}"
        );
        // And the plugin is not lost for everybody else.
        let mut client = Client::tcp(server.address());
        client.write(&Request::upgrade("/").bytes());
        assert_eq!(client.response().status, 101, "{query} {mode}");
    }
}

/// The handshake's deadline ends with the 101, however long `on-handshake-success` takes; what is sent meanwhile is
/// answered afterwards.
#[test]
fn the_handshake_deadline_does_not_reach_behind_the_101() {
    for mode in ["\"worker\"", "\"connection\""] {
        let server = hostile_waiting(mode, "1500 ms")
            .set("limits", "handshake_timeout", "\"300 ms\"")
            .start();
        // It is stopped for waiting too long: a plugin's failure, so 1011 and never a bare FIN.
        let client = Client::open(&server, "/?success=sleep");
        client.expect_closed(1011);
        // Another one has to wait for the busy instance, longer than the deadline, and is served then.
        let mut busy = Client::open(&server, "/");
        busy.text("rest 1000");
        let mut client = Client::open(&server, "/");
        assert_eq!(client.ask_text("text hello"), "hello", "{mode}");
        assert_eq!(client.expect_text(), "ok");
        assert_eq!(busy.expect_text(), "rested");
    }
}

/// Frames pipelined behind an upgrade request wait for the plugin's answer, and a bound of them only.
#[test]
fn frames_behind_a_slow_handshake() {
    let hostile = Plugin::guest("hostile").limit("call_time", "\"700 ms\"");
    let server = Setup::new()
        .workers(1)
        .plugin(hostile)
        .route("/", &["hostile"])
        .start();
    let before = process::resident_kib(server.pid());
    let mut client = Client::tcp(server.address());
    client.write_timeout(Duration::from_millis(300));
    client.write(&Request::upgrade("/?check=spin").bytes());
    let frame = Wire::new(TEXT, "x".repeat(64_000)).bytes();
    for _ in 0..500 {
        if client.try_write(&frame).is_err() {
            break;
        }
    }
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    assert!(grown < 40 * 1024, "grew by {grown} KiB");
    assert_eq!(client.response().status, 503);
}

/// A peer's close during a suspended call is answered after the call's replies; an abrupt end is reported once
/// the call is over. Nothing is sent twice.
#[test]
fn endings_during_a_suspended_call() {
    let server = hostile("\"worker\"")
        .plugin(Plugin::guest("events").limit("log_lines", "1000000"))
        .route("/both", &["hostile", "events"])
        .start();
    let (mut client, response) = Client::open_with(&server, &Request::upgrade("/both"));
    let id = response.field("x-events").expect("the id").to_owned();
    client.text("rest 300");
    client.finish_writing();
    assert_eq!(client.expect_text(), "rested");
    client.expect_fin();
    drop(client);
    server
        .log()
        .wait_for_parts(&[&format!("on-disconnected {id} 1006 false")]);

    let (mut client, response) = Client::open_with(&server, &Request::upgrade("/both"));
    let id = response.field("x-events").expect("the id").to_owned();
    client.text("rest 300");
    client.reset();
    server
        .log()
        .wait_for_parts(&[&format!("on-after-remove-socket {id}")]);
    assert_eq!(server.log().count(&[&format!("on-disconnected {id} ")]), 1);
}

/// Another connection of the plugin closes one whose own call is suspended: the close frame goes out, and what
/// that call sends afterwards is refused.
#[test]
fn closed_by_another_during_a_suspended_call() {
    let server = hostile("{ pool = 4 }").start();
    let mut waiting = Client::open(&server, "/");
    let mut other = Client::open(&server, "/");
    let id = waiting.ask_text("id");
    waiting.text("rest 500\ntext too late");
    assert_eq!(other.ask_text(&format!("@{id} close 4007 meanwhile")), "ok");
    assert_eq!(waiting.expect_closed(4007), "meanwhile");
    assert_eq!(other.ask_text(&format!("@{id} info")), "none");
}

/// While a call computes, the control frames of other connections are answered, and new ones are let in.
#[test]
fn others_are_served_while_a_pool_computes() {
    let hostile = Plugin::guest("hostile")
        .instances("{ pool = 4 }")
        .limit("call_time", "\"3 s\"");
    let server = Setup::new()
        .workers(1)
        .plugin(hostile)
        .route("/", &["hostile"])
        .start();
    let mut spinning: Vec<Client> = (0..2).map(|_| Client::open(&server, "/")).collect();
    for client in &mut spinning {
        client.text("text begun\nspin");
        assert_eq!(client.expect_text(), "begun");
    }
    let mut other = Client::open(&server, "/");
    other.send(&Wire::new(PING, "x"));
    other.expect_pong(b"x");
    assert_eq!(other.ask_text("text meanwhile"), "meanwhile");
    assert!(
        matches!(
            spinning[0].incoming(Duration::from_millis(1)),
            Incoming::Nothing
        ),
        "served only after it was stopped"
    );
    for client in &mut spinning {
        match client.incoming(PATIENCE) {
            Incoming::Frame(frame) => assert_eq!(frame.close_reason().0, Some(1011)),
            other => panic!("{other:?}"),
        }
    }
}
