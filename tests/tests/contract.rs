//! The plugin contract, hook by hook: each is called with the right arguments, exactly once, in order; several
//! plugins on a route; attributes; what a plugin may reach. The guest `events` records what it hears, `hostile`
//! does what it is told.

use e2e::frame::{PING, TEXT, Wire};
use e2e::{Client, Plugin, Request, Server, Setup, eventually};

/// The recorder on `/`, all of it on one worker, so that one instance hears everything.
fn recorder() -> Setup {
    Setup::new()
        .workers(1)
        .plugin(Plugin::guest("events").limit("log_lines", "1000000"))
        .route("/", &["events"])
}

/// An upgraded connection and the id that the recorder gave in the 101.
#[track_caller]
fn open(server: &Server, request: &Request) -> (Client, String) {
    let (client, response) = Client::open_with(server, request);
    let id = response.field("x-events").expect("the id").to_owned();
    (client, id)
}

/// Everything that the recorder heard, asked for over a connection that is told from the others by its query.
fn heard(observer: &mut Client) -> Vec<String> {
    let text = observer.ask_text("events");
    text.lines().map(str::to_owned).collect()
}

/// What the recorder heard of one socket, once it heard of its removal.
#[track_caller]
fn life(observer: &mut Client, id: &str) -> Vec<String> {
    let removed = format!("on-after-remove-socket {id}");
    let mut lines = Vec::new();
    eventually("the socket's removal", || {
        lines = heard(observer);
        lines.contains(&removed)
    });
    lines.retain(|line| line.split(' ').nth(1) == Some(id));
    lines
}

#[test]
fn the_whole_life_of_a_connection() {
    let server = recorder().start();
    let (mut observer, _) = open(&server, &Request::upgrade("/"));
    let mut client = Client::tcp(server.address());
    let peer = client.local_address();
    let request = Request::upgrade("/?token=1")
        .and("Sec-WebSocket-Protocol", "chat, superchat")
        .bytes();
    client.write(&request[..30]);
    eventually("the part is heard of", || {
        let lines = heard(&mut observer);
        lines
            .iter()
            .any(|line| line.starts_with("on-upgrade-part-receive"))
    });
    client.write(&request[30..]);
    let response = client.upgraded();
    assert_eq!(response.field("sec-websocket-protocol"), Some("chat"));
    let id = response.field("x-events").expect("the id").to_owned();
    assert_eq!(client.ask_text("hello"), "hello");
    client.binary(&[1, 2, 3]);
    assert_eq!(client.expect_binary(), [1, 2, 3]);
    client.close(1000, "bye");
    assert_eq!(
        life(&mut observer, &id),
        [
            format!("on-connected {id} {peer}"),
            format!("on-upgrade-part-receive {id} 30"),
            format!("check-custom-header {id} / {peer}"),
            format!("select-protocol {id} chat,superchat"),
            format!("on-handshake-success {id}"),
            format!("business-handler {id} text 5"),
            format!("business-handler {id} binary 3"),
            format!("on-disconnected {id} 1000 true bye"),
            format!("on-after-remove-socket {id}"),
        ]
    );
    let lines = heard(&mut observer);
    assert_eq!(lines[0], "on-started", "before any other hook");
    assert_eq!(lines.iter().filter(|line| *line == "on-started").count(), 1);
}

#[test]
fn without_an_offer_no_protocol_is_asked_for() {
    let server = recorder().start();
    let (mut observer, id) = open(&server, &Request::upgrade("/"));
    let asked = format!("select-protocol {id} ");
    assert!(
        heard(&mut observer)
            .iter()
            .all(|line| !line.starts_with(&asked))
    );
}

