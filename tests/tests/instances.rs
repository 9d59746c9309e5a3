//! The four `instances` modes with two workers: who shares memory with whom, what a trap costs, and calls
//! that cross workers. The guest `counter` keeps a number in its memory.

use std::collections::BTreeMap;

use e2e::frame::{PING, TEXT, Wire};
use e2e::{Client, Incoming, Plugin, Server, Setup, eventually};
use std::time::Duration;

/// Connections enough that two workers have some each: that all of them land on one has a chance of 1 in 2^31.
const CONNECTIONS: usize = 32;

fn counter(mode: &str) -> Server {
    Setup::new()
        .plugin(Plugin::guest("counter").instances(mode))
        .route("/", &["counter"])
        .start()
}

fn open(server: &Server) -> Vec<Client> {
    (0..CONNECTIONS)
        .map(|_| Client::open(server, "/"))
        .collect()
}

fn count(client: &mut Client) -> u64 {
    client.ask_text("count").parse().expect("a number")
}

/// Every connection counts `rounds` times, in turn; how often each number came.
fn counts(clients: &mut [Client], rounds: usize) -> BTreeMap<u64, usize> {
    let mut seen = BTreeMap::new();
    for _ in 0..rounds {
        for client in clients.iter_mut() {
            *seen.entry(count(client)).or_default() += 1;
        }
    }
    seen
}

/// How many instances gave these numbers, each counting from 1: a number can come at most once from each, and
/// an instance that gave a number gave every smaller one.
fn instances(seen: &BTreeMap<u64, usize>) -> usize {
    let mut before = usize::MAX;
    for (expected, (number, times)) in (1..).zip(seen) {
        assert_eq!(*number, expected, "a number is missing: {seen:?}");
        assert!(*times <= before, "an instance skipped a number: {seen:?}");
        before = *times;
    }
    seen.get(&1).copied().unwrap_or(0)
}

#[test]
fn single_is_shared_by_all() {
    let server = counter("\"single\"");
    let seen = counts(&mut open(&server), 5);
    assert_eq!(instances(&seen), 1, "{seen:?}");
    assert_eq!(seen.len(), CONNECTIONS * 5);
}

#[test]
fn single_under_load_from_both_workers_loses_nothing() {
    let server = counter("\"single\"");
    let per_client = 200;
    let numbers: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::open(&server, "/");
                    let frames: Vec<u8> = (0..per_client)
                        .flat_map(|_| Wire::new(TEXT, "count").bytes())
                        .collect();
                    client.write(&frames);
                    let numbers: Vec<u64> = (0..per_client)
                        .map(|_| client.expect_text().parse().expect("a number"))
                        .collect();
                    assert!(numbers.is_sorted(), "answers out of order");
                    numbers
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a client"))
            .collect()
    });
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    let expected: Vec<u64> = (1..=8 * per_client).collect();
    assert_eq!(sorted, expected, "each number exactly once");
}

#[test]
fn worker_is_one_for_each_worker() {
    let server = counter("\"worker\"");
    let seen = counts(&mut open(&server), 5);
    assert_eq!(instances(&seen), 2, "{seen:?}");
    assert_eq!(seen.values().sum::<usize>(), CONNECTIONS * 5);
}

#[test]
fn connection_is_one_for_each_connection() {
    let server = counter("\"connection\"");
    let mut clients = open(&server);
    let seen = counts(&mut clients, 3);
    assert_eq!(instances(&seen), CONNECTIONS);
    assert!(seen.values().all(|times| *times == CONNECTIONS), "{seen:?}");
    // A trap costs the one, and its state, alone.
    clients[0].text("trap");
    clients[0].expect_close(1011);
    assert_eq!(count(&mut clients[1]), 4);
    assert_eq!(count(&mut Client::open(&server, "/")), 1);
}

#[test]
fn a_pool_has_at_most_its_size_on_each_worker() {
    let server = counter("{ pool = 2 }");
    let seen = counts(&mut open(&server), 5);
    assert!((1..=4).contains(&instances(&seen)), "{seen:?}");
    assert_eq!(seen.values().sum::<usize>(), CONNECTIONS * 5);
}

/// A trap costs its instance, nobody else's connection, and no message that was answered before.
#[test]
fn a_trap_costs_its_instance_only() {
    for mode in ["\"worker\"", "\"single\"", "{ pool = 1 }"] {
        let server = counter(mode);
        let mut clients = open(&server);
        assert_eq!(clients[0].ask_text("add 1000"), "1000");
        let mut trapping = clients.remove(0);
        let frames = ["add 5", "trap", "add 5"].map(|text| Wire::new(TEXT, text).bytes());
        trapping.write(&frames.concat());
        assert_eq!(trapping.expect_text(), "1005");
        trapping.expect_closed(1011);
        // Fresh memory, same connections.
        let numbers: Vec<u64> = clients.iter_mut().map(count).collect();
        assert!(
            numbers.iter().all(|number| *number <= CONNECTIONS as u64),
            "{mode}: {numbers:?}"
        );
        assert!(numbers.contains(&1), "{mode}: {numbers:?}");
        assert_eq!(server.log().count(&["panicked at host"]), 0);
    }
}

