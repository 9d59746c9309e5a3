//! Each limit of `[limits]` and of a route, met over the real server: what the peer gets, what the counter says, and
//! that nobody else notices. What needs time only is tested in virtual time, in the protocol crate.

use e2e::admin;
use e2e::frame::{BINARY, CLOSE, CONTINUATION, PING, TEXT, Wire};
use e2e::guards::{is_test_file, read, rust_files};
use e2e::{Client, Plugin, Request, Server, Setup, eventually};

/// A server that holds this machine, too, to the limits by address.
fn strict() -> Setup {
    admin::with_admin(Setup::echo()).set("limits", "unlimited_addresses", "[]")
}

/// A counter of `/v1/metrics`.
#[track_caller]
fn counter(server: &Server, name: &str) -> u64 {
    let answer = admin::Admin::of(server).get("/v1/metrics");
    let text = answer.expect(200).as_str().expect("a text").to_owned();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    value.parse().expect("a number")
}

#[track_caller]
fn met(server: &Server, limit: &str) -> u64 {
    counter(
        server,
        &format!("jackfield_limit_met_total{{limit=\"{limit}\"}}"),
    )
}

/// A limit was met so many times: it is counted each time, and there is one line in the log.
#[track_caller]
fn counted_and_said(server: &Server, limit: &str, times: u64) {
    eventually("it is counted", || met(server, limit) == times);
    let lines = said(server, limit);
    assert_eq!(lines, 1, "one line about {limit}, however often");
}

/// How many lines the log has about a limit, once there is one.
#[track_caller]
fn said(server: &Server, limit: &str) -> usize {
    let named = format!("limit=\"{limit}\"");
    let parts = ["a limit was met", &named];
    server.log().wait_for_parts(&parts);
    server.log().count(&parts)
}

fn asked(server: &Server) -> (u16, Option<u32>) {
    let response = Client::ask(server.address(), Request::upgrade("/nobody").bytes());
    let wait = response
        .field("retry-after")
        .and_then(|wait| wait.parse().ok());
    (response.status, wait)
}

/// No limit is without a test that meets it, here or where its subject is.
#[test]
fn every_limit_is_met_in_a_test() {
    let server = strict().start();
    let answer = admin::Admin::of(&server).get("/v1/metrics");
    let text = answer.expect(200).as_str().expect("a text").to_owned();
    let limits: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("jackfield_limit_met_total{limit="))
        .map(|line| line.split('}').next().unwrap_or_default())
        .collect();
    assert!(limits.len() > 10, "{text}");
    let tests = rust_files().into_iter().filter(|file| is_test_file(file));
    let tests: Vec<String> = tests.map(|file| read(&file)).collect();
    for limit in limits {
        assert!(tests.iter().any(|test| test.contains(limit)), "{limit}");
    }
}

#[test]
fn connections_in_all() {
    let server = strict().set("limits", "connections", "1").start();
    let mut only = Client::open(&server, "/echo");
    for _ in 0..3 {
        let (status, wait) = asked(&server);
        assert_eq!(status, 503);
        assert!(wait > Some(0));
    }
    assert_eq!(only.ask_text("unharmed"), "unharmed");
    counted_and_said(&server, "connections", 3);
}

#[test]
fn the_time_and_the_size_of_a_handshake() {
    let server = strict()
        .set("limits", "handshake_timeout", "\"300 ms\"")
        .set("limits", "head_bytes", "\"1 KiB\"")
        .set("limits", "head_fields", "20")
        .set("limits", "target_bytes", "\"64 B\"")
        .start();
    for _ in 0..2 {
        assert_eq!(Client::tcp(server.address()).response().status, 408);
    }
    counted_and_said(&server, "handshake_timeout", 2);
    let long = Request::upgrade("/echo").and("X", "x".repeat(1024));
    let many = (0..20).fold(Request::upgrade("/echo"), |request, _| {
        request.and("X", "y")
    });
    let target = Request::upgrade(&format!("/{}", "x".repeat(64)));
    for (request, status) in [(long, 431), (many, 431), (target, 414)] {
        let response = Client::ask(server.address(), request.bytes());
        assert_eq!(response.status, status);
    }
    counted_and_said(&server, "head_bytes", 3);
}

