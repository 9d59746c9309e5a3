//! Why a request does not become a connection, and the response that says so.
//!
//! Reasons are values; the status of each stands in one table here. Every refusal ends the connection, so
//! that nothing behind the request is ever read as another one (upgrade smuggling).

use std::time::Duration;

use thiserror::Error;

use super::response::{self, ForbiddenHeader, Vetting};

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// Not a well-formed request or opening handshake: 400.
    #[error("bad request: {0}")]
    Malformed(#[from] Malformed),
    /// The page that opens the connection may not: 403 (RFC 6455 section 4.2.2 item 4).
    #[error("connections from this origin are not allowed")]
    Origin,
    /// Nothing at this path: 404.
    #[error("there is nothing at this path")]
    NotFound,
    /// Not a GET: 405 with `Allow`.
    #[error("a WebSocket handshake is a GET request")]
    Method,
    /// The head was not complete in time: 408.
    #[error("the request was not complete in time")]
    Timeout,
    /// The target is above its limit: 414.
    #[error("the request target is too long")]
    TargetTooLong,
    /// The request does not ask for WebSocket: 426 with `Upgrade`.
    #[error("this is a WebSocket endpoint: connect with a WebSocket client")]
    NotAnUpgrade,
    /// Another version of WebSocket: 426 with `Sec-WebSocket-Version` (RFC 6455 section 4.4).
    #[error("only version 13 of WebSocket is spoken here")]
    WebSocketVersion,
    /// The client asks too often: 429 with `Retry-After`.
    #[error("too many requests, try again later")]
    TooManyRequests,
    /// The head is above its limit: 431.
    #[error("the request head is too large")]
    HeadTooLarge,
    /// More fields than allowed: 431.
    #[error("the request has too many header fields")]
    TooManyFields,
    /// The server failed: 500.
    #[error("internal error")]
    Internal,
    /// The server is full or going down: 503 with `Retry-After`.
    #[error("not available at the moment, try again later")]
    Unavailable,
    /// Not HTTP/1.1: 505.
    #[error("only HTTP/1.1 is spoken here")]
    HttpVersion,
    /// A plugin's decision, with its own status and body.
    #[error("refused by a plugin")]
    Plugin,
}

/// What is malformed about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// A LF without a CR.
    #[error("line ends without carriage return")]
    BareLf,
    /// A CR without a LF.
    #[error("carriage return inside a line")]
    BareCr,
    /// NUL or another control character.
    #[error("control character")]
    ControlCharacter,
    /// Not `method SP target SP version`.
    #[error("request line")]
    RequestLine,
    /// A target in no form that RFC 9112 section 3.2 knows.
    #[error("request target")]
    Target,
    /// A target with a fragment.
    #[error("fragment in the request target")]
    Fragment,
    /// A field name that is not a token, or space before its colon.
    #[error("header name")]
    FieldName,
    /// A field value with characters that it may not have.
    #[error("header value")]
    FieldValue,
    /// A field that is folded over lines.
    #[error("folded header")]
    Folded,
    /// No `Host`.
    #[error("Host is missing")]
    HostMissing,
    /// More than one `Host`.
    #[error("more than one Host")]
    HostDuplicate,
    /// `Host` is not a host and a port.
    #[error("Host is invalid")]
    HostInvalid,
    /// A GET with content.
    #[error("a GET request with a body")]
    Content,
    /// Input behind a complete head was given to the reader again: there is no second request.
    #[error("second request")]
    SecondRequest,
    /// `Sec-WebSocket-Version` missing, more than once, or not a number as RFC 6455 section 4.3 writes it.
    #[error("Sec-WebSocket-Version is missing or invalid")]
    WebSocketVersion,
    /// `Sec-WebSocket-Key` is not exactly one base64 of 16 bytes (RFC 6455 section 4.2.1 item 5).
    #[error("Sec-WebSocket-Key is missing or invalid")]
    WebSocketKey,
    /// `Sec-WebSocket-Protocol` is not a list of different tokens (RFC 6455 section 4.1 item 10).
    #[error("Sec-WebSocket-Protocol is invalid")]
    Protocols,
    /// `Sec-WebSocket-Extensions` has bad syntax (RFC 6455 section 9.1).
    #[error("Sec-WebSocket-Extensions is invalid")]
    Extensions,
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Status of the response.
    pub status: u16,
    /// Why.
    pub reason: Reason,
    headers: Vec<(String, Vec<u8>)>,
    body: String,
    /// The body is announced but not sent.
    bodiless: bool,
}