/// `on-disconnected` exactly once, with the code as RFC 6455 section 7.1.5 defines it, however it ended.
#[test]
fn every_way_to_end_is_reported_once() {
    type End = fn(Client);
    let server = recorder().start();
    let (mut observer, _) = open(&server, &Request::upgrade("/"));
    let ends: [(&str, End); 8] = [
        ("4321 true seen enough", |client| {
            client.close(4321, "seen enough")
        }),
        ("1005 true ", |mut client| {
            client.send(&Wire::new(e2e::frame::CLOSE, ""));
            client.expect_close(1005);
            client.expect_fin();
        }),
        ("1006 false ", |client| drop(client)),
        ("1006 false ", |client| client.reset()),
        // The peer broke the protocol; no close frame of its own was received.
        ("1006 false ", |mut client| {
            client.send(&Wire::new(TEXT, "x").unmasked());
            client.expect_failed(1002);
        }),
        // In the middle of a message.
        ("1006 false ", |mut client| {
            client.send(&Wire::new(TEXT, "begun").more())
        }),
        ("1001 true ", |mut client| {
            client.send(&Wire::new(TEXT, "begun").more());
            client.close(1001, "");
        }),
        // A second close frame and more behind the first.
        ("1000 true first", |mut client| {
            let frames = [Wire::close(1000, "first"), Wire::close(1001, "second")];
            client.write(&frames.iter().flat_map(Wire::bytes).collect::<Vec<_>>());
            client.expect_close(1000);
            client.expect_fin();
        }),
    ];
    for (expected, end) in ends {
        let (mut client, id) = open(&server, &Request::upgrade("/"));
        assert_eq!(client.ask_text("x"), "x");
        end(client);
        let life = life(&mut observer, &id);
        let about = |hook: &str| -> Vec<&String> {
            life.iter().filter(|line| line.starts_with(hook)).collect()
        };
        let ended = format!("on-disconnected {id} {expected}");
        assert_eq!(about("on-disconnected"), [&ended], "{life:#?}");
        assert_eq!(about("on-handshake-success").len(), 1, "{life:#?}");
        assert_eq!(about("on-connected").len(), 1, "{life:#?}");
        assert_eq!(about("on-after-remove-socket").len(), 1, "{life:#?}");
        assert_eq!(
            life.last().map(String::as_str),
            Some(format!("on-after-remove-socket {id}").as_str()),
            "{life:#?}"
        );
    }
}

#[test]
fn errors_are_reported_with_their_kind() {
    let setup = recorder().on_route("/", "message_bytes", "100");
    let server = setup.start();
    let (mut observer, _) = open(&server, &Request::upgrade("/"));
    for (frame, code, kind) in [
        (Wire::new(TEXT, "x").reserved(1), 1002, "protocol"),
        (Wire::new(TEXT, &b"\xff"[..]), 1007, "protocol"),
        (Wire::new(TEXT, "x".repeat(101)), 1009, "limit"),
    ] {
        let (mut client, id) = open(&server, &Request::upgrade("/"));
        client.send(&frame);
        client.expect_failed(code);
        drop(client);
        let life = life(&mut observer, &id);
        let errors: Vec<_> = life
            .iter()
            .filter(|line| line.starts_with("on-error"))
            .collect();
        assert_eq!(errors.len(), 1, "{life:#?}");
        assert!(
            errors[0].starts_with(&format!("on-error {id} {kind} ")),
            "{errors:?}"
        );
    }
}

