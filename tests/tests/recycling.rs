//! Instances that have done enough are replaced by fresh ones between two calls, and nobody notices: no connection is
//! closed, no message lost, and what `save` gives is carried over.

use e2e::versions::{Answer, PluginFile, stamped, stateless};
use e2e::{Client, Plugin, Setup, eventually};

const RECYCLED: &str = "an instance was recycled";

#[track_caller]
fn ask(client: &mut Client) -> Answer {
    Answer::parse(&client.ask_text("x"))
}

/// After a number of calls, in every mode: each connection counts on, and so does the memory.
#[test]
fn after_a_number_of_calls() {
    const CLIENTS: u64 = 4;
    const EACH: u64 = 60;
    for (mode, shared) in [
        ("\"worker\"", true),
        ("\"single\"", true),
        ("\"connection\"", false),
        ("{ pool = 1 }", true),
    ] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let plugin = file
            .plugin()
            .instances(mode)
            .key("recycle", "{ calls = 20 }");
        let server = file.setup_with(plugin).workers(1).start();
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::open(&server, "/")).collect();
        for round in 1..=EACH {
            for (client, turn) in clients.iter_mut().zip(1..) {
                let number = if shared {
                    (round - 1) * CLIENTS + turn
                } else {
                    round
                };
                let answer = ask(client);
                assert_eq!((answer.count, answer.number), (round, number), "{mode}");
            }
        }
        // Every old one was told, and the last ones are alive.
        eventually("the old ones end", || {
            let recycled = server.log().count(&[RECYCLED]);
            recycled >= 4 && server.log().count(&["shut down 0"]) == recycled
        });
        assert_eq!(server.log().count(&["a plugin's call failed"]), 0, "{mode}");
        assert_eq!(server.log().count(&["could not be recycled"]), 0, "{mode}");
    }
}

/// Messages that are under way when it happens come to the fresh instance, each once and in order.
#[test]
fn in_a_stream_of_messages() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let plugin = file.plugin().key("recycle", "{ calls = 16 }");
    let server = file.setup_with(plugin).workers(1).start();
    let streams: Vec<_> = (0..3)
        .map(|_| {
            let mut client = Client::open(&server, "/");
            std::thread::spawn(move || {
                let frames =
                    (1..=300).map(|n| e2e::frame::Wire::new(e2e::frame::TEXT, format!("m {n}")));
                let frames: Vec<u8> = frames.flat_map(|frame| frame.bytes()).collect();
                client.write(&frames);
                let mut last = 0;
                for expected in 1..=300 {
                    let answer = Answer::parse(&client.expect_text());
                    assert_eq!(answer.count, expected);
                    assert_eq!(answer.text, format!("m {expected}"));
                    assert!(answer.number > last, "{answer:?} behind {last}");
                    last = answer.number;
                }
                last
            })
        })
        .collect();
    let numbers = streams
        .into_iter()
        .map(|stream| stream.join().expect("a stream"));
    assert_eq!(numbers.max(), Some(900), "no message was forgotten");
    assert!(server.log().count(&[RECYCLED]) > 20);
}

/// Without `save` and `restore` its memory is lost, as was asked for; connections and their attributes are not.
#[test]
fn without_state_memory_starts_again() {
    let file = PluginFile::new("stamped", &stateless(0, ""));
    let plugin = file.plugin().key("recycle", "{ calls = 20 }");
    let server = file.setup_with(plugin).workers(1).start();
    let mut client = Client::open(&server, "/");
    let answers: Vec<_> = (0..100).map(|_| ask(&mut client)).collect();
    assert!(answers.iter().map(|answer| answer.count).eq(1..=100));
    let fresh = answers.iter().filter(|answer| answer.number == 1).count();
    assert!(fresh > 3, "{fresh} instances");
}

/// Memory that only grows never meets its limit: at the mark, or at three quarters of the limit for plugins with
/// `state`, there is a fresh instance.
#[test]
fn above_a_mark_of_memory() {
    for (recycle, limit) in [
        (Some("{ memory_bytes = \"16 MiB\" }"), "\"64 MiB\""),
        (None, "\"64 MiB\""),
    ] {
        let mut plugin = Plugin::guest("hostile").limit("memory_bytes", limit);
        if let Some(recycle) = recycle {
            plugin = plugin.key("recycle", recycle);
        }
        let server = Setup::new()
            .workers(1)
            .plugin(plugin)
            .route("/", &["hostile"])
            .start();
        let mut client = Client::open(&server, "/");
        // Three times what the limit allows.
        for _ in 0..192 {
            assert_eq!(client.ask_text("keep 1"), "kept");
        }
        assert!(server.log().count(&[RECYCLED]) >= 3, "{recycle:?}");
        assert_eq!(server.log().count(&["a plugin's call failed"]), 0);
    }
}

/// An instance whose `save` refuses goes on with what it remembers, and that is said.
#[test]
fn what_cannot_be_carried_goes_on() {
    let file = PluginFile::new("stamped", &stamped(0, "save=refuse"));
    let plugin = file.plugin().key("recycle", "{ calls = 20 }");
    let server = file.setup_with(plugin).workers(1).start();
    let mut client = Client::open(&server, "/");
    for number in 1..=100 {
        assert_eq!(ask(&mut client).number, number);
    }
    server
        .log()
        .wait_for_parts(&["could not be recycled", "will not be saved"]);
    assert_eq!(server.log().count(&[RECYCLED]), 0);
}
