//! `jackfield plugin` and `jackfield connections` against a running server, and what a server says that cannot open its
//! admin API: what is printed, where, and with which exit code.

use std::process::Output;

use e2e::admin::{Admin, TOKEN, with_admin};
use e2e::temp::TempDir;
use e2e::versions::{Answer, PluginFile, digest, stamped};
use e2e::{Client, PATIENCE, Server, Setup, process, server, table};
use serde_json::Value;

const OK: i32 = 0;
const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const LISTEN: i32 = 4;
const FAILED: i32 = 5;

/// A server with the guest `stamped` as generation 0 on `/`.
struct Site {
    server: Server,
    admin: Admin,
    folder: TempDir,
    _file: PluginFile,
}

impl Site {
    fn start() -> Site {
        let file = PluginFile::new("stamped", &stamped(0, ""));
        let server = with_admin(file.setup()).start();
        let admin = Admin::of(&server);
        Site {
            server,
            admin,
            folder: TempDir::new("cli"),
            _file: file,
        }
    }

    /// Runs a command against this server, with the token in the environment.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = server::command();
        command
            .env("JACKFIELD_ADMIN_TOKEN", TOKEN)
            .args(arguments)
            .args(["--admin", &self.admin.url()]);
        process::run(&mut command, PATIENCE)
    }

    /// What a command that succeeds prints.
    #[track_caller]
    fn printed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(OK), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// What a command that fails with this code says, which is nothing on stdout.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stderr).expect("text");
        assert!(text.starts_with("error: "), "{text}");
        text
    }

    /// A component in a file.
    fn component(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.write(name, bytes);
        path.to_string_lossy().into_owned()
    }

    fn open(&self) -> Client {
        Client::open(&self.server, "/")
    }
}

#[track_caller]
fn generation(client: &mut Client) -> u32 {
    Answer::parse(&client.ask_text("x")).generation
}

/// The cells of a table by its rows, the heading first. Two blanks part cells; one may stand inside.
fn cells(text: &str) -> Vec<Vec<&str>> {
    fn row(line: &str) -> Vec<&str> {
        let cells = line.split("  ").map(str::trim);
        cells.filter(|cell| !cell.is_empty()).collect()
    }
    text.lines().map(row).collect()
}

#[test]
fn plugins_are_listed_pushed_rolled_back_and_promoted() {
    let site = Site::start();
    let (old, new) = (stamped(0, ""), stamped(1, ""));
    let file = site.component("new.wasm", &new);
    let mut client = site.open();
    assert_eq!(generation(&mut client), 0);

    let text = site.printed(&["plugin", "ls"]);
    let rows = cells(&text);
    let heading = "PLUGIN VERSION ROLE SINCE CONNECTIONS CALLS ERRORS LAST_ERROR";
    assert_eq!(rows[0].join(" "), heading.replace('_', " "));
    assert_eq!(rows.len(), 2, "{text}");
    assert_eq!(rows[1][..3], ["stamped", &digest(&old), "serving"]);
    assert_eq!((rows[1][4], rows[1][6], rows[1][7]), ("1", "0", "-"));

    let line = site.printed(&["plugin", "push", "stamped", &file]);
    let arrow = format!("stamped: {} → {} (live)", digest(&old), digest(&new));
    assert!(line.starts_with(&arrow) && line.ends_with('\n'), "{line}");
    assert_eq!(line.lines().count(), 1);
    assert_eq!(generation(&mut client), 1);
    let line = site.printed(&["plugin", "push", "stamped", &file]);
    assert!(line.contains("nothing changed"), "{line}");

    let line = site.printed(&["plugin", "rollback", "stamped"]);
    assert!(line.contains("rollback"), "{line}");
    assert_eq!(generation(&mut client), 0);

    let push = ["plugin", "push", "stamped", &file, "--policy"];
    let line = site.printed(&[&push[..], &["canary", "--share", "100"]].concat());
    assert!(line.contains("(canary)"), "{line}");
    assert_eq!(generation(&mut client), 1);
    let text = site.printed(&["plugin", "ls"]);
    let roles: Vec<&str> = cells(&text).iter().skip(1).map(|row| row[2]).collect();
    assert_eq!(roles[..2], ["serving", "canary"]);
    let line = site.printed(&["plugin", "promote", "stamped"]);
    assert!(line.contains("promoted"), "{line}");

    let third = site.component("third.wasm", &stamped(2, ""));
    let push = ["plugin", "push", "stamped", &third, "--policy"];
    let line = site.printed(&[&push[..], &["drain", "--limit", "5min"]].concat());
    assert!(line.contains("(drain)"), "{line}");
    assert_eq!(generation(&mut client), 1);
    assert_eq!(generation(&mut site.open()), 2);
}

