//! Who the client is when a proxy stands before it, and where else the server listens: the PROXY protocol and
//! `X-Forwarded-For`, by hand and by nginx and haproxy; Unix sockets, several listeners, sockets that others hand over.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use e2e::frame::{self, TEXT, Wire};
use e2e::tls::{Authority, TlsClient};
use e2e::{
    Client, PATIENCE, Plugin, Request, Response, Server, Setup, eventually, process, server, table,
    temp, tools,
};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x13\x88\x01\xbb";
const HERE: &str = "[\"127.0.0.0/8\"]";
const ELSEWHERE: &str = "[\"203.0.113.0/24\"]";

/// The guest that tells what it was told about its client, and echo, on one listener with these keys.
fn start(listen: &[(&str, &str)]) -> Server {
    setup(listen).start()
}

fn setup(listen: &[(&str, &str)]) -> Setup {
    let setup = Setup::echo()
        .plugin(Plugin::guest("hostile"))
        .route("/", &["hostile"]);
    listen
        .iter()
        .fold(setup, |setup, (key, value)| setup.set("listen", key, value))
}

fn asking() -> Request {
    Request::upgrade("/?show=x-forwarded-for")
}

fn peer(response: &Response) -> &str {
    response.field("x-peer").unwrap_or("none")
}

/// Waits for a port that somebody else opens.
fn reachable(address: SocketAddr) {
    eventually("a proxy that listens", || {
        std::net::TcpStream::connect(address).is_ok()
    });
}

/// A port that is free now.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        process::signal(self.0.id(), "TERM");
        if process::wait(&mut self.0, PATIENCE).is_none() {
            let _ = self.0.kill();
        }
    }
}

#[test]
fn a_trusted_proxy_names_its_client() {
    let server = start(&[("proxy_protocol", "true"), ("trusted_proxies", HERE)]);
    for header in [V1, V2] {
        for size in [1, 7, 1000] {
            let mut client = Client::tcp(server.address());
            client.write_in_pieces(&[header, &asking().bytes()].concat(), size);
            let response = client.upgraded();
            assert_eq!(peer(&response), "192.0.2.7:5000");
            let info = client.ask_text("info");
            assert!(info.contains("peer=192.0.2.7:5000"), "{info}");
        }
    }
    // The proxy's own health check.
    let mut client = Client::tcp(server.address());
    let mine = client.local_address().to_string();
    client.write(b"PROXY UNKNOWN\r\n");
    client.write(&asking().bytes());
    assert_eq!(peer(&client.upgraded()), mine);
}

#[test]
fn a_trusted_proxy_must_keep_to_the_protocol() {
    let server = start(&[
        ("proxy_protocol", "true"),
        ("trusted_proxies", HERE),
        ("handshake_timeout", "\"300 ms\""),
    ]);
    let long = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat();
    for bytes in [
        &asking().bytes()[..],
        b"PROXY TCP4 192.0.2.777 10.0.0.1 5000 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c",
        &long,
        // Nothing more comes.
        b"PROXY TCP4 192.0.2.7",
        b"",
    ] {
        let mut client = Client::tcp(server.address());
        client.write(bytes);
        client.expect_gone();
    }
}

#[test]
fn a_header_from_anybody_else_is_refused() {
    let server = start(&[("proxy_protocol", "true"), ("trusted_proxies", ELSEWHERE)]);
    for header in [V1, V2] {
        let response = Client::ask(server.address(), [header, &asking().bytes()].concat());
        assert_eq!(response.status, 400);
    }
    // Without one it is a client like any other.
    let mut client = Client::tcp(server.address());
    client.write(&asking().bytes());
    assert_eq!(peer(&client.upgraded()), client.local_address().to_string());
}

