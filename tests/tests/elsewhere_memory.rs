//! "What went wrong elsewhere", as far as it is memory: the resident memory of the real server under attacks that cost
//! other servers all of theirs. Each has a bound that the attack would exceed many times if its bytes were kept.

use e2e::frame::{BINARY, CONTINUATION, LengthForm, PING, TEXT, Wire};
use e2e::{Client, Incoming, Request, Server, Setup, crowd, process};
use std::time::Duration;

/// What the server may grow by for buffers that it lends, its allocator keeps, and plugins use, whoever comes.
const SLACK_KIB: u64 = 24 * 1024;

/// A server that inflates but does not compress, and its memory after some honest work.
fn warm() -> (Server, u64) {
    let server = Setup::echo()
        .on_route("/echo", "compression", "{ threshold = \"1 GiB\" }")
        .set("limits", "control_per_second", "false")
        .variable("RUST_LOG", "warn,jackfield=info")
        .start();
    for _ in 0..20 {
        let mut client = Client::open(&server, "/echo");
        client.binary(&vec![1; 900_000]);
        assert_eq!(client.expect_binary().len(), 900_000);
        client.close(1000, "");
    }
    let resident = resident_kib(&server);
    (server, resident)
}

/// Pages of the process, those that it shares counted by its part, from `/proc/PID/smaps_rollup`.
fn resident_kib(server: &Server) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", server.pid());
    let text = std::fs::read_to_string(path).expect("smaps_rollup");
    let pss = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = pss.and_then(|pss| pss.split_whitespace().next());
    number.and_then(|n| n.parse().ok()).expect("a Pss line")
}

#[track_caller]
fn bounded(server: &Server, before: u64, bound_kib: u64) {
    let grown = resident_kib(server).saturating_sub(before);
    assert!(
        grown <= bound_kib,
        "grew by {grown} KiB, {bound_kib} KiB allowed"
    );
    // And it serves.
    assert_eq!(Client::open(server, "/echo").ask_text("after"), "after");
    assert!(process::descriptors(server.pid()) > 0);
}

/// CVE-2024-37890, CVE-2023-43669: headers without end, in many lines or in one.
#[test]
fn endless_headers() {
    let (server, before) = warm();
    let mut clients = Vec::new();
    for n in 0..200 {
        let mut client = Client::tcp(server.address());
        client.write(b"GET /echo HTTP/1.1\r\nHost: x\r\n");
        let more = if n % 2 == 0 {
            b"X: y\r\n".repeat(30_000)
        } else {
            vec![b'x'; 180_000]
        };
        // Refused in the middle of it.
        let _ = client.try_write(&more);
        clients.push(client);
    }
    for client in clients.iter_mut().take(4) {
        assert_eq!(client.response().status, 431);
    }
    // 200 heads of 180 KB are 36 MB.
    bounded(&server, before, SLACK_KIB);
}

/// Half-open handshakes: a socket, a few bytes and a timer each.
#[test]
fn thousands_of_half_open_handshakes() {
    const SOCKETS: u64 = 3000;
    crowd::raise_descriptors();
    let (server, before) = warm();
    let clients: Vec<Client> = (0..SOCKETS)
        .map(|_| {
            let mut client = Client::tcp(server.address());
            client.write(b"GET /echo HTTP/1.1\r\nHost: ");
            client
        })
        .collect();
    // 4 KiB each is generous.
    bounded(&server, before, SLACK_KIB + SOCKETS * 4);
    drop(clients);
}

/// CVE-2022-35922, CVE-2026-27889: a declared length costs nothing, and one at the top overflows nothing.
#[test]
fn declared_lengths() {
    let (server, before) = warm();
    let mut waiting = Vec::new();
    for _ in 0..500 {
        let mut client = Client::open(&server, "/echo");
        // The head of a frame of 1 MiB, the cap, and one byte.
        let frame = Wire::new(BINARY, "x").declaring(1 << 20, LengthForm::Bits64);
        client.write(&frame.bytes());
        waiting.push(client);
    }
    bounded(&server, before, SLACK_KIB);
    for length in [1 << 63, u64::MAX, u64::MAX - 1] {
        let mut client = Client::open(&server, "/echo");
        client.write(
            &Wire::new(BINARY, "")
                .declaring(length, LengthForm::Bits64)
                .bytes(),
        );
        client.expect_failed(1002);
    }
    let mut client = Client::open(&server, "/echo");
    client.write(
        &Wire::new(BINARY, "")
            .declaring((1 << 63) - 1, LengthForm::Bits64)
            .bytes(),
    );
    client.expect_failed(1009);
    drop(waiting);
}

/// CVE-2026-48779: fragments cost their bytes, however small they are.
#[test]
fn tiny_and_empty_fragments() {
    let (server, before) = warm();
    let mut clients = Vec::new();
    let tiny = [
        Wire::new(CONTINUATION, "x").more().bytes(),
        Wire::new(CONTINUATION, "").more().bytes(),
    ];
    let flood = tiny.concat().repeat(20_000);
    for _ in 0..20 {
        let mut client = Client::open(&server, "/echo");
        client.send(&Wire::new(BINARY, "").more());
        client.write(&flood);
        // Everything before it was read.
        client.send(&Wire::new(PING, "read"));
        client.expect_pong(b"read");
        clients.push(client);
    }
    // 800,000 fragments with 400 KB; a vector for each would be 20 MB at least.
    bounded(&server, before, SLACK_KIB);
}

