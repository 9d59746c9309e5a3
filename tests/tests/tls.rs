//! TLS, from clients that share no code with the server: `openssl s_client`, Python `websockets`, and plain bytes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use e2e::frame::{CLOSE, TEXT, Wire};
use e2e::tls::{Authority, TlsClient};
use e2e::{Client, PATIENCE, Plugin, Request, Server, Setup, artefacts, process, temp, tools};

/// A server with TLS, whom its clients trust, and where its files are.
struct Stage {
    server: Server,
    files: temp::TempDir,
    root: PathBuf,
}

/// The hostile guest on `/` and echo on `/echo`, with TLS and more keys of the `tls` table and of `[listen]`.
fn stage(tls: &str, listen: &[(&str, &str)]) -> Stage {
    let files = temp::TempDir::new("tls");
    let authority = Authority::new();
    let root = files.write("root.pem", authority.pem());
    let (certificate, key) = authority.server().write(files.path(), "server");
    let table = format!("{{ certificate = {certificate:?}, key = {key:?}{tls} }}");
    let mut setup = Setup::echo()
        .plugin(Plugin::guest("hostile"))
        .route("/", &["hostile"])
        .set("listen", "tls", &table);
    for (key, value) in listen {
        setup = setup.set("listen", key, value);
    }
    Stage {
        server: setup.start(),
        files,
        root,
    }
}

impl Stage {
    fn open(&self, more: &[&str], request: &Request) -> (TlsClient, e2e::Response) {
        TlsClient::open(self.server.address(), &self.root, more, request)
    }

    fn connect(&self, more: &[&str]) -> TlsClient {
        TlsClient::connect(self.server.address(), &self.root, more)
    }

    /// A new connection echoes: the server lives.
    fn echoes(&self) {
        let (mut client, _) = self.open(&[], &Request::upgrade("/echo"));
        assert_eq!(client.ask_text("still here"), "still here");
    }
}

#[test]
fn versions_and_protocols() {
    if !tools::openssl() {
        return;
    }
    let stage = stage("", &[]);
    for arguments in [&["-tls1_2"][..], &["-tls1_3"], &["-alpn", "h2,http/1.1"]] {
        let (mut client, response) = stage.open(arguments, &Request::upgrade("/?show=host"));
        assert_eq!(response.field("x-secure"), Some("true"));
        assert!(client.ask_text("info").contains("secure=true"));
        client.write(&Wire::close(1000, "").bytes());
        assert_eq!(client.frame().opcode, CLOSE);
        client.expect_end();
    }
    for arguments in [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..],
        &["-alpn", "h2"],
    ] {
        let mut client = stage.connect(arguments);
        client.write(&Request::upgrade("/echo").bytes());
        let said = client.expect_end();
        assert!(said.contains("alert"), "{arguments:?}: {said}");
    }
    stage.echoes();
}

/// Pages from `http` are no longer of the same origin when the server itself speaks TLS.
#[test]
fn origin_knows_that_the_connection_is_secure() {
    if !tools::openssl() {
        return;
    }
    let stage = stage("", &[]);
    for (origin, status) in [
        ("https://jackfield.test", 101),
        ("http://jackfield.test", 403),
    ] {
        let mut client = stage.connect(&[]);
        client.write(&Request::upgrade("/echo").and("Origin", origin).bytes());
        assert_eq!(client.response().status, status, "{origin}");
    }
}

#[test]
fn python_websockets_over_wss() {
    let Some(python) = tools::python() else {
        return;
    };
    let stage = stage("", &[]);
    let script = artefacts::root().join("tests/interop/python_client.py");
    let output = process::run(
        Command::new(python)
            .env("SSL_CERT_FILE", &stage.root)
            .arg(script)
            .arg(format!("wss://{}/echo", stage.server.address()))
            .arg("false"),
        PATIENCE,
    );
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("interop: ok"),
        "{output:?}"
    );
}

