//! Plugins that misbehave: each is contained, its connection gets the code of PROTOCOL.md, the log says what
//! happened, and nobody else notices. The guest `hostile` does what it is told.

use std::time::Duration;

use e2e::frame::{CLOSE, PING, TEXT, Wire};
use e2e::{
    Client, Incoming, PATIENCE, Plugin, Request, Server, Setup, artefacts, eventually, process,
    table,
};

/// The hostile guest on `/` and the echo plugin on `/echo`.
fn setup() -> Setup {
    with(Plugin::guest("hostile"))
}

/// No number of failures takes the plugin out here: what is looked at is each failure by itself.
fn with(hostile: Plugin) -> Setup {
    Setup::new()
        .set("swap", "failures", "1000000")
        .plugin(hostile)
        .plugin(Plugin::guest("echo"))
        .route("/", &["hostile"])
        .route("/echo", &["echo"])
}

/// Everybody else still is served, on both routes, over old connections and new ones.
struct Bystanders {
    same_route: Client,
    other_route: Client,
}

impl Bystanders {
    fn of(server: &Server) -> Bystanders {
        let mut same_route = Client::open(server, "/");
        assert_eq!(same_route.ask_text("set colour green"), "ok");
        Bystanders {
            same_route,
            other_route: Client::open(server, "/echo"),
        }
    }

    #[track_caller]
    fn unharmed(&mut self, server: &Server) {
        assert_eq!(self.other_route.ask_text("still here"), "still here");
        // Attributes live in the host and survive.
        assert_eq!(self.same_route.ask_text("get colour"), "= green");
        assert_eq!(Client::open(server, "/echo").ask_text("new"), "new");
        assert_eq!(Client::open(server, "/").ask_text("get colour"), "none");
    }
}

/// A trap: the connection whose call trapped gets 1011, after the answers to what came before.
#[test]
fn traps_are_1011_and_nobody_elses_problem() {
    let server = with(Plugin::guest("hostile").limit("memory_bytes", "\"16 MiB\"")).start();
    table(
        &[
            "panic",
            "unreachable",
            "overflow",
            "divide",
            "exit",
            "memory",
            "grow",
            "no such command",
        ],
        |harm| harm,
        |harm| {
            let mut bystanders = Bystanders::of(&server);
            let mut client = Client::open(&server, "/");
            let mut frames = Vec::new();
            for number in 0..10 {
                frames.extend(Wire::new(TEXT, format!("text {number}")).bytes());
            }
            frames.extend(Wire::new(TEXT, *harm).bytes());
            frames.extend(Wire::new(TEXT, "text too late").bytes());
            client.write(&frames);
            for number in 0..10 {
                assert_eq!(client.expect_text(), number.to_string());
                assert_eq!(client.expect_text(), "ok");
            }
            client.expect_closed(1011);
            bystanders.unharmed(&server);
        },
    );
    // The log says what, where and whose.
    server
        .log()
        .wait_for_parts(&["hostile", "business-handler"]);
    server.log().wait_for_parts(&["asked to panic"]);
}

/// One entry says it all, also where none of the plugin's own lines reach the log.
#[test]
fn the_entry_of_a_trap_has_everything() {
    let server = with(Plugin::guest("hostile").limit("log_lines", "0")).start();
    let mut client = Client::open(&server, "/");
    let id = client.ask_text("id");
    client.text("panic");
    client.expect_closed(1011);
    let entry = server.log().wait_for_parts(&["a plugin's call failed"]);
    for part in [
        "plugin=\"hostile\"".to_owned(),
        format!("connection={id}"),
        "version=\"".to_owned(),
        "business-handler trapped".to_owned(),
        "asked to panic".to_owned(),
        "harm::do_it".to_owned(),
    ] {
        assert!(entry.contains(&part), "{part:?} is not in: {entry}");
    }
    // What an earlier call wrote is not the next one's.
    let mut client = Client::open(&server, "/");
    assert_eq!(client.ask_text("errors 3"), "written");
    client.text("unreachable");
    client.expect_closed(1011);
    let entries = || {
        server
            .log()
            .count(&["a plugin's call failed", "stderr=\"\""])
    };
    eventually("an entry without words", || entries() == 1);
}

