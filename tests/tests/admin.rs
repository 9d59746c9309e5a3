//! The admin API against the real server: who may ask, new versions of plugins, connections, and that whatever is wrong
//! changes nothing. Every answer is held against the server's own OpenAPI document (see `e2e::admin`).

use std::collections::{BTreeMap, BTreeSet};

use e2e::admin::{Admin, TOKEN, with_admin};
use e2e::frame::Wire;
use e2e::versions::{Answer, PluginFile, digest, stamped};
use e2e::{Client, Incoming, Plugin, Request, Server, Setup, artefacts, eventually, table};
use serde_json::Value;

/// A server with the guest `stamped` as generation 0 on `/`, and `echo` on `/echo`.
struct Site {
    server: Server,
    admin: Admin,
    _file: PluginFile,
}

impl Site {
    fn start() -> Site {
        Site::with(|setup| setup)
    }

    fn with(change: impl FnOnce(Setup) -> Setup) -> Site {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let setup = file
            .setup()
            .plugin(Plugin::guest("echo"))
            .route("/echo", &["echo"]);
        let server = change(with_admin(setup)).start();
        let admin = Admin::of(&server);
        Site {
            server,
            admin,
            _file: file,
        }
    }

    fn open(&self, count: usize) -> Vec<Client> {
        (0..count)
            .map(|_| Client::open(&self.server, "/"))
            .collect()
    }

    /// The connections that the API lists for a query, over all pages.
    #[track_caller]
    fn connections(&self, query: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let target = format!("/v1/connections?{query}{cursor}");
            let page = self.admin.get(&target).expect(200).clone();
            all.extend(page["connections"].as_array().expect("connections").clone());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }
}

#[track_caller]
fn generation(client: &mut Client) -> u32 {
    Answer::parse(&client.ask_text("x")).generation
}

#[track_caller]
fn all_on(clients: &mut [Client], expected: u32) {
    for client in clients {
        assert_eq!(generation(client), expected);
    }
}

// --- who may ask ---

#[test]
fn nothing_without_the_token_but_the_probes() {
    let site = Site::start();
    let admin = &site.admin;
    let long = format!("Bearer {}", "a".repeat(9000));
    let rows: Vec<(&str, Option<String>)> = vec![
        ("none", None),
        ("wrong", Some("Bearer a-token-for-the-tests-onlx".into())),
        ("the beginning", Some(format!("Bearer {}", &TOKEN[..10]))),
        ("more", Some(format!("Bearer {TOKEN}x"))),
        ("empty", Some("Bearer ".into())),
        ("without its scheme", Some(TOKEN.into())),
        ("another scheme", Some(format!("Basic {TOKEN}"))),
        ("long", Some(long)),
    ];
    let before = admin.versions("stamped");
    for (name, value) in rows {
        for (method, path) in [
            ("GET", "/v1/plugins"),
            ("PUT", "/v1/plugins/stamped"),
            ("POST", "/v1/plugins/stamped/rollback"),
            ("GET", "/v1/connections"),
            ("DELETE", "/v1/connections/1"),
            ("GET", "/v1/config"),
            ("GET", "/v1/metrics"),
            ("GET", "/v1/openapi.json"),
            ("GET", "/v1/nothing"),
            ("PATCH", "/v1/plugins"),
            ("GET", "/"),
        ] {
            let mut request = admin.request(method, path).without("Authorization");
            if let Some(value) = &value {
                request = request.and("Authorization", value);
            }
            let answer = admin.send(&request);
            answer.expect_problem(401);
            let challenge = answer.response.field("www-authenticate");
            let challenge = challenge.unwrap_or_else(|| panic!("{name}: no challenge"));
            assert!(challenge.starts_with("Bearer"), "{challenge}");
        }
        for path in ["/v1/health", "/v1/ready"] {
            let request = admin.request("GET", path).without("Authorization");
            admin.send(&request).expect(200);
        }
    }
    assert_eq!(admin.versions("stamped"), before);
    assert!(
        !site.server.log().text().contains(TOKEN),
        "the token in the log"
    );
    site.server.log().wait_for_parts(&["wrong token"]);
}