/// CVE-2026-42786: the message cap holds over all fragments; what was held is given up.
#[test]
fn a_message_above_the_cap_in_fragments_below_it() {
    let (server, before) = warm();
    for _ in 0..40 {
        let mut client = Client::open(&server, "/echo");
        client.send(&Wire::new(BINARY, vec![0; 500_000]).more());
        client.send(&Wire::new(CONTINUATION, vec![0; 500_000]).more());
        let _ = client.try_write(&Wire::new(CONTINUATION, vec![0; 500_000]).more().bytes());
        client.expect_failed(1009);
    }
    bounded(&server, before, SLACK_KIB);
}

/// CVE-2026-39804: bombs, whole and split, alone and one behind the other with context takeover.
#[test]
fn inflate_bombs() {
    let (server, before) = warm();
    let offer = Request::upgrade("/echo").and("Sec-WebSocket-Extensions", "permessage-deflate");
    let bomb = zeros(250_000);
    for split in [false, true] {
        for _ in 0..20 {
            let (mut client, response) = Client::open_with(&server, &offer);
            assert!(response.field("sec-websocket-extensions").is_some());
            // A small one before it, so that there is a context.
            client.send(&Wire::new(BINARY, zeros(10)).reserved(4));
            assert_eq!(client.expect_binary(), [0; 10 * 258 + 1]);
            let frames = if split {
                let parts = bomb.chunks(1000).enumerate().map(|(n, part)| {
                    let opcode = if n == 0 { BINARY } else { CONTINUATION };
                    let frame = Wire::new(opcode, part).more();
                    if n == 0 {
                        frame.reserved(4).bytes()
                    } else {
                        frame.bytes()
                    }
                });
                parts.collect::<Vec<_>>().concat()
            } else {
                Wire::new(BINARY, bomb.clone()).reserved(4).bytes()
            };
            let _ = client.try_write(&frames);
            client.expect_failed(1009);
        }
    }
    // 40 bombs of 62 MiB each.
    bounded(&server, before, SLACK_KIB);
}

/// CVE-2020-35896: readers that never read. Each costs what the kernel and one message hold.
#[test]
fn readers_that_never_read() {
    let (server, before) = warm();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = Client::tcp_with_small_window(server.address(), 4096);
        client.write(&Request::upgrade("/echo").bytes());
        client.upgraded();
        client.write_timeout(Duration::from_millis(200));
        // Until the server reads no more.
        let frame = Wire::new(BINARY, vec![1; 100_000]).bytes();
        for _ in 0..200 {
            if client.try_write(&frame).is_err() {
                break;
            }
        }
        clients.push(client);
    }
    // 400 MB were offered. A message and what may wait to be written are below 1 MiB.
    bounded(&server, before, SLACK_KIB + 20 * 1024);
}

/// Ping floods whose pongs nobody reads: one pong waits, not one for each.
#[test]
fn ping_floods() {
    let (server, before) = warm();
    let mut clients = Vec::new();
    let flood = Wire::new(PING, vec![7; 125]).bytes().repeat(40_000);
    for _ in 0..10 {
        let mut client = Client::tcp_with_small_window(server.address(), 4096);
        client.write(&Request::upgrade("/echo").bytes());
        client.upgraded();
        client.write_timeout(Duration::from_millis(500));
        let _ = client.try_write(&flood);
        clients.push(client);
    }
    // 52 MB of pings.
    bounded(&server, before, SLACK_KIB);
    assert!(!matches!(
        clients[0].incoming(Duration::from_secs(5)),
        Incoming::Reset
    ));
}

/// Half-finished closes hold nothing: neither side of them, for longer than their bounds.
#[test]
fn half_finished_closes() {
    let server = Setup::echo()
        .set("limits", "close_timeout", "\"200 ms\"")
        .set("limits", "linger_timeout", "\"200 ms\"")
        .start();
    let (descriptors, before) = (server.settled_descriptors(), resident_kib(&server));
    let clients: Vec<Client> = (0..300)
        .map(|n| {
            let mut client = Client::open(&server, "/echo");
            match n % 3 {
                // A close that is answered, and then no FIN.
                0 => client.send(&Wire::close(1000, "")),
                // A failure, and then no FIN.
                1 => client.send(&Wire::new(TEXT, [0xff])),
                // A close frame that never ends.
                _ => client.write(&Wire::close(1000, "half").bytes()[..5]),
            }
            client
        })
        .collect();
    e2e::eventually("two thirds are gone", || {
        process::descriptors(server.pid()) <= descriptors + 100
    });
    drop(clients);
    e2e::eventually("all are gone", || {
        process::descriptors(server.pid()) <= descriptors
    });
    bounded(&server, before, SLACK_KIB);
}

/// A raw deflate stream (RFC 1951) of `1 + 258 * matches` zeros, without the tail that RFC 7692 section 7.2.1 removes:
/// one block of fixed codes with a literal and that many of the longest matches at distance 1.
fn zeros(matches: usize) -> Vec<u8> {
    let mut out = Bits::default();
    // BFINAL 0, BTYPE 01, least significant bit first.
    out.bit(0);
    out.bit(1);
    out.bit(0);
    // Literal 0 is 00110000; codes go most significant bit first.
    out.code(0b0011_0000, 8);
    for _ in 0..matches {
        // Length 258 is code 285, 11000101; distance 1 is code 0 of five bits.
        out.code(0b1100_0101, 8);
        out.code(0, 5);
    }
    // End of block.
    out.code(0, 7);
    // An empty stored block: its header, and padding; LEN and NLEN are the tail.
    out.code(0, 3);
    out.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u8,
}

impl Bits {
    fn bit(&mut self, bit: u8) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= bit << self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    fn code(&mut self, code: u16, length: u8) {
        for at in (0..length).rev() {
            self.bit((code >> at & 1) as u8);
        }
    }
}