#[test]
fn the_size_of_a_message() {
    let setup = strict().on_route("/echo", "message_bytes", "100");
    let server = setup.start();
    for _ in 0..2 {
        let mut client = Client::open(&server, "/echo");
        client.text(&"x".repeat(101));
        client.expect_failed(1009);
    }
    let mut other = Client::open(&server, "/echo");
    assert_eq!(other.ask_text("unharmed"), "unharmed");
    counted_and_said(&server, "message_bytes", 2);
}

#[test]
fn a_full_backlog_closes() {
    let (server, mut reader, mut sender, id) = slow_reader("\"close\"", "false");
    let counts = sender.ask_text(&format!("@{id} flood 20000 1000"));
    assert!(counts.contains("ok="), "{counts}");
    // What was accepted comes first, then the close frame.
    loop {
        let frame = reader.expect_frame();
        if frame.opcode == CLOSE {
            assert_eq!(frame.close_reason().0, Some(1013));
            break;
        }
        assert_eq!(frame.opcode, TEXT);
    }
    counted_and_said(&server, "backlog_close", 1);
    assert_eq!(
        sender.ask_text("get colour"),
        "none",
        "and the others go on"
    );
}

#[test]
fn connections_of_one_address() {
    let server = strict()
        .set("limits", "connections_per_address", "3")
        .start();
    let mut open: Vec<Client> = (0..3).map(|_| Client::open(&server, "/echo")).collect();
    let (status, wait) = asked(&server);
    assert_eq!(status, 429);
    assert!(wait > Some(0));
    for client in &mut open {
        assert_eq!(client.ask_text("unharmed"), "unharmed");
    }
    counted_and_said(&server, "connections_per_address", 1);
    open.pop().expect("a client").close(1000, "");
    eventually("a place of the address is free", || asked(&server).0 == 404);
}

#[test]
fn upgrades_of_one_address() {
    let server = strict().set("limits", "upgrades_per_second", "1").start();
    let answers: Vec<_> = (0..30).map(|_| asked(&server)).collect();
    assert_eq!(answers[0].0, 404, "five may come at once");
    let refused: Vec<_> = answers
        .iter()
        .filter(|(status, _)| *status == 429)
        .collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|(_, wait)| *wait > Some(0)));
    counted_and_said(&server, "upgrades_per_second", refused.len() as u64);
}

/// Behind a trusted proxy its clients are counted, each by itself, and not the proxy.
#[test]
fn the_client_of_a_proxy_is_the_one_that_counts() {
    let server = admin::with_admin(Setup::echo())
        .set("listen", "forwarded", "\"x-forwarded-for\"")
        .set("listen", "trusted_proxies", "[\"127.0.0.0/8\"]")
        .set("limits", "connections_per_address", "2")
        .start();
    let from = |client: &str| Request::upgrade("/echo").and("X-Forwarded-For", client);
    // What a client says itself stands left of what the proxy says.
    let named = ["2001:db8::1", "9.9.9.9, 2001:db8::ffff"];
    let _open = named.map(|client| Client::open_with(&server, &from(client)).0);
    let refused = Client::ask(server.address(), from("2001:db8::2").bytes());
    assert_eq!(refused.status, 429, "the third of one network");
    let (mut other, _) = Client::open_with(&server, &from("2001:db8:0:1::1"));
    assert_eq!(other.ask_text("another network"), "another network");
    assert_eq!(met(&server, "connections_per_address"), 1);
}

/// This machine is not held to limits by address, unless the configuration says so.
#[test]
fn this_machine_is_not_limited_by_default() {
    let server = Setup::echo()
        .set("limits", "connections_per_address", "1")
        .set("limits", "upgrades_per_second", "1")
        .start();
    let mut open: Vec<Client> = (0..20).map(|_| Client::open(&server, "/echo")).collect();
    assert_eq!(open[19].ask_text("in"), "in");
}

