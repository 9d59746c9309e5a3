//! The harness can fail: what the raw client promises to notice, shown on peers that do it wrong. Without these, a
//! client that overlooks an RST or a masked frame would make every other suite worthless.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use e2e::{Client, Incoming};

/// A peer for one connection that does what it is told.
fn peer(act: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        act(stream);
    });
    address
}

/// The client's check must fail on what this peer sends.
#[track_caller]
fn notices(what: &str, bytes: &'static [u8], check: impl FnOnce(&mut Client)) {
    let address = peer(move |mut stream| {
        stream.write_all(bytes).expect("writing");
        // Until the client is gone.
        let _ = stream.read(&mut [0; 16]);
    });
    let mut client = Client::tcp(address);
    let outcome = catch_unwind(AssertUnwindSafe(|| check(&mut client)));
    assert!(outcome.is_err(), "not noticed: {what}");
}

#[test]
fn frames_that_no_server_may_send() {
    let read = |client: &mut Client| drop(client.expect_frame());
    notices("a masked frame", b"\x81\x81\x00\x00\x00\x00x", read);
    notices("a reserved bit", b"\xc1\x01x", read);
    notices("a reserved opcode", b"\x83\x00", read);
    notices("a long form for a short length", b"\x81\x7e\x00\x01x", read);
    notices(
        "the longest form for a short length",
        b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01x",
        read,
    );
    notices("a fragmented ping", b"\x09\x00", read);
    notices("half a close code", b"\x88\x01\x03", |client| {
        client.expect_close(1000);
    });
}

#[test]
fn messages_that_are_none() {
    let read = |client: &mut Client| drop(client.expect_message());
    notices("a continuation first", b"\x80\x01x", read);
    notices("a message in a message", b"\x01\x01x\x81\x01y", read);
    notices("text that is not UTF-8", b"\x81\x01\xff", |client| {
        client.expect_text();
    });
}

#[test]
fn something_where_there_should_be_nothing() {
    notices(
        "a frame behind the close frame",
        b"\x88\x02\x03\xe8\x81\x00",
        |client| {
            client.expect_failed(1000);
        },
    );
    notices("another code", b"\x88\x02\x03\xe9", |client| {
        client.expect_close(1000);
    });
    notices(
        "a frame instead of silence",
        b"\x89\x00",
        Client::expect_nothing,
    );
}

#[test]
fn responses_that_are_none() {
    let read = |client: &mut Client| drop(client.response());
    notices("no status line", b"HTTP/1.1 OK\r\n\r\n", read);
    notices("a bare LF", b"HTTP/1.1 101 x\r\na: b\nc: d\r\n\r\n", read);
    notices(
        "a field without a colon",
        b"HTTP/1.1 101 x\r\nabc\r\n\r\n",
        read,
    );
    notices(
        "another accept value",
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        |client| drop(client.upgraded()),
    );
}

#[test]
fn an_rst_is_no_fin() {
    // Closing a socket that has unread input sends an RST.
    let address = peer(|stream| {
        std::thread::sleep(Duration::from_millis(100));
        drop(stream);
    });
    let mut client = Client::tcp(address);
    client.write(b"never read");
    assert!(matches!(client.incoming(e2e::PATIENCE), Incoming::Reset));

    let address = peer(|stream| {
        stream.shutdown(std::net::Shutdown::Write).expect("FIN");
        std::thread::sleep(Duration::from_millis(100));
        drop(stream);
    });
    let mut client = Client::tcp(address);
    client.expect_fin();

    let address = peer(|mut stream| {
        stream.write_all(b"\x81\x05he").expect("writing");
    });
    let mut client = Client::tcp(address);
    assert!(matches!(client.incoming(e2e::PATIENCE), Incoming::CutOff));
}

#[test]
fn a_table_names_every_row_that_failed() {
    let outcome = catch_unwind(|| {
        e2e::table(
            &["good", "bad", "worse"],
            |row| row,
            |row| assert_eq!(*row, "good"),
        );
    });
    let message = outcome.expect_err("it fails");
    let text = message.downcast_ref::<String>().expect("a message");
    assert!(
        text.contains("bad") && text.contains("worse") && !text.contains("\"good\""),
        "{text}"
    );
}
