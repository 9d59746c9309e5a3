//! Swaps at the moments that are hard to get right: in the middle of a message, of a close, of a call, of an
//! upgrade, and while a slow reader's queue is full.

use std::time::Duration;

use e2e::frame::{CLOSE, CONTINUATION, TEXT, Wire};
use e2e::versions::{Answer, PluginFile, stamped, stateless};
use e2e::{Client, Incoming, Request, Server, eventually, table};

/// One worker, so that all connections share what there is to share, and calls that may take long.
fn start(file: &PluginFile) -> Server {
    let plugin = file
        .plugin()
        .limit("call_time", "\"20 s\"")
        .limit("wait_time", "\"20 s\"");
    file.setup_with(plugin).workers(1).start()
}

/// A server that serves generation 0 and has generation 1 in its cache, so that the swap to it is quick.
fn start_before(component: fn(u32, &str) -> Vec<u8>) -> (PluginFile, Server) {
    let file = PluginFile::new("stamped", &component(1, ""));
    let server = start(&file);
    file.swap(&server, &component(0, ""));
    (file, server)
}

/// Waits until a call runs that takes its time.
#[track_caller]
fn begun(server: &Server, since: usize) {
    server.log().wait_since(since, "that a call runs", |line| {
        line.contains("begins to").then_some(())
    });
}

#[track_caller]
fn ask(client: &mut Client, text: &str) -> Answer {
    client.text(text);
    answered(client, text)
}

#[track_caller]
fn answered(client: &mut Client, text: &str) -> Answer {
    let answer = Answer::parse(&client.expect_text());
    assert_eq!(answer.text, text);
    answer
}

/// Wherever the message is cut, it arrives whole, once, and is the new version's.
#[test]
fn in_the_middle_of_a_message() {
    let fragments = [
        Wire::new(TEXT, "first, ").more().bytes(),
        Wire::new(CONTINUATION, "second, ").more().bytes(),
        Wire::new(CONTINUATION, "third").bytes(),
    ];
    let bytes = fragments.concat();
    let first = fragments[0].len();
    let rows = [
        ("between two fragments", first),
        ("behind two fragments", first + fragments[1].len()),
        ("in a frame's header", first + 1),
        ("in a frame's mask", first + 4),
        ("in a frame's payload", first + 9),
        ("behind the first byte", 1),
    ];
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = start(&file);
    for (generation, (name, cut)) in (1..).zip(rows) {
        let mut client = Client::open(&server, "/");
        let before = ask(&mut client, "before");
        assert_eq!(
            (before.generation, before.count),
            (generation - 1, 1),
            "{name}"
        );
        client.write(&bytes[..cut]);
        // What was written is read before the swap: the same socket answers a ping first.
        let mut other = Client::open(&server, "/");
        ask(&mut other, "behind it");
        file.swap(&server, &stamped(generation, ""));
        client.write(&bytes[cut..]);
        let answer = answered(&mut client, "first, second, third");
        assert_eq!((answer.generation, answer.count), (generation, 2), "{name}");
        client.close(1000, "");
    }
}

/// `on-disconnected` comes exactly once, whichever side began, and from the version that serves at the end.
#[test]
fn in_the_middle_of_a_close() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = start(&file);
    // Begun by the client: half of its close frame before the swap, half of it behind.
    let mut client = Client::open(&server, "/");
    ask(&mut client, "before");
    let frame = Wire::close(4001, "leaving").bytes();
    client.write(&frame[..5]);
    file.swap(&server, &stamped(1, ""));
    client.write(&frame[5..]);
    client.expect_close(4001);
    client.expect_fin();
    server.log().wait_for_parts(&["disconnected", "4001 in 1"]);
    // Begun by the plugin: its close frame is out, the client's comes behind the swap.
    let mut client = Client::open(&server, "/");
    client.text("close 4002");
    assert_eq!(client.expect_close(4002), "asked to");
    file.swap(&server, &stamped(2, ""));
    client.send(&Wire::close(4002, ""));
    client.expect_fin();
    server.log().wait_for_parts(&["disconnected", "4002 in 2"]);
    // The client vanishes without a word while the swap goes on.
    let client = Client::open(&server, "/");
    let before = server.log().mark();
    file.replace(&stamped(3, ""));
    client.reset();
    file.swapped(&server, before, &stamped(3, ""));
    server.log().wait_for_parts(&["disconnected", "1006 in"]);
    // Open to the end: its own end without a word would be counted with the one above.
    let mut last = Client::open(&server, "/");
    assert_eq!(ask(&mut last, "x").generation, 3);
    for code in ["4001", "4002", "1006"] {
        assert_eq!(
            server
                .log()
                .count(&["disconnected", &format!(" {code} in")]),
            1,
            "{code}"
        );
    }
}