#[test]
fn pages_from_elsewhere_may_not_ask() {
    let site = Site::start();
    let admin = &site.admin;
    let own = admin.url();
    let port = admin.address().port();
    let rows = [
        (own.clone(), 200),
        (format!("https://127.0.0.1:{port}"), 200),
        ("http://127.0.0.1:1".to_owned(), 403),
        (format!("http://localhost:{port}"), 403),
        ("https://example.org".to_owned(), 403),
        (site.server.address().to_string(), 403),
        ("null".to_owned(), 403),
        (String::new(), 403),
    ];
    for (origin, status) in rows {
        for path in ["/v1/plugins", "/v1/health"] {
            let request = admin.request("GET", path).and("Origin", &origin);
            admin.send(&request).expect(status);
        }
        let request = admin
            .request("POST", "/v1/plugins/stamped/rollback")
            .and("Origin", &origin);
        // There is nothing to roll back to; whoever may ask is told so.
        admin
            .send(&request)
            .expect(if status == 200 { 409 } else { 403 });
    }
}

/// Against DNS rebinding: a page of `evil.example` whose name now means this machine sends that name.
#[test]
fn only_names_that_mean_this_server_are_answered() {
    let site = Site::with(|setup| setup.set("admin", "hosts", "[\"admin.example.org\"]"));
    let admin = &site.admin;
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:9001", 200),
        ("192.0.2.1", 200),
        ("[::1]:9001", 200),
        ("admin.example.org", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("user@localhost", 421),
        ("", 400),
        ("a b", 400),
        ("[::1", 400),
    ] {
        for path in ["/v1/health", "/v1/plugins"] {
            let request = admin.request("GET", path).with("Host", host);
            admin.send(&request).expect(status);
        }
    }
    let request = admin.request("GET", "/v1/health");
    admin
        .send(&request.clone().and("Host", "localhost"))
        .expect(400);
    admin.send(&request.clone().without("Host")).expect(400);
    // RFC 9112 section 3.2.2: the target in absolute form is what counts.
    let line = "GET http://evil.example/v1/health HTTP/1.1";
    let response = Client::ask(admin.address(), request.line(line).bytes());
    assert_eq!(response.status, 421);
}

#[test]
fn slow_callers_cost_a_place_for_a_while() {
    let site = Site::start();
    let address = site.admin.address();
    let mut idle: Vec<Client> = (0..70).map(|_| Client::tcp(address)).collect();
    for client in &mut idle {
        let _ = client.try_write(b"GET /v1/health HTTP/1.1\r\nHost: local");
    }
    // More than there are places, and still everybody is answered in the end.
    site.admin.get("/v1/health").expect(200);
    for client in &mut idle {
        client.expect_gone();
    }
}

#[test]
fn no_answer_is_kept_or_guessed_at() {
    let site = Site::start();
    for target in ["/v1/health", "/v1/plugins", "/v1/nothing"] {
        let answer = site.admin.get(target);
        let field = |name| answer.response.field(name);
        assert_eq!(field("cache-control"), Some("no-store"), "{target}");
        assert_eq!(field("x-content-type-options"), Some("nosniff"), "{target}");
        assert_eq!(field("access-control-allow-origin"), None, "{target}");
    }
}

// --- new versions ---

#[test]
fn a_push_swaps_under_open_connections_and_a_rollback_swaps_back() {
    let site = Site::start();
    let mut clients = site.open(20);
    all_on(&mut clients, 0);
    let no_version_before = site.admin.post("/v1/plugins/stamped/rollback");
    no_version_before.expect_problem(409);

    let new = stamped(1, "");
    let swap = site
        .admin
        .put("/v1/plugins/stamped", &new)
        .expect(200)
        .clone();
    assert_eq!(swap["how"], "live");
    assert_eq!(swap["changed"], true);
    assert_eq!(swap["workers"], 2);
    assert!(
        swap["to"]
            .as_str()
            .expect("a digest")
            .starts_with(&digest(&new))
    );
    all_on(&mut clients, 1);
    all_on(&mut site.open(4), 1);
    site.server
        .log()
        .wait_for_parts(&["stamped:", &digest(&new), "live"]);
    let roles: Vec<String> = site
        .admin
        .versions("stamped")
        .into_iter()
        .map(|v| v.0)
        .collect();
    assert_eq!(roles, ["serving", "previous"]);

    let again = site
        .admin
        .put("/v1/plugins/stamped", &new)
        .expect(200)
        .clone();
    assert_eq!(
        (&again["how"], &again["changed"]),
        (&"unchanged".into(), &false.into())
    );

    site.admin.post("/v1/plugins/stamped/rollback").expect(200);
    all_on(&mut clients, 0);
    for client in clients {
        client.close(1000, "");
    }
}