#[test]
fn half_open_handshakes() {
    let setup = admin::with_admin(Setup::echo());
    let server = setup.set("limits", "handshakes", "5").start();
    // Upgraded ones do not count.
    let mut open: Vec<Client> = (0..10).map(|_| Client::open(&server, "/echo")).collect();
    let mut half = Vec::new();
    eventually("the handshakes are taken", || {
        // One more each time: where whoever asks is let in before one of these, that one is refused and takes no place.
        let mut client = Client::tcp(server.address());
        client.write(b"GET ");
        half.push(client);
        let (status, wait) = asked(&server);
        status == 503 && wait > Some(0)
    });
    assert!(met(&server, "handshakes") > 0);
    said(&server, "handshakes");
    assert_eq!(open[9].ask_text("unharmed"), "unharmed");
    drop(half);
    eventually("the handshakes are free", || asked(&server).0 == 404);
}

/// Faster than allowed: read later, nothing lost, never closed; others are not held back.
#[test]
fn rates_of_a_connection() {
    for (limit, rate, bytes) in [
        (
            "messages_per_second",
            "200",
            Wire::new(TEXT, "x").bytes().repeat(400),
        ),
        (
            "bytes_per_second",
            "\"64 KiB\"",
            Wire::new(BINARY, vec![7; 40_000]).bytes().repeat(3),
        ),
        (
            "control_per_second",
            "50",
            Wire::new(PING, "x").bytes().repeat(100),
        ),
    ] {
        let setup = admin::with_admin(Setup::echo()).workers(1);
        let server = setup.set("limits", limit, rate).start();
        let mut fast = Client::open(&server, "/echo");
        let mut other = Client::open(&server, "/echo");
        let mut writer = fast.writer();
        let writing = std::thread::spawn(move || {
            writer.write(&bytes);
            writer.text("the last");
        });
        assert_eq!(other.ask_text("not held back"), "not held back");
        let mut before = 0;
        loop {
            match fast.expect_message_between_pongs() {
                (TEXT, text) if text == b"the last" => break,
                _ => before += 1,
            }
        }
        writing.join().expect("the writer");
        let expected = match limit {
            "messages_per_second" => 400,
            "bytes_per_second" => 3,
            _ => 0,
        };
        assert_eq!(before, expected, "{limit}");
        eventually("it is counted", || met(&server, limit) > 0);
        said(&server, limit);
        fast.close(1000, "");
    }
}

/// A message whose fragments trickle is ended, whatever comes between them.
#[test]
fn the_time_of_a_message() {
    let setup = admin::with_admin(Setup::echo());
    let server = setup.set("limits", "message_timeout", "\"300 ms\"").start();
    let mut client = Client::open(&server, "/echo");
    client.send(&Wire::new(TEXT, "begun").more());
    for _ in 0..3 {
        client.send(&Wire::new(CONTINUATION, "x").more());
        client.send(&Wire::new(PING, ""));
        client.expect_pong(b"");
    }
    client.expect_failed(1008);
    counted_and_said(&server, "message_timeout", 1);
    // Whole messages have no deadline between them.
    assert_eq!(Client::open(&server, "/echo").ask_text("whole"), "whole");
}

fn slow_reader(policy: &str, compression: &str) -> (Server, Client, Client, String) {
    let server = admin::with_admin(Setup::new())
        .workers(1)
        .plugin(Plugin::guest("hostile"))
        .route("/", &["hostile"])
        .on_route("/", "backlog", policy)
        .on_route("/", "compression", compression)
        .set("limits", "backlog_bytes", "\"64 KiB\"")
        .start();
    let mut reader = Client::tcp_with_small_window(server.address(), 4096);
    reader.write(&Request::upgrade("/").bytes());
    reader.upgraded();
    let id = reader.ask_text("id");
    let sender = Client::open(&server, "/");
    (server, reader, sender, id)
}

/// Reads up to a text and gives the number of messages before it.
#[track_caller]
fn read_to(reader: &mut Client, last: &str) -> u64 {
    let mut before = 0;
    while reader.expect_text() != last {
        before += 1;
    }
    before
}