#[test]
fn a_new_certificate_takes_over_and_connections_stay() {
    if !tools::openssl() {
        return;
    }
    let stage = stage("", &[]);
    let (mut old, _) = stage.open(&[], &Request::upgrade("/echo"));
    assert_eq!(old.ask_text("before"), "before");

    let authority = Authority::new();
    let root = stage.files.write("new-root.pem", authority.pem());
    authority.server().write(stage.files.path(), "server");
    let log = stage.server.log();
    log.wait_for_parts(&["the certificate was read again"]);
    let address = stage.server.address();
    let (mut new, _) = TlsClient::open(address, &root, &[], &Request::upgrade("/echo"));
    assert_eq!(new.ask_text("after"), "after");
    assert_eq!(old.ask_text("still"), "still");
    let said = stage.connect(&[]).expect_end();
    assert!(said.contains("verify"), "the old root was believed: {said}");

    // A broken file is told once, and once more when somebody asks with SIGHUP; what was there goes on.
    stage
        .files
        .write("server.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    log.wait_for_parts(&["the certificate cannot be replaced"]);
    let mark = log.mark();
    stage.server.signal("HUP");
    log.wait_since(mark, "the error again", |line| {
        line.contains("the certificate cannot be replaced")
            .then_some(())
    });
    // Somebody else's key.
    let other = authority.server();
    stage.files.write("server.pem", &other.certificate);
    log.wait_since(mark, "a mismatch", |line| {
        (line.contains("cannot be replaced") && line.contains("KeyMismatch")).then_some(())
    });
    let (mut again, _) = TlsClient::open(address, &root, &[], &Request::upgrade("/echo"));
    assert_eq!(again.ask_text("on"), "on");
    assert_eq!(old.ask_text("and on"), "and on");
    let mark = log.mark();
    stage.files.write("server.key", &other.key);
    log.wait_since(mark, "the pair", |line| {
        line.contains("was read again").then_some(())
    });
}

#[test]
fn certificates_of_clients() {
    if !tools::openssl() {
        return;
    }
    let clients = Authority::new();
    let folder = temp::TempDir::new("clients");
    let roots = folder.write("clients.pem", clients.pem());
    let paths = |name: &str, authority: &Authority| {
        let (certificate, key) = authority
            .client("Field, Inc.", "alice\u{7}")
            .write(folder.path(), name);
        [certificate, key].map(|path| path.to_string_lossy().into_owned())
    };
    let [certificate, key] = paths("alice", &clients);
    let alice = ["-cert", certificate.as_str(), "-key", key.as_str()];
    let [certificate, key] = paths("mallory", &Authority::new());
    let mallory = ["-cert", certificate.as_str(), "-key", key.as_str()];
    let spoofed = Request::upgrade("/?show=x-client-cert-subject")
        .and("X-Client-Cert-Subject", "CN=root")
        .and("x-client-cert-subject", "CN=admin");
    let shown = |response: &e2e::Response| {
        let fields = response.fields.iter();
        let fields = fields.filter(|(name, _)| name == "x-shown");
        fields.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };

    let required = stage(&format!(", client_ca = {roots:?}"), &[]);
    let (mut client, response) = required.open(&alice, &spoofed);
    // RFC 4514: the last part first, what means something escaped.
    assert_eq!(shown(&response), ["CN=alice\\07,O=Field\\, Inc."]);
    assert!(client.ask_text("info").contains("secure=true"));
    for arguments in [&[][..], &mallory] {
        let mut client = required.connect(arguments);
        client.write(&spoofed.bytes());
        let said = client.expect_end();
        assert!(said.contains("alert"), "{said}");
    }

    let optional = format!(", client_ca = {roots:?}, client_certificates = \"optional\"");
    let optional = stage(&optional, &[]);
    let (_, response) = optional.open(&[], &spoofed);
    assert_eq!(shown(&response), [""; 0]);
    let (_, response) = optional.open(&alice, &spoofed);
    assert_eq!(shown(&response).len(), 1);
    let mut client = optional.connect(&mallory);
    client.write(&spoofed.bytes());
    client.expect_end();

    // Where nobody asks for certificates the line is dropped too.
    let plain = Setup::guest("hostile").start();
    let (_, response) = Client::open_with(&plain, &spoofed);
    assert_eq!(shown(&response), [""; 0]);
}

#[test]
fn plain_bytes_are_refused_cleanly() {
    let stage = stage("", &[]);
    for bytes in [
        Request::upgrade("/echo").bytes(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n".to_vec(),
        b"\x16\x03\x01\xff\xff\x01".to_vec(),
        vec![0; 70_000],
    ] {
        let mut client = Client::tcp(stage.server.address());
        let _ = client.try_write(&bytes);
        client.finish_writing();
        while let Some(answer) = client.raw_bytes() {
            // A TLS alert (RFC 8446 section 5.1), and nothing that looks like HTTP.
            assert_eq!(answer.first(), Some(&0x15), "{answer:?}");
        }
    }
    if tools::openssl() {
        stage.echoes();
    }
    assert!(!stage.server.log().text().contains("panic"));
}

#[test]
fn a_handshake_that_never_finishes_ends_at_the_timeout() {
    let stage = stage("", &[("handshake_timeout", "\"300 ms\"")]);
    // Nothing, half a record, and the first record of a handshake that stays alone.
    for bytes in [
        &b""[..],
        b"\x16\x03\x01",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut client = Client::tcp(stage.server.address());
        client.write(bytes);
        client.expect_gone();
    }
    // TLS is done, the request never comes: that is HTTP's answer.
    if tools::openssl() {
        assert_eq!(stage.connect(&[]).response().status, 408);
    }
}

/// Opens a connection, stops its client, and has the guest send it more than sockets take.
fn flooded(stage: &Stage) -> TlsClient {
    let (mut slow, _) = stage.open(&[], &Request::upgrade("/"));
    let id = slow.ask_text("id");
    process::signal(slow.pid(), "STOP");
    let (mut other, _) = stage.open(&[], &Request::upgrade("/"));
    // On another worker sends are only known to be handed over; on the same one they are queued.
    let said = other.ask_text(&format!("@{id} flood 3 1000000"));
    assert!(said.contains("ok"), "{said}");
    slow
}

#[test]
fn a_slow_reader_loses_nothing() {
    if !tools::openssl() {
        return;
    }
    let stage = stage("", &[]);
    let mut slow = flooded(&stage);
    process::signal(slow.pid(), "CONT");
    for _ in 0..3 {
        assert_eq!(slow.frame().payload.len(), 1_000_000);
    }
    assert!(slow.ask_text("info").contains("backlog="));
}

/// What the socket does not take although the outbox has given it away is TLS's to remember, and the server's to
/// write once there is room.
#[test]
fn what_tls_keeps_is_written_when_there_is_room() {
    if !tools::openssl() {
        return;
    }
    const BYTES: usize = 4096;
    let stage = stage("", &[("workers", "1")]);
    let (mut other, _) = stage.open(&[], &Request::upgrade("/"));
    // Sends to a stopped client, message by message, until there are `most` or the outbox waits: then the socket is
    // full, and so is what TLS keeps.
    let mut send_to_stopped = |most: usize| {
        let (mut client, _) = stage.open(&[], &Request::upgrade("/"));
        let id = client.ask_text("id");
        process::signal(client.pid(), "STOP");
        let mut count = 0;
        while count < most
            && other
                .ask_text(&format!("@{id} info"))
                .ends_with("backlog=0")
        {
            assert!(
                other
                    .ask_text(&format!("@{id} flood 1 {BYTES}"))
                    .contains("ok")
            );
            count += 1;
        }
        (client, count)
    };
    // The first is not like the others: the system learns how large the buffers should be.
    send_to_stopped(usize::MAX);
    let (_, full) = send_to_stopped(usize::MAX);
    // A little less: the socket is full, the outbox is empty, and TLS has the rest.
    let (mut client, count) = send_to_stopped(full.saturating_sub(8));
    process::signal(client.pid(), "CONT");
    for _ in 0..count {
        assert_eq!(client.frame().payload.len(), BYTES);
    }
}

/// The peer closes, and never reads what is in the way of the server's own close and of its close_notify.
#[test]
fn a_close_that_nobody_reads_ends_all_the_same() {
    // Says its id, waits for a line, sends a close frame, and reads nothing.
    const CLIENT: &str = r#"
import socket, ssl, sys
tls = ssl.create_default_context(cafile=sys.argv[2]).wrap_socket(
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="127.0.0.1")
tls.sendall(bytes.fromhex(sys.argv[3]))
assert b" 101 " in tls.recv(65536)
tls.sendall(bytes.fromhex(sys.argv[4]))
print(tls.recv(65536)[2:].decode(), flush=True)
sys.stdin.readline()
tls.sendall(bytes.fromhex(sys.argv[5]))
sys.stdin.read()
"#;
    let Some(python) = tools::python() else {
        return;
    };
    if !tools::openssl() {
        return;
    }
    let stage = stage("", &[("workers", "1")]);
    let hex = |bytes: Vec<u8>| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let mut client = Command::new(python)
        .args(["-c", CLIENT, &stage.server.address().port().to_string()])
        .arg(&stage.root)
        .arg(hex(Request::upgrade("/").bytes()))
        .arg(hex(Wire::new(TEXT, "id").bytes()))
        .arg(hex(Wire::close(1000, "").bytes()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let mut id = String::new();
    let output = client.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut id).expect("its id");
    let id = id.trim();
    let (mut other, _) = stage.open(&[], &Request::upgrade("/"));
    while other
        .ask_text(&format!("@{id} info"))
        .ends_with("backlog=0")
    {
        other.ask_text(&format!("@{id} flood 1 4096"));
    }
    let mut input = client.stdin.take().expect("a pipe");
    writeln!(input, "close").expect("a line");
    let ended = ["connection ended", "code=1000"];
    stage.server.log().wait_for_parts(&ended);
    drop(input);
    process::wait(&mut client, PATIENCE);
}

/// What TLS keeps for a peer that does not read does not keep the server from stopping.
#[test]
fn a_reader_that_stopped_does_not_hold_the_end() {
    if !tools::openssl() {
        return;
    }
    let files = temp::TempDir::new("tls");
    let authority = Authority::new();
    let root = files.write("root.pem", authority.pem());
    let (certificate, key) = authority.server().write(files.path(), "server");
    let table = format!("{{ certificate = {certificate:?}, key = {key:?} }}");
    let server = Setup::guest("hostile")
        .set("listen", "tls", &table)
        .set("limits", "shutdown_timeout", "\"1 s\"")
        .start();
    let mut stage = Stage {
        server,
        files,
        root,
    };
    let slow = flooded(&stage);
    stage.server.signal("TERM");
    assert_eq!(stage.server.wait().code(), Some(0));
    stage
        .server
        .log()
        .wait_for_parts(&["one connection did not end in time"]);
    process::signal(slow.pid(), "CONT");
}

#[test]
fn files_that_cannot_be_used_start_nothing() {
    let files = temp::TempDir::new("tls");
    let authority = Authority::new();
    let (certificate, key) = authority.server().write(files.path(), "server");
    let garbage = files.write("garbage.pem", "nothing");
    let (_, other) = authority.server().write(files.path(), "other");
    for (certificate, key, said) in [
        (&files.path().join("none.pem"), &key, "No such file"),
        (&garbage, &key, "no certificate in PEM"),
        (&certificate, &garbage, "no private key in PEM"),
        (&certificate, &other, "KeyMismatch"),
    ] {
        let table = format!("{{ certificate = {certificate:?}, key = {key:?} }}");
        let config = files.path().join("jackfield.toml");
        Setup::echo().set("listen", "tls", &table).write_to(&config);
        let mut command = e2e::server::command();
        command.args(["up", "--no-build", "--config"]).arg(&config);
        let output = process::run(&mut command, PATIENCE);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(said), "{text}");
    }
}
