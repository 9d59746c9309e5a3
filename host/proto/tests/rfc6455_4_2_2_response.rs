//! RFC 6455 section 4.2.2 and RFC 9110: what the server answers, and what a plugin may put into it.

#[path = "support/request.rs"]
mod request;

use std::time::Duration;

use jackfield_proto::{ForbiddenHeader, Refusal, plain_response, vet_header};
use request::*;

fn extra(fields: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

#[test]
fn the_101_with_everything() {
    let upgrade = upgraded(&with("Sec-WebSocket-Protocol: a, b")).unwrap();
    let fields = extra(&[
        ("Set-Cookie", "x=y; HttpOnly"),
        ("set-cookie", "z=1"),
        ("X-Empty", ""),
    ]);
    let response = String::from_utf8(upgrade.accept(Some("b"), &fields).unwrap()).unwrap();
    assert_eq!(
        response,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: b\r\n\
         Set-Cookie: x=y; HttpOnly\r\nset-cookie: z=1\r\nX-Empty: \r\n\r\n"
    );
}

#[test]
fn without_a_protocol_chosen_none_is_named() {
    let upgrade = upgraded(&with("Sec-WebSocket-Protocol: a, b")).unwrap();
    let response = String::from_utf8(upgrade.accept(None, &[]).unwrap()).unwrap();
    assert_eq!(field(&response, "Sec-WebSocket-Protocol"), None);
    assert_eq!(field(&response, "Sec-WebSocket-Extensions"), None);
}

#[test]
fn only_an_offered_protocol_can_be_chosen() {
    let upgrade = upgraded(&with("Sec-WebSocket-Protocol: a, b")).unwrap();
    for protocol in ["c", "A", "", "a, b", "a\r\nX: y"] {
        let result = upgrade.accept(Some(protocol), &[]);
        assert_eq!(
            result,
            Err(ForbiddenHeader::ProtocolNotOffered(protocol.to_owned()))
        );
    }
}

/// Header injection from a plugin: every way to end a line, or to change how the response is framed.
#[test]
fn injected_headers_are_refused() {
    let name = |name: &str| ForbiddenHeader::Name(name.to_owned());
    let value = |name: &str| ForbiddenHeader::Value(name.to_owned());
    let reserved = |name: &str| ForbiddenHeader::Reserved(name.to_owned());
    for (field, expected) in [
        (("", "x"), name("")),
        (("X Y", "x"), name("X Y")),
        (("X:", "x"), name("X:")),
        (("X\r\nY", "x"), name("X\r\nY")),
        (("X\n", "x"), name("X\n")),
        (("X\0", "x"), name("X\0")),
        (("Caf\u{e9}", "x"), name("Caf\u{e9}")),
        (("X", "a\r\nSet-Cookie: b"), value("X")),
        (("X", "a\nb"), value("X")),
        (("X", "a\rb"), value("X")),
        (("X", "a\0b"), value("X")),
        (("X", "a\x1bb"), value("X")),
        (("X", "a\x7f"), value("X")),
        (("Connection", "keep-alive"), reserved("Connection")),
        (("UPGRADE", "h2c"), reserved("UPGRADE")),
        (("content-length", "0"), reserved("content-length")),
        (
            ("Transfer-Encoding", "chunked"),
            reserved("Transfer-Encoding"),
        ),
        (
            ("Sec-WebSocket-Accept", "x"),
            reserved("Sec-WebSocket-Accept"),
        ),
        (
            ("sec-websocket-protocol", "x"),
            reserved("sec-websocket-protocol"),
        ),
        (
            ("Sec-WebSocket-Extensions", "x"),
            reserved("Sec-WebSocket-Extensions"),
        ),
        (
            ("Sec-WebSocket-Anything", "x"),
            reserved("Sec-WebSocket-Anything"),
        ),
    ] {
        assert_eq!(
            vet_header(field.0, field.1.as_bytes()),
            Err(expected.clone())
        );
        let upgrade = upgraded(&head(GOOD)).unwrap();
        let fields = extra(&[("X-Good", "yes"), field]);
        assert_eq!(upgrade.accept(None, &fields), Err(expected.clone()));
        let (refusal, dropped) = Refusal::from_plugin(401, &fields, "");
        assert_eq!(dropped, [expected]);
        let response = response(&refusal);
        assert_eq!(request::field(&response, "X-Good"), Some("yes"));
        assert_eq!(response.matches("\r\n").count(), 6, "{response}");
    }
}

#[test]
fn good_headers_pass() {
    for (name, value) in [
        ("Set-Cookie", "a=b; Path=/; SameSite=Lax"),
        ("WWW-Authenticate", "Bearer realm=\"x\""),
        ("X-Tab", "a\tb"),
        ("X-Latin", "caf\u{e9}"),
        ("X-Empty", ""),
        ("Upgrade-Insecure-Requests", "1"),
        ("Connection-Id", "7"),
    ] {
        assert_eq!(vet_header(name, value.as_bytes()), Ok(()));
    }
}

#[test]
fn headers_have_a_limit_together() {
    let large = "x".repeat(10 << 10);
    let fields = extra(&[("A", &large), ("B", &large), ("C", "small")]);
    let upgrade = upgraded(&head(GOOD)).unwrap();
    assert_eq!(
        upgrade.accept(None, &fields),
        Err(ForbiddenHeader::TooLarge("B".to_owned()))
    );
    let (refusal, dropped) = Refusal::from_plugin(401, &fields, "");
    assert_eq!(dropped, [ForbiddenHeader::TooLarge("B".to_owned())]);
    assert_eq!(field(&response(&refusal), "C"), Some("small"));
}

#[test]
fn a_plugins_refusal() {
    let fields = extra(&[("WWW-Authenticate", "Bearer"), ("Retry-After", "7")]);
    let (refusal, dropped) = Refusal::from_plugin(401, &fields, "who are you? \u{1f937}");
    assert_eq!(dropped, []);
    assert_eq!(
        response(&refusal),
        "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 17\r\nWWW-Authenticate: Bearer\r\nRetry-After: 7\r\n\r\nwho are you? \u{1f937}"
    );
    let html = extra(&[("content-type", "text/html")]);
    let (refusal, _) = Refusal::from_plugin(403, &html, "<p>no</p>");
    let response = response(&refusal);
    assert_eq!(field(&response, "Content-Type"), Some("text/html"));
    assert_eq!(
        response.matches("ontent-").count(),
        2,
        "one type, one length"
    );
}

#[test]
fn a_plugins_status_outside_400_to_599_is_500() {
    for (asked, status) in [
        (0, 500),
        (100, 500),
        (101, 500),
        (200, 500),
        (302, 500),
        (399, 500),
        (400, 400),
        (401, 401),
        (418, 418),
        (499, 499),
        (500, 500),
        (503, 503),
        (599, 599),
        (600, 500),
        (999, 500),
        (u16::MAX, 500),
    ] {
        let (refusal, _) = Refusal::from_plugin(asked, &[], "");
        assert_eq!(refusal.status, status);
        let response = response(&refusal);
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{response}"
        );
    }
}

