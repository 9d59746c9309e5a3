//! Which connections a new version gets, and what happens when it does not do well: `drain`, `canary`, the rollback
//! in the first minutes, and routes that answer 503 for a while.

use e2e::admin::{Admin, with_admin};
use e2e::versions::{Answer, PluginFile, stamped};
use e2e::{Client, Incoming, PATIENCE, Plugin, Request, Response, Server, Setup, eventually};

#[track_caller]
fn ask(client: &mut Client) -> Answer {
    Answer::parse(&client.ask_text("x"))
}

fn setup(file: &PluginFile, policy: &str) -> Setup {
    file.setup_with(file.plugin().key("swap", policy))
}

fn open(server: &Server, count: usize) -> Vec<Client> {
    (0..count).map(|_| Client::open(server, "/")).collect()
}

#[track_caller]
fn all_on(clients: &mut [Client], generation: u32) {
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(ask(client).generation, generation, "connection {number}");
    }
}

/// The response to an upgrade, whatever it is.
#[track_caller]
fn knock(server: &Server) -> Response {
    let mut client = Client::tcp(server.address());
    client.write(&Request::upgrade("/").bytes());
    client.response()
}

#[test]
fn drain_leaves_open_connections_where_they_are() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = setup(&file, "{ drain = \"10 min\" }").start();
    let mut old = open(&server, 20);
    all_on(&mut old, 0);
    let line = file.swap(&server, &stamped(1, ""));
    assert!(line.contains("drain"), "{line}");
    let mut new = open(&server, 20);
    for _ in 0..3 {
        all_on(&mut old, 0);
        all_on(&mut new, 1);
    }
    assert_eq!(server.log().count(&["shut down 0"]), 0, "it still serves");
    // When the last of its connections has ended, the old version does too.
    for client in old {
        client.close(1000, "");
    }
    server.log().wait_for_parts(&["drained"]);
    eventually("both workers' old instances are told", || {
        server.log().count(&["shut down 0"]) == 2
    });
    assert_eq!(server.log().count(&["disconnected", "1000 in 0"]), 20);
    all_on(&mut new, 1);
}

#[test]
fn drain_ends_at_its_limit() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = setup(&file, "{ drain = \"2 s\" }").start();
    let mut old = open(&server, 20);
    all_on(&mut old, 0);
    let before = server.log().mark();
    file.swap(&server, &stamped(1, ""));
    server
        .log()
        .wait_since(before, "the end of the drain", |line| {
            line.contains("drained").then_some(())
        });
    // Moved, not closed, with the attributes that they had.
    for client in &mut old {
        let answer = ask(client);
        assert_eq!((answer.generation, answer.count), (1, 2));
    }
}

/// The instances that still run serve everybody again, with what they remember; the new version's are told.
#[test]
fn a_rollback_of_a_drain_goes_back_to_what_still_runs() {
    for mode in ["\"worker\"", "\"single\"", "\"connection\""] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let plugin = file.plugin().key("swap", "{ drain = \"10 min\" }");
        let setup = file.setup_with(plugin.instances(mode)).workers(1);
        let server = with_admin(setup).start();
        let admin = Admin::of(&server);
        let mut old = Client::open(&server, "/");
        for number in 1..=3 {
            assert_eq!(ask(&mut old).number, number, "{mode}");
        }
        file.swap(&server, &stamped(1, ""));
        let mut new = Client::open(&server, "/");
        let answer = ask(&mut new);
        assert_eq!((answer.generation, answer.number), (1, 1), "{mode}");
        let swap = admin.post("/v1/plugins/stamped/rollback");
        assert_eq!(swap.expect(200)["how"], "rollback");
        let answer = ask(&mut old);
        assert_eq!((answer.generation, answer.number), (0, 4), "{mode}");
        let answer = ask(&mut new);
        let number = if mode == "\"connection\"" { 1 } else { 5 };
        assert_eq!((answer.generation, answer.count), (0, 2), "{mode}");
        assert_eq!(answer.number, number, "{mode}");
        eventually("the version that is left is told", || {
            server.log().count(&["shut down 1"]) >= 1
        });
        assert_eq!(server.log().count(&["shut down 0"]), 0, "{mode}");
        let roles: Vec<_> = admin.versions("stamped").into_iter().map(|v| v.0).collect();
        assert_eq!(roles, ["serving", "previous"], "{mode}");
    }
}