#[test]
fn a_canary_has_its_share_until_it_is_promoted() {
    let site = Site::start();
    let mut clients = site.open(200);
    all_on(&mut clients, 0);
    site.admin
        .post("/v1/plugins/stamped/promote")
        .expect_problem(409);
    let new = stamped(1, "");
    let target = "/v1/plugins/stamped?policy=canary&share=50";
    assert_eq!(site.admin.put(target, &new).expect(200)["how"], "canary");
    // Each connection stays where it is, and the list says where that is.
    let listed: BTreeMap<String, String> = site
        .connections("route=/")
        .iter()
        .map(|connection| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            (
                text(&connection["peer"]),
                text(&connection["plugins"][0]["version"]),
            )
        })
        .collect();
    let mut on_new = 0;
    for _ in 0..2 {
        on_new = 0;
        for client in &mut clients {
            let generation = generation(client);
            let version = &listed[&client.local_address().to_string()];
            let is_new = version.starts_with(&digest(&new));
            assert_eq!(generation == 1, is_new, "the list tells another version");
            on_new += generation;
        }
    }
    assert!((40..160).contains(&on_new), "{on_new} of 200 for a half");
    let list = site.admin.get("/v1/plugins").expect(200).clone();
    let plugins = list["plugins"].as_array().expect("plugins");
    let stamped_one = plugins.iter().find(|plugin| plugin["name"] == "stamped");
    let versions = &stamped_one.expect("stamped")["versions"];
    assert_eq!(versions[1]["role"], "canary");
    assert_eq!(versions[1]["connections"], on_new);
    assert_eq!(versions[0]["connections"], 200 - on_new);
    assert_eq!(versions[1]["calls"], 2 * on_new);

    let other = site.admin.put("/v1/plugins/stamped", &stamped(2, ""));
    assert!(other.expect_problem(409).contains("canary"));
    site.admin.post("/v1/plugins/stamped/promote").expect(200);
    all_on(&mut clients, 1);
    site.admin
        .post("/v1/plugins/stamped/promote")
        .expect_problem(409);
    site.admin.post("/v1/plugins/stamped/rollback").expect(200);
    all_on(&mut clients, 0);
}

#[test]
fn a_drain_leaves_open_connections_on_the_old_version() {
    let site = Site::start();
    let mut old = site.open(10);
    all_on(&mut old, 0);
    let target = "/v1/plugins/stamped?policy=drain&limit=10min";
    assert_eq!(
        site.admin.put(target, &stamped(1, "")).expect(200)["how"],
        "drain"
    );
    let mut new = site.open(10);
    all_on(&mut old, 0);
    all_on(&mut new, 1);
    let roles: Vec<String> = site
        .admin
        .versions("stamped")
        .into_iter()
        .map(|v| v.0)
        .collect();
    assert_eq!(roles, ["serving", "draining"]);
    // Their end is the old version's end.
    for client in old {
        client.close(1000, "");
    }
    eventually("the old version is only the one before", || {
        site.admin
            .versions("stamped")
            .iter()
            .all(|(role, _)| role != "draining")
    });
    all_on(&mut new, 1);
}

#[test]
fn a_version_that_fails_says_so() {
    let site = Site::with(|setup| {
        setup
            .plugin(Plugin::guest("counter"))
            .route("/count", &["counter"])
    });
    let mut client = Client::open(&site.server, "/count");
    assert_eq!(client.ask_text("x"), "1");
    client.text("trap");
    client.expect_close(1011);
    let list = site.admin.get("/v1/plugins").expect(200).clone();
    let plugins = list["plugins"].as_array().expect("plugins");
    let counter = plugins.iter().find(|plugin| plugin["name"] == "counter");
    let version = &counter.expect("counter")["versions"][0];
    assert_eq!(
        (&version["traps"], &version["timeouts"]),
        (&1.into(), &0.into())
    );
    assert!(
        version["calls"].as_u64().is_some_and(|calls| calls >= 2),
        "{version}"
    );
    let error = version["last_error"].as_str().expect("an error");
    assert!(error.contains("business-handler trapped"), "{error}");
    assert!(error.contains("asked to, at 1"), "its own words: {error}");
}