impl Refusal {
    /// Nothing at this path: 404.
    pub fn not_found() -> Self {
        Reason::NotFound.into()
    }

    /// The head was not complete in time: 408.
    pub fn timeout() -> Self {
        Reason::Timeout.into()
    }

    /// The server is full or going down: 503. `retry_after` is rounded up to whole seconds.
    pub fn unavailable(retry_after: Duration) -> Self {
        Self::from(Reason::Unavailable).retry_after(retry_after)
    }

    /// The client asks too often: 429. `retry_after` is rounded up to whole seconds.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::from(Reason::TooManyRequests).retry_after(retry_after)
    }

    /// The server failed: 500. The client is not told why.
    pub fn internal() -> Self {
        Reason::Internal.into()
    }

    /// A plugin's refusal, vetted, and the fields that were dropped.
    ///
    /// A status outside 400 to 599 becomes 500. The body is text unless a `Content-Type` says otherwise.
    pub fn from_plugin(
        status: u16,
        headers: &[(String, Vec<u8>)],
        body: &str,
    ) -> (Self, Vec<ForbiddenHeader>) {
        let mut refusal = Self {
            status: if (400..=599).contains(&status) {
                status
            } else {
                500
            },
            reason: Reason::Plugin,
            headers: Vec::new(),
            body: body.to_owned(),
            bodiless: false,
        };
        let mut vetting = Vetting::new();
        let mut dropped = Vec::new();
        for (name, value) in headers {
            match vetting.vet(name, value) {
                Ok(()) => refusal.headers.push((name.clone(), value.clone())),
                Err(forbidden) => dropped.push(forbidden),
            }
        }
        (refusal, dropped)
    }

    /// The whole response. The connection is to be closed after it, and nothing more to be read from it as
    /// HTTP.
    pub fn response(&self) -> Vec<u8> {
        let mut out = response::status_line(self.status);
        if self.status == 426 {
            // RFC 9110 section 15.5.22: "The server MUST send an Upgrade header field in a 426 response", and
            // section 7.8: "A sender of Upgrade MUST also send an 'Upgrade' connection option".
            response::field(&mut out, "Upgrade", b"websocket");
            response::field(&mut out, "Connection", b"Upgrade, close");
        } else {
            response::field(&mut out, "Connection", b"close");
        }
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            response::field(&mut out, "Content-Type", b"text/plain; charset=utf-8");
        }
        response::field(
            &mut out,
            "Content-Length",
            self.body.len().to_string().as_bytes(),
        );
        for (name, value) in &self.headers {
            response::field(&mut out, name, value);
        }
        out.extend_from_slice(b"\r\n");
        if !self.bodiless {
            out.extend_from_slice(self.body.as_bytes());
        }
        out
    }

    /// The same as an answer to a HEAD request.
    pub(super) fn without_body(mut self) -> Self {
        self.bodiless = true;
        self
    }

    fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        self.headers
            .push(("Retry-After".to_owned(), seconds.to_string().into_bytes()));
        self
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.reason)
    }
}

impl std::error::Error for Refusal {}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Reason::from(malformed).into()
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        let (status, header) = match reason {
            Reason::Malformed(_) => (400, None),
            Reason::Origin => (403, None),
            Reason::NotFound => (404, None),
            // RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header field in a 405
            // response".
            Reason::Method => (405, Some(("Allow", "GET"))),
            Reason::Timeout => (408, None),
            Reason::TargetTooLong => (414, None),
            Reason::NotAnUpgrade => (426, None),
            Reason::WebSocketVersion => (426, Some(("Sec-WebSocket-Version", "13"))),
            Reason::TooManyRequests => (429, None),
            Reason::HeadTooLarge | Reason::TooManyFields => (431, None),
            Reason::Internal | Reason::Plugin => (500, None),
            Reason::Unavailable => (503, None),
            Reason::HttpVersion => (505, None),
        };
        let headers = header.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        Self {
            status,
            reason,
            headers: headers.into_iter().collect(),
            body: format!("{reason}\n"),
            bodiless: false,
        }
    }
}
