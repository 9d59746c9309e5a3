//! Requests for the tests: the good one, changed line by line.
#![allow(dead_code, reason = "every test file uses its own part")]

use jackfield_proto::{Head, OriginPolicy, Refusal, RequestLimits, RequestReader, Upgrade};

/// The request line and the fields of a good opening handshake.
pub(crate) const GOOD: &[&str] = &[
    "GET /chat HTTP/1.1",
    "Host: example.org",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// A whole head from its lines.
pub(crate) fn head(lines: &[&str]) -> Vec<u8> {
    let mut bytes = lines.join("\r\n").into_bytes();
    bytes.extend(b"\r\n\r\n");
    bytes
}

/// The good request with a line added.
pub(crate) fn with(line: &str) -> Vec<u8> {
    head(&[GOOD, &[line]].concat())
}

/// The good request without the field of this name.
pub(crate) fn without(name: &str) -> Vec<u8> {
    head(
        &GOOD
            .iter()
            .copied()
            .filter(|line| !is_field(line, name))
            .collect::<Vec<_>>(),
    )
}

/// The good request with the field of this name replaced by these lines.
pub(crate) fn replaced(name: &str, lines: &[&str]) -> Vec<u8> {
    let mut all: Vec<&str> = GOOD
        .iter()
        .copied()
        .filter(|line| !is_field(line, name))
        .collect();
    all.extend(lines);
    head(&all)
}

/// The good request with another request line.
pub(crate) fn requested(line: &str) -> Vec<u8> {
    head(&[&[line], &GOOD[1..]].concat())
}

fn is_field(line: &str, name: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// Reads a request in pieces of this size, with these limits.
pub(crate) fn read(
    limits: &RequestLimits,
    bytes: &[u8],
    piece: usize,
) -> Result<Option<(Head, Vec<u8>)>, Refusal> {
    let mut reader = RequestReader::new(limits.clone());
    let mut pieces = bytes.chunks(piece);
    for input in pieces.by_ref() {
        if let Some((head, mut rest)) = reader.push(input)? {
            rest.extend(pieces.flatten());
            return Ok(Some((head, rest)));
        }
    }
    Ok(None)
}

/// The complete head, the same in pieces of every size.
#[track_caller]
pub(crate) fn parsed(bytes: &[u8]) -> Result<Head, Refusal> {
    let limits = RequestLimits::default();
    let whole = read(&limits, bytes, bytes.len());
    for piece in [1, 2, 3, 7] {
        assert_eq!(
            read(&limits, bytes, piece),
            whole,
            "in pieces of {piece} bytes"
        );
    }
    whole.map(|complete| complete.expect("the head is complete").0)
}

/// What becomes of the request when every origin is welcome.
#[track_caller]
pub(crate) fn upgraded(bytes: &[u8]) -> Result<Upgrade, Refusal> {
    parsed(bytes)?.upgrade(false, &OriginPolicy::Any)
}

/// The response as text.
pub(crate) fn response(refusal: &Refusal) -> String {
    String::from_utf8(refusal.response()).unwrap()
}

/// The value of a field in a response.
pub(crate) fn field<'r>(response: &'r str, name: &str) -> Option<&'r str> {
    let (head, _) = response.split_once("\r\n\r\n").expect("a whole head");
    head.lines().skip(1).find_map(|line| {
        let (other, value) = line.split_once(": ").expect("a field line");
        other.eq_ignore_ascii_case(name).then_some(value)
    })
}