#[test]
fn a_plugins_426_has_what_a_426_needs() {
    let (refusal, _) = Refusal::from_plugin(426, &[], "");
    let response = response(&refusal);
    assert_eq!(field(&response, "Upgrade"), Some("websocket"));
    assert_eq!(field(&response, "Connection"), Some("Upgrade, close"));
}

#[test]
fn the_servers_own_refusals() {
    for (refusal, status, line, retry) in [
        (Refusal::not_found(), 404, "Not Found", None),
        (Refusal::timeout(), 408, "Request Timeout", None),
        (
            Refusal::too_many_requests(Duration::from_millis(1)),
            429,
            "Too Many Requests",
            Some("1"),
        ),
        (Refusal::internal(), 500, "Internal Server Error", None),
        (
            Refusal::unavailable(Duration::from_millis(2_001)),
            503,
            "Service Unavailable",
            Some("3"),
        ),
        (
            Refusal::unavailable(Duration::MAX),
            503,
            "Service Unavailable",
            Some("18446744073709551615"),
        ),
    ] {
        assert_eq!(refusal.status, status);
        let response = response(&refusal);
        assert!(response.starts_with(&format!(
            "HTTP/1.1 {status} {line}\r\nConnection: close\r\n"
        )));
        assert_eq!(field(&response, "Retry-After"), retry);
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            field(&response, "Content-Length"),
            Some(body.len().to_string().as_str())
        );
        assert!(
            body.len() > 10 && body.ends_with('\n'),
            "a body that says something"
        );
    }
}

#[test]
fn a_page() {
    let fields = [
        ("Cache-Control", "no-store"),
        ("Bad\r\n", "x"),
        ("Connection", "keep-alive"),
    ];
    let page = plain_response(200, "text/html; charset=utf-8", b"<p>hi</p>", &fields);
    assert_eq!(
        String::from_utf8(page).unwrap(),
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\nContent-Type: text/html; charset=utf-8\r\n\
         Cache-Control: no-store\r\n\r\n<p>hi</p>"
    );
}
