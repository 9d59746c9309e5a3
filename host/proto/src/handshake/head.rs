//! A request head that is well-formed HTTP/1.1 (RFC 9112 section 3, RFC 9110 section 7.2).
//!
//! Says nothing about WebSocket yet; that is `upgrade.rs`. httparse splits the lines, the rest is judged
//! here.

use super::{Malformed, OriginPolicy, Reason, Refusal, Upgrade, authority::Authority, lists};

/// A well-formed HTTP/1.1 request head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    method: String,
    path: String,
    query: Option<String>,
    authority: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The method, as it was sent: methods are case-sensitive.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path of the target, percent-encoded as it was sent; begins with `/` unless the method is `OPTIONS`
    /// or `CONNECT`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows the first `?` of the target.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Host and port that the client meant to reach: from an absolute target, else from the field `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// All fields in the order they were sent: names in lower case, values without surrounding spaces.
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// The first field with this name, which must be given in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// Whether the client asks for WebSocket: `Upgrade` has the protocol `websocket` and `Connection` has the
    /// option `upgrade`, in any case and among any others (RFC 6455 section 4.2.1, items 3 and 4).
    pub fn wants_upgrade(&self) -> bool {
        lists::has_token(self.values("upgrade"), "websocket")
            && lists::has_token(self.values("connection"), "upgrade")
    }

    /// Checks everything that RFC 6455 section 4.2.1 asks of an opening handshake, then the origin.
    ///
    /// `secure` says whether the connection is encrypted. Whether there is anything at this path is for the
    /// caller to know.
    ///
    /// # Errors
    /// The refusal for the first thing that is wrong.
    pub fn upgrade(&self, secure: bool, origins: &OriginPolicy) -> Result<Upgrade, Refusal> {
        Upgrade::check(self, secure, origins).map_err(|reason| self.refuse(reason.into()))
    }

    /// A refusal in the form that this request may be answered with.
    ///
    /// RFC 9110 section 9.3.2: "The HEAD method is identical to GET except that the server MUST NOT send
    /// content in the response."
    pub fn refuse(&self, refusal: Refusal) -> Refusal {
        if self.method == "HEAD" {
            refusal.without_body()
        } else {
            refusal
        }
    }

    /// The values of all fields with this name.
    pub(super) fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> + Clone {
        self.headers
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Parses a whole head, up to and including the empty line, with `fields` field lines.
    pub(super) fn parse(bytes: &[u8], fields: usize) -> Result<Self, Reason> {
        check_request_line(bytes)?;
        let mut lines = vec![httparse::EMPTY_HEADER; fields];
        let mut request = httparse::Request::new(&mut lines);
        match request.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(Malformed::RequestLine.into()),
            Err(httparse::Error::HeaderName) => return Err(Malformed::FieldName.into()),
            Err(httparse::Error::HeaderValue) => return Err(Malformed::FieldValue.into()),
            Err(_) => return Err(Malformed::RequestLine.into()),
        }
        let (Some(method), Some(target)) = (request.method, request.path) else {
            return Err(Malformed::RequestLine.into());
        };
        let headers = request
            .headers
            .iter()
            .map(|line| (line.name.to_ascii_lowercase(), line.value.to_vec()))
            .collect();
        let mut head = Self {
            method: method.to_owned(),
            path: String::new(),
            query: None,
            authority: String::new(),
            headers,
        };
        head.authority = head.host()?;
        head.set_target(target)?;
        head.check_content()?;
        Ok(head)
    }

    /// RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
    /// request message that lacks a Host header field and to any request message that contains more than one
    /// Host header field line or a Host header field with an invalid field value."
    fn host(&self) -> Result<String, Reason> {
        let mut hosts = self.values("host");
        let host = hosts.next().ok_or(Malformed::HostMissing)?;
        if hosts.next().is_some() {
            return Err(Malformed::HostDuplicate.into());
        }
        let host = str::from_utf8(host).map_err(|_| Malformed::HostInvalid)?;
        Authority::parse(host).ok_or(Malformed::HostInvalid)?;
        Ok(host.to_owned())
    }

    /// Splits the target (RFC 9112 section 3.2) into path and query.
    fn set_target(&mut self, target: &str) -> Result<(), Reason> {
        // A target has no fragment in any of its forms; RFC 6455 section 3: "Fragment identifiers are
        // meaningless in the context of WebSocket URIs and MUST NOT be used".
        if target.contains('#') {
            return Err(Malformed::Fragment.into());
        }
        let target = match (target.starts_with('/'), self.method.as_str()) {
            (true, _) => target,
            (false, "OPTIONS") if target == "*" => target,
            (false, "CONNECT") if Authority::parse(target).is_some() => target,
            (false, _) => {
                let (authority, target) = split_absolute(target).ok_or(Malformed::Target)?;
                Authority::parse(authority).ok_or(Malformed::Target)?;
                // RFC 9112 section 3.2.2: with the absolute form, the origin server "MUST ignore the received
                // Host header field (if any) and instead use the host information of the request-target".
                authority.clone_into(&mut self.authority);
                target
            }
        };
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        // RFC 9110 section 4.2.3: an empty path is the same as "/".
        (if path.is_empty() { "/" } else { path }).clone_into(&mut self.path);
        self.query = query;
        Ok(())
    }

    /// A GET with content has no meaning here (RFC 9110 section 9.3.1: it "might lead some implementations to
    /// reject the request and close the connection because of its potential as a request smuggling attack").
    /// Other methods may have content; they are refused for their method.
    fn check_content(&self) -> Result<(), Reason> {
        let has_content = self.values("content-length").any(|length| length != b"0")
            || self.values("transfer-encoding").next().is_some();
        if self.method == "GET" && has_content {
            Err(Malformed::Content.into())
        } else {
            Ok(())
        }
    }
}

/// `method SP target SP version` and nothing else; the version decides between 400 and 505.
fn check_request_line(bytes: &[u8]) -> Result<(), Reason> {
    let line = bytes
        .split(|&byte| byte == b'\r')
        .next()
        .unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Malformed::RequestLine.into());
    };
    if method.is_empty() || target.is_empty() {
        return Err(Malformed::RequestLine.into());
    }
    match version {
        b"HTTP/1.1" => Ok(()),
        // RFC 6455 section 4.2.1 item 1: "An HTTP/1.1 or higher GET request". What is higher has other
        // handshakes (RFC 8441, RFC 9220).
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Reason::HttpVersion),
        _ => Err(Malformed::RequestLine.into()),
    }
}

/// An absolute HTTP or HTTPS target (RFC 6455 section 4.2.1 item 1), as authority and the rest.
fn split_absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}