/// A plugin that exports `socket-events` hears of every socket, whatever became of it.
#[test]
fn refused_handshakes_are_reported_with_their_status() {
    let setup = recorder().set("limits", "handshake_timeout", "\"300 ms\"");
    let server = setup.start();
    let (mut observer, _) = open(&server, &Request::upgrade("/"));
    let refused = [
        (Request::upgrade("/nobody").bytes(), 404),
        (
            Request::upgrade("/")
                .with("Sec-WebSocket-Version", "8")
                .bytes(),
            426,
        ),
        (Request::upgrade("/").without("Host").bytes(), 400),
        (
            Request::upgrade("/")
                .with("Origin", "http://evil.test")
                .bytes(),
            403,
        ),
        (b"GET / HTTP".to_vec(), 408),
        // Left before an answer.
        (b"GET / HTT".to_vec(), 0),
    ];
    for (request, status) in refused {
        let mut client = Client::tcp(server.address());
        let peer = client.local_address();
        client.write(&request);
        if status == 0 {
            client.finish_writing();
        } else {
            assert_eq!(client.response().status, status);
        }
        drop(client);
        let mut id = String::new();
        eventually("the socket is heard of", || {
            let lines = heard(&mut observer);
            let line = lines
                .iter()
                .find(|line| line.starts_with("on-connected") && line.ends_with(&peer.to_string()));
            id = line
                .and_then(|line| line.split(' ').nth(1))
                .unwrap_or_default()
                .to_owned();
            !id.is_empty()
        });
        let life = life(&mut observer, &id);
        let failure = format!("on-handshake-failure {id} {status} ");
        let failures: Vec<_> = life
            .iter()
            .filter(|line| line.starts_with("on-handshake-failure"))
            .collect();
        assert_eq!(failures.len(), 1, "status {status}: {life:#?}");
        assert!(
            failures[0].starts_with(&failure),
            "status {status}: {life:#?}"
        );
        let never = [
            "on-handshake-success",
            "on-disconnected",
            "check-custom-header",
        ];
        assert!(
            life.iter()
                .all(|line| never.iter().all(|hook| !line.starts_with(hook))),
            "{life:#?}"
        );
    }
}

#[test]
fn the_health_check_is_reported() {
    let setup = recorder()
        .set("health", "interval", "\"200 ms\"")
        .set("health", "ping", "\"200 ms\"")
        .set("limits", "close_timeout", "\"200 ms\"");
    let server = setup.start();
    let (mut client, id) = open(&server, &Request::upgrade("/"));
    let ping = client.expect_frame();
    assert_eq!(ping.opcode, PING);
    // The log says it: an observer would have to keep itself healthy.
    server.log().wait_for("the report", |line| {
        let (_, ids) = line.split_once("on-after-health-check ")?;
        let first = ids
            .split(|c: char| !c.is_ascii_digit() && c != ',')
            .next()?;
        first
            .split(',')
            .any(|reported| reported == id)
            .then_some(())
    });
    server
        .log()
        .wait_for_parts(&[&format!("on-after-remove-socket {id}")]);
    assert_eq!(server.log().count(&[&format!("on-disconnected {id} ")]), 1);
}

/// Two plugins on one route: each hook in order, the first handler gets the message, events go to both.
#[test]
fn several_plugins_on_a_route() {
    let recorder = |name: &str| {
        Plugin::guest("events")
            .named(name)
            .limit("log_lines", "1000000")
    };
    let server = Setup::new()
        .workers(1)
        .plugin(recorder("first"))
        .plugin(recorder("second"))
        .route("/both", &["first", "second"])
        .route("/reversed", &["second", "first"])
        .route("/first", &["first"])
        .route("/second", &["second"])
        .start();
    let mut first = Client::open(&server, "/first");
    let mut second = Client::open(&server, "/second");

    let request = Request::upgrade("/both").and("Sec-WebSocket-Protocol", "a, b");
    let mut client = Client::tcp(server.address());
    client.write(&request.bytes());
    let response = client.response();
    assert_eq!(response.status, 101);
    let ids: Vec<&str> = response
        .fields
        .iter()
        .filter(|(name, _)| name == "x-events")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(ids.len(), 2, "both add their fields: {response:?}");
    assert_eq!(ids[0], ids[1]);
    assert_eq!(response.field("sec-websocket-protocol"), Some("a"));
    let id = ids[0].to_owned();
    assert_eq!(client.ask_text("to the first"), "to the first");
    client.close(1000, "");

    let hooks = |observer: &mut Client| -> Vec<String> {
        let life = life(observer, &id);
        let hook = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        life.iter().map(hook).collect()
    };
    assert_eq!(
        hooks(&mut first),
        [
            "on-connected",
            "check-custom-header",
            "select-protocol",
            "on-handshake-success",
            "business-handler",
            "on-disconnected",
            "on-after-remove-socket"
        ]
    );
    // The first answer won, and the first handler got the message.
    assert_eq!(
        hooks(&mut second),
        [
            "on-connected",
            "check-custom-header",
            "on-handshake-success",
            "on-disconnected",
            "on-after-remove-socket"
        ]
    );
    // The order is the route's, not the configuration's.
    let mut reversed = Client::tcp(server.address());
    reversed.write(&Request::upgrade("/reversed").bytes());
    let response = reversed.response();
    assert_eq!(response.status, 101);
    let (_, id) = response
        .fields
        .iter()
        .find(|(name, _)| name == "x-events")
        .expect("the id");
    assert_eq!(reversed.ask_text("to the second"), "to the second");
    let told = |observer: &mut Client| {
        let line = format!("business-handler {id} text 13");
        heard(observer).contains(&line)
    };
    assert!(told(&mut second) && !told(&mut first));
}

