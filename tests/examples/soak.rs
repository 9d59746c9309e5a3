//! Mixed honest and hostile load on the real server for some minutes, and what it left behind:
//! `cargo run --release -p e2e --example soak -- --minutes 5`
//!
//! Honest clients check every answer; hostile ones do what other servers died of. Everything is bounded: threads,
//! sockets of each, and time. The end is a table, and exit code 1 when an honest client was failed, the server died,
//! or it kept descriptors or memory.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use e2e::admin;
use e2e::frame::{BINARY, CONTINUATION, LengthForm, PING, TEXT, Wire};
use e2e::{Client, Request, Server, Setup, process};

/// Memory that may stay behind a mixed load: the allocator's, and the lent buffers.
const KEPT_KIB: u64 = 64 * 1024;
/// Sockets of one hostile thread at a time.
const CROWD: usize = 50;
/// Between two sockets of a hostile thread. With [`CROWD`] each is kept for three seconds, longer than the server waits
/// for a request or for the rest of a message.
const PACE: Duration = Duration::from_millis(60);
/// How often a line says how it goes.
const TOLD_EVERY: Duration = Duration::from_secs(30);

/// What the clients did.
#[derive(Default)]
struct Done {
    stop: AtomicBool,
    connections: AtomicU64,
    messages: AtomicU64,
    attacks: AtomicU64,
}

impl Done {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// A kind of hostile client: what one does with a fresh socket. Errors are the server's right.
type Attack = fn(SocketAddr) -> std::io::Result<Option<TcpStream>>;

const ATTACKS: [(&str, Attack); 11] = [
    ("half a request", half_a_request),
    ("a request without end", endless_request),
    ("a bad request", bad_request),
    ("a foreign origin", foreign_origin),
    ("garbage for frames", garbage),
    ("a length at the top", huge_length),
    ("an unfinished message", unfinished),
    ("tiny fragments", tiny_fragments),
    ("a flood of pings", pings),
    ("a reader that never reads", never_reads),
    ("gone in the middle", gone),
];

fn main() -> ExitCode {
    let minutes = match minutes() {
        Ok(minutes) => minutes,
        Err(problem) => {
            eprintln!("{problem}\nusage: soak [--minutes N]");
            return ExitCode::from(2);
        }
    };
    e2e::crowd::raise_descriptors();
    let server = admin::with_admin(Setup::echo())
        .set("limits", "handshake_timeout", "\"2 s\"")
        .set("limits", "message_timeout", "\"2 s\"")
        .set("limits", "handshakes", "300")
        .variable("RUST_LOG", "warn")
        .start();
    let start = State::of(&server);
    println!("start: {start}");
    let done = Arc::new(Done::default());
    let mut threads = Vec::new();
    for n in 0..3 {
        threads.push(spawn(
            &done,
            move |done, address| honest(done, address, n),
            server.address(),
        ));
    }
    threads.push(spawn(&done, churn, server.address()));
    for (_, attack) in ATTACKS {
        threads.push(spawn(
            &done,
            move |done, address| hostile(done, address, attack),
            server.address(),
        ));
    }
    let until = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut failed = false;
    while Instant::now() < until && !failed {
        let left = until.saturating_duration_since(Instant::now());
        std::thread::sleep(left.min(TOLD_EVERY));
        println!("       {}, {}", State::of(&server), told(&done));
        // An honest thread that has ended has found something wrong.
        failed = threads.iter().any(JoinHandle::is_finished);
    }
    done.stop.store(true, Ordering::Relaxed);
    for thread in threads {
        failed |= thread.join().is_err();
    }
    report(&server, &done);
    if failed {
        eprintln!("an honest client was failed, or ended early");
    }
    verdict(server, &start, failed)
}

fn verdict(mut server: Server, start: &State, failed: bool) -> ExitCode {
    let settled = Instant::now() + Duration::from_secs(15);
    let mut end = State::of(&server);
    while end.descriptors > start.descriptors && Instant::now() < settled {
        std::thread::sleep(Duration::from_millis(200));
        end = State::of(&server);
    }
    println!("end:   {end}");
    let mut wrong = failed;
    if end.descriptors > start.descriptors {
        eprintln!("descriptors were kept");
        wrong = true;
    }
    if end.resident_kib > start.resident_kib + KEPT_KIB {
        eprintln!("memory was kept");
        wrong = true;
    }
    if server.log().count(&["panicked"]) > 0 {
        eprintln!("the server panicked:\n{}", server.log().text());
        wrong = true;
    }
    server.signal("TERM");
    let status = server.wait();
    println!("stop:  {status}");
    ExitCode::from(u8::from(wrong || !status.success()))
}

fn minutes() -> Result<f64, String> {
    let mut arguments = std::env::args().skip(1);
    match (
        arguments.next().as_deref(),
        arguments.next(),
        arguments.next(),
    ) {
        (None, None, None) => Ok(5.0),
        (Some("--minutes"), Some(value), None) => match value.parse() {
            Ok(minutes) if (0.0..=24.0 * 60.0).contains(&minutes) => Ok(minutes),
            _ => Err(format!("{value} is no number of minutes up to a day")),
        },
        _ => Err("unknown arguments".to_owned()),
    }
}

struct State {
    resident_kib: u64,
    descriptors: usize,
}

impl State {
    fn of(server: &Server) -> State {
        State {
            resident_kib: process::resident_kib(server.pid()),
            descriptors: process::descriptors(server.pid()),
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} KiB resident, {} descriptors",
            self.resident_kib, self.descriptors
        )
    }
}

fn told(done: &Done) -> String {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "{} honest connections, {} messages echoed, {} hostile sockets",
        count(&done.connections),
        count(&done.messages),
        count(&done.attacks)
    )
}