#[test]
fn json_for_programs() {
    let site = Site::start();
    let mut client = site.open();
    assert_eq!(generation(&mut client), 0);
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&site.printed(arguments)).expect("JSON")
    };
    let list = json(&["plugin", "ls", "--json"]);
    assert_eq!(list["plugins"][0]["versions"][0]["connections"], 1);
    let file = site.component("new.wasm", &stamped(1, ""));
    let swap = json(&["plugin", "--json", "push", "stamped", &file]);
    assert_eq!(swap["how"], "live");
    assert_eq!(swap["changed"], true);
    let swap = json(&["plugin", "rollback", "stamped", "--json"]);
    assert_eq!(swap["plugin"], "stamped");
    let page = json(&["connections", "ls", "--json"]);
    let peer = client.local_address().to_string();
    assert_eq!(page["connections"][0]["peer"], peer);
    assert_eq!(page["next"], Value::Null);
}

/// A refusal is told in the server's words, and nothing has changed. `GOOD` stands for a component's file.
#[test]
fn refusals() {
    let site = Site::start();
    let mut client = site.open();
    let good = site.component("good.wasm", &stamped(1, ""));
    let rows = [
        (
            "plugin push stampd GOOD",
            REFUSED,
            "did you mean 'stamped'?",
        ),
        ("plugin push stamped none.wasm", USAGE, "no such file"),
        ("plugin promote stamped", REFUSED, "no canary"),
        ("plugin rollback stamped", REFUSED, "no version before"),
        ("plugin push stamped GOOD --share 5", USAGE, "--policy"),
        (
            "plugin push stamped GOOD --policy canary --share 0",
            REFUSED,
            "1 to 100",
        ),
        (
            "plugin push stamped GOOD --policy drain --limit x",
            REFUSED,
            "duration",
        ),
        ("plugin push stamped GOOD --policy all", USAGE, "canary"),
        ("connections close 7", REFUSED, "no connection"),
        ("connections close 7 --code 1006", REFUSED, "RFC 6455"),
        ("connections ls --route /x", REFUSED, "no route '/x'"),
        ("connections close x", USAGE, "ID"),
        ("plugin", USAGE, "Usage"),
    ];
    table(
        &rows,
        |row| row.0,
        |(line, code, said)| {
            let arguments: Vec<&str> = line
                .split(' ')
                .map(|word| if word == "GOOD" { &good } else { word })
                .collect();
            let output = site.run(&arguments);
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(*code), "{output:?}");
            assert!(text.contains(said), "{text}");
        },
    );
    let half = site.component("half.wasm", &stamped(1, "")[..10_000]);
    let text = site.refused(&["plugin", "push", "stamped", &half], REFUSED);
    assert!(text.contains("ends in the middle"), "{text}");
    let large = site.component("large.wasm", &vec![0; 100_000_000]);
    let text = site.refused(&["plugin", "push", "stamped", &large], REFUSED);
    assert!(text.contains("67108864 bytes"), "{text}");
    assert_eq!(generation(&mut client), 0);
}

