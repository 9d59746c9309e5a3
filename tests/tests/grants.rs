//! What a plugin may reach beyond its connections: nothing, unless `grants` of its configuration names it, and no more
//! than that. The guest `escape` tries.

use std::path::Path;

use e2e::admin::{Admin, with_admin};
use e2e::temp::TempDir;
use e2e::versions::start_unwatched;
use e2e::{Client, PATIENCE, Server, Setup, process, server};

fn escape() -> Setup {
    Setup::guest("escape").workers(1)
}

fn environment(setup: Setup, names: &str) -> Setup {
    setup.set("plugins.escape.grants", "environment", names)
}

/// With a folder of the host as `/data`.
fn directory(setup: Setup, path: &Path, writable: bool) -> Setup {
    let section = "plugins.escape.grants.directories.\"/data\"";
    setup
        .set(section, "path", &format!("{:?}", path.to_string_lossy()))
        .set(section, "writable", &writable.to_string())
}

#[track_caller]
fn got(client: &mut Client, attempt: &str) -> String {
    let answer = client.ask_text(attempt);
    let loot = answer.strip_prefix("got ");
    loot.unwrap_or_else(|| panic!("{attempt}: {answer}"))
        .to_owned()
}

#[track_caller]
fn refused(client: &mut Client, attempt: &str) {
    let answer = client.ask_text(attempt);
    assert!(answer.starts_with("refused"), "{attempt}: {answer}");
}

/// Writes a configuration, sends SIGHUP and gives the line of the swap, from a component to the same.
#[track_caller]
fn reload(server: &Server, setup: &Setup) -> String {
    setup.write_to(&server.folder().path().join("jackfield.toml"));
    let before = server.log().mark();
    server.signal("HUP");
    server.log().wait_since(before, "a swap", |line| {
        (line.contains("escape: ") && line.contains('→')).then(|| line.to_owned())
    })
}

/// A variable is seen by its name; one that is not named, or not set, is not.
#[test]
fn variables_by_name() {
    let setup = environment(escape(), "[\"GRANTED\", \"NEVER_SET\"]")
        .variable("GRANTED", "for you")
        .variable("SECRET", "not for you");
    let server = setup.start();
    let mut client = Client::open(&server, "/");
    assert_eq!(got(&mut client, "env"), "GRANTED=for you");
}

#[test]
fn a_directory_to_read() {
    let outside = TempDir::new("outside");
    let secret = outside.write("secret", "not for you");
    let folder = TempDir::new("granted");
    folder.write("note", "for you");
    std::os::unix::fs::symlink(&secret, folder.path().join("link")).expect("a link");
    let server = directory(escape(), folder.path(), false).start();
    let mut client = Client::open(&server, "/");
    assert_eq!(got(&mut client, "read /data/note"), "for you");
    assert_eq!(got(&mut client, "list /data"), "2 entries");
    for attempt in [
        "write /data/note".to_owned(),
        "write /data/new".to_owned(),
        "read /data/link".to_owned(),
        format!("read /data/../{}", secret.display()),
        format!("read {}", secret.display()),
        format!("list {}", folder.path().display()),
        "list /".to_owned(),
    ] {
        refused(&mut client, &attempt);
    }
    assert!(!folder.path().join("new").exists());
    let note = std::fs::read_to_string(folder.path().join("note"));
    assert_eq!(note.expect("the note"), "for you");
}

#[test]
fn a_directory_to_write() {
    let outside = TempDir::new("outside");
    let secret = outside.write("secret", "as it was");
    let folder = TempDir::new("granted");
    std::os::unix::fs::symlink(&secret, folder.path().join("link")).expect("a link");
    let server = directory(escape(), folder.path(), true).start();
    let mut client = Client::open(&server, "/");
    got(&mut client, "write /data/new");
    let written = std::fs::read_to_string(folder.path().join("new"));
    assert_eq!(written.expect("a file"), "jackfield was here");
    refused(&mut client, "write /data/link");
    refused(&mut client, "write /data/../beside");
    let secret = std::fs::read_to_string(secret);
    assert_eq!(secret.expect("the secret"), "as it was");
}

/// A changed grant is a new version of the same component, for connections that are open too.
#[test]
fn a_changed_grant_is_a_new_version() {
    let folder = TempDir::new("granted");
    folder.write("note", "for you");
    let with_variable = |setup: Setup| setup.variable("GRANTED", "for you");
    let nothing = with_variable(escape());
    let server = start_unwatched(&nothing);
    let mut client = Client::open(&server, "/");
    refused(&mut client, "env");
    refused(&mut client, "read /data/note");
    let line = reload(&server, &environment(nothing.clone(), "[\"GRANTED\"]"));
    let (from, to) = line.split_once(" → ").expect("two digests");
    let from = from.rsplit(' ').next().unwrap_or_default();
    assert!(to.starts_with(from), "{line}");
    assert_eq!(got(&mut client, "env"), "GRANTED=for you");
    reload(&server, &directory(nothing.clone(), folder.path(), false));
    refused(&mut client, "env");
    assert_eq!(got(&mut client, "read /data/note"), "for you");
    refused(&mut client, "write /data/note");
    reload(&server, &directory(nothing.clone(), folder.path(), true));
    got(&mut client, "write /data/note");
    reload(&server, &nothing);
    refused(&mut client, "read /data/note");
}

/// A folder that is not there is said at the start; while the server runs, it keeps the old version.
#[test]
fn a_directory_that_is_not_there() {
    let folder = TempDir::new("server");
    let missing = folder.path().join("missing");
    let config = folder.path().join("jackfield.toml");
    let setup = directory(escape(), &missing, false);
    setup.write_to(&config);
    let mut command = server::command();
    command.args(["up", "--no-build", "--config"]).arg(&config);
    let output = process::run(&mut command, PATIENCE);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the granted directory"), "{text}");
    assert!(text.contains("missing"), "{text}");

    let server = start_unwatched(&escape());
    let mut client = Client::open(&server, "/");
    setup.write_to(&server.folder().path().join("jackfield.toml"));
    let before = server.log().mark();
    server.signal("HUP");
    let said = e2e::versions::refusal(&server, before);
    assert!(said.contains("the granted directory"), "{said}");
    refused(&mut client, "list /data");
}

/// There is a place for hosts: it is read, shown and part of the version, and says that nothing uses it yet.
#[test]
fn hosts_have_their_place() {
    let hosts = |list: &str| with_admin(escape().set("plugins.escape.grants", "hosts", list));
    let server = start_unwatched(&hosts("[\"api.example.org\", \"*.example.net:8443\"]"));
    server
        .log()
        .wait_for_parts(&["grants.hosts has no use yet"]);
    let admin = Admin::of(&server);
    let shown = || {
        let config = admin.get("/v1/config").expect(200).clone();
        config["plugins"]["escape"]["grants"]["hosts"].to_string()
    };
    assert_eq!(shown(), "[\"api.example.org\",\"*.example.net:8443\"]");
    reload(&server, &hosts("[]"));
    assert_eq!(shown(), "[]");
    // Nothing is reached by it.
    let mut client = Client::open(&server, "/");
    reload(&server, &hosts("[\"127.0.0.1\"]"));
    refused(&mut client, &format!("connect {}", server.address()));
    let before = server.log().mark();
    hosts("[\"https://example.org/\"]").write_to(&server.folder().path().join("jackfield.toml"));
    server.signal("HUP");
    server.log().wait_since(before, "the mistake", |line| {
        (line.contains("plugins.escape.grants.hosts[0]") && line.contains("a host")).then_some(())
    });
    assert_eq!(shown(), "[\"127.0.0.1\"]");
}