#[test]
fn traps_in_every_other_hook() {
    for mode in ["\"worker\"", "\"connection\"", "{ pool = 2 }", "\"single\""] {
        let server = with(Plugin::guest("hostile").instances(mode)).start();
        // Right after the 101: the upgrade stands, the connection does not.
        let client = Client::open(&server, "/?success=panic");
        client.expect_closed(1011);
        // At the end of a connection, nobody is left to be told.
        let mut client = Client::open(&server, "/?disconnected=panic");
        assert_eq!(client.ask_text("count"), "1");
        client.close(1000, "");
        let mut client = Client::open(&server, "/?removed=panic");
        client.ask_text("count");
        client.close(1000, "");
        // While an offence is reported.
        let mut client = Client::open(&server, "/?error=panic");
        client.send(&Wire::new(TEXT, "x").unmasked());
        client.expect_failed(1002);
        Bystanders::of(&server).unharmed(&server);
        for hook in ["connected", "part", "failure"] {
            let mut arming = Client::open(&server, "/");
            assert_eq!(arming.ask_text(&format!("arm {hook} panic")), "armed");
            let mut half = Client::tcp(server.address());
            half.write(b"GET /nobody HTTP/1.1\r\n");
            half.write(b"Host: x\r\n\r\n");
            let _ = half.incoming_bytes(PATIENCE);
            // Whatever became of that one, the others are served.
            eventually("others are served", || {
                let mut client = Client::tcp(server.address());
                client.write(&Request::upgrade("/").bytes());
                client.response().status == 101
            });
        }
        assert_eq!(Client::open(&server, "/echo").ask_text("x"), "x");
    }
}

/// A plugin that computes without end is suspended so that its worker goes on serving others, and stopped at
/// its time budget.
#[test]
fn loops_are_suspended_and_then_stopped() {
    for harm in ["spin", "spin-calling"] {
        let hostile = Plugin::guest("hostile").limit("call_time", "\"1 s\"");
        let server = with(hostile).workers(1).start();
        let mut other = Client::open(&server, "/echo");
        let mut same = Client::open(&server, "/");
        assert_eq!(same.ask_text("set colour green"), "ok");
        let mut spinning = Client::open(&server, "/");
        spinning.text("text before");
        spinning.text(harm);
        assert_eq!(spinning.expect_text(), "before");
        assert_eq!(spinning.expect_text(), "ok");
        // The only worker there is serves the other route.
        for number in 0..5 {
            assert_eq!(other.ask_text(&number.to_string()), number.to_string());
        }
        assert!(
            matches!(
                spinning.incoming(Duration::from_millis(1)),
                Incoming::Nothing
            ),
            "{harm}: the others were served only after it was stopped"
        );
        spinning.expect_closed(1011);
        // The same route waited for the instance, and has a fresh one.
        assert_eq!(same.ask_text("get colour"), "= green");
        server
            .log()
            .wait_for_parts(&["hostile", "business-handler"]);
    }
}

/// The hostile guest exports `socket-events` and so hears of every socket; nobody waits for it to listen.
#[test]
fn new_connections_do_not_wait_for_a_busy_plugin_of_another_route() {
    let hostile = Plugin::guest("hostile").limit("call_time", "\"3 s\"");
    let server = with(hostile).workers(1).start();
    let mut spinning = Client::open(&server, "/");
    spinning.text("text before\nspin");
    assert_eq!(spinning.expect_text(), "before");
    for _ in 0..3 {
        assert_eq!(Client::open(&server, "/echo").ask_text("new"), "new");
    }
    assert!(
        matches!(
            spinning.incoming(Duration::from_millis(1)),
            Incoming::Nothing
        ),
        "the others were let in only after it was stopped"
    );
    spinning.expect_closed(1011);
}

/// Work that takes long but ends within its budget is not disturbed, and the budget is per call.
#[test]
fn slow_but_honest_work_is_finished() {
    let hostile = Plugin::guest("hostile").limit("call_time", "\"20 s\"");
    let server = with(hostile).workers(1).start();
    let mut client = Client::open(&server, "/");
    assert_eq!(client.ask_text("burn 300000000"), "burnt");
    assert_eq!(client.ask_text("burn 1000"), "burnt");
}

