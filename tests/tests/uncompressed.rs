//! `send-uncompressed`: where compression was agreed on, a plugin may leave it off for a message (a secret beside what
//! a peer can choose, RFC 7692 section 8; or what is compressed already), also for connections of other workers.

use e2e::{Client, Plugin, Request, Server, Setup};

/// FIN, RSV1 (RFC 7692 section 6: "compressed") and the opcode of text.
const COMPRESSED: u8 = 0xc1;
const PLAIN: u8 = 0x81;

const TEXT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn start() -> Server {
    Setup::new()
        .plugin(Plugin::guest("hostile"))
        .route("/", &["hostile"])
        .on_route("/", "compression", "{ threshold = 16 }")
        .start()
}

fn open(server: &Server, compression: bool) -> Client {
    let mut request = Request::upgrade("/");
    if compression {
        request = request.and("Sec-WebSocket-Extensions", "permessage-deflate");
    }
    let (client, response) = Client::open_with(server, &request);
    let agreed = response.field("sec-websocket-extensions");
    assert_eq!(agreed.is_some(), compression, "{agreed:?}");
    client
}

/// One short frame: its first byte and its payload.
#[track_caller]
fn frame(client: &mut Client, unread: &mut Vec<u8>) -> (u8, Vec<u8>) {
    loop {
        if let [first, length, rest @ ..] = &unread[..] {
            let length = usize::from(*length);
            assert!(length < 126, "a short frame");
            if let Some(payload) = rest.get(..length) {
                let frame = (*first, payload.to_vec());
                unread.drain(..2 + length);
                return frame;
            }
        }
        unread.extend(client.raw_bytes().expect("a frame"));
    }
}

#[test]
fn the_opt_out_is_on_the_wire() {
    let server = start();
    let mut client = open(&server, true);
    let mut unread = Vec::new();
    // What is not opted out is compressed, above the threshold; on either side of one that is.
    for round in 0..3 {
        client.text(&format!("text {TEXT}"));
        let (first, payload) = frame(&mut client, &mut unread);
        assert_eq!(first, COMPRESSED, "round {round}");
        assert!(payload.len() < TEXT.len() / 2, "{} bytes", payload.len());
        assert_eq!(frame(&mut client, &mut unread), (PLAIN, b"ok".to_vec()));
        client.text(&format!("plain {TEXT}"));
        let plain = (PLAIN, TEXT.as_bytes().to_vec());
        assert_eq!(frame(&mut client, &mut unread), plain, "round {round}");
        assert_eq!(frame(&mut client, &mut unread), (PLAIN, b"ok".to_vec()));
    }
}

/// Enough connections that both workers have some.
#[test]
fn from_any_worker_to_any_other() {
    let server = start();
    let mut asking = open(&server, false);
    for _ in 0..16 {
        let mut other = open(&server, true);
        let mut unread = Vec::new();
        other.text("id");
        let (_, id) = frame(&mut other, &mut unread);
        let id = String::from_utf8(id).expect("an id");
        let commands = format!("@{id} plain {TEXT}\n@{id} text {TEXT}");
        assert_eq!(asking.ask_text(&commands), "ok\nok");
        let plain = (PLAIN, TEXT.as_bytes().to_vec());
        assert_eq!(frame(&mut other, &mut unread), plain);
        assert_eq!(frame(&mut other, &mut unread).0, COMPRESSED);
    }
}

/// Where nothing was agreed on, it is a message like any other.
#[test]
fn without_compression_it_is_a_send() {
    let server = start();
    let mut client = open(&server, false);
    assert_eq!(client.ask_text(&format!("plain {TEXT}")), TEXT);
    assert_eq!(client.expect_text(), "ok");
}
