//! What is said about a wrong file, word for word; what a right one becomes; and that nothing panics.

use std::path::Path;
use std::time::Duration;

use super::resolved::{
    Address, Build, ClientCertificates, Forwarded, Instances, Origins, SwapPolicy,
};
use super::{Config, ConfigError, load, parse};

/// A file that is right, to which a test adds its mistake.
const RIGHT: &str =
    "[plugins.echo]\nfile = \"echo.wasm\"\n[routes.\"/echo\"]\nplugins = [\"echo\"]\n";

fn config(text: &str) -> Config {
    parse(text, "jackfield.toml", Path::new("/srv")).unwrap_or_else(|error| panic!("{error}"))
}

fn problems(text: &str) -> String {
    match parse(text, "f", Path::new("/srv")) {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(error) => error.to_string(),
    }
}

/// The problems of a right file with this in front.
fn with(text: &str) -> String {
    problems(&format!("{text}\n{RIGHT}"))
}

#[test]
fn a_short_file_has_every_default() {
    let config = config(RIGHT);
    assert_eq!(config.listen.listener.address.to_string(), "127.0.0.1:9000");
    assert!(config.listen.workers >= 1);
    assert_eq!(config.limits.handshake_timeout, Duration::from_secs(10));
    assert_eq!(config.health.interval, Duration::from_secs(300));
    assert_eq!(config.health.ping, Some(Duration::from_secs(20)));
    assert!(config.playground);
    let route = &config.routes["/echo"];
    assert_eq!(route.plugins, ["echo"]);
    assert_eq!(route.origins, Origins::Same);
    assert_eq!(route.message_bytes, 1 << 20);
    let plugin = &config.plugins["echo"];
    assert_eq!(plugin.file, Path::new("/srv/echo.wasm"));
    assert_eq!(plugin.instances, Instances::Worker);
    assert_eq!(plugin.build, None);
}

#[test]
fn every_form_of_a_value() {
    let config = config(
        r#"
        playground = false
        [listen]
        address = "[::1]:0"
        workers = 0x2
        [limits]
        head_bytes = 1_024
        backlog_bytes = "2 MiB"
        close_timeout = "1.5 s"
        [health]
        ping = false
        [routes."/a"]
        plugins = ["a", "b"]
        origins = ["https://example.org", "https://*.example.org"]
        [routes."/b"]
        plugins = ["c"]
        origins = "any"
        [plugins]
        a = { file = "/opt/a.wasm", instances = { pool = 3 } }
        b = { file = "b.wasm", instances = "single", limits = { call_time = "20 ms" } }
        [plugins.c]
        file = "c.wasm"
        instances = "connection"
        build = { command = ["make", "c.wasm"], directory = "c" }
        swap = { drain = "10 min" }
        "#,
    );
    assert!(!config.playground);
    assert_eq!(
        (
            config.listen.listener.address.to_string().as_str(),
            config.listen.workers
        ),
        ("[::1]:0", 2)
    );
    assert_eq!(
        (config.limits.head_bytes, config.limits.backlog_bytes),
        (1024, 2 << 20)
    );
    assert_eq!(config.limits.close_timeout, Duration::from_millis(1500));
    assert_eq!(config.health.ping, None);
    let listed = ["https://example.org", "https://*.example.org"].map(str::to_owned);
    assert_eq!(config.routes["/a"].origins, Origins::List(listed.into()));
    assert_eq!(config.routes["/b"].origins, Origins::Any);
    assert_eq!(config.plugins["a"].instances, Instances::Pool(3));
    assert_eq!(config.plugins["a"].file, Path::new("/opt/a.wasm"));
    assert_eq!(config.plugins["b"].instances, Instances::Single);
    assert_eq!(
        config.plugins["b"].limits.call_time,
        Duration::from_millis(20)
    );
    assert_eq!(config.plugins["c"].instances, Instances::Connection);
    let build = Build {
        command: vec!["make".to_owned(), "c.wasm".to_owned()],
        directory: "/srv/c".into(),
    };
    assert_eq!(config.plugins["c"].build, Some(build));
    let limit = Duration::from_secs(600);
    assert_eq!(config.plugins["c"].swap, SwapPolicy::Drain { limit });
}