/// Waiting for the host is not the guest's time.
#[test]
fn waiting_does_not_count_as_computing() {
    let hostile = Plugin::guest("hostile").limit("call_time", "\"200 ms\"");
    let server = with(hostile).start();
    let mut client = Client::open(&server, "/");
    assert_eq!(client.ask_text("rest 1000"), "rested");
}

#[test]
fn memory_stops_at_its_limit_with_a_line_that_names_it() {
    let hostile = Plugin::guest("hostile").limit("memory_bytes", "\"8 MiB\"");
    let server = with(hostile).start();
    let before = process::resident_kib(server.pid());
    let mut bystanders = Bystanders::of(&server);
    for harm in ["memory", "grow"] {
        for _ in 0..10 {
            let mut client = Client::open(&server, "/");
            client.text(harm);
            client.expect_closed(1011);
        }
    }
    bystanders.unharmed(&server);
    server
        .log()
        .wait_for("a line that names the limit", |line| {
            let named = line.contains("memory_bytes") || line.contains("memory limit");
            (named && line.contains("hostile")).then_some(())
        });
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    assert!(
        grown < 128 * 1024,
        "grew by {grown} KiB for a plugin of 8 MiB"
    );
    // What fits may be kept.
    assert_eq!(Client::open(&server, "/").ask_text("keep 4"), "kept");
}

#[test]
fn huge_sends_are_refused_or_delivered_whole() {
    let server = setup().start();
    let mut client = Client::open(&server, "/");
    for bytes in [1 << 20, 3 << 20, 5 << 20, 20 << 20] {
        client.text(&format!("huge {bytes}"));
        let first = client.expect_text();
        match first.as_str() {
            "too-large" | "backlog-full" => {}
            whole => {
                assert_eq!(whole.len(), bytes);
                assert_eq!(client.expect_text(), "ok");
            }
        }
    }
    Bystanders::of(&server).unharmed(&server);
}

/// A reader that keeps reading gets whatever was accepted, in order, however much was refused.
#[test]
fn a_flood_is_bounded_and_what_was_accepted_arrives() {
    let setup = setup().set("limits", "backlog_bytes", "\"256 KiB\"");
    let server = setup.start();
    let before = process::resident_kib(server.pid());
    let mut bystanders = Bystanders::of(&server);
    let mut client = Client::open(&server, "/");
    client.text("flood 20000 1000");
    let mut received = 0;
    let refused = loop {
        let frame = client.expect_frame();
        if frame.opcode == CLOSE {
            // The host may also decide that this reader is too slow.
            assert_eq!(frame.close_reason().0, Some(1013));
            break None;
        }
        if frame.payload.first() != Some(&b'f') {
            break Some(frame.text().to_owned());
        }
        assert_eq!(frame.payload.len(), 1000);
        received += 1;
        if received == 262 {
            // 256 KiB hold no more; the answer did not fit behind them.
            break None;
        }
    };
    assert!(received > 100, "{received} messages, then {refused:?}");
    bystanders.unharmed(&server);
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    assert!(grown < 64 * 1024, "grew by {grown} KiB");
}

#[test]
fn a_flood_without_end_is_stopped() {
    let hostile = Plugin::guest("hostile").limit("call_time", "\"500 ms\"");
    let server = with(hostile).workers(1).start();
    let before = process::resident_kib(server.pid());
    let mut bystanders = Bystanders::of(&server);
    let mut client = Client::open(&server, "/");
    client.text("flood-forever 10000");
    let code = loop {
        let frame = client.expect_frame();
        if frame.opcode == CLOSE {
            break frame.close_reason().0;
        }
        assert_eq!(frame.payload.len(), 10_000);
    };
    assert!([Some(1011), Some(1013)].contains(&code), "{code:?}");
    bystanders.unharmed(&server);
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    assert!(grown < 64 * 1024, "grew by {grown} KiB");
}

