//! Plugins in every language that is built here: the echo samples, and one plugin with every kind of hook, written
//! once for each SDK (tests/languages). What is not built is skipped, and said; `.ci/run` builds.

use e2e::frame::{BINARY, CONTINUATION, TEXT, Wire};
use e2e::languages::{conforming, echoes, sample};
use e2e::versions::PluginFile;
use e2e::{Client, Plugin, Request, Server, Setup};

/// Interpreters are larger and take longer to start.
fn setup(name: &str, file: &std::path::Path) -> Setup {
    let plugin = Plugin::file(name, file)
        .limit("memory_bytes", "\"256 MiB\"")
        .limit("call_time", "\"20 s\"");
    Setup::new().plugin(plugin).route("/", &[name])
}

#[test]
fn every_echo_sends_back_what_came() {
    for (language, file) in echoes() {
        let server = setup(&language, &file).start();
        let mut client = Client::open(&server, "/");
        for text in ["hello", "", "häß \u{10ffff}"] {
            assert_eq!(client.ask_text(text), text, "{language}");
        }
        let large: Vec<u8> = (0..300_000u32).map(|at| (at % 251) as u8).collect();
        for bytes in [&[][..], &[0, 255, 128], &large] {
            client.binary(bytes);
            assert_eq!(client.expect_binary(), bytes, "{language}");
        }
        // A message in fragments, with a ping between them, comes back whole.
        client.send(&Wire::new(TEXT, "one ").more());
        client.send(&Wire::new(CONTINUATION, "two ").more());
        client.send(&Wire::new(e2e::frame::PING, "still there?"));
        client.send(&Wire::new(CONTINUATION, "three"));
        client.expect_pong(b"still there?");
        assert_eq!(client.expect_text(), "one two three", "{language}");
        client.send(&Wire::new(BINARY, [1u8]).more());
        client.send(&Wire::new(CONTINUATION, [2u8]));
        assert_eq!(client.expect_binary(), [1, 2], "{language}");
        client.close(1000, "done");
        assert_eq!(
            server.log().count(&["a plugin's call failed"]),
            0,
            "{language}"
        );
    }
}

#[test]
fn every_language_has_every_hook() {
    for (language, file) in conforming() {
        let server = setup(&language, &file).start();
        let upgrade = Request::upgrade("/");
        let (mut client, response) = Client::open_with(
            &server,
            &upgrade.clone().and("Sec-WebSocket-Protocol", "a, b"),
        );
        assert_eq!(response.field("x-lang"), Some(language.as_str()));
        assert_eq!(
            response.field("sec-websocket-protocol"),
            Some("b"),
            "{language}"
        );
        assert_eq!(client.expect_text(), "welcome", "{language}");
        assert_eq!(client.ask_text("who"), "/", "{language}");
        assert_eq!(client.ask_text("info"), "/ b", "{language}");
        client.text("fragments");
        let frames: Vec<_> = (0..3).map(|_| client.expect_frame()).collect();
        let shown: Vec<_> = frames
            .iter()
            .map(|frame| (frame.fin, frame.text()))
            .collect();
        assert_eq!(
            shown,
            [(false, "a"), (false, "b"), (true, "c")],
            "{language}"
        );
        assert_eq!(client.ask_text("bad close"), "refused", "{language}");
        client.text("print");
        client.text("warn");
        server
            .log()
            .wait_for_parts(&["INFO", &format!("printed by {language}")]);
        server
            .log()
            .wait_for_parts(&["WARN", &format!("warned by {language}")]);
        assert_eq!(
            client.ask_text("something else"),
            "something else",
            "{language}"
        );
        client.text("close");
        assert_eq!(client.expect_closed(4001), "bye", "{language}");
        server.log().wait_for_parts(&["ended 4001"]);

        let none = upgrade.clone().and("Sec-WebSocket-Protocol", "a, none");
        let (client, response) = Client::open_with(&server, &none);
        assert_eq!(response.field("sec-websocket-protocol"), None, "{language}");
        drop(client);
        let refused = Client::ask(server.address(), upgrade.and("X-Refuse", "1").bytes());
        assert_eq!(
            (refused.status, refused.field("x-lang")),
            (403, Some(language.as_str()))
        );
        assert_eq!(refused.text(), format!("refused by {language}\n"));
        assert_eq!(
            server.log().count(&["a plugin's call failed"]),
            0,
            "{language}"
        );
    }
}