/// Single instances live on one worker, and the connections of another ask there: they stay where they were too.
#[test]
fn drain_in_every_mode() {
    for mode in ["\"single\"", "\"connection\"", "{ pool = 2 }"] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let plugin = file.plugin().key("swap", "{ drain = \"10 min\" }");
        let server = file.setup_with(plugin.instances(mode)).start();
        let mut old = open(&server, 12);
        all_on(&mut old, 0);
        file.swap(&server, &stamped(1, ""));
        let mut new = open(&server, 12);
        all_on(&mut old, 0);
        all_on(&mut new, 1);
        // The next one: no connection ever goes back.
        file.swap(&server, &stamped(2, ""));
        let mut newest = open(&server, 12);
        all_on(&mut newest, 2);
        all_on(&mut new, 1);
        assert!(
            old.iter_mut().all(|client| ask(client).generation <= 1),
            "{mode}"
        );
        drop(old);
        drop(new);
        server.log().wait_for_parts(&["drained"]);
        all_on(&mut newest, 2);
        assert_eq!(server.log().count(&["a plugin's call failed"]), 0, "{mode}");
    }
}

/// The policy is changed while connections drain: they go over with everybody else, and nothing is left behind.
#[test]
fn live_ends_a_drain() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = setup(&file, "{ drain = \"10 min\" }").start();
    let mut old = open(&server, 12);
    all_on(&mut old, 0);
    file.swap(&server, &stamped(1, ""));
    let mut new = open(&server, 12);
    all_on(&mut old, 0);
    all_on(&mut new, 1);
    setup(&file, "\"live\"").write_to(&server.folder().path().join("jackfield.toml"));
    let before = server.log().mark();
    file.replace(&stamped(2, ""));
    server.signal("HUP");
    let line = file.swapped(&server, before, &stamped(2, ""));
    assert!(line.contains("live"), "{line}");
    eventually("the draining version is told", || {
        server.log().count(&["shut down 0"]) == 2
    });
    all_on(&mut old, 2);
    all_on(&mut new, 2);
    // The next swap finds nothing of it either.
    file.swap(&server, &stamped(3, ""));
    all_on(&mut old, 3);
    all_on(&mut new, 3);
}

#[test]
fn canary_has_its_share_and_keeps_it() {
    const EACH: usize = 200;
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = setup(&file, "{ canary = 25 }").start();
    let mut clients = open(&server, EACH);
    all_on(&mut clients, 0);
    let line = file.swap(&server, &stamped(1, ""));
    assert!(line.contains("canary"), "{line}");
    // Open connections and new ones alike.
    clients.append(&mut open(&server, EACH));
    let generations = |clients: &mut [Client]| -> Vec<u32> {
        clients
            .iter_mut()
            .map(|client| ask(client).generation)
            .collect()
    };
    let first = generations(&mut clients);
    for part in [&first[..EACH], &first[EACH..]] {
        let share = part.iter().filter(|generation| **generation == 1).count();
        assert!(
            (EACH / 8..=EACH * 3 / 8).contains(&share),
            "{share} of {EACH} for a quarter"
        );
    }
    for _ in 0..3 {
        assert_eq!(
            generations(&mut clients),
            first,
            "a connection changed its version"
        );
    }
    // One thing at a time.
    let said = file.refused(&server, &stamped(2, ""));
    assert!(
        said.contains("canary") && said.contains("promote"),
        "{said}"
    );
    assert_eq!(generations(&mut clients), first);
}