/// CVE-2020-35896: a reader that never reads. What waits for it is bounded, and others are served.
#[test]
fn a_reader_that_never_reads_is_bounded() {
    let setup = setup().set("limits", "backlog_bytes", "\"1 MiB\"");
    let server = setup.start();
    let mut bystanders = Bystanders::of(&server);
    let before = process::resident_kib(server.pid());
    // Each asks for far more than any buffer between the two holds.
    let mut readers = Vec::new();
    for _ in 0..8 {
        let mut client = Client::tcp_with_small_window(server.address(), 4096);
        client.write(&Request::upgrade("/").bytes());
        client.upgraded();
        let frames = Wire::new(TEXT, "huge 500000").bytes().repeat(200);
        client.write(&frames);
        readers.push(client);
    }
    for _ in 0..10 {
        bystanders.unharmed(&server);
    }
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    // 8 readers of 1 MiB each, and what the workers keep; unbounded it would be 800 MB.
    assert!(grown < 96 * 1024, "grew by {grown} KiB");
    // Whoever reads after all finds whole frames, in order, up to the end.
    let reader = &mut readers[0];
    let mut whole = 0;
    loop {
        match reader.incoming(Duration::from_secs(2)) {
            Incoming::Frame(frame) if frame.opcode == CLOSE => {
                assert_eq!(frame.close_reason().0, Some(1013));
            }
            Incoming::Frame(_) => whole += 1,
            _ => break,
        }
    }
    assert!(whole > 0, "nothing at all arrived");
}

/// An echo that is never read: the host must neither pile up replies nor lose the ones it accepted.
#[test]
fn an_echo_that_is_never_read_is_bounded() {
    let setup = setup().set("limits", "backlog_bytes", "\"1 MiB\"");
    let server = setup.start();
    let before = process::resident_kib(server.pid());
    let mut client = Client::tcp_with_small_window(server.address(), 4096);
    client.write(&Request::upgrade("/echo").bytes());
    client.upgraded();
    client.write_timeout(Duration::from_millis(500));
    let frame = Wire::new(TEXT, "x".repeat(64 * 1024)).bytes();
    // 64 MiB, or as much as the server is ready to take from somebody who does not read.
    for _ in 0..1024 {
        if client.try_write(&frame).is_err() {
            break;
        }
    }
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    assert!(grown < 48 * 1024, "grew by {grown} KiB");
    assert_eq!(Client::open(&server, "/echo").ask_text("x"), "x");
}

/// Hooks never run inside another call of the same instance.
#[test]
fn reentrance_waits_for_the_call_to_return() {
    let server = setup().start();
    let mut other = Client::open(&server, "/");
    let id = other.ask_text("id");
    let mut client = Client::open(&server, "/");
    client.text(&format!("@{id} reenter"));
    other.expect_gone();
    assert_eq!(client.expect_text(), "ok 0");
    let mut own = Client::open(&server, "/");
    let id = own.ask_text("id");
    own.text("reenter");
    own.expect_gone();
    server
        .log()
        .wait_for_parts(&[&format!("reenter {id} ok 0")]);
}

/// Lines of a plugin that reach the log are limited in number and in length; the rest is counted.
#[test]
fn floods_of_log_lines_are_bounded() {
    let hostile = Plugin::guest("hostile")
        .limit("log_lines", "20")
        .limit("call_time", "\"2 s\"");
    let begun = std::time::Instant::now();
    let server = with(hostile).start();
    let mut client = Client::open(&server, "/");
    assert_eq!(client.ask_text("lines 5000"), "written");
    assert_eq!(client.ask_text("long-line 1000000"), "written");
    for harm in ["print", "complain"] {
        let mut client = Client::open(&server, "/");
        client.text(harm);
        client.expect_closed(1011);
    }
    let mut bystanders = Bystanders::of(&server);
    bystanders.unharmed(&server);
    // 20 a second for each of the instances there may be; a slow machine takes more seconds.
    let bound = (begun.elapsed().as_secs() as usize + 2) * 20 * 2;
    let log = server.log();
    for flood in ["line ", "a line that nobody needs", "xxxxxxxxxx"] {
        let lines = log.count(&[flood]);
        assert!(lines <= bound, "{lines} lines of {flood:?}, above {bound}");
    }
    let longest = log.text().lines().map(str::len).max().unwrap_or(0);
    assert!(longest < 64 * 1024, "a line of {longest} bytes");
}

