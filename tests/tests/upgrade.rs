//! The upgrade request over the wire: every row of the table in PROTOCOL.md (RFC 6455 section 4.2, RFC 9110,
//! RFC 9112), asked of the real server with bytes that no HTTP library would send.

use e2e::frame::{TEXT, Wire};
use e2e::http::KEY;
use e2e::{Client, Request, Response, Server, Setup, table};

type Row = (&'static str, Vec<u8>, u16);
type GoodRow = (&'static str, Vec<u8>);

/// A correct request for the echo route.
fn good() -> Request {
    Request::upgrade("/echo")
}

/// A correct request with another value of a field.
fn with(name: &str, value: &str) -> Vec<u8> {
    good().with(name, value).bytes()
}

/// A correct request with one more field line.
fn and(name: &str, value: &str) -> Vec<u8> {
    good().and(name, value).bytes()
}

/// A correct request that lacks a field.
fn without(name: &str) -> Vec<u8> {
    good().without(name).bytes()
}

/// A correct request with one piece of its bytes replaced.
fn bent(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(good().bytes()).expect("an ASCII request");
    assert!(text.contains(from), "{from:?} is in {text:?}");
    text.replacen(from, to, 1).into_bytes()
}

/// The rows of one table: those that must be refused, each with its status.
fn refuse(server: &Server, rows: &[Row]) {
    table(
        rows,
        |row| row.0,
        |(_, request, status)| {
            let response = Client::ask(server.address(), request);
            assert_eq!(response.status, *status, "{response:?}");
            refused_well(&response);
        },
    );
}

/// The rows of one table: those that must be accepted; the connection then echoes.
fn accept(server: &Server, rows: &[GoodRow]) {
    table(
        rows,
        |row| row.0,
        |(_, request)| {
            let mut client = Client::tcp(server.address());
            client.write(request);
            let response = client.upgraded();
            assert_eq!(response.field("sec-websocket-extensions"), None);
            assert_eq!(client.ask_text("hello"), "hello");
            client.close(1000, "");
        },
    );
}

fn tokens(response: &Response, name: &str) -> Vec<String> {
    let value = response.field(name).unwrap_or_default();
    value
        .split(',')
        .map(|token| token.trim().to_ascii_lowercase())
        .collect()
}

/// What holds for every answer but 101.
fn refused_well(response: &Response) {
    assert!(
        tokens(response, "connection").contains(&"close".to_owned()),
        "{response:?}"
    );
    assert!(response.field("content-length").is_some(), "{response:?}");
    assert_eq!(response.field("sec-websocket-accept"), None);
    if response.status == 426 {
        assert!(
            tokens(response, "connection").contains(&"upgrade".to_owned()),
            "RFC 9110 section 7.8: {response:?}"
        );
        assert_eq!(response.field("upgrade"), Some("websocket"), "{response:?}");
    }
}

#[test]
fn method_and_version() {
    let server = Setup::echo().start();
    refuse(
        &server,
        &[
            ("POST", bent("GET", "POST"), 405),
            ("PUT", bent("GET", "PUT"), 405),
            ("OPTIONS", bent("GET", "OPTIONS"), 405),
            ("get, in lower case", bent("GET", "get"), 405),
            ("a method of its own", bent("GET", "BREW"), 405),
            ("HTTP/1.0", bent("HTTP/1.1", "HTTP/1.0"), 505),
            ("HTTP/0.9", bent("HTTP/1.1", "HTTP/0.9"), 505),
            ("HTTP/1.2", bent("HTTP/1.1", "HTTP/1.2"), 505),
            ("HTTP/2.0", bent("HTTP/1.1", "HTTP/2.0"), 505),
            ("HTTP/3.0", bent("HTTP/1.1", "HTTP/3.0"), 505),
        ],
    );
    let response = Client::ask(server.address(), bent("GET", "POST"));
    assert_eq!(
        tokens(&response, "allow"),
        ["get"],
        "RFC 9110 section 15.5.6"
    );
}

#[test]
fn a_head_request_has_no_body() {
    let server = Setup::echo().start();
    for (request, status) in [
        (bent("GET", "HEAD"), 405),
        (bent("GET /echo", "HEAD /nowhere"), 404),
        (bent("GET /echo", "HEAD /"), 404),
        // The playground.
        (b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 200),
    ] {
        let mut client = Client::tcp(server.address());
        client.write(&request);
        client.finish_writing();
        let mut bytes = Vec::new();
        while let Some(more) = client.raw_bytes() {
            bytes.extend(more);
        }
        let head = Response::take_head(&mut bytes).expect("a response");
        assert_eq!(head.status, status);
        assert!(bytes.is_empty(), "RFC 9110 section 9.3.2: {bytes:?}");
    }
}

#[test]
fn malformed_heads() {
    let server = Setup::echo().start();
    refuse(
        &server,
        &[
            ("no Host", without("Host"), 400),
            ("two Hosts", and("Host", "jackfield.test"), 400),
            ("Host with a blank", with("Host", "a b"), 400),
            ("Host with a path", with("Host", "a/b"), 400),
            ("Host with user", with("Host", "me@a"), 400),
            ("Host with two ports", with("Host", "a:1:2"), 400),
            ("Host with a bad port", with("Host", "a:http"), 400),
            ("Host list", with("Host", "a, b"), 400),
            ("fragment", bent("/echo", "/echo#top"), 400),
            ("fragment behind a query", bent("/echo", "/echo?a#b"), 400),
            ("bare LF", bent("\r\nUpgrade", "\nUpgrade"), 400),
            ("bare LF at the end", bent("\r\n\r\n", "\n\n"), 400),
            (
                "bare LF behind the line",
                bent("HTTP/1.1\r\n", "HTTP/1.1\n"),
                400,
            ),
            ("bare CR", bent("\r\nUpgrade", "\rUpgrade"), 400),
            ("NUL in a value", bent("websocket", "web\0socket"), 400),
            ("NUL in a name", bent("Upgrade:", "Up\0grade:"), 400),
            ("NUL in the target", bent("/echo", "/ec\0ho"), 400),
            ("obs-fold", bent("Upgrade: ", "Upgrade:\r\n "), 400),
            (
                "obs-fold with a tab",
                bent("Upgrade: ", "Upgrade:\r\n\t"),
                400,
            ),
            ("a blank before the first field", bent("Host", " Host"), 400),
            ("blank before a colon", bent("Upgrade:", "Upgrade :"), 400),
            ("tab before a colon", bent("Upgrade:", "Upgrade\t:"), 400),
            (
                "a line without a colon",
                bent("Upgrade: websocket", "Upgrade"),
                400,
            ),
            ("an empty name", and("", "x"), 400),
            ("a name with a bracket", and("x(y)", "z"), 400),
            ("Content-Length", and("Content-Length", "5"), 400),
            ("bad Content-Length", and("Content-Length", "-1"), 400),
            (
                "Transfer-Encoding",
                and("Transfer-Encoding", "chunked"),
                400,
            ),
            ("two blanks in the line", bent("GET /", "GET  /"), 400),
            ("no version", bent(" HTTP/1.1", ""), 400),
            ("a version of its own", bent("HTTP/1.1", "HTCPCP/1.1"), 400),
            ("no target", bent("/echo ", ""), 400),
            ("a relative target", bent("/echo", "echo"), 400),
            (
                "TLS",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
                400,
            ),
        ],
    );
}

#[test]
fn connection_and_upgrade() {
    let server = Setup::echo().start();
    refuse(
        &server,
        &[
            ("no Connection", without("Connection"), 426),
            ("no Upgrade", without("Upgrade"), 426),
            ("neither", Request::get("/echo").bytes(), 426),
            ("keep-alive", with("Connection", "keep-alive"), 426),
            ("notupgrade", with("Connection", "notupgrade"), 426),
            ("upgrade-ish", with("Connection", "upgrade-ish"), 426),
            (
                "upgrade as a parameter",
                with("Connection", "x;upgrade"),
                426,
            ),
            ("websocket2", with("Upgrade", "websocket2"), 426),
            ("web socket", with("Upgrade", "web socket"), 426),
            ("h2c", with("Upgrade", "h2c"), 426),
        ],
    );
    accept(
        &server,
        &[
            (
                "as browsers write it",
                with("Connection", "keep-alive, Upgrade"),
            ),
            ("any case", with("Connection", "uPGRADE")),
            ("two lines", and("Connection", "keep-alive")),
            (
                "blanks and empty members",
                with("Connection", ",\t , upgrade ,,"),
            ),
            ("WebSocket", with("Upgrade", "WebSocket")),
            ("h2c, websocket", with("Upgrade", "h2c, websocket")),
            ("two Upgrade lines", and("Upgrade", "h2c")),
        ],
    );
}

#[test]
fn websocket_version() {
    let server = Setup::echo().start();
    refuse(
        &server,
        &[
            ("none", without("Sec-WebSocket-Version"), 400),
            ("twice", and("Sec-WebSocket-Version", "13"), 400),
            ("twice, different", and("Sec-WebSocket-Version", "8"), 400),
            ("013", with("Sec-WebSocket-Version", "013"), 400),
            ("+13", with("Sec-WebSocket-Version", "+13"), 400),
            ("empty", with("Sec-WebSocket-Version", ""), 400),
            ("word", with("Sec-WebSocket-Version", "thirteen"), 400),
            ("list", with("Sec-WebSocket-Version", "13, 8"), 400),
            ("0", with("Sec-WebSocket-Version", "0"), 426),
            ("8", with("Sec-WebSocket-Version", "8"), 426),
            ("14", with("Sec-WebSocket-Version", "14"), 426),
            ("255", with("Sec-WebSocket-Version", "255"), 426),
        ],
    );
    let request = good().with("Sec-WebSocket-Version", "8");
    let response = Client::ask(server.address(), request.bytes());
    assert_eq!(
        response.field("sec-websocket-version"),
        Some("13"),
        "RFC 6455 section 4.4"
    );
}

#[test]
fn websocket_key() {
    let server = Setup::echo().start();
    refuse(
        &server,
        &[
            ("none", without("Sec-WebSocket-Key"), 400),
            ("twice", and("Sec-WebSocket-Key", KEY), 400),
            ("empty", with("Sec-WebSocket-Key", ""), 400),
            (
                "15 bytes",
                with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"),
                400,
            ),
            (
                "17 bytes",
                with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZWU="),
                400,
            ),
            (
                "no padding",
                with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"),
                400,
            ),
            (
                "bits behind the end",
                with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZR=="),
                400,
            ),
            (
                "URL alphabet",
                with("Sec-WebSocket-Key", "__________________-_Zw=="),
                400,
            ),
            (
                "blank inside",
                with("Sec-WebSocket-Key", "dGhlIHNhbXBs SBub25jZQ=="),
                400,
            ),
            (
                "words",
                with("Sec-WebSocket-Key", "not base64 at all, no!!!"),
                400,
            ),
        ],
    );
}

#[test]
fn subprotocols_and_extensions() {
    let server = Setup::echo().start();
    refuse(
        &server,
        &[
            (
                "protocol with a blank",
                and("Sec-WebSocket-Protocol", "a b"),
                400,
            ),
            (
                "protocol with a slash",
                and("Sec-WebSocket-Protocol", "a/b"),
                400,
            ),
            (
                "quoted protocol",
                and("Sec-WebSocket-Protocol", "\"a\""),
                400,
            ),
            (
                "the same twice",
                and("Sec-WebSocket-Protocol", "a, b, a"),
                400,
            ),
            (
                "the same in two lines",
                good()
                    .and("Sec-WebSocket-Protocol", "a")
                    .and("Sec-WebSocket-Protocol", "a")
                    .bytes(),
                400,
            ),
            (
                "extension with a blank",
                and("Sec-WebSocket-Extensions", "a b"),
                400,
            ),
            (
                "parameter without a name",
                and("Sec-WebSocket-Extensions", "a; =1"),
                400,
            ),
            ("no extension", and("Sec-WebSocket-Extensions", "; x"), 400),
            (
                "open quote",
                and("Sec-WebSocket-Extensions", "a; b=\"c"),
                400,
            ),
            (
                "parameter without a value",
                and("Sec-WebSocket-Extensions", "a; b="),
                400,
            ),
            (
                "quoted value, no token",
                and("Sec-WebSocket-Extensions", "a; b=\"c d\""),
                400,
            ),
        ],
    );
    accept(
        &server,
        &[
            ("protocols", and("Sec-WebSocket-Protocol", "a, b")),
            (
                "protocols in two lines",
                good()
                    .and("Sec-WebSocket-Protocol", "a")
                    .and("Sec-WebSocket-Protocol", "b")
                    .bytes(),
            ),
            (
                "an unknown extension",
                and("Sec-WebSocket-Extensions", "x-nobody; a=1; b=\"c\""),
            ),
            (
                "as Chromium offers it",
                good()
                    .and(
                        "Sec-WebSocket-Extensions",
                        "permessage-deflate; client_max_window_bits",
                    )
                    .bytes(),
            ),
            (
                "unacceptable window bits",
                good()
                    .and(
                        "Sec-WebSocket-Extensions",
                        "permessage-deflate; server_max_window_bits=99",
                    )
                    .bytes(),
            ),
        ],
    );
}

#[test]
fn no_protocol_is_chosen_that_nobody_chose() {
    let server = Setup::echo().start();
    let request = good().and("Sec-WebSocket-Protocol", "chat, superchat");
    let (_, response) = Client::open_with(&server, &request);
    assert_eq!(response.field("sec-websocket-protocol"), None);
}

#[test]
fn cross_site_hijacking_twenty_origins() {
    let server = Setup::echo().start();
    let origin = |value: &str| good().with("Origin", value).bytes();
    let with_port =
        |host: &str, origin: &str| good().with("Host", host).with("Origin", origin).bytes();
    let allowed = [
        origin("http://jackfield.test"),
        origin("http://JackField.Test"),
        origin("http://jackfield.test:80"),
        with_port("jackfield.test:9000", "http://jackfield.test:9000"),
        with_port("127.0.0.1:9000", "http://127.0.0.1:9000"),
        with_port("[::1]:9000", "http://[::1]:9000"),
        good().bytes(),
    ];
    for request in allowed {
        let mut client = Client::tcp(server.address());
        client.write(&request);
        client.upgraded();
    }
    let refused = [
        origin("null"),
        origin("http://evil.test"),
        origin("http://jackfield.test:81"),
        origin("http://jackfield.test.evil.test"),
        origin("http://eviljackfield.test"),
        origin("http://sub.jackfield.test"),
        origin("http://test"),
        origin("http://evil.test#jackfield.test"),
        origin("http://evil.test/jackfield.test"),
        origin("http://jackfield.test@evil.test"),
        origin("http://evil.test\\@jackfield.test"),
        origin("file://"),
        origin("chrome-extension://jackfield.test"),
        with_port("jackfield.test:9000", "http://jackfield.test"),
        with_port("127.0.0.1:9000", "http://localhost:9000"),
    ];
    for request in refused {
        let response = Client::ask(server.address(), &request);
        let shown = String::from_utf8_lossy(&request);
        assert_eq!(response.status, 403, "{shown}\n{response:?}");
        refused_well(&response);
    }
}

#[test]
fn origins_of_a_route() {
    let setup = Setup::echo()
        .route("/any", &["echo"])
        .on_route("/any", "origins", "\"any\"")
        .route("/list", &["echo"])
        .on_route(
            "/list",
            "origins",
            "[\"https://a.test\", \"https://*.b.test\"]",
        );
    let server = setup.start();
    for (path, origin, status) in [
        ("/any", "http://evil.test", 101),
        ("/any", "null", 101),
        ("/list", "https://a.test", 101),
        ("/list", "https://x.b.test", 101),
        ("/list", "https://b.test", 403),
        ("/list", "http://a.test", 403),
        ("/list", "https://evil-b.test", 403),
        ("/list", "https://a.test:444", 403),
        ("/list", "null", 403),
    ] {
        let mut client = Client::tcp(server.address());
        client.write(&Request::upgrade(path).with("Origin", origin).bytes());
        let response = client.response();
        assert_eq!(response.status, status, "{path} {origin}: {response:?}");
    }
}

#[test]
fn paths() {
    let server = Setup::echo().start();
    refuse(
        &server,
        &[
            ("unknown path", Request::upgrade("/nobody").bytes(), 404),
            (
                "unknown path, plain GET",
                Request::get("/nobody").bytes(),
                404,
            ),
            ("a slash more", Request::upgrade("/echo/").bytes(), 404),
            ("another case", Request::upgrade("/Echo").bytes(), 404),
            ("percent-encoded", Request::upgrade("/%65cho").bytes(), 404),
            (
                "dots are not resolved",
                Request::upgrade("/x/../echo").bytes(),
                404,
            ),
            ("known path, plain GET", Request::get("/echo").bytes(), 426),
        ],
    );
    accept(
        &server,
        &[
            ("query", Request::upgrade("/echo?a=1&b").bytes()),
            ("empty query", Request::upgrade("/echo?").bytes()),
            (
                "absolute form, RFC 9112 section 3.2.2",
                Request::upgrade("http://jackfield.test/echo").bytes(),
            ),
            (
                "an empty line before, RFC 9112 section 2.2",
                [b"\r\n", &good().bytes()[..]].concat(),
            ),
            ("Content-Length 0", and("Content-Length", "0")),
            (
                "a long but legal head",
                good().and("Cookie", "c".repeat(8000)).bytes(),
            ),
        ],
    );
}

#[test]
fn heads_that_are_too_large() {
    let server = Setup::echo().start();
    fn many_fields() -> Vec<u8> {
        let mut request = good();
        for number in 0..120 {
            request = request.and(&format!("X-{number}"), "x");
        }
        request.bytes()
    }
    refuse(
        &server,
        &[
            (
                "17 KiB in one field",
                good().and("Cookie", "c".repeat(17 * 1024)).bytes(),
                431,
            ),
            ("120 fields", many_fields(), 431),
            (
                "a target of 9 KiB",
                Request::upgrade(&format!("/{}", "x".repeat(9 * 1024))).bytes(),
                414,
            ),
            (
                "a query of 9 KiB",
                Request::upgrade(&format!("/echo?{}", "x".repeat(9 * 1024))).bytes(),
                414,
            ),
            (
                "endless line without an end",
                [b"GET /".to_vec(), vec![b'x'; 64 * 1024]].concat(),
                414,
            ),
            (
                "a megabyte of fields",
                good().and("Cookie", "c".repeat(1024 * 1024)).bytes(),
                431,
            ),
        ],
    );
}

#[test]
fn a_request_in_pieces_of_any_size() {
    let server = Setup::echo().start();
    for size in [1, 2, 3, 7, 64] {
        let mut client = Client::tcp(server.address());
        client.write_in_pieces(&good().bytes(), size);
        client.upgraded();
        assert_eq!(client.ask_text("hello"), "hello");
    }
}

#[test]
fn bytes_behind_a_good_request_are_frames() {
    let server = Setup::echo().start();
    let mut bytes = good().bytes();
    for text in ["one", "two", "three"] {
        bytes.extend(Wire::new(TEXT, text).bytes());
    }
    for size in [1, 7, bytes.len()] {
        let mut client = Client::tcp(server.address());
        client.write_in_pieces(&bytes, size);
        client.upgraded();
        for text in ["one", "two", "three"] {
            assert_eq!(client.expect_text(), text);
        }
    }
}

/// CVE-2024-23326: what is behind a refused upgrade is never another request.
#[test]
fn upgrade_smuggling() {
    let server = Setup::echo().start();
    for first in [
        good().with("Sec-WebSocket-Version", "8").bytes(),
        good().without("Connection").bytes(),
        Request::get("/").bytes(),
        Request::get("/nobody").bytes(),
        good().and("Content-Length", "60").bytes(),
        good().and("Transfer-Encoding", "chunked").bytes(),
    ] {
        let mut client = Client::tcp(server.address());
        client.write(&[first, good().bytes(), Request::get("/").bytes()].concat());
        let response = client.response();
        assert_ne!(response.status, 101, "{response:?}");
        // `expect_fin` fails when a second response follows.
        client.expect_fin();
    }
}

#[test]
fn a_good_request_pipelined_behind_a_good_one_is_not_a_request() {
    let server = Setup::echo().start();
    let mut client = Client::tcp(server.address());
    client.write(&[good().bytes(), good().bytes()].concat());
    client.upgraded();
    // "GE" as a frame: FIN clear, RSV1 set (RFC 6455 section 5.2).
    client.expect_failed(1002);
}
