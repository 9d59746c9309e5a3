//! Stopping: a signal stops accepting, tells the plugins, closes every connection with 1001, waits within a
//! bound and exits 0; a second Ctrl-C exits at once. Whatever peers and plugins do, it ends.

use e2e::frame::{TEXT, Wire};
use e2e::{Client, Plugin, Server, Setup, eventually};
use std::net::TcpStream;

/// The exit code of a second Ctrl-C (`jackfield --help`).
const INTERRUPTED: i32 = 130;

fn refuses_connections(server: &Server) -> bool {
    TcpStream::connect(server.address()).is_err()
}

#[test]
fn a_signal_closes_everybody_with_1001_and_exits_0() {
    for signal in ["TERM", "INT"] {
        let setup = Setup::echo()
            .plugin(Plugin::guest("events").limit("log_lines", "1000000"))
            .route("/events", &["events"]);
        let mut server = setup.start();
        let mut clients: Vec<Client> = Vec::new();
        for number in 0..40 {
            let path = ["/echo", "/events"][number % 2];
            let mut client = Client::open(&server, path);
            assert_eq!(client.ask_text("hello"), "hello");
            clients.push(client);
        }
        server.signal(signal);
        for client in clients {
            client.expect_closed(1001);
        }
        assert_eq!(server.wait().code(), Some(0), "{signal}");
        assert!(refuses_connections(&server));
        // Every instance of the plugin was told; there are two workers.
        assert!(server.log().count(&["events", "on-shutdown"]) >= 1);
        assert_eq!(server.log().count(&["panicked"]), 0);
        assert_eq!(server.log().count(&["on-disconnected", "1001 true"]), 20);
    }
}

#[test]
fn without_connections_it_just_ends() {
    let mut server = Setup::echo().start();
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

/// Whoever has read where it listens may stop it.
#[test]
fn it_can_be_stopped_as_soon_as_it_says_that_it_listens() {
    for _ in 0..10 {
        let mut server = Setup::echo().start();
        server.signal("TERM");
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

/// Half-open handshakes do not hold it up, and new ones are not taken.
#[test]
fn half_open_handshakes_do_not_hold_it_up() {
    let mut server = Setup::echo().start();
    let mut half: Vec<Client> = (0..20).map(|_| Client::tcp(server.address())).collect();
    for client in &mut half {
        client.write(b"GET /echo HTTP/1.1\r\n");
    }
    let mut open = Client::open(&server, "/echo");
    assert_eq!(open.ask_text("x"), "x");
    server.signal("TERM");
    open.expect_closed(1001);
    assert_eq!(server.wait().code(), Some(0));
}

/// Peers that neither answer nor read are waited for within `shutdown_timeout`, and no longer.
#[test]
fn unresponsive_peers_are_waited_for_within_a_bound() {
    let mut server = Setup::echo()
        .set("limits", "shutdown_timeout", "\"500 ms\"")
        .set("limits", "close_timeout", "\"60 s\"")
        .start();
    let mut silent: Vec<Client> = (0..10).map(|_| Client::open(&server, "/echo")).collect();
    let mut deaf = Client::tcp_with_small_window(server.address(), 4096);
    deaf.write(&e2e::Request::upgrade("/echo").bytes());
    deaf.upgraded();
    for _ in 0..20 {
        deaf.write(&Wire::new(TEXT, "x".repeat(100_000)).bytes());
    }
    server.signal("TERM");
    for client in &mut silent {
        client.expect_close(1001);
    }
    assert_eq!(server.wait().code(), Some(0));
    let said = (server.log()).wait_for_parts(&["11 connections did not end in time and were cut"]);
    assert_eq!(server.log().text().lines().last(), Some(&said[..]));
}

#[test]
fn a_second_ctrl_c_exits_now() {
    let mut server = Setup::echo()
        .set("limits", "shutdown_timeout", "\"600 s\"")
        .set("limits", "close_timeout", "\"600 s\"")
        .start();
    let mut silent = Client::open(&server, "/echo");
    server.signal("INT");
    silent.expect_close(1001);
    assert!(server.is_running(), "it waits for the peer");
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(INTERRUPTED));
}

/// `on-shutdown` has a time budget of its own; a plugin that traps, loops or sleeps in it delays nothing else.
#[test]
fn plugins_that_misbehave_at_the_end() {
    for harm in ["panic", "spin", "sleep"] {
        let hostile = Plugin::guest("hostile").limit("shutdown_time", "\"300 ms\"");
        // One worker: whoever shares it with the plugin must not pay for it.
        let mut server = Setup::echo()
            .workers(1)
            .plugin(hostile)
            .route("/hostile", &["hostile"])
            .set("limits", "shutdown_timeout", "\"5 s\"")
            .start();
        let mut arming = Client::open(&server, "/hostile");
        assert_eq!(arming.ask_text(&format!("arm shutdown {harm}")), "armed");
        let mut other = Client::open(&server, "/echo");
        assert_eq!(other.ask_text("x"), "x");
        server.signal("TERM");
        other.expect_closed(1001);
        arming.expect_closed(1001);
        assert_eq!(server.wait().code(), Some(0), "{harm}");
    }
}

/// Calls that run when the signal comes do not keep the server.
#[test]
fn busy_plugins_do_not_keep_it() {
    for harm in ["spin", "sleep", "spin-calling"] {
        let hostile = Plugin::guest("hostile")
            .instances("\"connection\"")
            .limit("call_time", "\"60 s\"");
        let mut server = Setup::echo()
            .plugin(hostile)
            .route("/hostile", &["hostile"])
            .set("limits", "shutdown_timeout", "\"500 ms\"")
            .start();
        let mut busy = Client::open(&server, "/hostile");
        busy.text(harm);
        let mut other = Client::open(&server, "/echo");
        assert_eq!(other.ask_text("x"), "x");
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0), "{harm}");
    }
}