#[test]
fn connections_are_listed_and_closed() {
    let site = Site::start();
    let mut clients: Vec<Client> = (0..12).map(|_| site.open()).collect();
    for client in &mut clients {
        assert_eq!(generation(client), 0);
    }
    let text = site.printed(&["connections", "ls"]);
    let rows = cells(&text);
    let heading = "ID PEER STATE ROUTE PROTOCOL SERVED_BY AGE IDLE BACKLOG";
    assert_eq!(rows[0].join(" "), heading.replace('_', " "));
    assert_eq!(rows.len(), 13, "{text}");
    let row_of = |client: &Client| {
        let peer = client.local_address().to_string();
        let row = rows.iter().find(|row| row[1] == peer);
        row.expect("the peer's row").clone()
    };
    let row = row_of(&clients[3]);
    let served = format!("stamped@{}", digest(&stamped(0, "")));
    assert_eq!(row[2..6], ["open", "/", "-", &served]);
    assert_eq!(row[8], "0 B");

    let output = site.run(&["connections", "ls", "--limit", "5"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 6, "{text}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("there may be more"), "{text}");
    let filters = ["--peer", row[1], "--route", "/", "--plugin", "stamped"];
    let text = site.printed(&[&["connections", "ls"], &filters[..]].concat());
    assert_eq!(text.lines().count(), 2, "{text}");

    let close = ["connections", "close", row[0], "--code", "4001"];
    let said = site.printed(&[&close[..], &["--reason", "go & ö"]].concat());
    assert_eq!(said, "");
    assert_eq!(clients.remove(3).expect_closed(4001), "go & ö");
    // A normal closure is what is meant without a code.
    let row = row_of(&clients[0]);
    assert_eq!(site.printed(&["connections", "close", row[0]]), "");
    assert_eq!(clients.remove(0).expect_closed(1000), "");
}

/// `URL` stands for the API, `FILE`, `WRONG` and `SHORT` for files with a token that is right or not.
#[test]
fn tokens_and_addresses() {
    let site = Site::start();
    let other = "another-token-of-some-length";
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}", closed.local_addr().expect("its address"));
    drop(closed);
    let words = [
        ("URL", site.admin.url()),
        ("NOBODY", nobody),
        ("SERVER", format!("http://{}", site.server.address())),
        (
            "FILE",
            site.component("token", format!("{TOKEN}\n").as_bytes()),
        ),
        ("WRONG", site.component("wrong", other.as_bytes())),
        ("SHORT", site.component("short", b"short\n")),
    ];
    let rows: [(&str, Option<&str>, i32, &str); 12] = [
        ("URL", Some(TOKEN), OK, ""),
        ("URL --token-file FILE", None, OK, ""),
        ("URL --token-file FILE", Some(other), OK, ""),
        ("URL", None, USAGE, "--token-file FILE"),
        ("URL", Some(other), REFUSED, "not the token"),
        ("URL --token-file WRONG", None, REFUSED, "not the token"),
        ("URL --token-file SHORT", None, USAGE, "at least 16"),
        ("URL --token-file none", None, USAGE, "No such file"),
        ("NOBODY", Some(TOKEN), FAILED, "refused"),
        ("SERVER", Some(TOKEN), FAILED, "not the admin API"),
        ("https://localhost", Some(TOKEN), USAGE, "plain HTTP"),
        ("localhost", Some(TOKEN), USAGE, "http://HOST:PORT"),
    ];
    table(
        &rows,
        |row| row.0,
        |(line, token, code, said)| {
            let mut command = server::command();
            command.env_remove("JACKFIELD_ADMIN_TOKEN");
            if let Some(token) = token {
                command.env("JACKFIELD_ADMIN_TOKEN", token);
            }
            command.args(["plugin", "ls", "--admin"]);
            for word in line.split(' ') {
                let meant = words.iter().find(|(name, _)| *name == word);
                command.arg(meant.map_or(word, |(_, meant)| meant));
            }
            let output = process::run(&mut command, PATIENCE);
            assert_eq!(output.status.code(), Some(*code), "{output:?}");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(text.contains(said), "{text}");
            assert!(!text.contains(TOKEN) && !text.contains(other), "{text}");
        },
    );
}

/// Every way in which there can be no admin API, told before anything serves.
#[test]
fn a_server_without_a_usable_admin_api_does_not_start() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address));
    let (_taken, address) = taken.expect("its address");
    let taken = format!("listen = \"{address}\"");
    let free = "listen = \"127.0.0.1:0\"";
    let two = "token_file = \"a\"; token_env = \"B\"";
    let rows: [(&str, Option<&str>, i32, &str); 9] = [
        (free, None, REFUSED, "JACKFIELD_ADMIN_TOKEN is not set"),
        (free, Some(""), REFUSED, "at least 16"),
        (free, Some("0123456789abcde"), REFUSED, "has 15 bytes"),
        (free, Some("two words are no token"), REFUSED, "blank"),
        ("token_file = \"none\"", None, REFUSED, "No such file"),
        (two, None, REFUSED, "keep one of them"),
        (
            "listen = \"0.0.0.0:0\"",
            Some(TOKEN),
            REFUSED,
            "allow_remote = true",
        ),
        ("lisen = 1", Some(TOKEN), REFUSED, "did you mean 'listen'?"),
        (&taken, Some(TOKEN), LISTEN, "already in use"),
    ];
    table(
        &rows,
        |row| row.3,
        |(keys, token, code, said)| {
            let folder = TempDir::new("refused");
            let mut setup = file.setup();
            for (key, value) in keys.split("; ").filter_map(|key| key.split_once(" = ")) {
                setup = setup.set("admin", key, value);
            }
            let config = folder.path().join("jackfield.toml");
            setup.write_to(&config);
            let mut command = server::command();
            command.args(["up", "--no-build", "--config"]).arg(&config);
            command.env_remove("JACKFIELD_ADMIN_TOKEN");
            command.envs(setup.variables().iter().map(|(name, value)| (name, value)));
            if let Some(token) = token {
                command.env("JACKFIELD_ADMIN_TOKEN", token);
            }
            let output = process::run(&mut command, PATIENCE);
            assert_eq!(output.status.code(), Some(*code), "{output:?}");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(text.contains(said), "{text}");
            assert!(output.stdout.is_empty(), "{output:?}");
        },
    );
}

