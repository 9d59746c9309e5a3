//! What is put in a plugin's place and is none, or none that can serve: a clear message, the old version goes on, and
//! the next good file is taken.

use e2e::versions::{Answer, PluginFile, handwritten, refusal, stamped};
use e2e::{Client, artefacts, eventually, table};

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("text form")
}

fn read(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).expect("a component")
}

/// A good component that ends too early.
fn truncated(generation: u32, by: impl Fn(usize) -> usize) -> Vec<u8> {
    let mut bytes = stamped(generation, "");
    bytes.truncate(by(bytes.len()));
    bytes
}

#[test]
fn what_does_not_serve_changes_nothing() {
    let future = |what: &str| {
        let (now, then) = (format!("{what}@0.1.0"), format!("{what}@0.2.0"));
        wat(&handwritten(50).replace(&now, &then))
    };
    let rows: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("noise", vec![0xa5; 100_000], &["not", "component"]),
        ("an empty file", Vec::new(), &["component"]),
        ("a core module", wat("(module)"), &["core module"]),
        (
            "a component that does nothing",
            wat("(component)"),
            &["exports no interface"],
        ),
        (
            "a truncated component",
            truncated(50, |length| length / 2),
            &["ends in the middle"],
        ),
        (
            "one byte short",
            truncated(51, |length| length - 1),
            &["ends in the middle"],
        ),
        (
            "a contract of the future",
            future("handler"),
            &["0.2.0", "0.1.0", "rebuild"],
        ),
        (
            "imports of the future",
            future("connections"),
            &["0.2.0", "0.1.0", "rebuild"],
        ),
        (
            "more than anything is looked at",
            vec![0; (64 << 20) + 1],
            &["67108865 bytes", "at most 67108864"],
        ),
        (
            "it traps when it starts",
            read(&artefacts::guest("bad-start")),
            &["does not start", "on-started"],
        ),
        (
            "it never gets ready",
            read(&artefacts::guest_with("bad-start", "spin")),
            &["does not start", "on-started", "call_time"],
        ),
    ];
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file.setup().start();
    let mut client = Client::open(&server, "/");
    let mut count = 0;
    let mut check = |generation: u32| {
        count += 1;
        let answer = Answer::parse(&client.ask_text("x"));
        assert_eq!((answer.generation, answer.count), (generation, count));
        let mut new = Client::open(&server, "/");
        assert_eq!(Answer::parse(&new.ask_text("y")).generation, generation);
    };
    check(0);
    let mut generation = 0;
    for (number, (name, bytes, parts)) in rows.iter().enumerate() {
        let said = file.refused(&server, bytes);
        let low = said.to_lowercase();
        for part in [parts, &["'stamped'"][..]].concat() {
            assert!(
                low.contains(&part.to_lowercase()),
                "{name}: {part:?} is not in: {said}"
            );
        }
        check(generation);
        // Every second time something good comes next, every other time the next bad one.
        if number % 2 == 1 {
            generation += 1;
            file.swap(&server, &stamped(generation, ""));
            check(generation);
        }
    }
    assert_eq!(server.log().count(&["panicked at host"]), 0);
}

/// A file that is gone for a moment, as compilers have it, or is written without a change, is no new version.
#[test]
fn a_file_that_is_gone_or_the_same() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file.setup().start();
    let mut client = Client::open(&server, "/");
    let before = server.log().mark();
    std::fs::remove_file(file.path()).expect("removing a file");
    let said = refusal(&server, before);
    assert!(said.contains("no such file"), "{said}");
    assert_eq!(Answer::parse(&client.ask_text("x")).generation, 0);
    // Back as it was: served already.
    file.replace(&stamped(0, ""));
    server
        .log()
        .wait_for_parts(&["stamped: ", "nothing changed"]);
    assert_eq!(server.log().count(&["→"]), 0);
    // Written in place, in pieces, as `cp` does it: in the end it is there.
    let new = stamped(1, "");
    let before = server.log().mark();
    std::fs::write(file.path(), &new[..new.len() / 3]).expect("writing a part");
    std::fs::write(file.path(), &new).expect("writing all");
    file.swapped(&server, before, &new);
    assert_eq!(Answer::parse(&client.ask_text("x")).generation, 1);
}

/// Saved many times in a row: the last one serves in the end, and no older one after it.
#[test]
fn many_saves_in_a_row() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file.setup().start();
    let mut client = Client::open(&server, "/");
    let mut last = 0;
    for generation in 1..=60 {
        file.replace(&stamped(generation, ""));
        let answer = Answer::parse(&client.ask_text("x"));
        assert!(
            answer.generation >= last,
            "back from {last} to {}",
            answer.generation
        );
        last = answer.generation;
        // As fast as a person who holds the key down.
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    eventually("the last version serves", || {
        Answer::parse(&client.ask_text("x")).generation == 60
    });
}

/// Two plugins of one server are swapped on their own, at the same time.
#[test]
fn two_plugins_at_once() {
    let one = PluginFile::new("one", &stamped(0, ""));
    let two = PluginFile::new("two", &stamped(0, ""));
    let server = one
        .setup()
        .plugin(two.plugin())
        .route("/two", &["two"])
        .start();
    let mut of_one = Client::open(&server, "/");
    let mut of_two = Client::open(&server, "/two");
    for generation in 1..=5 {
        let before = server.log().mark();
        one.replace(&stamped(generation, ""));
        two.replace(&stamped(100 + generation, ""));
        one.swapped(&server, before, &stamped(generation, ""));
        two.swapped(&server, before, &stamped(100 + generation, ""));
        assert_eq!(Answer::parse(&of_one.ask_text("x")).generation, generation);
        let answer = Answer::parse(&of_two.ask_text("x"));
        assert_eq!(answer.generation, 100 + generation);
    }
    // A bad version of one is none of the other's business.
    one.refused(&server, b"noise");
    two.swap(&server, &stamped(200, ""));
    assert_eq!(Answer::parse(&of_one.ask_text("x")).generation, 5);
    assert_eq!(Answer::parse(&of_two.ask_text("x")).generation, 200);
}

/// Bad and good files in turn, wherever the instances are.
#[test]
fn bad_and_good_in_turn_in_every_mode() {
    let modes = ["\"worker\"", "\"single\"", "\"connection\"", "{ pool = 2 }"];
    table(
        &modes,
        |mode| mode,
        |mode| {
            let file = PluginFile::new("stamped", &stamped(0, ""));
            let server = file.setup_with(file.plugin().instances(mode)).start();
            let mut client = Client::open(&server, "/");
            let mut generation_now = || Answer::parse(&client.ask_text("x")).generation;
            assert_eq!(generation_now(), 0);
            for generation in 1..=3 {
                file.refused(&server, b"noise");
                assert_eq!(generation_now(), generation - 1);
                file.refused(&server, &stamped(generation, "start=trap"));
                assert_eq!(generation_now(), generation - 1);
                file.swap(&server, &stamped(generation, ""));
                assert_eq!(generation_now(), generation);
            }
        },
    );
}