/// What the clients and the server have counted.
fn report(server: &Server, done: &Done) {
    println!("did:   {}", told(done));
    let answer = admin::Admin::of(server).get("/v1/metrics");
    for line in answer.response.text().lines() {
        if !line.starts_with('#') && !line.ends_with(" 0") {
            println!("       {line}");
        }
    }
}

fn spawn(
    done: &Arc<Done>,
    work: impl Fn(&Done, SocketAddr) + Send + 'static,
    address: SocketAddr,
) -> JoinHandle<()> {
    let done = done.clone();
    std::thread::spawn(move || work(&done, address))
}

/// Connections that stay, with messages of many sizes; every answer is checked.
fn honest(done: &Done, address: SocketAddr, seed: usize) {
    let mut clients: Vec<Client> = (0..20)
        .map(|_| {
            done.connections.fetch_add(1, Ordering::Relaxed);
            patiently(done, address)
        })
        .collect();
    let sizes = [1, 125, 126, 5_000, 65_535, 65_536, 300_000];
    let mut round = seed;
    while done.goes_on() {
        for client in &mut clients {
            round += 1;
            let size = sizes[round % sizes.len()];
            if round.is_multiple_of(2) {
                let text = format!("{round} {}", "x".repeat(size));
                assert_eq!(client.ask_text(&text), text);
            } else {
                let bytes = vec![round as u8; size];
                client.binary(&bytes);
                assert!(client.expect_binary() == bytes, "another echo");
            }
            done.messages.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    for client in clients {
        client.close(1000, "");
    }
}

/// An honest client that is told 503 comes back: the places for handshakes are what the hostile ones fight over.
fn patiently(done: &Done, address: SocketAddr) -> Client {
    loop {
        let mut client = Client::tcp(address);
        client.write(&Request::upgrade("/echo").bytes());
        let response = client.response();
        match response.status {
            101 => return client,
            503 if done.goes_on() => std::thread::sleep(Duration::from_millis(50)),
            status => panic!("an honest client got {status}"),
        }
    }
}

/// Connections that come and go.
fn churn(done: &Done, address: SocketAddr) {
    while done.goes_on() {
        let mut client = patiently(done, address);
        done.connections.fetch_add(1, Ordering::Relaxed);
        assert_eq!(client.ask_text("and away"), "and away");
        done.messages.fetch_add(1, Ordering::Relaxed);
        client.close(1000, "");
    }
}

/// Keeps a bounded crowd of sockets of one kind.
fn hostile(done: &Done, address: SocketAddr, attack: Attack) {
    let mut crowd = std::collections::VecDeque::new();
    while done.goes_on() {
        done.attacks.fetch_add(1, Ordering::Relaxed);
        if let Ok(Some(stream)) = attack(address) {
            crowd.push_back(stream);
        }
        if crowd.len() > CROWD {
            crowd.pop_front();
        }
        std::thread::sleep(PACE);
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(Duration::from_millis(200)))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    Ok(stream)
}

/// Upgraded, or an error when the server would not.
fn upgraded(address: SocketAddr) -> std::io::Result<TcpStream> {
    let mut stream = connect(address)?;
    stream.write_all(&Request::upgrade("/echo").bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 4096 {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    if head.starts_with(b"HTTP/1.1 101") {
        Ok(stream)
    } else {
        Err(std::io::ErrorKind::ConnectionRefused.into())
    }
}

fn half_a_request(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = connect(address)?;
    stream.write_all(b"GET /echo HTTP/1.1\r\nHost: ")?;
    Ok(Some(stream))
}

fn endless_request(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = connect(address)?;
    stream.write_all(b"GET /echo HTTP/1.1\r\n")?;
    stream.write_all(&b"X: y\r\n".repeat(10_000))?;
    Ok(Some(stream))
}

fn bad_request(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = connect(address)?;
    stream.write_all(b"GET /echo HTTP/1.1\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(None)
}

fn foreign_origin(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = connect(address)?;
    let request = Request::upgrade("/echo").and("Origin", "https://evil.example");
    stream.write_all(&request.bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(None)
}

fn garbage(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = upgraded(address)?;
    stream.write_all(&[0xff; 5000])?;
    Ok(Some(stream))
}

fn huge_length(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = upgraded(address)?;
    let frame = Wire::new(BINARY, "x").declaring(u64::MAX, LengthForm::Bits64);
    stream.write_all(&frame.bytes())?;
    Ok(Some(stream))
}

fn unfinished(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = upgraded(address)?;
    stream.write_all(&Wire::new(TEXT, "x".repeat(50_000)).more().bytes())?;
    Ok(Some(stream))
}

fn tiny_fragments(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = upgraded(address)?;
    stream.write_all(&Wire::new(BINARY, "").more().bytes())?;
    stream.write_all(&Wire::new(CONTINUATION, "x").more().bytes().repeat(5_000))?;
    Ok(Some(stream))
}

fn pings(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = upgraded(address)?;
    stream.write_all(&Wire::new(PING, vec![1; 125]).bytes().repeat(3_000))?;
    Ok(Some(stream))
}

fn never_reads(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = upgraded(address)?;
    let frame = Wire::new(BINARY, vec![1; 100_000]).bytes();
    // Until the server reads no more.
    while stream.write_all(&frame).is_ok() {}
    Ok(Some(stream))
}

fn gone(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    let mut stream = upgraded(address)?;
    stream.write_all(&Wire::new(TEXT, "x".repeat(1000)).bytes()[..700])?;
    stream.shutdown(Shutdown::Both)?;
    Ok(None)
}