/// What a guest prints may come from a client; a terminal that shows the log must come to no harm.
#[test]
fn control_characters_do_not_reach_the_log() {
    let hostile = Plugin::guest("hostile").limit("log_lines", "1000");
    let server = with(hostile)
        .plugin(Plugin::guest("events"))
        .route("/events", &["events"])
        .start();
    let mut client = Client::open(&server, "/");
    // The guest panics with the name of a harm that it does not know.
    client.text("\u{1b}]0;title\u{7}\u{1b}[31mevil\u{9b}2J\u{202e}");
    client.expect_closed(1011);
    server.log().wait_for_parts(&["no such harm"]);
    let client = Client::open(&server, "/events");
    client.close(1000, "\u{1b}[2Jgone\nforged line");
    server.log().wait_for_parts(&["on-disconnected", "gone"]);
    server.log().wait_for_parts(&["on-after-remove-socket"]);
    for line in server.log().text().lines() {
        let odd = |c: char| c.is_control() && c != '\t';
        assert!(!line.contains(odd), "{line:?}");
        assert!(!line.starts_with("forged"), "{line:?}");
    }
}

/// Files, network, environment: refused at load in words, or refused to the guest when it tries.
#[test]
fn the_sandbox_holds() {
    let escape = artefacts::guest("escape");
    let mut command = e2e::server::command();
    let output = process::run(command.arg("check").arg(&escape), PATIENCE);
    if output.status.code() == Some(1) {
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            text.contains("wasi:filesystem") || text.contains("wasi:sockets"),
            "{text}"
        );
        return;
    }
    assert_eq!(output.status.code(), Some(0));
    let server = Setup::guest("escape").variable("SECRET", "very").start();
    let folder = server.folder().path().to_string_lossy().into_owned();
    let mut client = Client::open(&server, "/");
    let listen = server.address();
    for attempt in [
        "read /etc/passwd".to_owned(),
        "read jackfield.toml".to_owned(),
        format!("read {folder}/jackfield.toml"),
        format!("write {folder}/mark"),
        "list /".to_owned(),
        "list .".to_owned(),
        format!("connect {listen}"),
        "bind 127.0.0.1:0".to_owned(),
        "env".to_owned(),
        "args".to_owned(),
    ] {
        let answer = client.ask_text(&attempt);
        assert!(answer.starts_with("refused"), "{attempt}: {answer}");
    }
    assert!(!server.folder().path().join("mark").exists());
}

/// A peer that leaves while its call still runs leaves nothing behind.
#[test]
fn leaving_during_a_call_leaves_nothing_behind() {
    let hostile = Plugin::guest("hostile")
        .instances("\"connection\"")
        .limit("call_time", "\"300 ms\"");
    let server = with(hostile).start();
    let leave = || {
        for harm in ["spin", "rest 300", "flood-forever 1000"] {
            for _ in 0..3 {
                let mut client = Client::open(&server, "/");
                client.text(harm);
                client.reset();
            }
        }
    };
    // The first round pays for what is opened once and kept.
    leave();
    Bystanders::of(&server).unharmed(&server);
    std::thread::sleep(Duration::from_secs(2));
    let before = server.settled_descriptors();
    leave();
    leave();
    eventually("descriptors back at the baseline", || {
        process::descriptors(server.pid()) <= before
    });
    Bystanders::of(&server).unharmed(&server);
}

/// Traps over and over: the version may be taken out for a while (503), but never the server.
#[test]
fn trapping_again_and_again_harms_nobody_else() {
    let server = setup().set("swap", "failures", "10").start();
    let mut other = Client::open(&server, "/echo");
    for _ in 0..200 {
        let mut client = Client::tcp(server.address());
        client.write(&Request::upgrade("/").bytes());
        let response = client.response();
        if response.status == 101 {
            client.text("panic");
            client.expect_closed(1011);
        } else {
            assert_eq!(response.status, 503, "{response:?}");
        }
    }
    assert_eq!(other.ask_text("unharmed"), "unharmed");
    other.send(&Wire::new(PING, ""));
    other.expect_pong(b"");
    assert_eq!(server.log().count(&["thread '", "panicked at", "host/"]), 0);
}