#[test]
fn a_canary_that_fails_is_taken_back() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let setup = setup(&file, "{ canary = 50 }").set("swap", "failures", "5");
    let server = setup.start();
    let mut clients = open(&server, 60);
    all_on(&mut clients, 0);
    file.swap(&server, &stamped(1, "message=trap"));
    let mut left = Vec::new();
    for mut client in clients {
        client.text("x");
        match client.incoming(PATIENCE) {
            Incoming::Frame(frame) if frame.opcode == e2e::frame::TEXT => {
                assert_eq!(Answer::parse(frame.text()).generation, 0);
                left.push(client);
            }
            Incoming::Frame(frame) => assert_eq!(frame.close_reason().0, Some(1011)),
            other => panic!("{other:?}"),
        }
    }
    let line = server
        .log()
        .wait_for_parts(&["stamped: ", "rollback", "calls failed"]);
    assert!(
        line.contains(&e2e::versions::digest(&stamped(0, ""))),
        "{line}"
    );
    assert!(
        (20..=56).contains(&left.len()),
        "{} were not with the canary",
        left.len()
    );
    all_on(&mut left, 0);
    all_on(&mut open(&server, 30), 0);
    // The way is free for the next one.
    let line = file.swap(&server, &stamped(2, ""));
    assert!(line.contains("canary"), "{line}");
}

/// A version that traps above the threshold in its first minutes: those whose calls trapped are closed, everybody
/// else finds the old version again, and whoever has nothing to do with it notices nothing.
#[test]
fn a_version_that_fails_is_rolled_back() {
    for (faults, percent) in [("message=trap", "10"), ("message=spin", "50")] {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let server = file
            .setup_with(file.plugin().limit("call_time", "\"50 ms\""))
            .plugin(Plugin::guest("echo"))
            .route("/echo", &["echo"])
            .set("swap", "failures", "8")
            .set("swap", "failure_percent", percent)
            .start();
        let mut others: Vec<_> = (0..10).map(|_| Client::open(&server, "/echo")).collect();
        let mut idle = open(&server, 20);
        all_on(&mut idle, 0);
        let mut victims = open(&server, 8);
        all_on(&mut victims, 0);
        file.swap(&server, &stamped(1, faults));
        for mut client in victims {
            client.text("x");
            client.expect_closed(1011);
            for other in &mut others {
                assert_eq!(other.ask_text("still here"), "still here");
            }
        }
        let line = server
            .log()
            .wait_for_parts(&["stamped: ", "rollback", "8 of "]);
        assert!(line.contains("calls failed"), "{line}");
        all_on(&mut idle, 0);
        assert!(
            idle.iter_mut().all(|client| ask(client).count == 3),
            "attributes are kept"
        );
        all_on(&mut open(&server, 4), 0);
        // It is not tried again by itself, and a better one is welcome.
        file.swap(&server, &stamped(2, ""));
        all_on(&mut idle, 2);
        for other in &mut others {
            assert_eq!(other.ask_text("all the time"), "all the time");
        }
    }
}

/// Below the threshold nothing happens: a trap now and then costs a connection, not the version.
#[test]
fn a_trap_now_and_then_is_no_reason_to_roll_back() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file
        .setup()
        .set("swap", "failures", "3")
        .set("swap", "failure_percent", "50")
        .start();
    let mut client = Client::open(&server, "/");
    ask(&mut client);
    file.swap(&server, &stamped(1, ""));
    for _ in 0..6 {
        let mut trapping = Client::open(&server, "/");
        trapping.text("trap");
        trapping.expect_closed(1011);
        for _ in 0..3 {
            assert_eq!(ask(&mut client).generation, 1);
        }
    }
    // The monitor has looked meanwhile, more than once.
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(ask(&mut client).generation, 1);
    assert_eq!(server.log().count(&["rollback"]), 0);
    assert_eq!(knock(&server).status, 101);
}