/// Whatever is pushed that is no plugin: an error that says what it is, the old version serving, nobody disconnected.
#[test]
fn bad_components_change_nothing() {
    let site = Site::start();
    let mut client = Client::open(&site.server, "/");
    let before = site.admin.versions("stamped");
    let good = stamped(1, "");
    let truncated = &good[..good.len() / 2];
    let module = wat::parse_str("(module)").expect("a module");
    let empty = wat::parse_str("(component)").expect("a component");
    let panics = std::fs::read(artefacts::guest("bad-start")).expect("a guest");
    let refused = stamped(1, "restore=refuse");
    let rows: Vec<(&str, &[u8], u16)> = vec![
        ("nothing", b"", 422),
        ("text", b"not a component", 422),
        ("a truncated component", truncated, 422),
        ("a core module", &module, 422),
        ("a component that implements nothing", &empty, 422),
        ("one that panics at its start", &panics, 422),
        ("one that refuses the memory of the old one", &refused, 422),
    ];
    table(
        &rows,
        |(name, ..)| name,
        |(_, body, status)| {
            let answer = site.admin.put("/v1/plugins/stamped", body);
            let detail = answer.expect_problem(*status);
            assert!(detail.len() > 20, "{detail}");
            assert_eq!(site.admin.versions("stamped"), before);
        },
    );
    assert_eq!(generation(&mut client), 0);
}

/// 100 MB of noise, announced or in chunks: refused at the limit, read no further than needed, answered all the same.
#[test]
fn a_hundred_megabytes_of_noise() {
    let site = Site::start();
    let mut client = Client::open(&site.server, "/");
    let before = site.admin.versions("stamped");
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(100_000_000)
    .collect();
    let answer = site.admin.put("/v1/plugins/stamped", &noise);
    assert!(answer.expect_problem(413).contains("67108864"));

    let request = site
        .admin
        .request("PUT", "/v1/plugins/stamped")
        .and("Transfer-Encoding", "chunked");
    let mut chunked = Client::tcp(site.admin.address());
    chunked.write(&request.bytes());
    for piece in noise.chunks(1_000_000) {
        let _ = chunked.try_write(format!("{:x}\r\n", piece.len()).as_bytes());
        let _ = chunked.try_write(piece);
        let _ = chunked.try_write(b"\r\n");
    }
    site.admin
        .judge(&request, chunked.response())
        .expect_problem(413);

    // Below the limit it is read, and is no component.
    let answer = site.admin.put("/v1/plugins/stamped", &noise[..60_000_000]);
    answer.expect_problem(422);
    assert_eq!(site.admin.versions("stamped"), before);
    assert_eq!(generation(&mut client), 0);
}

/// The second of two pushes is told before it has sent anything; the first goes on.
#[test]
fn two_pushes_at_once() {
    let site = Site::start();
    let mut client = Client::open(&site.server, "/");
    let first = stamped(1, "");
    // Told to go on, it is known to be under way (RFC 9110 section 10.1.1).
    let request = site
        .admin
        .put_request("/v1/plugins/stamped", first.len())
        .and("Expect", "100-continue");
    let mut pushing = Client::tcp(site.admin.address());
    pushing.write(&request.bytes());
    let told = pushing.raw_bytes().expect("an interim response");
    assert_eq!(told, b"HTTP/1.1 100 Continue\r\n\r\n");
    pushing.write(&first[..first.len() / 2]);
    let second = site.admin.put("/v1/plugins/stamped", &stamped(2, ""));
    assert!(second.expect_problem(409).contains("under way"));
    // Another plugin is another matter.
    let echo = std::fs::read(artefacts::guest("echo")).expect("a guest");
    site.admin.put("/v1/plugins/echo", &echo).expect(200);
    assert_eq!(generation(&mut client), 0);
    pushing.write(&first[first.len() / 2..]);
    site.admin.judge(&request, pushing.response()).expect(200);
    assert_eq!(generation(&mut client), 1);
    site.admin
        .put("/v1/plugins/stamped", &stamped(2, ""))
        .expect(200);
    assert_eq!(generation(&mut client), 2);
}