/// A call that runs ends on its version; what waits behind it on the same connection is the new version's.
#[test]
fn in_the_middle_of_a_call() {
    type Component = fn(u32, &str) -> Vec<u8>;
    let rows: [(&str, Component, &str); 4] = [
        ("it computes, with state", stamped, "spin 2000"),
        ("it waits, with state", stamped, "rest 2000"),
        ("it computes, without state", stateless, "spin 2000"),
        ("it waits, without state", stateless, "rest 2000"),
    ];
    table(
        &rows,
        |row| row.0,
        |(_, component, long)| {
            let (file, server) = start_before(*component);
            let mut busy = Client::open(&server, "/");
            let mut other = Client::open(&server, "/");
            ask(&mut other, "before");
            let before = server.log().mark();
            busy.text(long);
            busy.text("behind it");
            begun(&server, before);
            file.swap(&server, &component(1, ""));
            other.text("behind the swap");
            let first = answered(&mut busy, long);
            assert_eq!(
                (first.generation, first.count),
                (0, 1),
                "it ends where it began"
            );
            let second = answered(&mut busy, "behind it");
            assert_eq!((second.generation, second.count), (1, 2));
            assert_eq!(answered(&mut other, "behind the swap").generation, 1);
            // The old version's instance was told, once, when its last call was over.
            server.log().wait_for_parts(&["shut down 0"]);
            assert_eq!(server.log().count(&["shut down 0"]), 1);
            assert_eq!(server.log().count(&["a plugin's call failed"]), 0);
        },
    );
}

/// Without state to carry, nobody waits for a call of the old version: the new one serves beside it.
#[test]
fn without_state_the_new_version_does_not_wait_for_the_old_one() {
    let (file, server) = start_before(stateless);
    let mut resting = Client::open(&server, "/");
    let mut other = Client::open(&server, "/");
    ask(&mut other, "before");
    let before = server.log().mark();
    resting.text("rest 3000");
    begun(&server, before);
    file.swap(&server, &stateless(1, ""));
    assert_eq!(ask(&mut other, "meanwhile").generation, 1);
    assert!(
        matches!(
            resting.incoming(Duration::from_millis(1)),
            Incoming::Nothing
        ),
        "the old version's call still rests"
    );
    assert_eq!(answered(&mut resting, "rest 3000").generation, 0);
    assert_eq!(ask(&mut resting, "behind it").generation, 1);
}

/// A call that never ends is stopped at its limit, and the swap that waited for it goes on.
#[test]
fn behind_a_call_that_does_not_end() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file.setup().workers(1).start();
    let mut endless = Client::open(&server, "/");
    let mut other = Client::open(&server, "/");
    endless.text("spin 60000");
    file.swap(&server, &stamped(1, ""));
    endless.expect_closed(1011);
    assert_eq!(ask(&mut other, "x").generation, 1);
}

