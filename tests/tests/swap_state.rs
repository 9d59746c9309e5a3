//! What a swap carries over: guest memory with `save` and `restore`, in every mode that has some, for all workers
//! or for none.

use std::collections::BTreeMap;

use e2e::versions::{Answer, PluginFile, stamped};
use e2e::{Client, Crowd, PATIENCE, Server, table};

/// Connections enough that two workers have some each (the server gives a socket to the worker with the fewest).
const CONNECTIONS: usize = 32;

#[track_caller]
fn ask(client: &mut Client, text: &str) -> Answer {
    Answer::parse(&client.ask_text(text))
}

fn start(file: &PluginFile, mode: &str) -> Server {
    file.setup_with(file.plugin().instances(mode)).start()
}

fn open(server: &Server) -> Vec<Client> {
    (0..CONNECTIONS)
        .map(|_| Client::open(server, "/"))
        .collect()
}

/// Everybody asks once; how often each number came.
fn round(clients: &mut [Client], generation: u32, seen: &mut BTreeMap<u64, usize>) {
    for client in clients {
        let answer = ask(client, "count");
        assert_eq!(answer.generation, generation);
        *seen.entry(answer.number).or_default() += 1;
    }
}

/// How many memories gave these numbers, each counting from 1 without a gap.
fn memories(seen: &BTreeMap<u64, usize>) -> usize {
    let mut before = usize::MAX;
    for (expected, (number, times)) in (1..).zip(seen) {
        assert_eq!(*number, expected, "a number is missing: {seen:?}");
        assert!(*times <= before, "a memory skipped a number: {seen:?}");
        before = *times;
    }
    seen.get(&1).copied().unwrap_or(0)
}

#[test]
fn memory_is_carried_in_every_mode_that_has_one() {
    let rows = [
        ("\"worker\"", 2),
        ("\"single\"", 1),
        ("\"connection\"", CONNECTIONS),
    ];
    table(
        &rows,
        |row| row.0,
        |&(mode, expected)| {
            let file = PluginFile::new("stamped", &stamped(0, ""));
            let server = start(&file, mode);
            let mut clients = open(&server);
            let mut seen = BTreeMap::new();
            round(&mut clients, 0, &mut seen);
            for generation in 1..=3 {
                file.swap(&server, &stamped(generation, ""));
                round(&mut clients, generation, &mut seen);
            }
            assert_eq!(memories(&seen), expected, "memories in all: {seen:?}");
            assert_eq!(seen.values().sum::<usize>(), 4 * CONNECTIONS);
            // A connection of its own has the memory of its own, nobody else's.
            if mode == "\"connection\"" {
                assert_eq!(ask(&mut Client::open(&server, "/"), "count").number, 1);
            }
        },
    );
}

/// Between `save` and the switch no call gets in whose effect on memory would be forgotten.
#[test]
fn no_call_is_forgotten_between_save_and_the_switch() {
    for mode in ["\"worker\"", "\"single\"", "\"connection\""] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let server = start(&file, mode);
        let mut crowd = Crowd::open(&server, "/", 100);
        let mut messages = vec![1_u64; crowd.len()];
        let mut numbers = vec![0; crowd.len()];
        (0..crowd.len()).for_each(|member| crowd.text(member, "count"));
        std::thread::scope(|scope| {
            let swaps = scope.spawn(|| {
                for generation in 1..=10 {
                    file.swap(&server, &stamped(generation, ""));
                }
            });
            let mut waiting = crowd.len();
            while waiting > 0 {
                for (member, text) in crowd.texts(PATIENCE) {
                    let answer = Answer::parse(&text);
                    assert!(answer.number > numbers[member], "{mode}: memory went back");
                    numbers[member] = answer.number;
                    assert_eq!(answer.count, messages[member], "{mode}");
                    if swaps.is_finished() {
                        waiting -= 1;
                    } else {
                        crowd.text(member, "count");
                        messages[member] += 1;
                    }
                }
            }
            swaps.join().expect("the swaps");
        });
        let sum: u64 = messages.iter().sum();
        match mode {
            "\"connection\"" => assert_eq!(numbers, messages, "each its own"),
            "\"single\"" => assert_eq!(numbers.iter().max(), Some(&sum), "one for all"),
            _ => {
                // The last number of each worker is how many messages it got; nobody got one twice.
                let most = numbers.iter().max().copied().unwrap_or_default();
                let rest = sum - most;
                assert!(numbers.contains(&rest), "{most} + x = {sum}: {numbers:?}");
            }
        }
        assert_eq!(server.log().count(&["a plugin's call failed"]), 0, "{mode}");
    }
}