/// The first rejection ends it: a plugin behind it is not asked, but hears that the handshake failed.
#[test]
fn a_rejection_ends_the_round() {
    let server = Setup::new()
        .workers(1)
        .plugin(Plugin::guest("auth"))
        .plugin(Plugin::guest("events").limit("log_lines", "1000000"))
        .route("/private", &["auth", "events"])
        .route("/open", &["events"])
        .start();
    let (mut observer, _) = open(&server, &Request::upgrade("/open"));
    let mut client = Client::tcp(server.address());
    let peer = client.local_address();
    client.write(&Request::upgrade("/private").bytes());
    assert_eq!(client.response().status, 401);
    drop(client);
    let mut lines = Vec::new();
    eventually("the refusal is heard of", || {
        lines = heard(&mut observer);
        lines
            .iter()
            .any(|line| line.starts_with("on-handshake-failure") && line.contains(" 401 "))
    });
    let checked = format!(" {peer}");
    assert!(
        lines
            .iter()
            .all(|line| !(line.starts_with("check-custom-header") && line.ends_with(&checked))),
        "{lines:#?}"
    );
    let request = Request::upgrade("/private").and("Authorization", "Bearer let-me-in");
    let (mut client, _) = open(&server, &request);
    assert_eq!(client.ask_text("welcome"), "welcome");
}

/// The sample `auth`: a token in each of three places, refusals with status and body, the user as an
/// attribute that the next plugin of the route reads, and no token in any answer.
#[test]
fn the_auth_sample() {
    let server = Setup::new()
        .plugin(Plugin::guest("auth"))
        .plugin(Plugin::guest("hostile"))
        .route("/private", &["auth", "hostile"])
        .start();
    let request = || Request::upgrade("/private");
    for (name, value) in [
        ("Authorization", "Bearer let-me-in"),
        ("Cookie", "a=b; token=let-me-in"),
        ("Sec-WebSocket-Protocol", "chat.v1, token.let-me-in"),
    ] {
        let (mut client, response) = Client::open_with(&server, &request().and(name, value));
        assert_eq!(client.ask_text("get user"), "= ada");
        let secret = |(_, value): &(String, String)| value.contains("let-me-in");
        assert!(!response.fields.iter().any(secret), "{response:?}");
        let expected = name.starts_with("Sec").then_some("chat.v1");
        assert_eq!(response.field("sec-websocket-protocol"), expected);
    }
    let refused = |request: Request| Client::ask(server.address(), request.bytes());
    let response = refused(request());
    assert_eq!(response.status, 401);
    let challenge = response
        .field("www-authenticate")
        .expect("RFC 9110 section 15.5.2");
    assert!(challenge.starts_with("Bearer"), "{challenge}");
    assert!(response.text().contains("token"));
    assert_eq!(
        refused(request().and("Authorization", "Bearer wrong")).status,
        401
    );
    let response = refused(request().and("Cookie", "token=keep-me-out"));
    assert_eq!(response.status, 403);
    assert!(!response.body.is_empty());
}

