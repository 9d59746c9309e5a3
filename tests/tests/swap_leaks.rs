//! Hundreds of swaps leave nothing behind: no old version's code is mapped any more, no instance of one is alive, and
//! the server's memory stays where it was.

use e2e::admin::{Admin, with_admin};
use e2e::process::resident_kib;
use e2e::versions::{Answer, PluginFile, handwritten, stamped, start_unwatched};
use e2e::{Client, Server, eventually};

/// Swaps after which everything that is kept once is there.
const WARM: u32 = 50;
/// What the server may grow by afterwards. A version that is kept costs some 100 KiB or more.
const SLACK_KIB: u64 = 20 * 1024;

/// Mapped code that is in no file: compiled components.
fn code_mappings(server: &Server) -> usize {
    let maps =
        std::fs::read_to_string(format!("/proc/{}/maps", server.pid())).expect("/proc/PID/maps");
    maps.lines()
        .filter(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let executable = fields.next().is_some_and(|access| access.contains('x'));
            executable && fields.nth(2) == Some("0")
        })
        .count()
}

/// Swaps to `last` by SIGHUP, with open connections that ask now and then.
fn swap_on(
    server: &Server,
    file: &PluginFile,
    clients: &mut [Client],
    generations: std::ops::RangeInclusive<u32>,
    component: impl Fn(u32) -> Vec<u8>,
) {
    for generation in generations {
        let component = component(generation);
        let before = server.log().mark();
        file.replace(&component);
        server.signal("HUP");
        file.swapped(server, before, &component);
        if generation % 10 == 0 {
            for client in clients.iter_mut() {
                assert_eq!(Answer::parse(&client.ask_text("x")).generation, generation);
            }
        }
    }
}

fn leaves_nothing(mode: &str, swaps: u32, component: impl Fn(u32) -> Vec<u8>) {
    let file = PluginFile::new("stamped", &component(0));
    let plugin = file.plugin().instances(mode).limit("log_lines", "100000");
    let server = start_unwatched(&file.setup_with(plugin).variable("RUST_LOG", "info"));
    let mut clients: Vec<_> = (0..10).map(|_| Client::open(&server, "/")).collect();
    let first = code_mappings(&server);
    swap_on(&server, &file, &mut clients, 1..=WARM, &component);
    let (code, memory) = (code_mappings(&server), resident_kib(server.pid()));
    // The version before is kept, to go back to: so the measure sees a version that is kept.
    assert!(code > first, "{first} pieces of code, then {code}");
    swap_on(&server, &file, &mut clients, WARM + 1..=swaps, &component);
    // The last old version may still be ending, and one that could be gone back to is kept.
    eventually("old versions are gone", || code_mappings(&server) <= code);
    let now = resident_kib(server.pid());
    eprintln!(
        "{mode}, {swaps} swaps: {memory} KiB, then {now} KiB; {code} pieces of code, then {}",
        code_mappings(&server)
    );
    assert!(now <= memory + SLACK_KIB, "{memory} KiB became {now} KiB");
    for client in clients {
        client.close(1000, "");
    }
}

#[test]
fn five_hundred_swaps_leave_nothing_behind() {
    leaves_nothing("\"worker\"", 500, |generation| {
        wat::parse_str(handwritten(generation)).expect("a component in text form")
    });
}

#[test]
fn nor_does_memory_that_is_carried_over_for_each_connection() {
    leaves_nothing("\"connection\"", 120, |generation| stamped(generation, ""));
}

/// Every instance of an old version is told that it is over, once, and is gone.
#[test]
fn every_old_instance_is_told() {
    for (mode, instances) in [("\"worker\"", 2), ("\"single\"", 1), ("\"connection\"", 10)] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let plugin = file.plugin().instances(mode).limit("log_lines", "100000");
        let server = start_unwatched(&file.setup_with(plugin));
        let mut clients: Vec<_> = (0..10).map(|_| Client::open(&server, "/")).collect();
        let ask_all = |clients: &mut Vec<Client>| {
            for client in clients {
                client.ask_text("x");
            }
        };
        ask_all(&mut clients);
        for generation in 1..=10 {
            swap_on(&server, &file, &mut clients, generation..=generation, |g| {
                stamped(g, "")
            });
            ask_all(&mut clients);
        }
        for generation in 0..10 {
            let told = format!("shut down {generation} ");
            eventually("the old instances are told", || {
                server.log().count(&[&told]) >= instances
            });
            assert_eq!(
                server.log().count(&[&told]),
                instances,
                "{mode}, generation {generation}"
            );
        }
        assert_eq!(
            server.log().count(&["shut down 10 "]),
            0,
            "{mode}: it still serves"
        );
    }
}

/// However many instances do not return from `on-shutdown`, the old version has an end.
#[test]
fn instances_that_do_not_return_from_on_shutdown_are_dropped() {
    const CLIENTS: usize = 60;
    let file = PluginFile::new("stamped", &stamped(0, "shutdown=spin"));
    let plugin = file
        .plugin()
        .instances("\"connection\"")
        .limit("shutdown_time", "\"100 ms\"");
    let server = start_unwatched(&with_admin(file.setup_with(plugin).workers(1)));
    let admin = Admin::of(&server);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::open(&server, "/")).collect();
    for client in &mut clients {
        client.ask_text("x");
    }
    let instances = |role: &str| {
        let list = admin.get("/v1/plugins").expect(200).clone();
        let versions = list["plugins"][0]["versions"].as_array().cloned();
        let found = versions.and_then(|all| all.into_iter().find(|one| one["role"] == role));
        found.and_then(|version| version["instances"].as_u64())
    };
    assert_eq!(instances("serving"), Some(CLIENTS as u64));
    admin
        .put("/v1/plugins/stamped", &stamped(1, ""))
        .expect(200);
    eventually("the old instances are gone", || {
        instances("previous") == Some(0)
    });
    for client in &mut clients {
        assert_eq!(Answer::parse(&client.ask_text("x")).generation, 1);
    }
    let stopped = server.log().count(&["on-shutdown", "shutdown_time"]);
    assert!((1..=11).contains(&stopped), "{stopped} were told");
}