/// A call that may take longer than a swap waits: the swap is given up, and nothing stays held when the call is over.
#[test]
fn a_swap_that_is_given_up_holds_nothing() {
    for mode in ["\"worker\"", "\"connection\""] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let plugin = file.plugin().instances(mode).limit("wait_time", "\"60 s\"");
        let server = file.setup_with(plugin).workers(1).start();
        let mut resting = Client::open(&server, "/");
        let mut other = Client::open(&server, "/");
        assert_eq!(ask(&mut other, "before").generation, 0);
        let before = server.log().mark();
        resting.text("rest 36000");
        begun(&server, before);
        let said = file.refused(&server, &stamped(1, ""));
        assert!(said.contains("not ready within"), "{said}");
        if mode == "\"connection\"" {
            assert_eq!(ask(&mut other, "at once").generation, 0);
        }
        let answer = answered(&mut resting, "rest 36000");
        assert_eq!((answer.generation, answer.count), (0, 1));
        assert_eq!(ask(&mut resting, "behind it").generation, 0);
        assert_eq!(ask(&mut other, "behind it").generation, 0);
        // And the next one is not in anybody's way.
        file.swap(&server, &stamped(2, ""));
        assert_eq!(ask(&mut resting, "last").generation, 2);
        assert_eq!(ask(&mut other, "last").generation, 2);
    }
}

/// An upgrade that is under way ends on the version that looks at it, whatever it decides.
#[test]
fn in_the_middle_of_an_upgrade() {
    let upgrade = |target: &str| Request::upgrade(target).bytes();
    for (target, status) in [("/?rest=2000&reject=1", 403), ("/?rest=2000", 101)] {
        let (file, server) = start_before(stateless);
        let before = server.log().mark();
        let mut client = Client::tcp(server.address());
        client.write(&upgrade(target));
        begun(&server, before);
        // Half a request beside it, which nobody has looked at yet.
        let mut late = Client::tcp(server.address());
        late.write(&upgrade("/?reject=1")[..40]);
        // No RFC 6455 upgrade at all: refused as ever, whoever serves.
        let mut wrong = Client::tcp(server.address());
        let request = Request::upgrade("/")
            .with("Sec-WebSocket-Version", "7")
            .bytes();
        wrong.write(&request[..request.len() - 2]);
        file.swap(&server, &stateless(1, ""));
        late.write(&upgrade("/?reject=1")[40..]);
        wrong.write(b"\r\n");
        let response = late.response();
        assert_eq!(
            (response.status, response.text().trim()),
            (403, "refused by 1")
        );
        assert_eq!(wrong.response().status, 426);
        let response = client.response();
        assert_eq!(response.status, status);
        if status == 403 {
            assert_eq!(response.text().trim(), "refused by 0");
            client.expect_fin();
        } else {
            assert_eq!(response.field("x-generation"), Some("0"));
            let answer = ask(&mut client, "hello");
            assert_eq!((answer.generation, answer.count), (1, 1));
        }
    }
}

/// What the old version sent waits in the host and arrives whole and in order, before anything of the new one.
#[test]
fn while_the_queue_to_a_slow_reader_is_full() {
    const PARTS: usize = 60;
    const BYTES: usize = 60_000;
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = start(&file);
    let mut slow = Client::tcp_with_small_window(server.address(), 4096);
    slow.write(&Request::upgrade("/").bytes());
    slow.upgraded();
    slow.text(&format!("flood {PARTS} {BYTES}"));
    let mut other = Client::open(&server, "/");
    // One worker and one instance: answered behind the flood.
    eventually("the flood is in the queue", || {
        ask(&mut other, "x").number > 2
    });
    slow.text("behind it");
    for generation in 1..=3 {
        file.swap(&server, &stamped(generation, ""));
        assert_eq!(ask(&mut other, "y").generation, generation);
    }
    for part in 0..PARTS {
        let bytes = slow.expect_binary();
        assert_eq!(bytes.len(), BYTES);
        let expected = format!("0 flood {part} ..");
        assert_eq!(&bytes[..expected.len()], expected.as_bytes());
    }
    let flooded = answered(&mut slow, &format!("flood {PARTS} {BYTES}"));
    assert_eq!((flooded.generation, flooded.count), (0, 1));
    let behind = answered(&mut slow, "behind it");
    assert_eq!(behind.count, 2);
    assert_eq!(ask(&mut slow, "last").generation, 3);
    slow.send(&Wire::new(CLOSE, ""));
    slow.expect_close(1005);
}
