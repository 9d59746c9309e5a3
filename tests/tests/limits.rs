//! The connection cap, and the proof that nothing is left behind: after ten thousand connections that vanish
//! in every state, descriptors, memory and the registry are back where they were.

use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::frame::{CONTINUATION, LengthForm, PING, TEXT, Wire};
use e2e::{Client, Request, Server, Setup, eventually, process};

#[test]
fn one_connection_too_many_is_503() {
    let server = Setup::echo().set("limits", "connections", "3").start();
    let mut open: Vec<Client> = (0..3).map(|_| Client::open(&server, "/echo")).collect();
    for _ in 0..5 {
        let mut extra = Client::tcp(server.address());
        extra.write(&Request::upgrade("/echo").bytes());
        let response = extra.response();
        assert_eq!(response.status, 503, "{response:?}");
        let retry = response.field("retry-after").expect("Retry-After");
        assert!(
            retry.parse::<u32>().is_ok_and(|seconds| seconds > 0),
            "{retry}"
        );
        assert_eq!(response.field("connection"), Some("close"));
        extra.expect_fin();
    }
    for client in &mut open {
        assert_eq!(client.ask_text("unharmed"), "unharmed");
    }
    // A place that becomes free can be taken.
    open.pop().expect("a client").close(1000, "");
    eventually("a free place is given away", || {
        let mut client = Client::tcp(server.address());
        client.write(&Request::upgrade("/echo").bytes());
        client.response().status == 101
    });
}

/// Out of descriptors: the server neither dies nor hangs nor burns a core, and serves on once some are free.
#[test]
fn out_of_descriptors() {
    let folder = e2e::temp::TempDir::new("descriptors");
    let config = folder.path().join("jackfield.toml");
    Setup::echo().workers(1).write_to(&config);
    let server = e2e::server::command();
    let mut command = std::process::Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -n 80; exec \"$0\" up --no-build --config \"$1\"",
        ])
        .arg(server.get_program())
        .arg(&config)
        .env("RUST_LOG", "warn,jackfield=info");
    let mut server = Server::spawn(command, folder);
    let mut before = Client::open(&server, "/echo");
    // Those that the kernel has accepted and the server cannot.
    let crowd: Vec<Client> = (0..150).map(|_| Client::tcp(server.address())).collect();
    for _ in 0..20 {
        assert_eq!(before.ask_text("still here"), "still here");
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    let ticks = process::cpu_ticks(server.pid());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let used = process::cpu_ticks(server.pid()) - ticks;
    assert!(used < 50, "{used} of 100 ticks: it spins on accept");
    let lines = server.log().text().lines().count();
    assert!(lines < 200, "{lines} lines of log");
    drop(crowd);
    let mut after = Client::open(&server, "/echo");
    assert_eq!(after.ask_text("and again"), "and again");
    assert!(server.is_running());
}

/// Sockets that never became connections count while they are open, and no longer.
#[test]
fn half_open_sockets_count_and_are_freed() {
    let server = Setup::echo().set("limits", "connections", "4").start();
    let half: Vec<Client> = (0..4)
        .map(|_| {
            let mut client = Client::tcp(server.address());
            client.write(b"GET ");
            client
        })
        .collect();
    eventually("the cap is reached", || {
        Client::ask(server.address(), Request::upgrade("/nobody").bytes()).status == 503
    });
    drop(half);
    eventually("the cap is free again", || {
        Client::ask(server.address(), Request::upgrade("/nobody").bytes()).status == 404
    });
}

/// An idle connection owns no buffer, also after it was used.
#[test]
fn idle_connections_are_cheap() {
    const CONNECTIONS: u64 = 2000;
    let server = Setup::echo()
        .variable("RUST_LOG", "warn,jackfield=info")
        .start();
    let open = |count: u64| -> Vec<Client> {
        let used = |_| {
            let mut client = Client::open(&server, "/echo");
            let text = "x".repeat(20_000);
            assert_eq!(client.ask_text(&text), text);
            client
        };
        (0..count).map(used).collect()
    };
    let _warm = open(200);
    let before = process::resident_kib(server.pid());
    let _idle = open(CONNECTIONS);
    let grown = process::resident_kib(server.pid()).saturating_sub(before);
    // Two to three KiB each in a debug build; a buffer of the smallest useful size would be more than this.
    assert!(
        grown < CONNECTIONS * 8,
        "{grown} KiB for {CONNECTIONS} idle connections"
    );
}

