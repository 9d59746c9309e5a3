//! Host and port (RFC 3986 section 3.2), as they stand in `Host`, in an absolute target, and in an origin.
//!
//! No user information: RFC 9110 section 4.2.4 asks to treat it as an error.

use std::net::Ipv6Addr;

/// A host and the port that may follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// In lower case; an IPv6 address in its canonical form, with brackets.
    pub(super) host: String,
    /// `None` when there is none, or only its colon.
    pub(super) port: Option<u16>,
}

impl Authority {
    /// `None`: not `uri-host [ ":" port ]` with a host (RFC 9110 section 7.2).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
        } else {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            if host.is_empty() || !is_reg_name(host.as_bytes()) {
                return None;
            }
            (host.to_ascii_lowercase(), port)
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        Some(Self { host, port })
    }
}

/// RFC 3986 section 3.2.2: `*( unreserved / pct-encoded / sub-delims )`.
fn is_reg_name(mut name: &[u8]) -> bool {
    loop {
        name = match name {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..]
                if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) =>
            {
                rest
            }
            _ => return false,
        }
    }
}
