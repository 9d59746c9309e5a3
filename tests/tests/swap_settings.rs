//! What a running server makes of other settings: what it takes over, what needs a restart and says so, and what it
//! shows meanwhile.

use std::path::PathBuf;

use e2e::admin::{Admin, with_admin};
use e2e::temp::TempDir;
use e2e::versions::{Answer, PluginFile, refusal, stamped, start_unwatched};
use e2e::{Client, Incoming, PATIENCE, Server, process, server};
use std::time::Duration;

fn config(server: &Server) -> PathBuf {
    server.folder().path().join("jackfield.toml")
}

#[track_caller]
fn ask(client: &mut Client) -> Answer {
    Answer::parse(&client.ask_text("x"))
}

/// More memory, or larger tables, than the server made room for at its start: refused in words, not given in part.
#[test]
fn limits_above_what_there_is_room_for_need_a_restart() {
    let component = stamped(0, "");
    let file = PluginFile::new("stamped", &component);
    let with = |key: &str, value: &str| file.setup_with(file.plugin().limit(key, value));
    let server = start_unwatched(&with("memory_bytes", "\"64 MiB\""));
    let mut client = Client::open(&server, "/");
    for (key, value, most) in [
        ("memory_bytes", "\"2 GiB\"", "1073741824"),
        ("table_elements", "5_000_000", "100000"),
    ] {
        with(key, value).write_to(&config(&server));
        let before = server.log().mark();
        server.signal("HUP");
        let said = refusal(&server, before);
        for part in [key, most, "needs a restart"] {
            assert!(said.contains(part), "{part:?} is not in: {said}");
        }
        assert_eq!(ask(&mut client).generation, 0);
    }
    // What there is room for is taken over.
    with("memory_bytes", "\"1 GiB\"").write_to(&config(&server));
    let before = server.log().mark();
    server.signal("HUP");
    file.swapped(&server, before, &component);
    assert_eq!(ask(&mut client).count, 3);
}

/// It is shown, and the next version comes by it.
#[test]
fn another_policy_is_taken_over_without_a_new_version() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let with = |policy: &str| with_admin(file.setup_with(file.plugin().key("swap", policy)));
    let server = start_unwatched(&with("\"live\""));
    let admin = Admin::of(&server);
    let shown = || {
        let config = admin.get("/v1/config").expect(200).clone();
        config["plugins"]["stamped"]["swap"].to_string()
    };
    assert_eq!(shown(), "\"live\"");
    let mut old = Client::open(&server, "/");
    assert_eq!(ask(&mut old).generation, 0);
    with("{ drain = \"10 min\" }").write_to(&config(&server));
    let before = server.log().mark();
    server.signal("HUP");
    server
        .log()
        .wait_since(before, "that it was taken over", |line| {
            line.contains("how it is built and replaced changed")
                .then_some(())
        });
    assert!(!server.log().text_since(before).contains('→'));
    assert_eq!(shown(), "{\"drain\":\"10 min\"}");
    // A push that says nothing of a policy gets the new one.
    let pushed = admin.put("/v1/plugins/stamped", &stamped(1, ""));
    assert_eq!(pushed.expect(200)["how"], "drain");
    assert_eq!(ask(&mut old).generation, 0);
    assert_eq!(ask(&mut Client::open(&server, "/")).generation, 1);
    assert_eq!(shown(), "{\"drain\":\"10 min\"}");
}

/// One limit for the size of a component, wherever it comes from.
#[test]
fn a_component_is_as_large_at_the_start_as_at_a_swap() {
    let folder = TempDir::new("large");
    let path = folder.write("large.wasm", b"\0asm");
    let large = std::fs::File::options().write(true).open(&path);
    let size = 64 * 1024 * 1024 + 1;
    large
        .and_then(|file| file.set_len(size))
        .expect("a large file");
    for arguments in [&["check"][..], &["run", "--listen", "127.0.0.1:0"]] {
        let mut command = server::command();
        let output = process::run(command.args(arguments).arg(&path), PATIENCE);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            text.contains("67108865") && text.contains("67108864"),
            "{text}"
        );
    }
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file.setup().start();
    let before = server.log().mark();
    std::fs::rename(&path, file.path()).expect("renaming");
    let said = refusal(&server, before);
    assert!(
        said.contains("67108865") && said.contains("67108864"),
        "{said}"
    );
    assert_eq!(ask(&mut Client::open(&server, "/")).generation, 0);
}

/// Whoever only looks does not wait for a swap that waits for a call.
#[test]
fn plugins_and_configuration_are_shown_during_a_swap() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = start_unwatched(&with_admin(file.setup().workers(1)));
    let admin = Admin::of(&server);
    let mut client = Client::open(&server, "/");
    let before = server.log().mark();
    client.text("rest 3000");
    server
        .log()
        .wait_since(before, "that the call runs", |line| {
            line.contains("begins to rest").then_some(())
        });
    std::thread::scope(|scope| {
        let push = scope.spawn(|| admin.put("/v1/plugins/stamped", &stamped(1, "")));
        // Without a version before, a rollback says either this or that a swap is under way.
        e2e::eventually("the push is under way", || {
            let rollback = admin.post("/v1/plugins/stamped/rollback");
            rollback.body["type"] == "urn:jackfield:problem:busy"
        });
        for _ in 0..3 {
            let versions = admin.versions("stamped");
            assert_eq!(versions.len(), 1, "{versions:?}");
            assert_eq!(versions[0].0, "serving");
            admin.get("/v1/config").expect(200);
        }
        assert!(!push.is_finished(), "the swap waits for the call");
        push.join().expect("the push").expect(200);
    });
    assert_eq!(Answer::parse(&client.expect_text()).generation, 0);
    assert_eq!(ask(&mut client).generation, 1);
    assert_eq!(admin.versions("stamped").len(), 2);
}

/// Calls above the limit wait for their turn, and that is counted and said.
#[test]
fn calls_at_a_time_are_limited() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let plugin = file.plugin().instances("\"connection\"");
    let setup = file.setup_with(plugin.limit("concurrent_calls", "2"));
    let server = with_admin(setup.workers(1)).start();
    let mut clients: Vec<_> = (0..3).map(|_| Client::open(&server, "/")).collect();
    let mut waiting = clients.remove(0);
    for client in &mut clients {
        client.text("rest 3000");
    }
    e2e::eventually("two calls run", || {
        server.log().count(&["begins to rest"]) == 2
    });
    waiting.text("my turn");
    server
        .log()
        .wait_for_parts(&["a limit was met", "concurrent_calls"]);
    assert!(matches!(
        waiting.incoming(Duration::from_millis(1)),
        Incoming::Nothing
    ));
    for client in &mut clients {
        assert_eq!(Answer::parse(&client.expect_text()).count, 1);
    }
    let answer = Answer::parse(&waiting.expect_text());
    assert_eq!((answer.count, answer.text.as_str()), (1, "my turn"));
    let metrics = Admin::of(&server).get("/v1/metrics");
    let text = String::from_utf8_lossy(&metrics.response.body).into_owned();
    let counter = "jackfield_limit_met_total{limit=\"concurrent_calls\"} ";
    let met = text.lines().find_map(|line| line.strip_prefix(counter));
    assert!(met.is_some_and(|met| met != "0"), "{text}");
}