/// With nothing to go back to, the version is taken out: upgrades are answered 503 and say when to come again, each
/// time later; open connections and other plugins are left alone; a better version is served at once.
#[test]
fn a_version_that_fails_again_and_again_is_taken_out() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file
        .setup()
        .plugin(Plugin::guest("echo"))
        .route("/echo", &["echo"])
        .set("swap", "failures", "5")
        // Each upgrade below is a call or two that does not fail.
        .set("swap", "failure_percent", "1")
        .start();
    let mut idle = open(&server, 4);
    all_on(&mut idle, 0);
    let mut pauses = Vec::new();
    for round in 1..=3 {
        let victims = open(&server, 12);
        for mut client in victims {
            client.text("trap");
            client.expect_closed(1011);
        }
        let mut refusal = None;
        eventually("an upgrade is refused", || {
            let response = knock(&server);
            refusal = (response.status == 503).then_some(response);
            refusal.is_some()
        });
        let refusal = refusal.expect("a refusal");
        let after: u64 = refusal
            .field("retry-after")
            .expect("Retry-After")
            .parse()
            .expect("seconds");
        assert!(after >= 1, "{refusal:?}");
        pauses.push(after);
        let mut other = Client::open(&server, "/echo");
        assert_eq!(other.ask_text("not concerned"), "not concerned");
        for client in &mut idle {
            assert_eq!(ask(client).count, 1 + round);
        }
        if round < 3 {
            eventually("it is served again", || knock(&server).status == 101);
        }
    }
    assert!(
        pauses[0] <= pauses[1] && pauses[0] < pauses[2],
        "{pauses:?}"
    );
    server
        .log()
        .wait_for_parts(&["fails again and again", "503"]);
    file.swap(&server, &stamped(1, ""));
    all_on(&mut open(&server, 4), 1);
    all_on(&mut idle, 1);
}

/// A canary is judged for as long as it is one, also behind its probation.
#[test]
fn a_canary_that_fails_late_is_taken_back() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let setup = setup(&file, "{ canary = 50 }")
        .set("swap", "failures", "5")
        .set("swap", "probation", "\"200 ms\"");
    let server = setup.start();
    let mut clients = open(&server, 60);
    all_on(&mut clients, 0);
    file.swap(&server, &stamped(1, ""));
    // It does well for longer than that.
    for _ in 0..10 {
        assert!(clients.iter_mut().all(|client| ask(client).generation <= 1));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (canary, mut others): (Vec<_>, Vec<_>) = clients
        .into_iter()
        .map(|mut client| (ask(&mut client).generation, client))
        .partition(|(generation, _)| *generation == 1);
    assert!(canary.len() >= 15, "{} with the canary", canary.len());
    for (_, mut client) in canary.into_iter().take(15) {
        client.text("trap");
        client.expect_closed(1011);
    }
    server
        .log()
        .wait_for_parts(&["stamped: ", "rollback", "calls failed"]);
    all_on(&mut open(&server, 30), 0);
    assert!(
        others
            .iter_mut()
            .all(|(_, client)| ask(client).generation == 0)
    );
}

/// A version that fails behind its probation is taken out, each time for longer, and in the end the one before it
/// serves again.
#[test]
fn a_version_that_is_taken_out_again_and_again_is_rolled_back() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let server = file
        .setup()
        .set("swap", "failures", "5")
        .set("swap", "failure_percent", "1")
        .set("swap", "probation", "\"10 ms\"")
        .start();
    let mut idle = open(&server, 4);
    let mut victims = open(&server, 48);
    all_on(&mut idle, 0);
    file.swap(&server, &stamped(1, ""));
    all_on(&mut idle, 1);
    // Longer than the probation and a look.
    std::thread::sleep(std::time::Duration::from_millis(600));
    for round in 1..=4 {
        for mut client in victims.split_off(victims.len() - 12) {
            client.text("trap");
            client.expect_closed(1011);
        }
        if round < 4 {
            eventually("it is taken out", || {
                server.log().count(&["fails again and again"]) == round
            });
        }
    }
    let line = server.log().wait_for_parts(&["stamped: ", "rollback"]);
    assert!(line.contains("taken out 3 times in a row"), "{line}");
    all_on(&mut idle, 0);
    all_on(&mut open(&server, 4), 0);
}