#[test]
fn attributes() {
    let server = Setup::guest("hostile").start();
    let mut client = Client::open(&server, "/");
    assert_eq!(client.ask_text("get nothing"), "none");
    assert_eq!(
        client.ask_text("set colour green\nget colour"),
        "ok\n= green"
    );
    assert_eq!(client.ask_text("set colour blue\nget colour"), "ok\n= blue");
    assert_eq!(
        client.ask_text("remove colour\nremove colour\nget colour"),
        "ok\nok\nnone"
    );
    // 16 KiB for names and values together; what does not fit changes nothing.
    assert_eq!(
        client.ask_text("set a kept\nset-bytes a 17000\nget a\nset-bytes b 17000\nget b"),
        "ok\ntoo-large\n= kept\ntoo-large\nnone"
    );
    let filled = client.ask_text("fill 100000");
    assert!(
        filled.contains("ok=") && filled.contains("too-large="),
        "{filled}"
    );
    // Another connection has its own.
    let mut other = Client::open(&server, "/");
    assert_eq!(other.ask_text("get a"), "none");
    assert_eq!(other.ask_text("set-bytes big 16000"), "ok");
}

#[test]
fn info_is_what_the_host_knows() {
    let server = Setup::new()
        .plugin(Plugin::guest("hostile"))
        .route("/some/route", &["hostile"])
        .start();
    let request = Request::upgrade("/some/route?query").and("Sec-WebSocket-Protocol", "chat");
    let (mut client, _) = Client::open_with(&server, &request);
    let info = client.ask_text("info");
    let peer = client.local_address();
    let start = format!("peer={peer} secure=false route=/some/route protocol=chat age=");
    assert!(info.starts_with(&start), "{info}");
    let mut plain = Client::open(&server, "/some/route");
    let info = plain.ask_text("info");
    assert!(
        info.contains("protocol=none") && info.contains("backlog=0"),
        "{info}"
    );
    assert_eq!(plain.ask_text("@1234567 info"), "none");
}

/// A plugin reaches the connections of the routes that it serves, and no other.
#[test]
fn a_plugin_reaches_its_own_routes_only() {
    let server = Setup::new()
        .plugin(Plugin::guest("hostile").named("mine"))
        .plugin(Plugin::guest("hostile").named("theirs"))
        .route("/mine", &["mine"])
        .route("/mine-too", &["mine"])
        .route("/theirs", &["theirs"])
        .start();
    let mut asking = Client::open(&server, "/mine");
    let mut own = Client::open(&server, "/mine-too");
    let mut foreign = Client::open(&server, "/theirs");
    let own_id = own.ask_text("id");
    let foreign_id = foreign.ask_text("id");
    assert_eq!(asking.ask_text(&format!("@{own_id} text hello")), "ok");
    assert_eq!(own.expect_text(), "hello");
    for command in ["set a b", "get a", "remove a"] {
        let answer = asking.ask_text(&format!("@{foreign_id} {command}"));
        assert_eq!(answer, "gone", "{command}");
    }
    assert_eq!(asking.ask_text(&format!("@{foreign_id} info")), "none");
    // Between workers, "ok" says only that it was handed over; what counts is that nothing arrives.
    for command in [
        "text x",
        "more x",
        "ping 1",
        "pong 1",
        "close 1000",
        "disconnect",
    ] {
        let answer = asking.ask_text(&format!("@{foreign_id} {command}"));
        assert!(
            ["gone", "ok"].contains(&answer.as_str()),
            "{command}: {answer}"
        );
    }
    assert_eq!(foreign.ask_text("count"), "2", "unharmed");
}

