//! RFC 6455 section 10.2: cross-site hijacking, a table of 20 origins and more.

#[path = "support/request.rs"]
mod request;

use jackfield_proto::{
    OriginPattern, OriginPolicy,
    handshake::{InvalidPattern, Reason},
};
use request::*;

/// Whether a request with these fields gets in.
#[track_caller]
fn allowed(host: &str, origin: &[&str], secure: bool, policy: &OriginPolicy) -> bool {
    let host = format!("Host: {host}");
    let origins: Vec<String> = origin
        .iter()
        .map(|origin| format!("Origin: {origin}"))
        .collect();
    let mut lines = vec![host.as_str()];
    lines.extend(origins.iter().map(String::as_str));
    match parsed(&replaced("Host", &lines))
        .unwrap()
        .upgrade(secure, policy)
    {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!((refusal.status, refusal.reason), (403, Reason::Origin));
            false
        }
    }
}

/// The table of 20: a browser on some page opens a connection to `wss://app.example.org`.
#[test]
fn twenty_origins_against_the_default() {
    for (origin, expected) in [
        ("https://app.example.org", true),
        ("https://app.example.org:443", true),
        ("https://APP.example.ORG", true),
        ("HTTPS://app.example.org", true),
        ("http://app.example.org", false), // the same host without TLS
        ("https://app.example.org:8443", false), // another port
        ("https://example.org", false),    // the parent
        ("https://evil.app.example.org", false), // a child
        ("https://app.example.org.evil.example", false),
        ("https://evil-app.example.org", false),
        ("https://app.example.org@evil.example", false),
        ("https://evil.example", false),
        ("https://evil.example/app.example.org", false),
        ("https://app.example.org/", false), // a URL, not an origin
        ("https://app.example.org evil.example", false),
        ("https://app.example.org.", false), // another name to a browser
        ("null", false),
        ("", false),
        ("app.example.org", false),
        ("file://", false),
    ] {
        assert_eq!(
            allowed("app.example.org", &[origin], true, &OriginPolicy::Same),
            expected,
            "{origin}"
        );
    }
}

#[test]
fn without_an_origin_it_is_no_browser() {
    for policy in [
        OriginPolicy::Same,
        OriginPolicy::Any,
        OriginPolicy::List(vec![]),
    ] {
        assert!(allowed("app.example.org", &[], true, &policy));
    }
}

#[test]
fn two_origins_are_none() {
    let same = "https://app.example.org";
    assert!(!allowed(
        "app.example.org",
        &[same, same],
        true,
        &OriginPolicy::Same
    ));
    assert!(!allowed(
        "app.example.org",
        &[same, "https://evil.example"],
        true,
        &OriginPolicy::Same
    ));
}

#[test]
fn the_same_origin_on_ports_and_addresses() {
    for (host, origin, secure, expected) in [
        ("localhost:9000", "http://localhost:9000", false, true),
        ("localhost:9000", "http://localhost", false, false),
        ("localhost:9000", "http://127.0.0.1:9000", false, false),
        ("127.0.0.1:9000", "http://127.0.0.1:9000", false, true),
        ("[::1]:9000", "http://[::1]:9000", false, true),
        ("[0:0::1]:9000", "http://[::1]:9000", false, true),
        ("[::1]:9000", "http://[::2]:9000", false, false),
        ("example.org", "http://example.org:80", false, true),
        ("example.org:80", "http://example.org", false, true),
        ("example.org:443", "https://example.org", true, true),
        // TLS ended in front of a plain listener: the page is https, and so is the default port.
        ("example.org", "https://example.org", false, true),
        ("example.org:443", "https://example.org", false, true),
        ("example.org:80", "https://example.org", false, false),
        ("example.org", "ws://example.org", false, false),
        (
            "example.org",
            "chrome-extension://example.org",
            false,
            false,
        ),
    ] {
        assert_eq!(
            allowed(host, &[origin], secure, &OriginPolicy::Same),
            expected,
            "{host} {origin}"
        );
    }
}

#[test]
fn the_same_origin_is_that_of_an_absolute_target() {
    let lines = |target: &str| {
        let request = format!("GET {target} HTTP/1.1");
        head(
            &[
                &[request.as_str(), "Origin: http://example.org"],
                &GOOD[1..],
            ]
            .concat(),
        )
    };
    let upgrade = |target| {
        parsed(&lines(target))
            .unwrap()
            .upgrade(false, &OriginPolicy::Same)
    };
    assert!(upgrade("http://example.org/chat").is_ok());
    assert_eq!(upgrade("http://other.org/chat").unwrap_err().status, 403);
}

#[test]
fn any_is_everyone() {
    for origin in ["https://evil.example", "null", "", "not an origin"] {
        assert!(allowed(
            "app.example.org",
            &[origin],
            true,
            &OriginPolicy::Any
        ));
    }
}

#[test]
fn a_list_is_exact_or_for_subdomains() {
    let patterns = [
        "https://example.org",
        "https://*.example.org",
        "http://localhost:3000",
        "https://*.example.net:8443",
        "chrome-extension://abcdefgh",
    ];
    let policy = OriginPolicy::List(
        patterns
            .map(|text| OriginPattern::parse(text).unwrap())
            .into(),
    );
    for (origin, expected) in [
        ("https://example.org", true),
        ("https://example.org:443", true),
        ("https://a.example.org", true),
        ("https://a.b.example.org", true),
        ("https://A.Example.ORG", true),
        ("http://localhost:3000", true),
        ("https://a.example.net:8443", true),
        ("chrome-extension://abcdefgh", true),
        ("http://example.org", false),
        ("http://a.example.org", false),
        ("https://evilexample.org", false),
        ("https://.example.org", false),
        ("https://example.org.evil.example", false),
        ("https://.example.org.evil.example", false),
        ("https://example.org:8443", false),
        ("https://example.net:8443", false),
        ("https://a.example.net", false),
        ("http://localhost", false),
        ("http://localhost:3001", false),
        ("chrome-extension://abcdefgi", false),
        ("https://app.own-host.example", false), // its own origin is not listed
        ("null", false),
    ] {
        assert_eq!(
            allowed("app.own-host.example", &[origin], true, &policy),
            expected,
            "{origin}"
        );
    }
}

#[test]
fn an_empty_list_lets_no_browser_in() {
    let policy = OriginPolicy::List(vec![]);
    assert!(!allowed(
        "example.org",
        &["https://example.org"],
        true,
        &policy
    ));
}

#[test]
fn patterns_that_are_none() {
    for text in [
        "",
        "example.org",
        "*.example.org",
        "https://",
        "https://example.org/",
        "https://example.org/path",
        "null",
        "*",
        "https://user@example.org",
        "https://example.org:port",
        "https://exa mple.org",
        "//example.org",
    ] {
        assert_eq!(
            OriginPattern::parse(text),
            Err(InvalidPattern::Form),
            "{text}"
        );
    }
    for text in [
        "https://*",
        "https://*.",
        "https://*example.org",
        "https://a.*.org",
        "https://*.*.org",
        "https://**.org",
    ] {
        assert_eq!(
            OriginPattern::parse(text),
            Err(InvalidPattern::Star),
            "{text}"
        );
    }
}