#[test]
fn another_address_is_allowed_when_it_is_meant() {
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let setup: Setup = with_admin(file.setup())
        .set("admin", "listen", "\"0.0.0.0:0\"")
        .set("admin", "allow_remote", "true");
    let server = setup.start();
    Admin::of(&server).get("/v1/ready").expect(200);
}

#[test]
fn a_token_that_everybody_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new("token");
    let path = folder.write("token", format!("{TOKEN}\n"));
    let file = PluginFile::new("stamped", &stamped(0, ""));
    let quoted = format!("\"{}\"", path.display());
    let setup =
        file.setup()
            .set("admin", "listen", "\"127.0.0.1:0\"")
            .set("admin", "token_file", &quoted);
    for (mode, warned) in [(0o644, true), (0o640, false)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, permissions).expect("chmod");
        let server = setup.start();
        Admin::of(&server).get("/v1/plugins").expect(200);
        let lines = server.log().count(&["WARN", "every user"]);
        assert_eq!(lines, usize::from(warned), "{mode:o}");
    }
}

/// The token and what is done over the API: the one is never in the log, the other always.
#[test]
fn the_log_has_what_was_done_and_not_the_token() {
    let site = Site::start();
    let file = site.component("new.wasm", &stamped(1, ""));
    site.printed(&["plugin", "push", "stamped", &file]);
    let mut client = site.open();
    assert_eq!(generation(&mut client), 1);
    let text = site.printed(&["connections", "ls"]);
    let id = cells(&text)[1][0];
    site.printed(&["connections", "close", id]);
    client.expect_close(1000);
    let log = site.server.log();
    log.wait_for_parts(&["stamped:", "→", &digest(&stamped(1, ""))]);
    log.wait_for_parts(&["admin", "closed", id]);
    assert!(!log.text().contains(TOKEN));
}