/// The id is known to the plugin before the upgrade, stays the same after it, and is gone with the socket.
#[test]
fn ids_are_unique_small_and_gone_with_the_connection() {
    let server = Setup::guest("hostile").start();
    let mut watching = Client::open(&server, "/");
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let mut client = Client::open(&server, "/");
        let id: u64 = client.ask_text("id").parse().expect("a number");
        assert!(id < 1 << 53, "{id} is not exact in JavaScript");
        assert!(seen.insert(id), "{id} twice");
        client.close(1000, "");
    }
    for id in seen {
        eventually("the id is gone", || {
            watching.ask_text(&format!("@{id} info")) == "none"
        });
    }
}

#[test]
fn sending() {
    let server = Setup::guest("hostile").start();
    let mut client = Client::open(&server, "/");
    client.text("text one\nbinary two\nping 125\npong 0\nping 126\npong 126");
    assert_eq!(client.expect_text(), "one");
    assert_eq!(client.expect_binary(), b"two");
    let ping = client.expect_frame();
    assert_eq!((ping.opcode, ping.payload.len()), (PING, 125));
    client.expect_pong(b"");
    assert_eq!(
        client.expect_text(),
        "ok\nok\nok\nok\ncontrol-too-large\ncontrol-too-large"
    );
}

/// Section 5.4 for what the plugin sends: control frames may come between the parts, nothing else.
#[test]
fn sending_fragments() {
    let server = Setup::guest("hostile").start();
    let mut client = Client::open(&server, "/");
    client.text(
        "more one \ntext no\nlast-binary no\nbinary no\nping 0\nmore two \nlast three\nlast alone",
    );
    let mut frames = Vec::new();
    while frames.len() < 6 {
        frames.push(client.expect_frame());
    }
    let shown: Vec<(u8, bool, &str)> = frames
        .iter()
        .map(|frame| (frame.opcode, frame.fin, frame.text()))
        .collect();
    assert_eq!(
        shown,
        [
            (1, false, "one "),
            (9, true, ""),
            (0, false, "two "),
            (0, true, "three"),
            (1, true, "alone"),
            (
                1,
                true,
                "ok\nfragment-order\nfragment-order\nfragment-order\nok\nok\nok\nok"
            ),
        ]
    );
}

/// Item 4 of the closing checklist: the server's side closes first.
#[test]
fn the_plugin_closes() {
    let setup = recorder()
        .plugin(Plugin::guest("hostile"))
        .route("/hostile", &["hostile", "events"])
        .set("limits", "close_timeout", "\"300 ms\"");
    let server = setup.start();
    let (mut observer, _) = open(&server, &Request::upgrade("/"));
    let open = || open(&server, &Request::upgrade("/hostile"));

    // The peer answers: clean, with the code of its frame. What was sent before goes out before.
    let (mut client, id) = open();
    client.text("text a\ntext b\nclose 4000 enough\ntext too late");
    assert_eq!(client.expect_text(), "a");
    assert_eq!(client.expect_text(), "b");
    assert_eq!(client.expect_closed(4000), "enough");
    let life_of = |observer: &mut Client, id: &str| {
        let mut lines = life(observer, id);
        lines.retain(|line| line.starts_with("on-disconnected"));
        lines
    };
    assert_eq!(
        life_of(&mut observer, &id),
        [format!("on-disconnected {id} 4000 true ")]
    );

    // The peer does not answer: dropped after the close timeout, 1006.
    let (mut client, id) = open();
    client.text("close 4001");
    client.expect_close(4001);
    assert_eq!(
        life_of(&mut observer, &id),
        [format!("on-disconnected {id} 1006 false ")]
    );

    // Both at once: one frame each way, one report. Ours is on its way before theirs is read.
    let (mut client, id) = open();
    let both = [
        Wire::new(TEXT, "close 4002 mine"),
        Wire::close(4003, "yours"),
    ];
    client.write(&both.iter().flat_map(Wire::bytes).collect::<Vec<_>>());
    assert_eq!(client.expect_close(4002), "mine");
    client.expect_fin();
    drop(client);
    assert_eq!(
        life_of(&mut observer, &id),
        [format!("on-disconnected {id} 4003 true yours")]
    );

    // Without a word.
    let (mut client, id) = open();
    client.text("text a\ndisconnect");
    let _ = client.incoming(e2e::PATIENCE);
    client.expect_gone();
    assert_eq!(
        life_of(&mut observer, &id),
        [format!("on-disconnected {id} 1006 false ")]
    );
}