/// One worker's new instance does not want what it is given; the other's would. The old version stays on both,
/// with its memory.
#[test]
fn a_refusal_on_one_worker_keeps_the_old_version_on_all() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = start(&file, "\"worker\"");
    let mut clients = open(&server);
    // Connections alternate between the workers; only the first one's worker gets beyond 100.
    for _ in 0..120 {
        ask(&mut clients[0], "count");
    }
    let numbers: Vec<u64> = clients
        .iter_mut()
        .map(|client| ask(client, "count").number)
        .collect();
    let beyond = |number: &&u64| **number > 100;
    assert!(numbers.iter().any(|number| *number < 100), "{numbers:?}");
    for (generation, faults) in (1..).zip(["restore=refuse-100", "restore=refuse"]) {
        let said = file.refused(&server, &stamped(generation, faults));
        assert!(
            said.contains("restore") && said.contains("not wanted"),
            "{said}"
        );
        let again: Vec<Answer> = clients
            .iter_mut()
            .map(|client| ask(client, "count"))
            .collect();
        assert!(
            again.iter().all(|answer| answer.generation == 0),
            "{again:?}"
        );
        let numbers: Vec<u64> = again.iter().map(|answer| answer.number).collect();
        assert!(
            numbers.iter().filter(beyond).count() >= 8,
            "memory was kept: {numbers:?}"
        );
        assert!(
            numbers.iter().filter(beyond).count() <= CONNECTIONS - 8,
            "{numbers:?}"
        );
    }
    // A version that wants it is taken by both, with all of it.
    file.swap(&server, &stamped(3, ""));
    let last: Vec<Answer> = clients
        .iter_mut()
        .map(|client| ask(client, "count"))
        .collect();
    assert!(last.iter().all(|answer| answer.generation == 3), "{last:?}");
    assert!(last.iter().any(|answer| answer.number > 160), "{last:?}");
}

/// Whatever goes wrong in the new version's `restore`, in whichever mode: nothing has changed.
#[test]
fn a_restore_that_fails_changes_nothing() {
    for mode in ["\"worker\"", "\"single\"", "\"connection\""] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let server = start(&file, mode);
        let mut clients = open(&server);
        let mut seen = BTreeMap::new();
        round(&mut clients, 0, &mut seen);
        let faults = [
            "restore=refuse",
            "restore=trap",
            "restore=spin",
            "start=trap",
        ];
        for (generation, faults) in (1..).zip(faults) {
            let said = file.refused(&server, &stamped(generation, faults));
            let word = faults.split('=').next().unwrap_or_default();
            let named = said.contains(word) || said.contains(&format!("on-{word}ed"));
            assert!(named, "{mode} {faults}: {said}");
            round(&mut clients, 0, &mut seen);
        }
        file.swap(&server, &stamped(9, ""));
        round(&mut clients, 9, &mut seen);
        let expected = match mode {
            "\"worker\"" => 2,
            "\"single\"" => 1,
            _ => CONNECTIONS,
        };
        assert_eq!(memories(&seen), expected, "{mode}: {seen:?}");
        assert_eq!(seen.values().sum::<usize>(), 6 * CONNECTIONS);
    }
}

/// The old version cannot, or will not, say what it remembers: it goes on, and says so.
#[test]
fn a_save_that_fails_keeps_the_old_version() {
    // What it does, what is said about it, whether the old instance has its memory still.
    let rows: [(&str, &[&str], bool); 6] = [
        ("save=refuse", &["save", "will not be saved"], true),
        ("save-mib=65", &["save", "68157440 bytes", "at most"], true),
        // So much is not even looked at: the guest is stopped, and that costs its memory.
        ("save-mib=1024", &["save", "more than"], false),
        // More than its memory can hold.
        ("save-mib=2047", &["save"], false),
        ("save=trap", &["save"], false),
        ("save=spin", &["save"], false),
    ];
    table(
        &rows,
        |row| row.0,
        |&(faults, said, keeps)| {
            let file = PluginFile::new("stamped", &stamped(0, faults));
            let plugin = file.plugin().limit("memory_bytes", "\"1280 MiB\"");
            let server = file.setup_with(plugin).workers(1).start();
            let mut client = Client::open(&server, "/");
            let mut other = Client::open(&server, "/");
            assert_eq!(ask(&mut client, "count").number, 1);
            let refusal = file.refused(&server, &stamped(1, ""));
            for part in said {
                assert!(refusal.contains(part), "{part:?} is not in: {refusal}");
            }
            let answer = ask(&mut client, "count");
            assert_eq!((answer.generation, answer.count), (0, 2));
            assert_eq!(answer.number == 2, keeps, "{answer:?}");
            assert_eq!(ask(&mut other, "count").generation, 0);
            assert_eq!(ask(&mut Client::open(&server, "/"), "count").generation, 0);
        },
    );
}

/// The instance is gone with its memory, and its connection; the swap goes on with a fresh one.
#[test]
fn a_trap_before_the_swap_leaves_nothing_to_carry() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file.setup().workers(1).start();
    let mut client = Client::open(&server, "/");
    let mut trapping = Client::open(&server, "/");
    assert_eq!(ask(&mut client, "count").number, 1);
    trapping.text("trap");
    trapping.expect_closed(1011);
    file.swap(&server, &stamped(1, ""));
    let answer = ask(&mut client, "count");
    assert_eq!((answer.generation, answer.count, answer.number), (1, 2, 1));
}
