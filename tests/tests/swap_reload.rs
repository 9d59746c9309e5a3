//! SIGHUP looks at the configuration and the plugins again: what can be taken over is, as a new version; what cannot,
//! or is broken, changes nothing and is said.

use std::path::PathBuf;

use e2e::versions::{Answer, PluginFile, stamped, start_unwatched};
use e2e::{Client, Plugin, Request, SILENCE, Server, Setup, eventually};

fn config(server: &Server) -> PathBuf {
    server.folder().path().join("jackfield.toml")
}

#[track_caller]
fn ask(client: &mut Client, text: &str) -> Answer {
    Answer::parse(&client.ask_text(text))
}

/// Writes a configuration, sends SIGHUP, and waits for the line of a swap to this component.
#[track_caller]
fn reload(server: &Server, file: &PluginFile, setup: &Setup, component: &[u8]) -> String {
    setup.write_to(&config(server));
    let before = server.log().mark();
    server.signal("HUP");
    file.swapped(server, before, component)
}

#[track_caller]
fn hang_up_and_wait_for(server: &Server, part: &str) -> String {
    let before = server.log().mark();
    server.signal("HUP");
    server
        .log()
        .wait_since(before, part, |line| line.contains(part).then_some(()));
    server.log().text_since(before)
}

#[test]
fn without_watching_a_file_is_looked_at_when_asked() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = start_unwatched(&file.setup().workers(1));
    let mut client = Client::open(&server, "/");
    assert_eq!(ask(&mut client, "x").generation, 0);
    file.replace(&stamped(1, ""));
    // Nobody looks: longer than a watching server waits for quiet, several times.
    std::thread::sleep(4 * SILENCE);
    assert_eq!(ask(&mut client, "x").generation, 0);
    let before = server.log().mark();
    server.signal("HUP");
    file.swapped(&server, before, &stamped(1, ""));
    let answer = ask(&mut client, "x");
    assert_eq!((answer.generation, answer.count, answer.number), (1, 3, 3));
    // Once more, with nothing new: said, and nothing done.
    let said = hang_up_and_wait_for(&server, "nothing changed");
    let swap = |line: &str| line.contains(" INFO ") && line.contains('→');
    assert!(!said.lines().any(swap), "{said}");
}

/// A changed limit is a version too: the same component, the same memory, the new limit.
#[test]
fn changed_limits_are_taken_over() {
    let component = stamped(0, "");
    let file = PluginFile::new("stamped", &component);
    let with = |time: &str| {
        let plugin = file.plugin().limit("call_time", time);
        file.setup_with(plugin).workers(1)
    };
    let server = start_unwatched(&with("\"20 s\""));
    let mut client = Client::open(&server, "/");
    assert_eq!(ask(&mut client, "spin 700").number, 1);
    reload(&server, &file, &with("\"100 ms\""), &component);
    let answer = ask(&mut client, "x");
    assert_eq!(
        (answer.count, answer.number),
        (2, 2),
        "memory and attributes are kept"
    );
    let mut long = Client::open(&server, "/");
    long.text("spin 20000");
    long.expect_closed(1011);
    server
        .log()
        .wait_for_parts(&["a plugin's call failed", "100ms"]);
    reload(&server, &file, &with("\"20 s\""), &component);
    assert_eq!(ask(&mut client, "spin 700").count, 3);
}

#[test]
fn a_changed_rate_of_log_lines_is_taken_over() {
    let component = stamped(0, "");
    let file = PluginFile::new("stamped", &component);
    let with = |lines: &str| file.setup_with(file.plugin().limit("log_lines", lines));
    let server = start_unwatched(&with("0"));
    Client::open(&server, "/").close(4001, "");
    reload(&server, &file, &with("1000"), &component);
    Client::open(&server, "/").close(4002, "");
    server.log().wait_for_parts(&["disconnected", "4002 in 0"]);
    assert_eq!(server.log().count(&["disconnected", "4001 in 0"]), 0);
}

#[test]
fn another_mode_is_taken_over() {
    let component = stamped(0, "");
    let file = PluginFile::new("stamped", &component);
    let with = |mode: &str| file.setup_with(file.plugin().instances(mode));
    let server = start_unwatched(&with("\"worker\""));
    let mut clients: Vec<_> = (0..12).map(|_| Client::open(&server, "/")).collect();
    let modes = [
        "\"single\"",
        "\"connection\"",
        "{ pool = 3 }",
        "\"worker\"",
        "\"connection\"",
        "\"single\"",
    ];
    for (round, mode) in (1..).zip(modes) {
        for client in &mut clients {
            assert_eq!(ask(client, "x").count, round);
        }
        reload(&server, &file, &with(mode), &component);
    }
    let numbers = clients.iter_mut().map(|client| ask(client, "x").number);
    assert!(numbers.eq(1..=12), "one instance for all");
}

#[test]
fn a_broken_configuration_changes_nothing() {
    const REFUSED: &str = "the configuration was not taken over";
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let good = file.setup();
    let server = start_unwatched(&good);
    let mut client = Client::open(&server, "/");
    assert_eq!(ask(&mut client, "x").generation, 0);
    file.replace(&stamped(1, ""));
    let unknown_key = "[plugins.other]\nfille = \"x.wasm\"\n";
    let rows = [
        ("[plugins.stamped\nfile = 7".to_owned(), "jackfield.toml:1"),
        (format!("{}\n{unknown_key}", good.text()), "fille"),
        (good.text().replace("\"stamped\"", "\"stampt\""), "stampt"),
        (String::new(), "plugin"),
    ];
    for (text, part) in rows {
        std::fs::write(config(&server), &text).expect("a configuration");
        let said = hang_up_and_wait_for(&server, REFUSED);
        assert!(said.contains(part), "{part:?} is not in: {said}");
        let answer = ask(&mut client, "x");
        assert_eq!(
            answer.generation, 0,
            "not even the plugin that is all right"
        );
    }
    std::fs::remove_file(config(&server)).expect("removing a configuration");
    hang_up_and_wait_for(&server, REFUSED);
    reload(&server, &file, &good, &stamped(1, ""));
    assert_eq!(ask(&mut client, "x").generation, 1);
}

/// What a running server cannot change is said, and what it can is done all the same.
#[test]
fn what_needs_a_restart_is_said() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = start_unwatched(&file.setup());
    let mut client = Client::open(&server, "/");
    assert_eq!(ask(&mut client, "x").generation, 0);
    let more = file
        .setup()
        .workers(3)
        .plugin(Plugin::guest("echo"))
        .route("/echo", &["echo"]);
    file.replace(&stamped(1, ""));
    reload(&server, &file, &more, &stamped(1, ""));
    server.log().wait_for_parts(&["needs a restart"]);
    assert_eq!(ask(&mut client, "x").generation, 1);
    let mut unknown = Client::tcp(server.address());
    unknown.write(&Request::upgrade("/echo").bytes());
    assert_eq!(unknown.response().status, 404);
}

/// Many SIGHUPs while calls run and files change: none is taken for a request to end.
#[test]
fn a_storm_of_hangups() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let mut server = start_unwatched(&file.setup());
    let mut client = Client::open(&server, "/");
    let mut last = 0;
    for generation in 1..=20 {
        file.replace(&stamped(generation, ""));
        (0..5).for_each(|_| server.signal("HUP"));
        let answer = ask(&mut client, "x");
        assert!(answer.generation >= last);
        last = answer.generation;
    }
    server.signal("HUP");
    eventually("the last version serves", || {
        ask(&mut client, "x").generation == 20
    });
    assert!(server.is_running());
}
