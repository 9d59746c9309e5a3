//! What plugins answer in the handshake, and what of it reaches the wire: refusals with status, headers and
//! body, extra fields of the 101, subprotocols. Nothing that a plugin says can change the framing of the
//! response, and whatever goes wrong in a plugin refuses the upgrade: it fails closed.

use e2e::{Client, Plugin, Request, Response, Server, Setup, table};

fn server() -> Server {
    Setup::new()
        .workers(1)
        // No number of failures takes the plugin out here.
        .set("swap", "failures", "1000000")
        .plugin(Plugin::guest("hostile").limit("call_time", "\"300 ms\""))
        .route("/", &["hostile"])
        .start()
}

fn ask(server: &Server, query: &str) -> Response {
    let request = Request::upgrade(&format!("/?{query}")).and("Sec-WebSocket-Protocol", "a, b");
    Client::ask(server.address(), request.bytes())
}

#[test]
fn refusals_keep_their_status_and_body() {
    let server = server();
    for status in [400, 401, 403, 404, 409, 418, 429, 451, 500, 503, 599] {
        let response = ask(&server, &format!("reject={status}"));
        assert_eq!(response.status, status);
        assert_eq!(response.text(), format!("refused with {status}\n"));
        let kind = response.field("content-type").map(str::to_ascii_lowercase);
        assert_eq!(kind.as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!(response.field("connection"), Some("close"));
    }
}

/// 400 to 599; anything else is 500 and logged.
#[test]
fn statuses_that_are_no_refusal_are_500() {
    let server = server();
    for status in [
        0, 1, 100, 101, 103, 200, 204, 302, 304, 399, 600, 999, 65_535,
    ] {
        assert_eq!(
            ask(&server, &format!("reject={status}")).status,
            500,
            "{status}"
        );
    }
    server.log().wait_for_parts(&["hostile", "101"]);
}

/// Header injection: what breaks a rule is dropped, the rest of the response stands.
#[test]
fn fields_of_a_refusal_are_vetted() {
    let server = server();
    for how in ["crlf", "nul", "name", "connection", "binary", "good"] {
        let response = ask(&server, &format!("reject={how}"));
        assert_eq!(response.status, 403, "{how}");
        assert_eq!(response.text(), "refused\n", "{how}");
        assert_eq!(response.content_length(), 8, "{how}");
        assert_eq!(response.field("connection"), Some("close"), "{how}");
        assert_eq!(response.field("upgrade"), None, "{how}");
        assert_eq!(response.field("transfer-encoding"), None, "{how}");
        vetted(how, &response);
    }
}

#[test]
fn fields_of_the_101_are_vetted() {
    let server = server();
    for how in ["crlf", "nul", "name", "connection", "binary", "good"] {
        let request = Request::upgrade(&format!("/?accept={how}"));
        let (mut client, response) = Client::open_with(&server, &request);
        vetted(how, &response);
        assert_eq!(response.field("sec-websocket-protocol"), None, "{how}");
        assert_eq!(response.field("sec-websocket-extensions"), None, "{how}");
        assert_eq!(response.field("sec-websocket-version"), None, "{how}");
        assert_eq!(
            client.ask_text("text in frame\nid").split('\n').next(),
            Some("in frame"),
            "{how}"
        );
    }
}

#[track_caller]
fn vetted(how: &str, response: &Response) {
    let field = |name: &str| response.field(name);
    assert_eq!(field("x-last"), Some("good"), "{how}: {response:?}");
    assert_eq!(field("x-injected"), None, "{how}: {response:?}");
    for (name, value) in &response.fields {
        assert!(name.is_ascii() && !name.is_empty(), "{how}: {response:?}");
        assert!(!value.contains(['\r', '\n', '\0']), "{how}: {response:?}");
    }
    for name in ["x-crlf", "x-lf", "x-cr", "x-body", "x-nul", "x-bad"] {
        assert_eq!(field(name), None, "{how}: {response:?}");
    }
    if how == "good" {
        assert_eq!(field("x-good"), Some("yes"));
        assert_eq!(field("set-cookie"), Some("seen=1"));
    }
}

/// Ten thousand fields, 8 MiB in one, 32 MiB of body: the answer is well-formed whatever the host makes of
/// it, and the server serves on.
#[test]
fn oversized_answers() {
    let server = server();
    table(
        &[
            "reject=many",
            "reject=large",
            "reject=body",
            "accept=many",
            "accept=large",
        ],
        |query| query,
        |query| {
            let mut client = Client::tcp(server.address());
            client.write(&Request::upgrade(&format!("/?{query}")).bytes());
            let response = client.response();
            let expected: &[u16] = match query.starts_with("reject") {
                true => &[403, 500],
                false => &[101, 500],
            };
            assert!(expected.contains(&response.status), "{}", response.status);
            assert!(!Client::open(&server, "/").ask_text("count").is_empty());
        },
    );
}

/// An answer that was not offered fails the upgrade.
#[test]
fn protocols_that_nobody_offered() {
    let server = server();
    for how in ["unoffered", "empty", "crlf", "large"] {
        let response = ask(&server, &format!("choose={how}"));
        assert_eq!(response.status, 500, "{how}");
        assert_eq!(response.field("x-injected"), None);
    }
    let request = Request::upgrade("/?choose=none").and("Sec-WebSocket-Protocol", "a, b");
    let (_, response) = Client::open_with(&server, &request);
    assert_eq!(response.field("sec-websocket-protocol"), None);
    let request = Request::upgrade("/").and("Sec-WebSocket-Protocol", "a, b");
    let (_, response) = Client::open_with(&server, &request);
    assert_eq!(response.field("sec-websocket-protocol"), Some("a"));
}

/// A trap is 500, a timeout 503, in both hooks; the next request meets a fresh instance.
#[test]
fn handshake_hooks_fail_closed() {
    let server = server();
    table(
        &[
            ("check=panic", 500),
            ("check=unreachable", 500),
            ("check=overflow", 500),
            ("check=exit", 500),
            ("check=memory", 500),
            ("check=spin", 503),
            ("check=spin-calling", 503),
            ("select=panic", 500),
            ("select=spin", 503),
        ],
        |row| row.0,
        |(query, status)| {
            let response = ask(&server, query);
            assert_eq!(response.status, *status, "{response:?}");
            // What the guest said stays inside.
            assert!(!response.text().contains("asked to panic"), "{response:?}");
            assert_eq!(Client::open(&server, "/").ask_text("count"), "1", "{query}");
        },
    );
    server.log().wait_for_parts(&["hostile", "asked to panic"]);
}

/// A handshake plugin in front that traps does not let anybody through to the next.
#[test]
fn a_trapping_guard_lets_nobody_in() {
    let server = Setup::new()
        .plugin(Plugin::guest("hostile"))
        .plugin(Plugin::guest("echo"))
        .route("/", &["hostile", "echo"])
        .start();
    for _ in 0..20 {
        let request = Request::upgrade("/?check=panic").bytes();
        // 503 once it has trapped so often that it is taken out.
        let status = Client::ask(server.address(), request).status;
        assert!([500, 503].contains(&status), "{status}");
    }
}

/// A plugin that cannot start serves nobody, and is never called for anything else.
#[test]
fn a_plugin_that_cannot_start_serves_nobody() {
    for (name, file) in [
        ("panics", e2e::artefacts::guest("bad-start")),
        ("spins", e2e::artefacts::guest_with("bad-start", "spin")),
    ] {
        let folder = e2e::temp::TempDir::new("bad-start");
        let setup = Setup::new()
            .plugin(Plugin::file("bad", file).limit("call_time", "\"200 ms\""))
            .plugin(Plugin::guest("echo"))
            .route("/bad", &["bad"])
            .route("/echo", &["echo"]);
        let config = folder.path().join("jackfield.toml");
        setup.write_to(&config);
        // Refused at the start in words, or started with that route answering an error: both are contained.
        let refused = std::panic::catch_unwind(|| setup.start());
        let Ok(server) = refused else {
            let mut command = e2e::server::command();
            command.args(["up", "--no-build", "--config"]).arg(&config);
            let output = e2e::process::run(&mut command, e2e::PATIENCE);
            assert_eq!(output.status.code(), Some(1), "{name}");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(
                text.contains("bad") && text.contains("on-started"),
                "{name}: {text}"
            );
            continue;
        };
        for _ in 0..3 {
            let mut client = Client::tcp(server.address());
            client.write(&Request::upgrade("/bad").bytes());
            let response = client.response();
            if response.status == 101 {
                client.text("is anybody there?");
                client.expect_close(1011);
            } else {
                assert!(
                    [500, 503].contains(&response.status),
                    "{name}: {response:?}"
                );
            }
        }
        assert_eq!(Client::open(&server, "/echo").ask_text("x"), "x", "{name}");
    }
}
