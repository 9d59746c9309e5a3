//! Answers to the handshake that a host must not pass on as they are.

use jackfield_guest::{Header, Rejection, UpgradeRequest};

/// `?reject=…`: a number is a status with a good body; the rest breaks a rule.
pub(crate) fn rejection(how: &str) -> Rejection {
    match how.parse::<u16>() {
        Ok(status) => Rejection::new(status, format!("refused with {status}\n")),
        Err(_) if how == "body" => Rejection::new(403, "x".repeat(32 << 20)),
        Err(_) => fields(how)
            .into_iter()
            .fold(Rejection::new(403, "refused\n"), |rejection, field| {
                rejection.header(field.name, field.value)
            }),
    }
}

/// `?accept=…`, and `?reject=…` as well: response fields by the rule that they break. Each list ends with
/// `x-last: good`, which breaks none.
pub(crate) fn fields(how: &str) -> Vec<Header> {
    let mut fields = match how {
        "good" => vec![
            Header::new("x-good", "yes"),
            Header::new("Set-Cookie", "seen=1"),
        ],
        "crlf" => vec![
            Header::new("x-crlf", "a\r\nx-injected: yes"),
            Header::new("x-lf", "a\nx-injected: yes"),
            Header::new("x-cr", "a\rx-injected: yes"),
            Header::new("x-body", "a\r\n\r\n<script>injected</script>"),
        ],
        "nul" => vec![Header::new("x-nul", "a\0b")],
        "name" => vec![
            Header::new("x-bad: x-injected", "yes"),
            Header::new("x-bad\r\nx-injected", "yes"),
            Header::new("x bad", "yes"),
            Header::new("", "yes"),
            Header::new("x-ünicode", "yes"),
        ],
        "connection" => vec![
            Header::new("Connection", "keep-alive"),
            Header::new("Upgrade", "h2c"),
            Header::new("Content-Length", "7"),
            Header::new("Transfer-Encoding", "chunked"),
            Header::new("Sec-WebSocket-Accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            Header::new("Sec-WebSocket-Protocol", "injected"),
            Header::new("Sec-WebSocket-Extensions", "permessage-deflate"),
            Header::new("Sec-WebSocket-Version", "8"),
        ],
        "binary" => vec![Header::new("x-binary", vec![0xff, 0xfe, b'a'])],
        "many" => (0..10_000)
            .map(|n| Header::new(format!("x-{n}"), "many"))
            .collect(),
        "large" => vec![Header::new("x-large", "x".repeat(8 << 20))],
        unknown => panic!("no such fields: {unknown}"),
    };
    fields.push(Header::new("x-last", "good"));
    fields
}

/// `?show=NAME`: the request's field lines of this name, and what else it says of the client.
pub(crate) fn shown(request: &UpgradeRequest, name: Option<&str>) -> Vec<Header> {
    let lines = request.headers.iter();
    lines
        .filter(|header| Some(header.name.as_str()) == name)
        .map(|header| Header::new("x-shown", header.value.clone()))
        .chain([
            Header::new("x-peer", request.peer.clone()),
            Header::new("x-secure", request.secure.to_string()),
        ])
        .collect()
}

/// `?choose=…`: subprotocols that nobody offered, or none.
pub(crate) fn protocol(how: &str) -> Option<String> {
    match how {
        "none" => None,
        "unoffered" => Some("never.offered".to_owned()),
        "empty" => Some(String::new()),
        "crlf" => Some("chat\r\nx-injected: yes".to_owned()),
        "large" => Some("x".repeat(8 << 20)),
        unknown => panic!("no such choice: {unknown}"),
    }
}