/// Connects, brings the connection into one of the states, and vanishes. Tells whether it got into that state.
fn vanish(server: &Server, state: usize, with_reset: bool) -> bool {
    let mut client = Client::tcp(server.address());
    let upgrade = Request::upgrade("/echo").bytes();
    // A server that has closed already is fine; nothing here is waited for but the upgrade.
    let later = |client: &mut Client, bytes: &[u8]| drop(client.try_write(bytes));
    let is_open = state >= 4 && {
        client.write(&upgrade);
        client.response().status == 101
    };
    match state {
        // Nothing sent; half a request; a whole one whose answer is never read; a refused one.
        0 => {}
        1 => later(&mut client, &upgrade[..upgrade.len() / 2]),
        2 => later(&mut client, &upgrade),
        3 => later(&mut client, &Request::get("/echo").bytes()),
        _ if !is_open => return false,
        // Upgraded and idle; in a frame's header; in a payload; in a message; behind a ping.
        4 => {}
        5 => later(&mut client, &[0x81]),
        6 => {
            let frame = Wire::new(TEXT, "x").declaring(60_000, LengthForm::Bits16);
            later(&mut client, &frame.bytes());
        }
        7 => {
            later(&mut client, &Wire::new(TEXT, "begun").more().bytes());
            later(&mut client, &Wire::new(CONTINUATION, "x").more().bytes());
        }
        8 => later(&mut client, &Wire::new(PING, "x").bytes()),
        // With a reply that is never read; after its own close frame; failed for an offence.
        9 => later(&mut client, &Wire::new(TEXT, "x".repeat(100_000)).bytes()),
        10 => later(&mut client, &Wire::close(1000, "").bytes()),
        _ => later(&mut client, &Wire::new(TEXT, "x").unmasked().bytes()),
    }
    if with_reset {
        client.reset();
    }
    true
}

const STATES: usize = 12;

/// So many of them, in turn; nearly all must have got where they should vanish.
fn storm(server: &Server, count: usize) {
    let next = AtomicUsize::new(0);
    let reached = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let with_reset = (number / STATES).is_multiple_of(2);
                    if vanish(server, number % STATES, with_reset) {
                        reached.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let reached = reached.into_inner();
    assert!(
        reached > count / 10 * 9,
        "only {reached} of {count} got into their state"
    );
}

/// Item 11 of the closing checklist.
#[test]
fn ten_thousand_abrupt_disconnects_leave_nothing_behind() {
    const PLACES: usize = 400;
    let setup = Setup::echo()
        .set("limits", "connections", &PLACES.to_string())
        .variable("RUST_LOG", "warn,jackfield=info");
    let server = setup.start();
    let fresh = server.settled_descriptors();
    let settled = || {
        eventually("descriptors back at the baseline", || {
            process::descriptors(server.pid()) <= fresh
        });
    };
    // The first storm pays for what is kept on purpose: buffers, the allocator's arenas.
    storm(&server, 2_000);
    settled();
    let warm = process::resident_kib(server.pid());
    storm(&server, 10_000);
    settled();
    let after = process::resident_kib(server.pid());
    // A leak of one kilobyte a connection would be ten megabytes.
    assert!(
        after <= warm + 4 * 1024,
        "{warm} KiB before, {after} KiB after"
    );
    // The registry is empty: every place can be taken again.
    let mut open: Vec<Client> = (0..PLACES)
        .map(|_| Client::open(&server, "/echo"))
        .collect();
    let mut extra = Client::tcp(server.address());
    extra.write(&Request::upgrade("/echo").bytes());
    assert_eq!(extra.response().status, 503);
    for client in &mut open {
        assert_eq!(client.ask_text("x"), "x");
    }
    assert!(!server.log().text().contains("panicked"));
}
