//! permessage-deflate over the wire: only where a route wants it, what is compressed and what is not, and what a
//! connection costs that compresses. That other clients understand it is in `interop.rs`, and in the cases 12 and 13 of
//! the Autobahn TestSuite.

use e2e::frame::{BINARY, Wire};
use e2e::{Client, Plugin, Request, Server, Setup, process};

const RSV1: u8 = 0x40;

fn offering(path: &str) -> Request {
    Request::upgrade(path).and("Sec-WebSocket-Extensions", "permessage-deflate")
}

/// Reads frames with their reserved bits, which [`e2e::frame::take`] does not allow.
struct Reader {
    client: Client,
    buffer: Vec<u8>,
}

impl Reader {
    fn open(server: &Server, path: &str) -> Reader {
        let (client, response) = Client::open_with(server, &offering(path));
        let agreed = response.field("sec-websocket-extensions");
        assert_eq!(agreed, Some("permessage-deflate"));
        let buffer = Vec::new();
        Reader { client, buffer }
    }

    /// The first byte and the payload, below 64 KiB, of the next frame.
    fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            if let [first, length, rest @ ..] = &self.buffer[..] {
                let (start, length) = match (length, rest) {
                    (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
                    (126.., _) => (2, usize::MAX),
                    (length, _) => (2, usize::from(*length)),
                };
                let first = *first;
                if self.buffer.len() - start >= length {
                    let payload = self.buffer.drain(..start + length).skip(start).collect();
                    return (first, payload);
                }
            }
            let more = self.client.raw_bytes().expect("another frame");
            self.buffer.extend(more);
        }
    }
}

#[test]
fn nothing_is_compressed_unless_a_route_wants_it() {
    let server = Setup::echo().start();
    let (mut client, response) = Client::open_with(&server, &offering("/echo"));
    assert_eq!(response.field("sec-websocket-extensions"), None);
    let text = "x".repeat(10_000);
    assert_eq!(client.ask_text(&text), text);
}

/// The threshold decides, and a plugin may keep a message out of it.
#[test]
fn what_is_compressed_and_what_is_not() {
    let server = Setup::new()
        .plugin(Plugin::guest("hostile"))
        .route("/", &["hostile"])
        .on_route("/", "compression", "{ threshold = \"100 B\" }")
        .start();
    let mut reader = Reader::open(&server, "/");
    let long = "x".repeat(5_000);
    for (command, text, compressed) in [
        ("text", "x", false),
        ("text", &long[..], true),
        ("plain", &long[..], false),
        // What was left out leaves nothing behind.
        ("text", &long[..], true),
        ("plain", "x", false),
    ] {
        reader.client.text(&format!("{command} {text}"));
        let (first, payload) = reader.frame();
        assert_eq!(first & RSV1 != 0, compressed, "{command}");
        if compressed {
            assert!(payload.len() < 100, "{} bytes", payload.len());
        } else {
            assert_eq!(payload, text.as_bytes());
        }
        assert_eq!(reader.frame().1, b"ok");
    }
}

/// The figures of `docs/configuration.md`, as resident memory of the real server.
#[test]
fn what_a_connection_costs_that_compresses() {
    const CONNECTIONS: u64 = 200;
    const ALONE: &str = "{ server_context_takeover = false, client_context_takeover = false }";
    for (compression, kib) in [("true", 420), (ALONE, 16)] {
        let server = Setup::echo()
            .on_route("/echo", "compression", compression)
            .variable("RUST_LOG", "warn,jackfield=info")
            .start();
        let open = |count: u64| -> Vec<Client> {
            let used = |_| {
                let (mut client, response) = Client::open_with(&server, &offering("/echo"));
                assert!(response.field("sec-websocket-extensions").is_some());
                // 2000 bytes in a stored block (RFC 1951 section 3.2.4), and the byte that a sender owes.
                let mut block = vec![0];
                block.extend(2000_u16.to_le_bytes());
                block.extend((!2000_u16).to_le_bytes());
                block.extend([b'x'; 2000]);
                block.push(0);
                client.send(&Wire::new(BINARY, block).reserved(4));
                let answer = client.raw_bytes().expect("an answer");
                assert!(answer[0] & RSV1 != 0 && answer.len() < 100, "compressed");
                client
            };
            (0..count).map(used).collect()
        };
        let _warm = open(20);
        let before = process::resident_kib(server.pid());
        let _idle = open(CONNECTIONS);
        let grown = process::resident_kib(server.pid()).saturating_sub(before);
        println!("{compression}: {} KiB for each", grown / CONNECTIONS);
        assert!(
            grown < CONNECTIONS * kib,
            "{compression}: {grown} KiB for {CONNECTIONS} connections"
        );
    }
}
