//! The command line: what each command prints and how it ends, for good input and for every kind of bad one.
//! The exit codes are those of `jackfield --help`.

use std::process::{Command, Output};

use e2e::temp::TempDir;
use e2e::{Client, PATIENCE, Plugin, Setup, artefacts, process, server, table};

const OK: i32 = 0;
const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const BUILD: i32 = 3;
const LISTEN: i32 = 4;

/// Runs `jackfield` to its end.
#[track_caller]
fn jackfield(arguments: &[&str]) -> Output {
    let mut command = server::command();
    process::run(command.args(arguments), PATIENCE)
}

fn said(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{stdout}{stderr}")
}

/// The command ended with this code and said all of these, whatever their case, without any colour code.
#[track_caller]
fn assert_said(output: &Output, code: i32, parts: &[&str]) {
    let text = said(output);
    assert_eq!(
        output.status.code(),
        Some(code),
        "exit code; it said:\n{text}"
    );
    for part in parts {
        let found = text.to_lowercase().contains(&part.to_lowercase());
        assert!(found, "{part:?} is not in:\n{text}");
    }
    assert!(
        !text.contains('\u{1b}'),
        "colours without a terminal:\n{text}"
    );
    assert!(!text.contains("panicked"), "{text}");
}

/// A component from its text form.
fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a component in text form")
}

/// `server-events` as the contract has it, written by hand, with room for imports and more exports.
fn server_events(imports: &str, version: &str, exports: &str, more: &str) -> Vec<u8> {
    component(&format!(
        r#"(component
            {imports}
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "nothing"))
                (func (export "message") (param i64 i32 i32)))
            (core instance $i (instantiate $m))
            (func $nothing (canon lift (core func $i "nothing")))
            (func $message (param "connection" u64) (param "message" string)
                (canon lift (core func $i "message") (memory (core memory $i "memory"))
                    (realloc (core func $i "realloc"))))
            (instance $events {exports})
            (export "jackfield:plugin/server-events@{version}" (instance $events))
            {more})"#
    ))
}

const STARTED: &str = r#"(export "on-started" (func $nothing))"#;
const SHUTDOWN: &str = r#"(export "on-shutdown" (func $nothing))"#;
/// `business-handler` with a string where the contract has a variant.
const WRONG_HANDLER: &str = r#"
    (instance $handler (export "business-handler" (func $message)))
    (export "jackfield:plugin/handler@0.1.0" (instance $handler))"#;

fn both() -> String {
    format!("{STARTED}{SHUTDOWN}")
}

#[test]
fn version_names_the_contract() {
    let output = jackfield(&["--version"]);
    assert_said(
        &output,
        OK,
        &[
            "jackfield",
            env!("CARGO_PKG_VERSION"),
            "jackfield:plugin",
            "0.1.0",
        ],
    );
    assert!(output.stderr.is_empty());
}

#[test]
fn help_has_every_command_examples_and_exit_codes() {
    let output = jackfield(&["--help"]);
    assert_said(
        &output,
        OK,
        &[
            "up",
            "run",
            "check",
            "examples",
            "exit codes",
            "jackfield up",
        ],
    );
    for command in ["new", "build", "test", "up", "run", "check"] {
        let output = jackfield(&[command, "--help"]);
        assert_said(&output, OK, &["usage", command]);
    }
}

#[test]
fn wrong_command_lines() {
    for arguments in [
        &["dance"][..],
        &["up", "--no-such-flag"],
        &["check"],
        &["run"],
        &["up", "--config"],
    ] {
        assert_said(&jackfield(arguments), USAGE, &["error"]);
    }
}

#[test]
fn check_says_what_a_good_plugin_does() {
    let echo = artefacts::guest("echo");
    let output = jackfield(&["check", &echo.to_string_lossy()]);
    assert_said(
        &output,
        OK,
        &[
            "business-handler",
            "jackfield:plugin/connections",
            "made with Rust",
            "written with jackfield-guest 0.1.0 (Rust)",
            "Finds nothing without a grant",
            "wasi:cli/environment: variables named in grants.environment",
            "Begins with ",
        ],
    );
    let auth = artefacts::guest("auth");
    let output = jackfield(&["check", &auth.to_string_lossy()]);
    assert_said(&output, OK, &["check-custom-header", "select-protocol"]);
    let events = artefacts::guest("events");
    let output = jackfield(&["check", &events.to_string_lossy()]);
    let hooks = ["on-handshake-success", "on-disconnected", "on-connected"];
    assert_said(&output, OK, &hooks);
}