/// In a hook, an error's text and where it happened reach the log, the connection gets 1011, others go on.
#[test]
fn an_error_in_a_hook_is_told() {
    for (language, file) in conforming() {
        let server = setup(&language, &file).workers(1).start();
        let mut other = Client::open(&server, "/");
        assert_eq!(other.expect_text(), "welcome");
        let mut client = Client::open(&server, "/");
        assert_eq!(client.expect_text(), "welcome");
        let mark = server.log().mark();
        client.text("fault");
        client.expect_closed(1011);
        told(&server, mark, &language);
        assert_eq!(other.ask_text("still here"), "still here", "{language}");

        let mark = server.log().mark();
        let failed = Client::ask(
            server.address(),
            Request::upgrade("/").and("X-Fault", "1").bytes(),
        );
        assert_eq!(failed.status, 500, "{language}");
        told(&server, mark, &language);
        assert_eq!(
            other.ask_text("who"),
            "/",
            "{language}: attributes outlive the instance"
        );
    }
}

fn told(server: &Server, mark: usize, language: &str) {
    let has = |what: &str| {
        server
            .log()
            .wait_since(mark, &format!("{what:?} of {language}"), |line| {
                line.contains(what).then_some(())
            });
    };
    has("on purpose");
    let function = if ["js", "go"].contains(&language) {
        "deepFault"
    } else {
        "deep_fault"
    };
    has(function);
    if ["js", "go", "python"].contains(&language) {
        // Where in the author's file.
        has("plugin.");
    }
}

#[test]
fn what_is_remembered_survives_a_swap() {
    for (language, file) in conforming() {
        let component = std::fs::read(&file).expect("a component");
        let versions = PluginFile::new(&language, &component);
        let plugin = versions
            .plugin()
            .instances("\"single\"")
            .limit("memory_bytes", "\"256 MiB\"")
            .limit("call_time", "\"20 s\"");
        let server = versions.setup_with(plugin).start();
        let mut client = Client::open(&server, "/");
        assert_eq!(client.expect_text(), "welcome");
        assert_eq!(client.ask_text("count"), "1", "{language}");
        // A custom section more: another digest, the same program.
        let mut other = component.clone();
        other.extend(b"\x00\x05\x04next");
        versions.swap(&server, &other);
        assert_eq!(client.ask_text("count"), "2", "{language}");
        client.close(1000, "");
    }
}

/// Tens of thousands of calls, with garbage, goroutines that call the host, and messages that need a larger arena: the
/// collector of Go runs many times, and must never do so while the host asks for memory.
#[test]
fn go_lives_with_its_collector() {
    let Some(file) = sample("tests/languages/conform-go") else {
        return;
    };
    let server = setup("go", &file)
        .set("plugins.go.limits", "memory_bytes", "\"64 MiB\"")
        .workers(1)
        .start();
    let mut client = Client::open(&server, "/");
    assert_eq!(client.expect_text(), "welcome");
    let text = "x".repeat(1500);
    for round in 0..150 {
        for _ in 0..100 {
            client.text(&text);
            client.text("who");
        }
        for _ in 0..100 {
            assert_eq!(client.expect_text(), text);
            assert_eq!(client.expect_text(), "/");
        }
        assert_eq!(client.ask_text("churn"), "churned");
        if round % 30 == 0 {
            let large = vec![round as u8; 900_000];
            client.binary(&large);
            assert_eq!(client.expect_binary(), large);
        }
    }
    client.close(1000, "");
    assert_eq!(server.log().count(&["a plugin's call failed"]), 0);
    assert_eq!(server.log().count(&["trap"]), 0, "{}", server.log().text());
}