/// Messages that were accepted before the signal are answered before the close frame.
#[test]
fn what_was_accepted_is_answered_first() {
    let mut server = Setup::echo().start();
    let mut client = Client::open(&server, "/echo");
    let frames: Vec<u8> = (0..1000)
        .flat_map(|number: u32| Wire::new(TEXT, number.to_string()).bytes())
        .collect();
    client.write(&frames);
    assert_eq!(client.expect_text(), "0");
    server.signal("TERM");
    // However many were accepted: without a gap, and then 1001.
    let mut next: u32 = 1;
    loop {
        let frame = client.expect_frame();
        if frame.opcode != TEXT {
            assert_eq!(frame.close_reason().0, Some(1001));
            break;
        }
        assert_eq!(frame.text(), next.to_string());
        next += 1;
    }
    let _ = client.try_write(&Wire::close(1001, "").bytes());
    assert_eq!(server.wait().code(), Some(0));
}

/// After the signal, nobody new comes in: no connection, or 503.
#[test]
fn nobody_new_comes_in_while_draining() {
    let mut server = Setup::echo()
        .set("limits", "shutdown_timeout", "\"3 s\"")
        .set("limits", "close_timeout", "\"60 s\"")
        .start();
    let mut silent = Client::open(&server, "/echo");
    server.signal("TERM");
    silent.expect_close(1001);
    eventually("new connections are refused", || {
        let Ok(mut stream) = TcpStream::connect(server.address()) else {
            return true;
        };
        use std::io::{Read, Write};
        let _ = stream.set_read_timeout(Some(e2e::PATIENCE));
        let _ = stream.write_all(&e2e::Request::upgrade("/echo").bytes());
        let mut head = [0; 12];
        // Or closed without a word, which the kernel does with what a closed listener had not accepted.
        if stream.read_exact(&mut head).is_ok() {
            assert_eq!(&head, b"HTTP/1.1 503");
        }
        true
    });
    assert_eq!(server.wait().code(), Some(0));
}