#[test]
fn a_push_that_hangs_up_leaves_nothing_behind() {
    let site = Site::start();
    let mut client = Client::open(&site.server, "/");
    let component = stamped(1, "");
    for part in [0, 1, component.len() / 2, component.len() - 1] {
        let request = site
            .admin
            .put_request("/v1/plugins/stamped", component.len());
        let mut pushing = Client::tcp(site.admin.address());
        pushing.write(&request.bytes());
        pushing.write(&component[..part]);
        pushing.reset();
    }
    eventually("the next push is taken", || {
        site.admin
            .put("/v1/plugins/stamped", &stamped(2, ""))
            .response
            .status
            == 200
    });
    assert_eq!(generation(&mut client), 2);
    // Hanging up behind the last byte is too late to change one's mind, and holds nothing up.
    let request = site
        .admin
        .put_request("/v1/plugins/stamped", component.len());
    let mut pushing = Client::tcp(site.admin.address());
    pushing.write(&request.bytes());
    pushing.write(&component);
    pushing.reset();
    eventually("the next push is taken", || {
        site.admin
            .put("/v1/plugins/stamped", &stamped(3, ""))
            .response
            .status
            == 200
    });
    assert_eq!(generation(&mut client), 3);
}

#[test]
fn while_the_server_stops_it_is_alive_but_not_ready_and_takes_no_push() {
    let mut site = Site::with(|setup| {
        setup.set("limits", "close_timeout", "\"60 s\"").set(
            "limits",
            "shutdown_timeout",
            "\"60 s\"",
        )
    });
    let mut client = Client::open(&site.server, "/");
    assert_eq!(generation(&mut client), 0);
    site.admin.get("/v1/ready").expect(200);
    let before = site.admin.versions("stamped");
    site.server.signal("TERM");
    // It waits for the answer to its close frame.
    client.expect_close(1001);
    site.admin.get("/v1/ready").expect_problem(503);
    site.admin.get("/v1/health").expect(200);
    for answer in [
        site.admin.put("/v1/plugins/stamped", &stamped(1, "")),
        site.admin.put("/v1/plugins/echo", b"noise"),
        site.admin.post("/v1/plugins/stamped/rollback"),
        site.admin.post("/v1/plugins/stamped/promote"),
    ] {
        assert!(answer.expect_problem(503).contains("stopping"));
    }
    assert_eq!(site.admin.versions("stamped"), before);
    assert_eq!(site.connections("")[0]["state"], "closing");
    client.send(&Wire::close(1001, ""));
    assert_eq!(site.server.wait().code(), Some(0));
}

#[test]
fn names_that_nothing_has() {
    let site = Site::start();
    let admin = &site.admin;
    for answer in [
        admin.put("/v1/plugins/stampd", b""),
        admin.post("/v1/plugins/stampd/rollback"),
        admin.post("/v1/plugins/stampd/promote"),
        admin.get("/v1/connections?plugin=stampd"),
    ] {
        let detail = answer.expect_problem(404);
        assert!(
            detail.contains("'stampd'; did you mean 'stamped'?"),
            "{detail}"
        );
    }
    let answer = admin.get("/v1/connections?route=/ecko");
    assert!(answer.expect_problem(404).contains("did you mean '/echo'?"));
    let answer = admin.put("/v1/plugins/%1b%5B2J", b"");
    assert!(!answer.expect_problem(404).contains('\u{1b}'));
    admin.put("/v1/plugins/%ff", b"").expect_problem(400);
}

#[test]
fn queries_that_mean_nothing() {
    let site = Site::start();
    let before = site.admin.versions("stamped");
    for query in [
        "policy=blue-green",
        "policy=canary&share=0",
        "policy=canary&share=101",
        "policy=canary&share=some",
        "policy=drain&limit=soon",
        "policy=drain&limit=200h",
        "policy=live&share=10",
        "share=10",
        "polici=live",
    ] {
        let target = format!("/v1/plugins/stamped?{query}");
        site.admin.put(&target, &stamped(1, "")).expect_problem(400);
    }
    assert_eq!(site.admin.versions("stamped"), before);
    for query in [
        "limit=0",
        "limit=501",
        "limit=-1",
        "cursor=x",
        "cursor=1",
        "cursor=99999999999999999999.1",
        "pear=127.0.0.1",
    ] {
        site.admin
            .get(&format!("/v1/connections?{query}"))
            .expect_problem(400);
    }
    // Far behind the last one, there is nothing, and nothing is wrong.
    let page = site
        .admin
        .get("/v1/connections?cursor=250.9999999999")
        .expect(200)
        .clone();
    assert_eq!(
        (page["connections"].as_array().map(Vec::len), &page["next"]),
        (Some(0), &Value::Null)
    );
}