#[test]
fn one_problem_word_for_word() {
    for (text, said) in [
        (
            "[listen]\nadress = \"127.0.0.1:9000\"",
            "f:2: listen.adress: unknown key; did you mean 'address'?",
        ),
        (
            "[listen]\nzzz = 1",
            "f:2: listen.zzz: unknown key; known here: address, backlog, connections, forwarded, handshake_timeout, mode, proxy_protocol, reuse_port, tls, trusted_proxies, workers",
        ),
        (
            "[limits]\nhandshake-timeout = \"10 s\"",
            "f:2: limits.handshake-timeout: unknown key; did you mean 'handshake_timeout'?",
        ),
        (
            "[plugin.x]\nfile = \"x\"",
            "f:1: plugin: unknown key; did you mean 'plugins'?",
        ),
        (
            "[listen]\naddress = \"localhost:9000\"",
            "f:2: listen.address: 'localhost:9000' is not an address and a port; write it in numbers, such as \
             \"127.0.0.1:9000\", \"[::1]:9000\", or \"0.0.0.0:9000\" for every interface",
        ),
        (
            "[listen]\naddress = 9000",
            "f:2: listen.address: expected an address and a port, such as \"127.0.0.1:9000\", found 9000",
        ),
        (
            "[listen]\nworkers = \"4\"",
            "f:2: listen.workers: expected a whole number from 1 to 256, found '4'",
        ),
        (
            "[listen]\nworkers = 0",
            "f:2: listen.workers: expected a whole number from 1 to 256, found 0",
        ),
        (
            "[listen]\nworkers = -1",
            "f:2: listen.workers: expected a whole number from 1 to 256, found -1",
        ),
        (
            "[listen]\nworkers = 99999999999999999999999999999999999999999999",
            "f:2: listen.workers: expected a whole number from 1 to 256, found \
             99999999999999999999999999999999999999999999",
        ),
        (
            "listen = \"127.0.0.1:9000\"",
            "f:1: listen: expected a table, found '127.0.0.1:9000'",
        ),
        (
            "playground = \"no\"",
            "f:1: playground: expected true or false, found 'no'",
        ),
        (
            "[limits]\nclose_timeout = 5",
            "f:2: limits.close_timeout: expected a duration such as \"10 s\" (units ms, s, min, h), found 5",
        ),
        (
            "[limits]\nclose_timeout = \"5 sec\"",
            "f:2: limits.close_timeout: expected a duration such as \"10 s\" (units ms, s, min, h), found '5 sec'",
        ),
        (
            "[limits]\nclose_timeout = \"0 s\"",
            "f:2: limits.close_timeout: expected a duration from 10 ms to 1 h, found '0 s'",
        ),
        (
            "[limits]\nhead_bytes = \"1 MB\"",
            "f:2: limits.head_bytes: expected a size in bytes such as 65536 or \"64 KiB\" (units B, KiB, MiB, \
             GiB), found '1 MB'",
        ),
        (
            "[limits]\nhead_bytes = \"2 MiB\"",
            "f:2: limits.head_bytes: expected a size from 256 B to 1 MiB, found '2 MiB'",
        ),
        (
            "[health]\nping = 20",
            "f:2: health.ping: expected a duration such as \"10 s\" (units ms, s, min, h), found 20",
        ),
        (
            "[routes.\"/x\"]\nplugins = [\"ech\"]",
            "f:2: routes.\"/x\".plugins[0]: route /x names plugin 'ech'; did you mean 'echo'?",
        ),
        (
            "[routes.\"/x\"]\nplugins = [\"zzzz\"]",
            "f:2: routes.\"/x\".plugins[0]: route /x names plugin 'zzzz'; known plugins: echo",
        ),
        (
            "[routes.\"/x\"]\nplugins = \"echo\"",
            "f:2: routes.\"/x\".plugins: expected a list of plugins, such as [\"echo\"], found 'echo'",
        ),
        (
            "[routes.\"/x\"]\nplugins = []",
            "f:2: routes.\"/x\".plugins: a route needs at least one plugin",
        ),
        (
            "[routes.\"/x\"]",
            "f:1: routes.\"/x\": missing key 'plugins', such as plugins = [\"echo\"]",
        ),
        (
            "[routes.\"/x\"]\nplugins = [\"echo\", \"echo\"]",
            "f:2: routes.\"/x\".plugins[1]: plugin 'echo' is on this route twice",
        ),
        (
            "[routes.\"/x\"]\nplugins = [1]",
            "f:2: routes.\"/x\".plugins[0]: expected a plugin's name, found 1",
        ),
        (
            "[routes.chat]\nplugins = [\"echo\"]",
            "f:1: routes.chat: a route begins with '/'; did you mean '/chat'?",
        ),
        (
            "[routes.\"/x?y\"]\nplugins = [\"echo\"]",
            "f:1: routes.\"/x?y\": a route is the path alone, percent-encoded where needed; '?' cannot be in one",
        ),
        (
            "[routes.\"/x\"]\nplugins = [\"echo\"]\norigins = \"all\"",
            "f:3: routes.\"/x\".origins: expected \"same\", \"any\" or a list of origins such as \
             [\"https://example.org\"], found 'all'",
        ),
        (
            "[routes.\"/x\"]\nplugins = [\"echo\"]\norigins = [\"example.org\"]",
            "f:3: routes.\"/x\".origins[0]: 'example.org': an origin is scheme://host or scheme://host:port, without \
             a path or a slash at the end",
        ),
        (
            "[plugins.chat]\nfiel = \"x\"\nfile = \"x\"",
            "f:2: plugins.chat.fiel: unknown key; did you mean 'file'?",
        ),
        (
            "[plugins.chat]",
            "f:1: plugins.chat: missing key 'file', such as file = \"plugins/echo.wasm\"",
        ),
        (
            "[plugins.chat]\nfile = \"\"",
            "f:2: plugins.chat.file: expected the path of a component, such as \"plugins/echo.wasm\", found an \
             empty string",
        ),
        (
            "[plugins.\"my chat\"]\nfile = \"x\"",
            "f:1: plugins.\"my chat\": a plugin's name is 1 to 64 letters, digits, '-' and '_'",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\ninstances = \"workers\"",
            "f:3: plugins.chat.instances: unknown mode 'workers'; did you mean 'worker'?",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\ninstances = \"pool\"",
            "f:3: plugins.chat.instances: a pool needs its size: instances = { pool = 4 }",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\ninstances = { pool = 0 }",
            "f:3: plugins.chat.instances.pool: expected a whole number from 1 to 1024, found 0",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\ninstances = 3",
            "f:3: plugins.chat.instances: expected \"worker\", \"connection\", \"single\" or { pool = N }, found 3",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\nswap = \"slow\"",
            "f:3: plugins.chat.swap: expected \"live\", { drain = \"10 min\" } or { canary = 10 } (percent), found \
             'slow'",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\nswap = { canary = 0 }",
            "f:3: plugins.chat.swap.canary: expected a whole number from 1 to 100, found 0",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\nbuild = \"make\"",
            "f:3: plugins.chat.build: expected a table, found 'make'",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\nbuild = { command = \"make\" }",
            "f:3: plugins.chat.build.command: expected a program and its arguments, such as [\"cargo\", \
             \"build\"], found 'make'",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\nbuild = { command = [] }",
            "f:3: plugins.chat.build.command: expected a program and its arguments, such as [\"cargo\", \
             \"build\"], found an empty array",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\nbuild = { command = [\"make\", 1] }",
            "f:3: plugins.chat.build.command[1]: expected an argument, as a string, found 1",
        ),
        (
            "[plugins.chat]\nfile = \"x\"\nlimits = { memory = \"1 MiB\" }",
            "f:3: plugins.chat.limits.memory: unknown key; did you mean 'memory_bytes'?",
        ),
    ] {
        assert_eq!(with(text), said, "\n{text}");
    }
}

#[test]
fn every_form_of_a_listener() {
    let config = config(
        r#"
        [listen]
        address = "0.0.0.0:443"
        reuse_port = true
        tls = { certificate = "cert.pem", key = "/etc/key.pem", client_ca = "ca.pem", client_certificates = "optional" }
        forwarded = "X-Forwarded-For"
        trusted_proxies = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"]
        [[listener]]
        address = "unix:run/jackfield.sock"
        mode = "0600"
        proxy_protocol = true
        connections = 10
        handshake_timeout = "1 s"
        [[listener]]
        address = "systemd:ws"
        [[listener]]
        address = "127.0.0.1:0"
        [[listener]]
        address = "127.0.0.1:0"
        [routes."/a"]
        plugins = ["a"]
        [plugins.a]
        file = "a.wasm"
        "#,
    );
    let first = &config.listen.listener;
    let tls = first.tls.as_ref().expect("TLS");
    assert_eq!(tls.certificate, Path::new("/srv/cert.pem"));
    assert_eq!(tls.key, Path::new("/etc/key.pem"));
    assert_eq!(tls.client_certificates, ClientCertificates::Optional);
    assert_eq!(first.forwarded, Some(Forwarded::XForwardedFor));
    let networks: Vec<_> = first
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]);
    let [unix, systemd, _, _] = &config.listeners[..] else {
        panic!("{:?}", config.listeners);
    };
    assert_eq!(
        unix.address,
        Address::Unix("/srv/run/jackfield.sock".into())
    );
    assert_eq!((unix.mode, unix.connections), (0o600, Some(10)));
    assert_eq!(unix.handshake_timeout, Some(Duration::from_secs(1)));
    assert_eq!(systemd.address, Address::Systemd("ws".to_owned()));
}

#[test]
fn one_problem_of_a_listener_word_for_word() {
    for (text, said) in [
        (
            "[[listener]]\nbacklog = 1",
            "f:1: listener[0]: missing key 'address', such as address = \"0.0.0.0:9443\"",
        ),
        (
            "[[listener]]\naddress = \"127.0.0.1:1\"\nworkers = 1",
            "f:3: listener[0].workers: unknown key; known here: address, backlog, connections, forwarded, \
             handshake_timeout, mode, proxy_protocol, reuse_port, tls, trusted_proxies",
        ),
        (
            "listener = 1",
            "f:1: listener: expected tables such as [[listener]] with address = \"0.0.0.0:9443\", found 1",
        ),
        (
            "[[listener]]\naddress = \"127.0.0.1:9000\"",
            "f:2: listener[0].address: another listener has 127.0.0.1:9000 already",
        ),
        (
            "[listen]\naddress = \"unix:\"",
            "f:2: listen.address: a Unix socket is \"unix:\" and a path of at most 107 bytes, such as \
             \"unix:/run/jackfield.sock\"",
        ),
        (
            "[listen]\naddress = \"systemd:\"",
            "f:2: listen.address: a socket of systemd's is \"systemd:\" and its FileDescriptorName or number, such \
             as \"systemd:0\"",
        ),
        (
            "[listen]\nmode = \"600\"",
            "f:2: listen.mode: only the socket of an address such as \"unix:/run/jackfield.sock\" has a mode",
        ),
        (
            "[listen]\naddress = \"unix:s\"\nmode = 600",
            "f:3: listen.mode: expected a mode of three octal digits in quotes, such as \"660\", found 600",
        ),
        (
            "[listen]\naddress = \"unix:s\"\nmode = \"888\"",
            "f:3: listen.mode: expected a mode of three octal digits in quotes, such as \"660\", found '888'",
        ),
        (
            "[listen]\naddress = \"unix:s\"\nreuse_port = true",
            "f:3: listen.reuse_port: only an address and a port can be shared",
        ),
        (
            "[listen]\ntls = { certificate = \"c.pem\" }",
            "f:2: listen.tls: missing key 'key', such as key = \"key.pem\"",
        ),
        (
            "[listen]\ntls = { certificate = \"c.pem\", key = \"k.pem\", clint_ca = \"x\" }",
            "f:2: listen.tls.clint_ca: unknown key; did you mean 'client_ca'?",
        ),
        (
            "[listen]\ntls = { certificate = \"c.pem\", key = \"k.pem\", client_certificates = \"required\" }",
            "f:2: listen.tls.client_certificates: clients are asked for certificates only with a client_ca to verify \
             them",
        ),
        (
            "[listen]\ntls = { certificate = \"c.pem\", key = \"k.pem\", client_ca = \"x\", client_certificates = 1 }",
            "f:2: listen.tls.client_certificates: expected \"required\" or \"optional\", found 1",
        ),
        (
            "[listen]\nproxy_protocol = true",
            "f:1: listen: proxy_protocol and forwarded need trusted_proxies, such as [\"10.0.0.0/8\"]: who else would \
             be believed?",
        ),
        (
            "[listen]\ntrusted_proxies = [\"10.0.0.0/8\"]",
            "f:2: listen.trusted_proxies: nothing is believed from them yet: set proxy_protocol = true or forwarded = \
             \"x-forwarded-for\"",
        ),
        (
            "[listen]\naddress = \"unix:s\"\nproxy_protocol = true\ntrusted_proxies = []",
            "f:4: listen.trusted_proxies: everybody who may connect to a Unix socket is trusted there; its mode says \
             who that is",
        ),
        (
            "[listen]\nproxy_protocol = true\ntrusted_proxies = [\"10.1.2.3/8\"]",
            "f:3: listen.trusted_proxies[0]: '10.1.2.3/8' has bits behind its prefix; did you mean '10.0.0.0/8'?",
        ),
        (
            "[listen]\nproxy_protocol = true\ntrusted_proxies = [\"proxy.example.org\"]",
            "f:3: listen.trusted_proxies[0]: 'proxy.example.org' is not a network; write it in numbers, such as \
             \"10.0.0.0/8\", \"fd00::/8\" or \"192.0.2.1\"",
        ),
        (
            "[listen]\nforwarded = \"x-forwarded-fro\"\ntrusted_proxies = [\"10.0.0.1\"]",
            "f:2: listen.forwarded: unknown field 'x-forwarded-fro'; did you mean 'x-forwarded-for'?",
        ),
    ] {
        assert_eq!(with(text), said, "\n{text}");
    }
    let many = "[[listener]]\naddress = \"127.0.0.1:0\"\n".repeat(65);
    assert_eq!(with(&many), "f:129: listener[64]: more than 64 listeners");
}

#[test]
fn all_problems_at_once_by_line() {
    let text = "\
[listen]
adress = 1
workers = 0

[routes.x]
plugins = [\"ech\", \"nope\"]
orgins = 1

[plugins.echo]
file = 7
";
    assert_eq!(
        problems(text),
        "f:2: listen.adress: unknown key; did you mean 'address'?\n\
         f:3: listen.workers: expected a whole number from 1 to 256, found 0\n\
         f:5: routes.x: a route begins with '/'; did you mean '/x'?\n\
         f:6: routes.x.plugins[0]: route x names plugin 'ech'; did you mean 'echo'?\n\
         f:6: routes.x.plugins[1]: route x names plugin 'nope'; known plugins: echo\n\
         f:7: routes.x.orgins: unknown key; did you mean 'origins'?\n\
         f:10: plugins.echo.file: expected the path of a component, such as \"plugins/echo.wasm\", found 7"
    );
}

#[test]
fn a_file_without_routes() {
    const NONE: &str =
        "f:1: no routes; add a table such as [routes.\"/echo\"] with plugins = [\"echo\"]";
    assert_eq!(problems(""), NONE);
    assert_eq!(problems("[routes]"), NONE);
    assert_eq!(
        problems("[routes.\"/x\"]\nplugins = [\"echo\"]"),
        "f:2: routes.\"/x\".plugins[0]: route /x names plugin 'echo', and there is no [plugins.echo] table"
    );
}

#[test]
fn syntax_errors_come_with_what_is_certain_above_them() {
    // The unknown key stands above the first syntax error; what is below it the parser guessed.
    let said = problems("[listen]\nadress = 1\nworkers = \n[routes]\nzzz = 1\n\"/x\" = = 1\n");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[0],
        "f:2: listen.adress: unknown key; did you mean 'address'?"
    );
    assert!(lines[1].starts_with("f:3: not valid TOML: "), "{said}");
    assert!(
        lines
            .last()
            .is_some_and(|line| line.starts_with("f:6: not valid TOML: ")),
        "{said}"
    );
    assert!(
        !said.contains("zzz") && !said.contains("no routes"),
        "{said}"
    );
    assert_eq!(
        problems("playgroun = 1\nplaygroun = 2\n"),
        "f:1: playgroun: unknown key; did you mean 'playground'?\nf:2: not valid TOML: duplicate key"
    );
}

#[test]
fn what_a_file_says_cannot_reach_the_terminal_raw() {
    let said = with("\"\\u001b[31m\" = 1");
    assert!(
        said.starts_with("f:1: \"\\u{1b}[31m\": unknown key"),
        "{said}"
    );
    let long = "x".repeat(10_000);
    let said = with(&format!("[listen]\naddress = \"{long}\""));
    assert!(said.len() < 1_000, "{}", said.len());
}

#[test]
fn a_flood_of_problems_is_cut() {
    let text: String = (0..100).map(|i| format!("k{i} = 1\n")).collect();
    let said = with(&text);
    assert_eq!(said.lines().count(), 41);
    assert!(said.ends_with("f: and 60 more"), "{said}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = std::env::temp_dir().join(format!("jackfield-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let missing = folder.join("none.toml");
    assert!(matches!(load(&missing), Err(ConfigError::Missing { .. })));
    assert!(
        load(&missing)
            .unwrap_err()
            .to_string()
            .contains("--config FILE")
    );
    assert!(matches!(load(&folder), Err(ConfigError::Unreadable { .. })));
    let file = folder.join("bad.toml");
    std::fs::write(&file, b"a = 1\nb = \"\xff\"\n").unwrap();
    assert!(matches!(
        load(&file),
        Err(ConfigError::NotText { line: 2, .. })
    ));
    std::fs::write(&file, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    assert!(matches!(load(&file), Err(ConfigError::TooLarge { .. })));
    std::fs::write(&file, RIGHT).unwrap();
    assert_eq!(
        load(&file).unwrap().plugins["echo"].file,
        folder.join("echo.wasm")
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_plugin_without_a_file() {
    let config = super::for_plugin("/tmp/my-chat.wasm".into(), ([127, 0, 0, 1], 0).into());
    assert_eq!(config.routes["/"].plugins, ["my-chat"]);
    assert_eq!(
        config.plugins["my-chat"].file,
        Path::new("/tmp/my-chat.wasm")
    );
    let config = super::for_plugin("/tmp/a b.wasm".into(), ([127, 0, 0, 1], 0).into());
    assert_eq!(config.routes["/"].plugins, ["plugin"]);
}

/// The reference in docs/configuration.md is the defaults, and has every key that the reader knows.
#[test]
fn the_reference_is_true() {
    let text = include_str!("../../../docs/configuration.md");
    let (_, block) = text.split_once("```toml\n").expect("a block of TOML");
    let (block, _) = block.split_once("```").expect("its end");
    let mut written = config(block);
    written.listen.workers = super::resolved::Listen::default().workers;
    assert_eq!(written, config(RIGHT));

    let every_table = "zzz = 1\nlisten = { zzz = 1, tls = { zzz = 1 } }\nlistener = [{ zzz = 1 }]\nlimits = { zzz = 1 }\nhealth = { zzz = 1 }\nswap = { zzz = 1 }\nadmin = { zzz = 1 }\n\
        routes = { \"/x\" = { zzz = 1, plugins = [\"x\"] } }\n\
        plugins = { x = { zzz = 1, file = \"x\", limits = { zzz = 1 }, recycle = { zzz = 1 }, build = { zzz = 1, command = [\"x\"] } } }\n";
    let said = problems(every_table);
    let known = said
        .lines()
        .filter_map(|line| line.split_once("known here: "));
    let known: Vec<&str> = known.flat_map(|(_, keys)| keys.split(", ")).collect();
    assert!(known.len() > 30, "{said}");
    for key in known {
        let written = [format!("{key} = "), format!("[{key}"), format!(".{key}]")];
        assert!(
            written.iter().any(|text| block.contains(text)),
            "{key} is not in the reference"
        );
    }
}

/// Whatever the text, there is an answer: mutations of a file that uses every key, and plain garbage.
#[test]
fn nothing_panics() {
    const PIECES: [&str; 32] = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\n",
        "\r",
        "\r\n",
        "#",
        "\\u0000",
        "\\",
        "-",
        "0x",
        "1e999",
        "inf",
        "9999999999999999999999",
        "\u{feff}",
        "é",
        "\u{202e}",
        "\0",
        "routes",
        "plugins",
        "1979-05-27T07:32:00Z",
        "true",
    ];
    let whole = concat!(
        "playground = true\n[listen]\naddress = \"127.0.0.1:9000\"\nworkers = 2\n[limits]\nhead_bytes = \"1 KiB\"\n",
        "[health]\nping = \"1 s\"\n[routes.\"/a\"]\nplugins = [\"a\"]\norigins = [\"https://example.org\"]\n",
        "[plugins.a]\nfile = \"a.wasm\"\ninstances = { pool = 2 }\nbuild = { command = [\"make\"], directory = \"a\" }\n",
        "limits = { call_time = \"1 s\" }\n",
    );
    config(whole);
    // xorshift64: the same mutations in every run.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % limit.max(1) as u64) as usize
    };
    for round in 0..20_000 {
        let mut text: Vec<char> = if round % 4 == 0 {
            Vec::new()
        } else {
            whole.chars().collect()
        };
        for _ in 0..1 + below(8) {
            let at = below(text.len() + 1);
            let end = (at + below(12)).min(text.len());
            let piece = PIECES[below(PIECES.len())].repeat(1 + below(3));
            let keep = if below(2) == 0 { at } else { end };
            text.splice(at..keep, piece.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = parse(&text, "f", Path::new("/srv")) {
            assert!(!error.to_string().is_empty(), "{text:?}");
        }
    }
    let _ = parse(&"[".repeat(200_000), "f", Path::new("/srv"));
    let _ = parse(
        &format!("a = {}", "[".repeat(200_000)),
        "f",
        Path::new("/srv"),
    );
    let _ = parse(&"a.".repeat(100_000), "f", Path::new("/srv"));
    // As many problems as there are lines, of both kinds: looked at in one pass.
    for line in ["= \n", "[[\n", "a.b.c = 1\n"] {
        let _ = parse(&line.repeat(100_000), "f", Path::new("/srv"));
    }
}