#[test]
fn check_tolerates_what_other_toolchains_export_besides() {
    let folder = TempDir::new("check");
    let bytes = server_events("", "0.1.0", &both(), r#"(export "init" (func $nothing))"#);
    let file = folder.write("extra.wasm", bytes);
    let output = jackfield(&["check", &file.to_string_lossy()]);
    assert_said(&output, OK, &["on-started", "on-shutdown"]);
}

#[test]
fn check_says_what_is_wrong_with_a_bad_plugin() {
    let import = r#"(import "acme:database/store@1.0.0"
        (instance (export "read" (func (param "key" string) (result string)))))"#;
    let sockets = r#"(import "wasi:sockets/tcp@0.2.0"
        (instance (export "connect" (func (param "to" string)))))"#;
    let rows: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "noise",
            b"this is no WebAssembly".to_vec(),
            &["not", "component"],
        ),
        ("empty file", Vec::new(), &["component"]),
        (
            "core module",
            component("(module)"),
            &["core module", "component"],
        ),
        (
            "truncated",
            {
                let mut bytes = server_events("", "0.1.0", &both(), "");
                bytes.truncate(bytes.len() / 2);
                bytes
            },
            &[],
        ),
        (
            "a contract version of the future",
            server_events("", "0.2.0", &both(), ""),
            &["0.2.0", "0.1.0", "server-events"],
        ),
        (
            "a function is missing",
            server_events("", "0.1.0", STARTED, ""),
            &["server-events", "on-shutdown"],
        ),
        (
            "another signature",
            server_events("", "0.1.0", &both(), WRONG_HANDLER),
            &["business-handler", "expected", "found", "string", "variant"],
        ),
        (
            "an import that nobody grants",
            server_events(import, "0.1.0", &both(), ""),
            &["acme:database/store"],
        ),
        (
            "a WASI function that there is not",
            server_events(sockets, "0.1.0", &both(), ""),
            &["wasi:sockets/tcp"],
        ),
        (
            "everything at once",
            server_events(import, "0.1.0", STARTED, WRONG_HANDLER),
            &["acme:database/store", "on-shutdown", "business-handler"],
        ),
    ];
    let folder = TempDir::new("check");
    table(
        &rows,
        |row| row.0,
        |(_, bytes, parts)| {
            let file = folder.write("plugin.wasm", bytes);
            let output = jackfield(&["check", &file.to_string_lossy()]);
            assert_said(&output, REFUSED, &[parts, &["plugin.wasm"][..]].concat());
        },
    );
}

#[test]
fn check_of_a_file_that_is_not_there() {
    let output = jackfield(&["check", "nowhere/plugin.wasm"]);
    assert_said(&output, REFUSED, &["nowhere/plugin.wasm"]);
}

#[test]
fn run_serves_one_plugin_without_a_configuration() {
    let mut command = server::command();
    command
        .arg("run")
        .arg(artefacts::guest("echo"))
        .args(["--listen", "127.0.0.1:0"]);
    let server = e2e::Server::spawn(command, TempDir::new("run"));
    let mut client = Client::open(&server, "/");
    assert_eq!(client.ask_text("hello"), "hello");
}

#[test]
fn up_prints_routes_plugins_digests_and_what_to_try() {
    let server = Setup::echo()
        .plugin(Plugin::guest("auth"))
        .route("/private", &["auth", "echo"])
        .start();
    let port = server.address().port().to_string();
    let log = server.log();
    log.wait_for_parts(&["/echo", "echo"]);
    log.wait_for_parts(&["/private", "auth", "echo"]);
    for plugin in ["echo", "auth"] {
        log.wait_for("the plugin with its digest and version", |line| {
            let hex = |word: &str| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit());
            let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
            let version = line.contains("contract 0.1.0");
            (line.contains(plugin) && words.any(hex) && version).then_some(())
        });
    }
    // What to try next names the port that was really taken.
    log.wait_for("an address to try", |line| {
        (line.contains("http://") && line.contains(&port)).then_some(())
    });
    assert!(!log.text().contains('\u{1b}'));
}

#[test]
fn up_without_a_configuration() {
    let folder = TempDir::new("up");
    let mut command = server::command();
    let output = process::run(command.arg("up").current_dir(folder.path()), PATIENCE);
    assert_said(&output, REFUSED, &["jackfield.toml", "--config"]);
    let output = jackfield(&["up", "--config", "elsewhere.toml"]);
    assert_said(&output, REFUSED, &["elsewhere.toml"]);
}