#[test]
fn an_unknown_mode_is_refused_in_words() {
    let folder = e2e::temp::TempDir::new("instances");
    let setup = Setup::new()
        .plugin(Plugin::guest("counter").instances("\"workers\""))
        .route("/", &["counter"]);
    let file = folder.path().join("jackfield.toml");
    setup.write_to(&file);
    let mut command = e2e::server::command();
    command.args(["up", "--no-build", "--config"]).arg(&file);
    let output = e2e::process::run(&mut command, e2e::PATIENCE);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("plugins.counter.instances") && text.contains("'worker'"),
        "{text}"
    );
}

/// In a pool, a call that waits in the host holds up neither its worker nor the other connections; on its own
/// connection, the next message waits for its turn.
#[test]
fn a_waiting_call_holds_up_its_own_connection_only() {
    for mode in ["{ pool = 4 }", "\"connection\""] {
        let server = Setup::new()
            .workers(1)
            .plugin(Plugin::guest("hostile").instances(mode))
            .route("/", &["hostile"])
            .start();
        let mut waiting = Client::open(&server, "/");
        let mut other = Client::open(&server, "/");
        waiting.text("rest 1500");
        waiting.text("text behind it");
        assert_eq!(other.ask_text("text meanwhile"), "meanwhile", "{mode}");
        assert_eq!(other.expect_text(), "ok");
        assert!(
            matches!(
                waiting.incoming(Duration::from_millis(1)),
                Incoming::Nothing
            ),
            "{mode}: the other one was not served meanwhile"
        );
        assert_eq!(waiting.expect_text(), "rested");
        assert_eq!(waiting.expect_text(), "behind it");
        assert_eq!(waiting.expect_text(), "ok");
    }
}

fn hostile(mode: &str) -> Server {
    Setup::new()
        .plugin(Plugin::guest("hostile").instances(mode))
        .route("/", &["hostile"])
        .set("limits", "close_timeout", "\"300 ms\"")
        .start()
}

/// From any connection to any other, on whichever worker: messages, pings, attributes, info, closes.
#[test]
fn every_connection_reaches_every_other() {
    for mode in ["\"worker\"", "\"connection\"", "\"single\"", "{ pool = 2 }"] {
        let server = hostile(mode);
        let mut clients = open(&server);
        let ids: Vec<String> = clients
            .iter_mut()
            .map(|client| client.ask_text("id"))
            .collect();
        let (asking, others) = clients.split_first_mut().expect("clients");
        for (other, id) in others.iter_mut().zip(&ids[1..]) {
            let commands = ["text hello", "ping 3", "set greeting hello", "get greeting"];
            let commands = commands
                .map(|command| format!("@{id} {command}"))
                .join("\n");
            assert_eq!(asking.ask_text(&commands), "ok\nok\nok\n= hello", "{mode}");
            assert_eq!(other.expect_text(), "hello");
            assert_eq!(other.expect_frame().opcode, PING);
            assert_eq!(other.ask_text("get greeting"), "= hello");
            let info = asking.ask_text(&format!("@{id} info"));
            let peer = format!("peer={} ", other.local_address());
            assert!(info.starts_with(&peer), "{mode}: {info}");
        }
        // Order: what one call sends to one connection arrives in the order of the calls.
        let last = ids.last().expect("ids");
        let commands: Vec<String> = (0..500)
            .map(|number| format!("@{last} text {number}"))
            .collect();
        let answers = asking.ask_text(&commands.join("\n"));
        assert!(
            answers.lines().all(|answer| answer == "ok"),
            "{mode}: {answers}"
        );
        let receiver = others.last_mut().expect("clients");
        for number in 0..500 {
            assert_eq!(receiver.expect_text(), number.to_string(), "{mode}");
        }
        // Every second one is closed, the others disconnected.
        for (number, (other, id)) in others.iter_mut().zip(&ids[1..]).enumerate() {
            let command = ["close 4005 from afar", "disconnect"][number % 2];
            assert_eq!(asking.ask_text(&format!("@{id} {command}")), "ok", "{mode}");
            match number % 2 {
                0 => assert_eq!(other.expect_close(4005), "from afar"),
                _ => other.expect_gone(),
            }
        }
        for id in &ids[1..] {
            eventually("gone everywhere", || {
                asking.ask_text(&format!("@{id} info")) == "none"
            });
        }
    }
}

/// Ids name connections of all workers, each once.
#[test]
fn ids_are_unique_over_all_workers() {
    let server = hostile("\"worker\"");
    let mut seen = std::collections::HashSet::new();
    for _ in 0..5 {
        let mut clients = open(&server);
        for client in &mut clients {
            assert!(seen.insert(client.ask_text("id")), "an id twice");
        }
    }
}
