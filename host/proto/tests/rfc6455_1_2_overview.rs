//! RFC 6455 sections 1.2 and 1.3: a handshake and an exchange from the first byte to the last, as an
//! application would drive it.

use std::{sync::Arc, time::Instant};

use jackfield_proto::{
    Connection, Event, Kind, OriginPolicy, RequestLimits, RequestReader, Settings, Status,
};

#[test]
fn the_rfcs_own_example_end_to_end() {
    // The example of section 1.2, with a masked "Hello" (section 5.7) sent along with the request.
    let request = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://server.example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n\
        \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x82\x37\xfa\x21\x3d\x34\x12";
    let mut reader = RequestReader::new(RequestLimits::default());
    let (head, mut frames) = reader.push(request).unwrap().expect("the head is complete");
    assert_eq!(head.path(), "/chat");
    let upgrade = head.upgrade(false, &OriginPolicy::Same).unwrap();
    let response = String::from_utf8(upgrade.accept(Some("chat"), &[]).unwrap()).unwrap();
    assert_eq!(
        response,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
    );

    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(Settings::default()), now);
    let mut out = Vec::new();
    let mut input = frames.as_mut_slice();
    loop {
        let (event, rest) = connection.handle_input(now, input, &mut out);
        input = rest;
        match event {
            Some(Event::Text(text)) => {
                connection
                    .send(Kind::Text, text.as_bytes(), &mut out)
                    .unwrap();
            }
            Some(Event::PeerClosed) => {}
            Some(other) => panic!("unexpected {other:?}"),
            None => break,
        }
    }
    assert_eq!(out, b"\x81\x05Hello\x88\x02\x03\xe8");
    assert_eq!(connection.status(), Status::Finished { linger: true });
    let ending = connection.ending();
    assert_eq!((ending.code, ending.clean), (1000, true));
}