#[test]
fn every_configuration_error_at_once_with_line_key_and_the_nearest_key() {
    let folder = TempDir::new("config");
    let text = "\
[listen]
adress = \"127.0.0.1:9000\"
workers = 0

[limits]
handshake_timeout = \"soon\"

[routes.\"/echo\"]
plugins = [\"ecko\"]

[plugins.echo]
file = \"echo.wasm\"
instances = \"sometimes\"
";
    let file = folder.write("jackfield.toml", text);
    let output = jackfield(&["up", "--no-build", "--config", &file.to_string_lossy()]);
    assert_said(
        &output,
        REFUSED,
        &[
            "jackfield.toml:2:",
            "listen.adress",
            "did you mean 'address'",
            "jackfield.toml:3:",
            "listen.workers",
            "jackfield.toml:6:",
            "limits.handshake_timeout",
            "jackfield.toml:9:",
            "did you mean 'echo'",
            "jackfield.toml:13:",
            "plugins.echo.instances",
        ],
    );
}

#[test]
fn a_configuration_that_is_not_toml() {
    let folder = TempDir::new("config");
    for (name, text) in [
        ("broken.toml", &b"[listen\naddress = 1"[..]),
        ("latin1.toml", b"# caf\xe9\n"),
        ("empty.toml", b""),
    ] {
        let file = folder.write(name, text);
        let output = jackfield(&["up", "--no-build", "--config", &file.to_string_lossy()]);
        assert_said(&output, REFUSED, &[name]);
    }
}

#[track_caller]
fn up(setup: &Setup) -> Output {
    let folder = TempDir::new("up");
    let file = folder.path().join("jackfield.toml");
    setup.write_to(&file);
    let mut command = server::command();
    command.arg("up").arg("--config").arg(&file);
    process::run(command.current_dir(folder.path()), PATIENCE)
}

#[test]
fn a_taken_port_is_said_in_words() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = taken.local_addr().expect("an address").to_string();
    let setup = Setup::echo().set("listen", "address", &format!("\"{address}\""));
    assert_said(&up(&setup), LISTEN, &[&address, "in use"]);
}

#[test]
fn plugins_that_cannot_be_loaded() {
    let folder = TempDir::new("plugins");
    let setup = |file: &std::path::Path| {
        Setup::new()
            .plugin(Plugin::file("mine", file))
            .route("/", &["mine"])
    };
    let missing = setup(&folder.path().join("missing.wasm"));
    assert_said(&up(&missing), REFUSED, &["mine", "missing.wasm"]);
    let core = folder.write("core.wasm", component("(module)"));
    assert_said(&up(&setup(&core)), REFUSED, &["mine", "core module"]);
    let noise = folder.write("noise.wasm", "noise");
    assert_said(&up(&setup(&noise)), REFUSED, &["mine", "noise.wasm"]);
    let future = folder.write("future.wasm", server_events("", "0.9.0", &both(), ""));
    assert_said(&up(&setup(&future)), REFUSED, &["mine", "0.9.0", "0.1.0"]);
    // All of them in one go.
    let all = setup(&core)
        .plugin(Plugin::file("other", &future))
        .route("/other", &["other"]);
    assert_said(
        &up(&all),
        REFUSED,
        &["mine", "core module", "other", "0.9.0"],
    );
}

#[test]
fn up_builds_before_it_serves() {
    let folder = TempDir::new("build");
    let echo = artefacts::guest("echo");
    let built = folder.path().join("built.wasm");
    let command = format!("[\"cp\", {:?}, {:?}]", echo, built);
    let setup = Setup::new()
        .plugin(Plugin::file("mine", &built))
        .set("plugins.mine.build", "command", &command)
        .route("/", &["mine"]);
    let config = folder.path().join("jackfield.toml");
    setup.write_to(&config);
    let mut command = server::command();
    command.arg("up").arg("--config").arg(&config);
    let server = e2e::Server::spawn(command, TempDir::new("up"));
    assert_eq!(Client::open(&server, "/").ask_text("hello"), "hello");
}

#[test]
fn a_build_that_fails_shows_what_it_said() {
    let setup = |command: &str| {
        Setup::new()
            .plugin(Plugin::file("mine", "mine.wasm"))
            .set("plugins.mine.build", "command", command)
            .route("/", &["mine"])
    };
    let failing = setup("[\"sh\", \"-c\", \"echo the compiler is unhappy >&2; exit 7\"]");
    assert_said(&up(&failing), BUILD, &["mine", "the compiler is unhappy"]);
    let absent = setup("[\"no-such-compiler\"]");
    assert_said(&up(&absent), BUILD, &["mine", "no-such-compiler"]);
}

/// The cache of compiled code is a help and never a condition: damaged, not writable, or without a home.
#[test]
fn a_cache_that_is_damaged_or_missing() {
    let folder = TempDir::new("cache");
    let cache = folder.path().join("cache");
    let serves = |cache: &std::path::Path| {
        let cache = cache.to_string_lossy();
        let server = Setup::echo()
            .variable("XDG_CACHE_HOME", &cache)
            .variable("HOME", &cache)
            .start();
        assert_eq!(Client::open(&server, "/echo").ask_text("x"), "x");
        assert!(!server.log().text().contains("panicked"));
    };
    serves(&cache);
    let mut damaged = 0;
    let mut folders = vec![cache.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file of the cache");
            let damage = match damaged % 3 {
                0 => bytes[..bytes.len() / 2].to_vec(),
                1 => Vec::new(),
                _ => bytes.iter().map(|byte| byte ^ 0x55).collect(),
            };
            std::fs::write(&path, damage).expect("damaging the cache");
            damaged += 1;
        }
    }
    assert!(
        damaged > 0,
        "nothing is cached: a second start is not quick"
    );
    serves(&cache);
    // A file where the folder should be.
    let file = folder.write("file", "not a folder");
    serves(&file);
}

#[test]
fn output_to_a_closed_pipe_is_no_crash() {
    let binary = artefacts::jackfield().to_string_lossy().into_owned();
    let script = format!("{{ '{binary}' --help; echo code $? >&2; }} | true");
    let output = process::run(Command::new("sh").args(["-c", &script]), PATIENCE);
    assert!(!said(&output).contains("panicked"), "{}", said(&output));
}