#[test]
fn x_forwarded_for_is_read_from_the_right() {
    const PROXIES: &str = "[\"127.0.0.1\", \"10.0.0.0/8\"]";
    let server = start(&[
        ("forwarded", "\"x-forwarded-for\""),
        ("trusted_proxies", PROXIES),
    ]);
    let rows = [
        ("192.0.2.1", "192.0.2.1:0"),
        ("192.0.2.1:5000", "192.0.2.1:5000"),
        ("9.9.9.9, 192.0.2.1, 10.0.0.2", "192.0.2.1:0"),
        ("2001:db8::1", "[2001:db8::1]:0"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3:0"),
    ];
    table(
        &rows,
        |row| row.0,
        |(value, expected)| {
            let request = asking().and("X-Forwarded-For", value);
            let (mut client, response) = Client::open_with(&server, &request);
            assert_eq!(peer(&response), *expected);
            let info = client.ask_text("info");
            assert!(info.contains(&format!("peer={expected} ")), "{info}");
        },
    );
    for value in ["unknown", "192.0.2.1, _hidden", ""] {
        let (client, response) =
            Client::open_with(&server, &asking().and("X-Forwarded-For", value));
        assert_eq!(
            peer(&response),
            client.local_address().to_string(),
            "{value}"
        );
    }
    // Encrypted to the proxy: that decides which origin is the same.
    let request = asking()
        .and("X-Forwarded-For", "192.0.2.1")
        .and("X-Forwarded-Proto", "https");
    let (_, response) = Client::open_with(&server, &request);
    assert_eq!(response.field("x-secure"), Some("true"));
    let wrong = request.and("Origin", "http://jackfield.test").bytes();
    assert_eq!(Client::ask(server.address(), wrong).status, 403);
    // `Forwarded` is not what these proxies write.
    let (client, response) =
        Client::open_with(&server, &asking().and("Forwarded", "for=192.0.2.1"));
    assert_eq!(peer(&response), client.local_address().to_string());
}

#[test]
fn forwarded_is_read_where_it_is_named() {
    let server = start(&[("forwarded", "\"forwarded\""), ("trusted_proxies", HERE)]);
    let request = asking()
        .and(
            "Forwarded",
            "for=9.9.9.9, for=\"[2001:db8::1]:5000\";proto=https",
        )
        .and("X-Forwarded-For", "9.9.9.9");
    let (_, response) = Client::open_with(&server, &request);
    assert_eq!(peer(&response), "[2001:db8::1]:5000");
    assert_eq!(response.field("x-secure"), Some("true"));
}

#[test]
fn nobody_else_is_believed() {
    let untrusting = start(&[
        ("forwarded", "\"x-forwarded-for\""),
        ("trusted_proxies", ELSEWHERE),
    ]);
    for server in [&untrusting, &start(&[])] {
        let request = asking()
            .and("X-Forwarded-For", "192.0.2.1")
            .and("X-Forwarded-Proto", "https")
            .and("Forwarded", "for=192.0.2.1");
        let (client, response) = Client::open_with(server, &request);
        assert_eq!(peer(&response), client.local_address().to_string());
        assert_eq!(response.field("x-secure"), Some("false"));
    }
}

/// Upgrades on a stream, and asks once whom the server takes its client for.
fn talk_over(mut stream: impl Read + Write) -> Response {
    let request = Request::upgrade("/?show=host").bytes();
    stream.write_all(&request).expect("a request");
    let mut bytes = Vec::new();
    let response = read_until(&mut stream, &mut bytes, Response::take_head);
    assert_eq!(response.status, 101, "{response:?}");
    let text = Wire::new(TEXT, "info");
    stream.write_all(&text.bytes()).expect("a frame");
    let frame = read_until(&mut stream, &mut bytes, frame::take);
    let peer = format!("peer={} ", peer(&response));
    assert!(frame.text().starts_with(&peer), "{frame:?}");
    response
}

fn read_until<T>(
    stream: &mut impl Read,
    bytes: &mut Vec<u8>,
    take: impl Fn(&mut Vec<u8>) -> Option<T>,
) -> T {
    let mut buffer = [0; 4096];
    loop {
        if let Some(taken) = take(bytes) {
            return taken;
        }
        let count = stream.read(&mut buffer).expect("more bytes");
        assert!(count > 0, "the end behind {}", bytes.escape_ascii());
        bytes.extend(&buffer[..count]);
    }
}

fn unix(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).expect("a Unix socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

#[test]
fn a_unix_socket() {
    let folder = temp::TempDir::new("unix");
    let path = folder.path().join("jackfield.sock");
    // Left behind by somebody who is gone.
    drop(UnixListener::bind(&path).expect("a socket"));
    let setup = setup(&[])
        .set(
            "[listener]",
            "address",
            &format!("\"unix:{}\"", path.display()),
        )
        .set("[listener]", "mode", "\"600\"")
        .set("[listener]", "forwarded", "\"x-forwarded-for\"");
    let mut server = setup.start();
    let mode = path.metadata().expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(peer(&talk_over(unix(&path))), "unix");

    let mut stream = unix(&path);
    let request = asking().and("X-Forwarded-For", "192.0.2.1").bytes();
    stream.write_all(&request).expect("a request");
    let response = read_until(&mut stream, &mut Vec::new(), Response::take_head);
    assert_eq!(peer(&response), "192.0.2.1:0");

    // Somebody listens there now.
    let config = folder.path().join("second.toml");
    setup.write_to(&config);
    let mut command = server::command();
    command.args(["up", "--no-build", "--config"]).arg(&config);
    let output = process::run(&mut command, PATIENCE);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("is already in use"), "{said}");
    assert_eq!(peer(&talk_over(unix(&path))), "unix");

    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(!path.exists(), "the socket's file was left behind");
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = temp::TempDir::new("unix");
    let path = folder.write("precious", "data");
    let config = folder.path().join("jackfield.toml");
    setup(&[("address", &format!("\"unix:{}\"", path.display()))]).write_to(&config);
    let mut command = server::command();
    command.args(["up", "--no-build", "--config"]).arg(&config);
    assert_eq!(process::run(&mut command, PATIENCE).status.code(), Some(4));
    assert_eq!(std::fs::read(&path).expect("the file"), b"data");
}

#[test]
fn each_listener_has_limits_of_its_own() {
    let server = setup(&[])
        .set("[listener]", "address", "\"127.0.0.1:0\"")
        .set("[listener]", "connections", "1")
        .set("[listener]", "handshake_timeout", "\"200 ms\"")
        .start();
    let second: SocketAddr = server.addresses()[1].parse().expect("an address");
    assert_eq!(Client::tcp(second).response().status, 408);
    let upgraded = || {
        let mut client = Client::tcp(second);
        client.write(&Request::upgrade("/echo").bytes());
        (client.response().status == 101).then_some(client)
    };
    let mut only = None;
    eventually("the place of the late one is free", || {
        only = upgraded();
        only.is_some()
    });
    let refused = Client::ask(second, Request::upgrade("/echo").bytes());
    assert_eq!(refused.status, 503);
    // The first listener has its places.
    let mut other = Client::open(&server, "/echo");
    assert_eq!(other.ask_text("room here"), "room here");
    drop(only);
    eventually("the place is free again", || upgraded().is_some());
}

#[test]
fn a_second_process_takes_a_shared_port_over() {
    let mut first = start(&[("reuse_port", "true")]);
    let address = format!("\"{}\"", first.address());
    let second = start(&[("reuse_port", "true"), ("address", &address)]);
    assert_eq!(first.address(), second.address());
    first.signal("TERM");
    assert_eq!(first.wait().code(), Some(0));
    let mut client = Client::open(&second, "/echo");
    assert_eq!(client.ask_text("taken over"), "taken over");
}

#[test]
fn a_socket_of_systemd() {
    let Some(activate) = tools::socket_activate() else {
        return;
    };
    let folder = temp::TempDir::new("systemd");
    let config = folder.path().join("jackfield.toml");
    setup(&[("address", "\"systemd:ws\"")])
        .set("[listener]", "address", "\"systemd:1\"")
        .write_to(&config);
    let (tcp, path) = (free_port(), folder.path().join("activated.sock"));
    let jackfield = server::command().get_program().to_owned();
    let mut command = Command::new(activate);
    command
        .args(["--fdname", "ws:local", "--listen"])
        .arg(tcp.to_string())
        .arg("--listen")
        .arg(&path)
        .arg(jackfield)
        .args(["up", "--no-build", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // It starts the server when the first connection comes.
    let _running = Running(command.spawn().expect("systemd-socket-activate"));
    reachable(tcp);
    let mut client = Client::tcp(tcp);
    client.write(&Request::upgrade("/echo").bytes());
    client.upgraded();
    assert_eq!(client.ask_text("activated"), "activated");
    assert_eq!(peer(&talk_over(unix(&path))), "unix");

    // Nobody hands anything over.
    let mut command = server::command();
    command.args(["up", "--no-build", "--config"]).arg(&config);
    let output = process::run(&mut command, PATIENCE);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("no socket was handed over for systemd:ws"),
        "{said}"
    );
}

#[test]
fn behind_nginx() {
    let Some(nginx) = tools::nginx() else { return };
    let server = start(&[
        ("forwarded", "\"x-forwarded-for\""),
        ("trusted_proxies", HERE),
    ]);
    let folder = temp::TempDir::new("nginx");
    let front = free_port();
    let here = folder.path().display();
    let config = folder.write(
        "nginx.conf",
        format!(
            "daemon off; pid {here}/pid; error_log {here}/error.log;
             events {{}}
             http {{
                 access_log off; client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
                 fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
                 server {{
                     listen {front};
                     # The test is its own client's proxy: nginx believes it, and adds the address to the list.
                     set_real_ip_from 127.0.0.1;
                     location / {{
                         proxy_pass http://{back};
                         proxy_http_version 1.1;
                         proxy_set_header Upgrade $http_upgrade;
                         proxy_set_header Connection \"upgrade\";
                         proxy_set_header Host $http_host;
                         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                         proxy_set_header X-Forwarded-Proto https;
                     }}
                 }}
             }}",
            back = server.address()
        ),
    );
    let mut command = Command::new(nginx);
    command.arg("-c").arg(&config).arg("-p").arg(folder.path());
    let _running = Running(command.stderr(Stdio::null()).spawn().expect("nginx"));
    reachable(front);
    let mut client = Client::tcp(front);
    client.write(
        &asking()
            .and("X-Forwarded-For", "9.9.9.9, 192.0.2.1")
            .bytes(),
    );
    let response = client.upgraded();
    // nginx wrote 127.0.0.1 behind it, which is a proxy here.
    assert_eq!(peer(&response), "192.0.2.1:0");
    assert_eq!(response.field("x-secure"), Some("true"));
    let shown = response.field("x-shown");
    assert_eq!(shown, Some("9.9.9.9, 192.0.2.1, 127.0.0.1"));
    assert!(client.ask_text("info").contains("peer=192.0.2.1:0"));
    client.close(1000, "");
}

#[test]
fn behind_haproxy() {
    let Some(haproxy) = tools::haproxy() else {
        return;
    };
    if !tools::openssl() {
        return;
    }
    let server = start(&[("proxy_protocol", "true"), ("trusted_proxies", HERE)]);
    let folder = temp::TempDir::new("haproxy");
    let authority = Authority::new();
    let root = folder.write("root.pem", authority.pem());
    let identity = authority.server();
    let pem = folder.write("both.pem", identity.certificate.clone() + &identity.key);
    let (one, two) = (free_port(), free_port());
    let back = server.address();
    let config = folder.write(
        "haproxy.cfg",
        format!(
            "defaults\n  mode tcp\n  timeout connect 60s\n  timeout client 60s\n  timeout server 60s\n\
             listen one\n  bind {one}\n  server jackfield {back} send-proxy\n\
             listen two\n  bind {two} ssl crt {}\n  server jackfield {back} send-proxy-v2-ssl\n",
            pem.display()
        ),
    );
    let mut command = Command::new(haproxy);
    command.arg("-q").arg("-db").arg("-f").arg(&config);
    let _running = Running(command.spawn().expect("haproxy"));
    reachable(one);
    let mut client = Client::tcp(one);
    client.write(&asking().bytes());
    let response = client.upgraded();
    assert_eq!(peer(&response), client.local_address().to_string());
    assert_eq!(response.field("x-secure"), Some("false"));
    assert!(!client.ask_text("info").is_empty());

    // TLS ends at the proxy, which says so.
    let (mut client, response) = TlsClient::open(two, &root, &[], &asking());
    assert!(peer(&response).starts_with("127.0.0.1:"), "{response:?}");
    assert_eq!(response.field("x-secure"), Some("true"));
    assert!(client.ask_text("info").contains("secure=true"));
}