/// Every send is accepted, the oldest give way, and the newest arrives.
#[test]
fn a_full_backlog_drops_the_oldest() {
    let (server, mut reader, mut sender, id) = slow_reader("\"drop-oldest\"", "false");
    let counts = sender.ask_text(&format!("@{id} flood 20000 1000"));
    assert_eq!(counts, "ok=20000");
    assert_eq!(sender.ask_text(&format!("@{id} text the newest")), "ok");
    let arrived = read_to(&mut reader, "the newest");
    eventually("they are counted", || {
        arrived + met(&server, "backlog_drop_oldest") == 20_000
    });
    assert!(arrived > 10 && arrived < 20_000, "{arrived} arrived");
    said(&server, "backlog_drop_oldest");
    assert_eq!(reader.ask_text("get colour"), "none", "and it goes on");
}

/// What is refused is said to be, and everything else arrives.
#[test]
fn a_full_backlog_drops_the_newest() {
    let (server, mut reader, mut sender, id) = slow_reader("\"drop-newest\"", "false");
    let counts = sender.ask_text(&format!("@{id} flood 20000 1000"));
    let count = |name: &str| {
        let mut counts = counts.split(' ');
        let count = counts.find_map(|count| count.strip_prefix(name));
        count.map_or(0, |count| count.parse::<u64>().expect("a number"))
    };
    assert_eq!(count("ok=") + count("backlog-full="), 20_000, "{counts}");
    counted_and_said(&server, "backlog_drop_newest", count("backlog-full="));
    let reading = std::thread::spawn(move || {
        let arrived = read_to(&mut reader, "the end");
        (reader, arrived)
    });
    eventually("there is room again", || {
        sender.ask_text(&format!("@{id} text the end")) == "ok"
    });
    let (mut reader, arrived) = reading.join().expect("the reader");
    assert_eq!(arrived, count("ok="));
    assert_eq!(reader.ask_text("get colour"), "none", "and it goes on");
}

/// Where old messages are dropped, none is compressed with what came before it.
#[test]
fn messages_that_may_be_dropped_stand_alone() {
    for (policy, alone) in [("\"drop-oldest\"", true), ("\"close\"", false)] {
        let (server, ..) = slow_reader(policy, "true");
        let request = Request::upgrade("/").and("Sec-WebSocket-Extensions", "permessage-deflate");
        let (_, response) = Client::open_with(&server, &request);
        let agreed = response
            .field("sec-websocket-extensions")
            .unwrap_or_default();
        assert!(agreed.starts_with("permessage-deflate"), "{agreed}");
        assert_eq!(
            agreed.contains("server_no_context_takeover"),
            alone,
            "{agreed}"
        );
    }
}

/// Readiness turns first, then upgrades are refused with a reason, and connections end one after another.
#[test]
fn a_drain_takes_its_window() {
    const CONNECTIONS: usize = 40;
    let mut server = admin::with_admin(Setup::echo())
        .set("limits", "drain_window", "\"3 s\"")
        .set("limits", "drain_code", "1012")
        .start();
    let admin = admin::Admin::of(&server);
    admin.get("/v1/ready").expect(200);
    let mut clients: Vec<Client> = (0..CONNECTIONS)
        .map(|_| Client::open(&server, "/echo"))
        .collect();
    server.signal("TERM");
    eventually("it is not ready", || {
        admin.get("/v1/ready").response.status == 503
    });
    let (status, wait) = asked(&server);
    assert_eq!(status, 503, "the listener is open, and says no");
    assert!(wait > Some(0));
    // Not all at once.
    let ends: Vec<_> = clients
        .drain(..)
        .map(|client| {
            std::thread::spawn(move || {
                client.expect_closed(1012);
                std::time::Instant::now()
            })
        })
        .collect();
    let mut times: Vec<_> = ends
        .into_iter()
        .map(|end| end.join().expect("closed with 1012"))
        .collect();
    times.sort();
    let spread = times[CONNECTIONS - 1] - times[0];
    assert!(spread.as_millis() > 500, "all within {spread:?}");
    assert_eq!(server.wait().code(), Some(0));
}