/// Messages from the peer are not delivered any more once the plugin closed.
#[test]
fn nothing_is_delivered_after_a_close_of_the_plugin() {
    let server = recorder()
        .plugin(Plugin::guest("hostile"))
        .route("/hostile", &["hostile"])
        .start();
    let mut other = Client::open(&server, "/hostile");
    let mut client = Client::open(&server, "/hostile");
    let frames = [
        Wire::new(TEXT, "close 4000"),
        Wire::new(TEXT, "text too late"),
        Wire::new(TEXT, "panic"),
    ];
    client.write(&frames.iter().flat_map(Wire::bytes).collect::<Vec<_>>());
    client.expect_closed(4000);
    // The instance has had one message of that connection, and was not made to panic.
    assert_eq!(other.ask_text("count"), "2");
}

/// Item 8: codes that may not be sent are an error for the plugin, and the connection goes on.
#[test]
fn codes_that_a_plugin_may_not_send() {
    let server = Setup::guest("hostile").start();
    let mut client = Client::open(&server, "/");
    for (from, to) in [
        (0, 999),
        (1004, 1006),
        (1010, 1010),
        (1015, 2999),
        (5000, 65_535),
    ] {
        assert_eq!(
            client.ask_text(&format!("codes {from} {to}")),
            format!("invalid-code={}", to - from + 1)
        );
    }
    for code in [1000, 1003, 1007, 1009, 1011, 1014, 3000, 4999] {
        let mut client = Client::open(&server, "/");
        client.text(&format!("close {code} x"));
        assert_eq!(client.expect_closed(code), "x");
    }
}

#[test]
fn long_reasons_are_cut_between_characters() {
    let server = Setup::guest("hostile").start();
    let mut client = Client::open(&server, "/");
    client.text(&format!("close 4000 {}", "é".repeat(100)));
    assert_eq!(client.expect_closed(4000), "é".repeat(61));
}

#[test]
fn a_plugins_lines_are_in_the_log_with_its_name() {
    let server = Setup::guest("hostile").start();
    let mut client = Client::open(&server, "/");
    assert_eq!(
        client.ask_text("lines 2\nerrors 2\nstdin"),
        "written\nwritten\n0"
    );
    for line in ["line 0", "line 1", "error 0", "error 1"] {
        server.log().wait_for_parts(&["hostile", line]);
    }
}

/// A plugin with a handler and nothing else is called for nothing else, and one without a handler gets no
/// messages; both serve.
#[test]
fn hooks_that_are_not_exported_are_not_missed() {
    let server = Setup::new()
        .plugin(Plugin::guest("version"))
        .plugin(Plugin::guest("auth"))
        .route("/version", &["version"])
        .route("/auth", &["auth"])
        .start();
    let mut client = Client::open(&server, "/version");
    assert_eq!(client.ask_text("?"), "v1 1");
    assert_eq!(client.ask_text("?"), "v1 2");
    let request = Request::upgrade("/auth").and("Authorization", "Bearer let-me-in");
    let (mut client, _) = Client::open_with(&server, &request);
    client.text("nobody listens");
    client.send(&Wire::new(PING, "but the host"));
    client.expect_pong(b"but the host");
    client.close(1000, "");
}
