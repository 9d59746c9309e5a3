//! RFC 6455 section 4.2, RFC 9110 and RFC 9112: the table of upgrade requests and their answers, row by row.

#[path = "support/request.rs"]
mod request;

use jackfield_proto::{
    OriginPolicy, RequestLimits,
    handshake::{Malformed, Reason},
};
use request::*;

/// The request is answered with this status and reason, and the connection ends with it.
#[track_caller]
fn refused(bytes: &[u8], reason: impl Into<Reason>) -> String {
    let reason = reason.into();
    let refusal = match upgraded(bytes) {
        Err(refusal) => refusal,
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(bytes)),
    };
    assert_eq!(refusal.reason, reason, "{}", String::from_utf8_lossy(bytes));
    let status = match reason {
        Reason::Malformed(_) => 400,
        Reason::Method => 405,
        Reason::TargetTooLong => 414,
        Reason::NotAnUpgrade | Reason::WebSocketVersion => 426,
        Reason::HeadTooLarge | Reason::TooManyFields => 431,
        Reason::HttpVersion => 505,
        other => panic!("no row for {other:?}"),
    };
    assert_eq!(refusal.status, status);
    let response = response(&refusal);
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")));
    assert!(field(&response, "Connection").unwrap().contains("close"));
    response
}

#[track_caller]
fn accepted(bytes: &[u8]) {
    let upgrade = upgraded(bytes).unwrap_or_else(|refusal| panic!("{refusal}"));
    let response = String::from_utf8(upgrade.accept(None, &[]).unwrap()).unwrap();
    assert!(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    assert_eq!(
        field(&response, "Sec-WebSocket-Accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
}

#[test]
fn the_good_request() {
    accepted(&head(GOOD));
}

#[test]
fn method_not_get() {
    for method in ["POST", "HEAD", "PUT", "get", "Get", "OPTIONS", "PRI"] {
        let response = refused(
            &requested(&format!("{method} /chat HTTP/1.1")),
            Reason::Method,
        );
        assert_eq!(field(&response, "Allow"), Some("GET"));
    }
    refused(&requested("OPTIONS * HTTP/1.1"), Reason::Method);
    refused(
        &requested("CONNECT example.org:80 HTTP/1.1"),
        Reason::Method,
    );
    let post = head(&[&["POST /chat HTTP/1.1", "Content-Length: 5"], &GOOD[1..]].concat());
    refused(&post, Reason::Method);
}

#[test]
fn an_answer_to_head_has_no_body() {
    let response = refused(&requested("HEAD /chat HTTP/1.1"), Reason::Method);
    assert!(response.ends_with("\r\n\r\n"));
    assert_ne!(field(&response, "Content-Length"), Some("0"));
}

#[test]
fn http_below_and_above_1_1() {
    for version in [
        "HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9",
    ] {
        refused(
            &requested(&format!("GET /chat {version}")),
            Reason::HttpVersion,
        );
    }
    // The preface of HTTP/2 (RFC 9113 section 3.4) is well-formed enough to be told.
    refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reason::HttpVersion);
}

#[test]
fn the_request_line_is_three_words() {
    for line in [
        "GET /chat",
        "GET",
        "GET  /chat HTTP/1.1",
        "GET /chat  HTTP/1.1",
        "GET /chat HTTP/1.1 ",
        " GET /chat HTTP/1.1",
        "GET /cha t HTTP/1.1",
        "GET /chat HTTP/11",
        "GET /chat http/1.1",
        "GET /chat HTTPS/1.1",
        "GET /chat HTTP/1.10",
        "GET /chat FTP/1.1",
        "G@T /chat HTTP/1.1",
        "GET /ch\u{e4}t HTTP/1.1",
    ] {
        refused(&requested(line), Malformed::RequestLine);
    }
    refused(
        &requested("GET\t/chat HTTP/1.1"),
        Malformed::ControlCharacter,
    );
}

#[test]
fn targets() {
    for target in [
        "/",
        "/chat?token=a%20b",
        "/a/b/c",
        "//",
        "/chat?",
        "/|^{}",
        "http://example.org/chat",
    ] {
        accepted(&requested(&format!("GET {target} HTTP/1.1")));
    }
    for target in [
        "chat",
        "*",
        "example.org:80",
        "ftp://example.org/",
        "http:///chat",
        "http://u@h/",
        "http://",
    ] {
        refused(
            &requested(&format!("GET {target} HTTP/1.1")),
            Malformed::Target,
        );
    }
    for target in ["/chat#", "/chat#fragment", "/?a#b", "http://example.org/#a"] {
        refused(
            &requested(&format!("GET {target} HTTP/1.1")),
            Malformed::Fragment,
        );
    }
}

#[test]
fn what_a_head_says() {
    let head = parsed(&requested("GET /a/b%20c?x=1?y HTTP/1.1")).unwrap();
    assert_eq!(
        (head.method(), head.path(), head.query()),
        ("GET", "/a/b%20c", Some("x=1?y"))
    );
    assert_eq!(head.authority(), "example.org");
    assert_eq!(head.header("upgrade"), Some(b"websocket".as_slice()));
    assert_eq!(
        head.headers()[0],
        ("host".to_owned(), b"example.org".to_vec())
    );
    assert!(head.wants_upgrade());

    // RFC 9112 section 3.2.2: the absolute form wins over Host.
    let head = parsed(&requested("GET HTTP://Other.org:81?q HTTP/1.1")).unwrap();
    assert_eq!(
        (head.path(), head.query(), head.authority()),
        ("/", Some("q"), "Other.org:81")
    );

    let head = parsed(&with("X-Empty:")).unwrap();
    assert_eq!(head.header("x-empty"), Some(b"".as_slice()));
    let head = parsed(&with("X-Space: \t two words \t")).unwrap();
    assert_eq!(head.header("x-space"), Some(b"two words".as_slice()));
}

#[test]
fn host_missing_duplicate_or_invalid() {
    refused(&without("Host"), Malformed::HostMissing);
    refused(&with("Host: example.org"), Malformed::HostDuplicate);
    refused(&with("host: other.org"), Malformed::HostDuplicate);
    for host in [
        "",
        "a b",
        "a,b:c",
        "user@example.org",
        "example.org:port",
        "example.org:65536",
        "example.org:-1",
        "example.org:80:80",
        ":80",
        "[::1",
        "::1",
        "[::g]",
        "[::1]80",
        "http://example.org",
        "exa%mple.org",
        "a/b",
        "b\u{fc}cher.example",
        "[127.0.0.1]",
    ] {
        refused(
            &replaced("Host", &[&format!("Host: {host}")]),
            Malformed::HostInvalid,
        );
    }
    for host in [
        "example.org:80",
        "example.org:",
        "127.0.0.1:9000",
        "[::1]:9000",
        "[::1]",
        "localhost",
        "a_b.c",
        "EXAMPLE.org",
        "%41.org",
    ] {
        accepted(&replaced("Host", &[&format!("Host: {host}")]));
    }
}

#[test]
fn line_ends_and_control_characters() {
    let good = String::from_utf8(head(GOOD)).unwrap();
    refused(good.replace("\r\n", "\n").as_bytes(), Malformed::BareLf);
    refused(
        good.replacen("13\r\n", "13\n", 1).as_bytes(),
        Malformed::BareLf,
    );
    refused(
        good.replace("\r\n\r\n", "\r\n\n").as_bytes(),
        Malformed::BareLf,
    );
    refused(
        good.replacen("websocket", "web\rsocket", 1).as_bytes(),
        Malformed::BareCr,
    );
    refused(
        good.replacen("\r\n", "\r\r\n", 1).as_bytes(),
        Malformed::BareCr,
    );
    for control in ["\0", "\x01", "\x08", "\x0b", "\x1f", "\x7f"] {
        refused(
            &with(&format!("X-Bad: a{control}b")),
            Malformed::ControlCharacter,
        );
        refused(
            &with(&format!("X{control}Bad: ab")),
            Malformed::ControlCharacter,
        );
        refused(
            &requested(&format!("GET /{control} HTTP/1.1")),
            Malformed::ControlCharacter,
        );
    }
}

#[test]
fn fields_that_are_no_fields() {
    refused(&with(" folded"), Malformed::Folded);
    refused(&with("\tfolded"), Malformed::Folded);
    refused(
        &head(&["GET / HTTP/1.1", " Host: example.org"]),
        Malformed::Folded,
    );
    for line in [
        "X-Space : a",
        "no colon",
        ": no name",
        "X(Y): a",
        "X\u{e9}: a",
        "X Y: a",
    ] {
        refused(&with(line), Malformed::FieldName);
    }
    // RFC 9110 section 5.5: obs-text is opaque data, not an error.
    accepted(&with("X-Latin: caf\u{e9}"));
    accepted(&with("X-Tab: a\tb"));
}

#[test]
fn a_get_with_content() {
    for line in [
        "Content-Length: 1",
        "Content-Length: 00",
        "Content-Length: 0, 0",
        "Content-Length: -0",
        "Content-Length: x",
        "Content-Length:",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
    ] {
        refused(&with(line), Malformed::Content);
    }
    refused(
        &head(&[GOOD, &["Content-Length: 0", "Content-Length: 4"]].concat()),
        Malformed::Content,
    );
    accepted(&with("Content-Length: 0"));
}

#[test]
fn not_an_upgrade() {
    for (name, lines) in [
        ("Upgrade", vec![]),
        ("Upgrade", vec!["Upgrade: h2c"]),
        ("Upgrade", vec!["Upgrade: websocket2"]),
        ("Upgrade", vec!["Upgrade: notwebsocket"]),
        ("Upgrade", vec!["Upgrade: websocket/13"]),
        ("Upgrade", vec!["Upgrade: web socket"]),
        ("Upgrade", vec!["Upgrade:"]),
        ("Connection", vec![]),
        ("Connection", vec!["Connection: keep-alive"]),
        ("Connection", vec!["Connection: notupgrade"]),
        ("Connection", vec!["Connection: upgrades"]),
        ("Connection", vec!["Connection: up grade"]),
        (
            "Connection",
            vec!["Connection: close", "Connection: keep-alive"],
        ),
    ] {
        let response = refused(&replaced(name, &lines), Reason::NotAnUpgrade);
        assert_eq!(field(&response, "Upgrade"), Some("websocket"));
        assert_eq!(field(&response, "Connection"), Some("Upgrade, close"));
    }
    // A plain GET of a browser.
    let response = refused(
        &head(&["GET /chat HTTP/1.1", "Host: example.org"]),
        Reason::NotAnUpgrade,
    );
    assert_eq!(field(&response, "Upgrade"), Some("websocket"));
}

#[test]
fn an_upgrade_in_lists_and_any_case() {
    for (name, lines) in [
        ("Upgrade", vec!["Upgrade: WebSocket"]),
        ("Upgrade", vec!["upgrade: h2c, websocket"]),
        ("Upgrade", vec!["UPGRADE: h2c,websocket,"]),
        ("Upgrade", vec!["Upgrade: h2c", "Upgrade: websocket"]),
        ("Connection", vec!["Connection: upgrade"]),
        ("Connection", vec!["Connection: keep-alive, Upgrade"]),
        ("Connection", vec!["Connection: keep-alive ,\tUPGRADE , x"]),
        (
            "Connection",
            vec!["Connection: keep-alive", "Connection: , ,upgrade"],
        ),
    ] {
        accepted(&replaced(name, &lines));
    }
}

#[test]
fn version_missing_duplicate_or_not_canonical() {
    let field = "Sec-WebSocket-Version";
    refused(&without(field), Malformed::WebSocketVersion);
    refused(
        &with("Sec-WebSocket-Version: 13"),
        Malformed::WebSocketVersion,
    );
    refused(
        &with("Sec-WebSocket-Version: 8"),
        Malformed::WebSocketVersion,
    );
    for value in [
        "", "013", "+13", "13.0", "13, 8", "0x0d", "thirteen", "256", "1000", "-1", "00", "1 3",
    ] {
        refused(
            &replaced(field, &[&format!("{field}: {value}")]),
            Malformed::WebSocketVersion,
        );
    }
}

#[test]
fn another_version() {
    let name = "Sec-WebSocket-Version";
    for value in 0..=255 {
        let request = replaced(name, &[&format!("{name}: {value}")]);
        if value == 13 {
            accepted(&request);
            continue;
        }
        let response = refused(&request, Reason::WebSocketVersion);
        assert_eq!(field(&response, name), Some("13"));
        assert_eq!(field(&response, "Upgrade"), Some("websocket"));
    }
}

#[test]
fn key_not_exactly_one_canonical_base64_of_16_bytes() {
    let field = "Sec-WebSocket-Key";
    refused(&without(field), Malformed::WebSocketKey);
    refused(
        &with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        Malformed::WebSocketKey,
    );
    for value in [
        "",
        "dGhlIHNhbXBsZSBub25jZQ",    // no padding
        "dGhlIHNhbXBsZSBub25jZQ=",   // half of it
        "dGhlIHNhbXBsZSBub25jZQ===", // too much of it
        "dGhlIHNhbXBsZSBub25jZR==",  // bits behind the end
        "dGhlIHNhbXBsZSBub25jZf==",  // more of them
        "dGhlIHNhbXBsZSBub25j",      // 15 bytes
        "dGhlIHNhbXBsZSBub25jZWE=",  // 17 bytes
        "dGhlIHNhbXBsZSBub25jZWFh",  // 18 bytes
        "dGhlIHNhbXBsZSBub25_ZQ==",  // another alphabet
        "dGhl IHNhbXBsZSBub25jZQ=",  // space
        "========================",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
    ] {
        refused(
            &replaced(field, &[&format!("{field}: {value}")]),
            Malformed::WebSocketKey,
        );
    }
    let twice = replaced(
        field,
        &[
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Key:",
        ],
    );
    refused(&twice, Malformed::WebSocketKey);
}

#[test]
fn subprotocols() {
    for lines in [
        vec!["Sec-WebSocket-Protocol: a, a"],
        vec!["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b, a"],
        vec!["Sec-WebSocket-Protocol:"],
        vec!["Sec-WebSocket-Protocol: ,"],
        vec!["Sec-WebSocket-Protocol: a b"],
        vec!["Sec-WebSocket-Protocol: a;b"],
        vec!["Sec-WebSocket-Protocol: \"quoted\""],
        vec!["Sec-WebSocket-Protocol: a/b"],
        vec!["Sec-WebSocket-Protocol: caf\u{e9}"],
    ] {
        refused(&head(&[GOOD, &lines].concat()), Malformed::Protocols);
    }
    for (lines, expected) in [
        (vec![], vec![]),
        (vec!["Sec-WebSocket-Protocol: chat"], vec!["chat"]),
        (vec!["Sec-WebSocket-Protocol: a,b , c"], vec!["a", "b", "c"]),
        (
            vec![
                "Sec-WebSocket-Protocol: a",
                "sec-websocket-protocol: A, ,b,",
            ],
            vec!["a", "A", "b"],
        ),
        (
            vec!["Sec-WebSocket-Protocol: v1.chat!#$%&'*+-^_`|~"],
            vec!["v1.chat!#$%&'*+-^_`|~"],
        ),
    ] {
        let upgrade = upgraded(&head(&[GOOD, &lines].concat())).unwrap();
        assert_eq!(upgrade.protocols, expected);
    }
}

#[test]
fn head_above_its_limits() {
    let limits = RequestLimits::default();
    // Exactly at the limit, and a byte above.
    let fixed = with("X: ").len();
    let filled = |bytes: usize| with(&format!("X: {}", "x".repeat(bytes - fixed)));
    accepted(&filled(limits.head_bytes));
    refused(&filled(limits.head_bytes + 1), Reason::HeadTooLarge);

    let fields = |number: usize| head(&[GOOD, &vec!["X: y"; number - (GOOD.len() - 1)]].concat());
    accepted(&fields(100));
    refused(&fields(101), Reason::TooManyFields);

    let target = |bytes: usize| requested(&format!("GET /{} HTTP/1.1", "x".repeat(bytes - 1)));
    accepted(&target(limits.target_bytes));
    refused(&target(limits.target_bytes + 1), Reason::TargetTooLong);
}

#[test]
fn limits_are_those_that_were_set() {
    let limits = RequestLimits {
        head_bytes: 200,
        head_fields: 5,
        target_bytes: 5,
    };
    let good = head(GOOD);
    assert!(read(&limits, &good, 1).unwrap().is_some());
    let tight = RequestLimits {
        head_fields: 4,
        ..limits.clone()
    };
    assert_eq!(
        read(&tight, &good, 1).unwrap_err().reason,
        Reason::TooManyFields
    );
    let tight = RequestLimits {
        target_bytes: 4,
        ..limits.clone()
    };
    assert_eq!(
        read(&tight, &good, 1).unwrap_err().reason,
        Reason::TargetTooLong
    );
    let tight = RequestLimits {
        head_bytes: good.len() - 1,
        ..limits
    };
    assert_eq!(
        read(&tight, &good, 1).unwrap_err().reason,
        Reason::HeadTooLarge
    );
}

#[test]
fn bytes_behind_a_good_request_are_frames() {
    let limits = RequestLimits::default();
    let good = head(GOOD);
    // Far more than a head may be: it does not count.
    let frames: Vec<u8> = (0..100_000u32).map(|at| at as u8).collect();
    let bytes = [good.as_slice(), &frames].concat();
    for piece in [1, 2, 3, 7, bytes.len()] {
        let (_, rest) = read(&limits, &bytes, piece).unwrap().unwrap();
        assert!(rest == frames, "in pieces of {piece} bytes");
    }
}

#[test]
fn empty_lines_before_the_request_are_skipped_and_counted() {
    let bytes = [b"\r\n\r\n".as_slice(), &head(GOOD)].concat();
    accepted(&bytes);
    refused(&b"\r\n".repeat(8193), Reason::HeadTooLarge);
}

#[test]
fn what_is_not_http_at_all() {
    // A TLS client hello on a port without TLS is refused in its first byte.
    refused(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        Malformed::ControlCharacter,
    );
    refused(b"\x80\x80", Malformed::RequestLine);
    refused(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", Malformed::RequestLine);
}

#[test]
fn refusals_come_in_the_order_of_the_table() {
    // Everything is wrong with it; the first thing is said.
    let lines = ["POST /x#y HTTP/1.0", "Bad : field"];
    refused(&head(&lines), Reason::HttpVersion);
    refused(&head(&["POST /x HTTP/1.1", "Host: a"]), Reason::Method);
    refused(
        &head(&["GET /x HTTP/1.1", "Host: a", "Sec-WebSocket-Version: 8"]),
        Reason::NotAnUpgrade,
    );
}

#[test]
fn the_origin_is_judged_last_and_answered_with_403() {
    let origin = "Origin: https://evil.example";
    let bad_key = [GOOD, &["Sec-WebSocket-Key: again", origin]].concat();
    let refusal = parsed(&head(&bad_key))
        .unwrap()
        .upgrade(true, &OriginPolicy::Same)
        .unwrap_err();
    assert_eq!(refusal.status, 400);
    let refusal = parsed(&with(origin))
        .unwrap()
        .upgrade(true, &OriginPolicy::Same)
        .unwrap_err();
    assert_eq!((refusal.status, refusal.reason), (403, Reason::Origin));
    assert!(response(&refusal).starts_with("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"));
}

/// CVE-2023-43669 and CVE-2024-37890: the work is linear in the bytes, however they come. What a byte costs
/// is the same for the last as for the first, since none is looked at twice: nothing is parsed before the
/// head is whole.
#[test]
fn a_head_that_comes_byte_by_byte_is_parsed_once() {
    let line = format!("X: {}", "x".repeat(16_000));
    let bytes = with(&line);
    let mut reader = jackfield_proto::RequestReader::new(RequestLimits::default());
    for (at, byte) in bytes[..bytes.len() - 1].iter().enumerate() {
        assert_eq!(reader.push(&[*byte]), Ok(None));
        assert_eq!(reader.received(), at + 1);
    }
    assert!(reader.push(b"\n").unwrap().is_some());
}

#[test]
fn an_endless_head_is_refused_at_its_limit() {
    let mut reader = jackfield_proto::RequestReader::new(RequestLimits::default());
    reader.push(b"GET / HTTP/1.1\r\n").unwrap();
    let refusal = loop {
        match reader.push(b"X: yyyyyyyy\r\nZ: ") {
            Ok(None) => assert!(reader.received() <= 16 << 10),
            Ok(Some(_)) => panic!("there is no end"),
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal.status, 431);
    // A reader that failed stays failed: what follows is not another request.
    assert_eq!(reader.push(&head(GOOD)), Err(refusal));
}

/// CVE-2024-23326: what is pipelined behind a request is never served as another one.
#[test]
fn there_is_no_second_request() {
    let mut reader = jackfield_proto::RequestReader::new(RequestLimits::default());
    let pipelined = [without("Sec-WebSocket-Key"), head(GOOD)].concat();
    let (first, rest) = reader.push(&pipelined).unwrap().unwrap();
    assert_eq!(
        first.upgrade(false, &OriginPolicy::Any).unwrap_err().status,
        400
    );
    assert_eq!(rest, head(GOOD), "handed back, not parsed");
    assert_eq!(
        reader.push(&rest).unwrap_err().reason,
        Malformed::SecondRequest.into()
    );
}