// --- connections ---

#[test]
fn every_connection_is_on_exactly_one_page() {
    let site = Site::start();
    let clients = site.open(50);
    let echo: Vec<Client> = (0..3)
        .map(|_| Client::open(&site.server, "/echo"))
        .collect();
    let half_open = Client::tcp(site.server.address());
    eventually("all are there", || site.connections("").len() == 54);
    for limit in [1, 7, 25, 54, 500] {
        let all = site.connections(&format!("limit={limit}"));
        let ids: BTreeSet<u64> = all.iter().filter_map(|c| c["id"].as_u64()).collect();
        assert_eq!((all.len(), ids.len()), (54, 54), "limit {limit}");
        let peers: BTreeSet<&str> = all.iter().filter_map(|c| c["peer"].as_str()).collect();
        for client in clients.iter().chain(&echo).chain([&half_open]) {
            assert!(peers.contains(&*client.local_address().to_string()));
        }
    }
    let workers: BTreeSet<u64> = site
        .connections("")
        .iter()
        .filter_map(|c| c["worker"].as_u64())
        .collect();
    assert_eq!(workers, BTreeSet::from([0, 1]));

    let count = |query: &str| site.connections(query).len();
    assert_eq!(count("plugin=stamped"), 50);
    assert_eq!(count("plugin=echo&limit=2"), 3);
    assert_eq!(count("route=/echo"), 3);
    assert_eq!(count("route=/echo&plugin=stamped"), 0);
    assert_eq!(count("peer=127.0.0.1"), 54);
    assert_eq!(count("peer=127.0.0.2"), 0);
    let one = echo[1].local_address();
    let found = site.connections(&format!("peer={one}"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["route"], "/echo");
    assert_eq!(found[0]["state"], "open");
    let waiting = site.connections(&format!("peer={}", half_open.local_address()));
    assert_eq!(waiting[0]["state"], "handshaking");
    assert_eq!(waiting[0]["route"], Value::Null);
    drop(clients);
    eventually("those that went are not listed", || {
        count("plugin=stamped") == 0
    });
}

#[test]
fn what_is_known_of_a_connection() {
    let site = Site::with(|setup| {
        setup
            .plugin(Plugin::guest("auth"))
            .plugin(Plugin::guest("hostile"))
            .route("/chat", &["hostile", "echo"])
    });
    let mut client = Client::open(&site.server, "/chat");
    assert_eq!(client.ask_text("set token secret-value"), "ok");
    let id: u64 = client.ask_text("id").parse().expect("an id");
    let connections = site.connections("route=/chat");
    let connection = &connections[0];
    assert_eq!(connection["id"], id);
    assert_eq!(
        connection["attributes"],
        serde_json::json!(["plan", "token"])
    );
    assert!(!connection.to_string().contains("secret-value"));
    let plugins: Vec<&str> = connection["plugins"]
        .as_array()
        .expect("plugins")
        .iter()
        .filter_map(|served| served["plugin"].as_str())
        .collect();
    assert_eq!(plugins, ["hostile", "echo"]);
    assert_eq!(connection["backlog_bytes"], 0);
    let text = |connection: &Value| {
        (
            connection["age_ms"].as_u64(),
            connection["idle_ms"].as_u64(),
        )
    };
    let (age, idle) = text(connection);
    assert!(idle <= age, "{connection}");
    let (later, _) = text(&site.connections("route=/chat")[0]);
    assert!(later >= age);
}

#[test]
fn a_connection_is_closed_with_a_code() {
    let site = Site::start();
    let mut clients = site.open(3);
    let id = |client: &Client| {
        let found = site.connections(&format!("peer={}", client.local_address()));
        found[0]["id"].as_u64().expect("an id")
    };
    let ids: Vec<u64> = clients.iter().map(id).collect();
    let [first, second, third] = ids[..] else {
        panic!("three ids")
    };
    for (target, status) in [
        (format!("/v1/connections/{first}?code=1005"), 400),
        (format!("/v1/connections/{first}?code=1006"), 400),
        (format!("/v1/connections/{first}?code=1010"), 400),
        (format!("/v1/connections/{first}?code=1015"), 400),
        (format!("/v1/connections/{first}?code=999"), 400),
        (format!("/v1/connections/{first}?code=5000"), 400),
        (format!("/v1/connections/{first}?code=70000"), 400),
        (
            format!("/v1/connections/{first}?reason={}", "a".repeat(124)),
            400,
        ),
        (format!("/v1/connections/{first}?coda=1000"), 400),
        ("/v1/connections/first".to_owned(), 400),
        ("/v1/connections/-1".to_owned(), 400),
        ("/v1/connections/0".to_owned(), 404),
        (format!("/v1/connections/{}", first ^ 0xff), 404),
        (format!("/v1/connections/{}", u64::MAX), 404),
    ] {
        site.admin.delete(&target).expect_problem(status);
    }
    for client in &mut clients {
        assert_eq!(generation(client), 0);
    }
    let reason = "a".repeat(123);
    site.admin
        .delete(&format!("/v1/connections/{first}"))
        .expect(204);
    site.admin
        .delete(&format!(
            "/v1/connections/{second}?code=4000&reason=moved%20%C3%B6"
        ))
        .expect(204);
    site.admin
        .delete(&format!(
            "/v1/connections/{third}?code=1012&reason={reason}"
        ))
        .expect(204);
    let mut clients = clients.into_iter();
    let mut next = || clients.next().expect("a client");
    let mut closing = next();
    assert_eq!(closing.expect_close(1000), "");
    assert_eq!(next().expect_closed(4000), "moved ö");
    assert_eq!(next().expect_closed(1012), reason);
    // The first has not answered yet.
    let answer = site.admin.delete(&format!("/v1/connections/{first}"));
    assert!(answer.expect_problem(409).contains("closed already"));
    closing.send(&Wire::close(1000, ""));
    closing.expect_fin();
    eventually("it is gone", || {
        site.admin
            .delete(&format!("/v1/connections/{first}"))
            .response
            .status
            == 404
    });
    let half_open = Client::tcp(site.server.address());
    eventually("it is there", || {
        let found = site.connections(&format!("peer={}", half_open.local_address()));
        let Some(id) = found.first().and_then(|found| found["id"].as_u64()) else {
            return false;
        };
        let answer = site.admin.delete(&format!("/v1/connections/{id}"));
        assert!(answer.expect_problem(409).contains("upgrade request"));
        true
    });
}

// --- the rest ---

#[test]
fn the_configuration_is_shown_as_it_is_in_force() {
    let site = Site::with(|setup| {
        setup
            .set("limits", "head_bytes", "\"4 KiB\"")
            .on_route("/echo", "origins", "\"any\"")
    });
    let config = site.admin.get("/v1/config").expect(200).clone();
    assert_eq!(config["limits"]["head_bytes"], 4096);
    assert_eq!(config["limits"]["close_timeout"], "5 s");
    assert_eq!(config["listen"]["workers"], 2);
    assert_eq!(config["routes"]["/echo"]["origins"], "any");
    assert_eq!(config["routes"]["/"]["origins"], "same");
    assert_eq!(config["plugins"]["echo"]["instances"], "worker");
    assert_eq!(config["plugins"]["echo"]["swap"], "live");
    assert_eq!(config["admin"]["token"]["env"], "JACKFIELD_ADMIN_TOKEN");
    assert!(!config.to_string().contains(TOKEN));
}

/// The document against the server, in both directions: every path and method in it is served, nothing else is, and
/// all the statuses that a caller can cause come. (That no other comes is checked with every answer of every test.)
#[test]
fn the_openapi_document_is_true() {
    let site = Site::start();
    let admin = &site.admin;
    let document = admin.document().clone();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    for (template, operations) in paths {
        let target = template.replace("{name}", "stamped").replace("{id}", "1");
        let documented: BTreeSet<&str> = operations
            .as_object()
            .expect("methods")
            .keys()
            .map(String::as_str)
            .collect();
        for method in ["get", "put", "post", "delete", "patch", "options", "trace"] {
            let upper = method.to_ascii_uppercase();
            let answer = admin.send(&admin.request(&upper, &target).and("Content-Length", "0"));
            assert_eq!(
                answer.response.status != 405,
                documented.contains(method),
                "{method} {target}: {answer:?}"
            );
            if answer.response.status == 405 {
                let allowed = answer
                    .response
                    .field("allow")
                    .expect("Allow")
                    .to_ascii_lowercase();
                let allowed: BTreeSet<&str> = allowed
                    .split(',')
                    .map(str::trim)
                    .filter(|method| *method != "head")
                    .collect();
                assert_eq!(allowed, documented, "Allow of {target}");
            }
            for (name, value, status) in [
                ("Authorization", "Bearer wrong", 401),
                ("Origin", "https://example.org", 403),
                ("Host", "example.org", 421),
                ("Host", "", 400),
            ] {
                let request = admin.request(&upper, &target).with(name, value);
                if documented.contains(method)
                    && (status != 401 || !operations[method]["security"].is_array())
                {
                    admin.send(&request).expect(status);
                }
            }
        }
    }
    // What takes a certain state.
    admin.put("/v1/plugins/stamped", b"noise").expect(422);
    admin.put("/v1/plugins/none", b"").expect(404);
    let request = admin.put_request("/v1/plugins/stamped", usize::MAX >> 1);
    let mut client = Client::tcp(admin.address());
    client.write(&request.bytes());
    admin.judge(&request, client.response()).expect(413);
    admin.post("/v1/plugins/stamped/promote").expect(409);
    admin.post("/v1/plugins/none/promote").expect(404);
    admin.post("/v1/plugins/none/rollback").expect(404);
    admin.post("/v1/plugins/stamped/rollback").expect(409);
    admin
        .put("/v1/plugins/stamped?policy=canary", &stamped(1, ""))
        .expect(200);
    admin
        .put("/v1/plugins/stamped", &stamped(2, ""))
        .expect(409);
    admin.post("/v1/plugins/stamped/promote").expect(200);
    admin.post("/v1/plugins/stamped/rollback").expect(200);
    admin.get("/v1/connections?route=/none").expect(404);
    let mut client = Client::open(&site.server, "/");
    let id = site.connections("route=/")[0]["id"].clone();
    admin.delete(&format!("/v1/connections/{id}")).expect(204);
    client.expect_close(1000);
    admin.delete(&format!("/v1/connections/{id}")).expect(409);

    let seen = admin.seen();
    for (template, operations) in paths {
        for (method, operation) in operations.as_object().expect("methods") {
            for status in operation["responses"]
                .as_object()
                .expect("responses")
                .keys()
            {
                let status: u16 = status.parse().expect("a status");
                // Too slow to cause (408), a bug (500), a stop (503, in a test of its own), and a state that a plugin
                // without faults does not get into (a rollback that is refused).
                let rare = [408, 500, 503].contains(&status)
                    || (status == 422 && template.ends_with("rollback"));
                let found = seen.contains(&(template.clone(), method.clone(), status));
                assert!(found || rare, "{method} {template} never answered {status}");
            }
        }
    }
}

/// Bytes that are no HTTP, or not the HTTP that is spoken here.
#[test]
fn nonsense_on_the_admin_port() {
    let site = Site::start();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n",
        b"\r\n\r\n\r\n",
        &[b'A'; 100_000],
    ] {
        let mut client = Client::tcp(site.admin.address());
        let _ = client.try_write(bytes);
        client.finish_writing();
        // A 400, or just the end.
        while client.incoming_bytes(e2e::PATIENCE).is_some() {}
    }
    let mut upgrade = Client::tcp(site.admin.address());
    upgrade.write(
        &Request::upgrade("/v1/plugins")
            .with("Host", "localhost")
            .bytes(),
    );
    assert_eq!(upgrade.response().status, 401);
    site.admin.get("/v1/health").expect(200);
    assert!(!matches!(
        upgrade.incoming(e2e::PATIENCE),
        Incoming::Frame(_)
    ));
    assert_eq!(site.server.log().count(&["panicked"]), 0);
}
