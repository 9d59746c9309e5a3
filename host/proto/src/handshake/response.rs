//! Writes response heads, and vets the fields that others want in them.
//!
//! Nothing that could end a line or change how the response is framed gets through (header injection).

use thiserror::Error;

use super::lists;

/// Bytes of all fields together that a plugin may add to a response. Clients refuse larger heads anyway.
pub(super) const EXTRA_FIELD_BYTES: usize = 16 << 10;

/// A response field that may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ForbiddenHeader {
    /// The name is not a token (RFC 9110 section 5.1).
    #[error("header {0:?}: the name has characters that no header name has")]
    Name(String),
    /// The value has a CR, LF, NUL or another control character (RFC 9110 section 5.5).
    #[error("header {0}: the value has a line break or another control character")]
    Value(String),
    /// The field belongs to the server: it frames the response or is part of the handshake.
    #[error("header {0}: set by the server only")]
    Reserved(String),
    /// Together with those before it, the field is above 16 KiB.
    #[error("header {0}: more than 16 KiB of headers")]
    TooLarge(String),
    /// The field `Sec-WebSocket-Protocol` would name a protocol that the client did not offer (RFC 6455
    /// section 4.2.2 item 5).
    #[error("protocol {0:?} was not offered by the client")]
    ProtocolNotOffered(String),
}

/// Whether a field may stand in a response that this crate frames.
///
/// # Errors
/// A name that is no token; a value with control characters; `Connection`, `Upgrade`, `Content-Length`,
/// `Transfer-Encoding` and everything that begins with `Sec-WebSocket-`.
pub fn vet_header(name: &str, value: &[u8]) -> Result<(), ForbiddenHeader> {
    if lists::token(name.as_bytes()).is_none() {
        return Err(ForbiddenHeader::Name(name.to_owned()));
    }
    let lower = name.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "connection" | "upgrade" | "content-length" | "transfer-encoding"
    ) || lower.starts_with("sec-websocket-")
    {
        return Err(ForbiddenHeader::Reserved(name.to_owned()));
    }
    // RFC 9110 section 5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous";
    // other control characters "are also invalid".
    if value
        .iter()
        .any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f)
    {
        return Err(ForbiddenHeader::Value(name.to_owned()));
    }
    Ok(())
}

/// Vets several fields, and what they come to together.
pub(super) struct Vetting {
    left: usize,
}

impl Vetting {
    pub(super) fn new() -> Self {
        Self {
            left: EXTRA_FIELD_BYTES,
        }
    }

    pub(super) fn vet(&mut self, name: &str, value: &[u8]) -> Result<(), ForbiddenHeader> {
        vet_header(name, value)?;
        self.left = name
            .len()
            .checked_add(value.len() + 4)
            .and_then(|bytes| self.left.checked_sub(bytes))
            .ok_or_else(|| ForbiddenHeader::TooLarge(name.to_owned()))?;
        Ok(())
    }
}

/// A complete HTTP response that ends the connection (`Connection: close`), such as a page.
///
/// Extra fields that [`vet_header`] refuses are left out.
pub fn plain_response(
    status: u16,
    content_type: &str,
    body: &[u8],
    extra: &[(&str, &str)],
) -> Vec<u8> {
    let mut out = status_line(status);
    field(&mut out, "Connection", b"close");
    field(
        &mut out,
        "Content-Length",
        body.len().to_string().as_bytes(),
    );
    for (name, value) in [("Content-Type", content_type)].iter().chain(extra) {
        if vet_header(name, value.as_bytes()).is_ok() {
            field(&mut out, name, value.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

pub(super) fn status_line(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} {}\r\n", phrase(status)).into_bytes()
}

/// Appends a field line. The caller knows that it is a good one.
pub(super) fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The reason phrases of RFC 9110 section 15 and RFC 6585; empty for others, which is allowed (RFC 9112
/// section 4).
fn phrase(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        414 => "URI Too Long",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
