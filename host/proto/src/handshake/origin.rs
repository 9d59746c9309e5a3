//! Who may connect from inside a browser (RFC 6455 section 10.2, RFC 6454).
//!
//! Browsers say in `Origin` which page opens the connection, and send the user's cookies along. A server that
//! does not look lets every page act as its users.

use thiserror::Error;

use super::authority::Authority;

/// Which origins may connect. A request without `Origin` does not come from a browser and is always let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OriginPolicy {
    /// Only pages from the host and port that the request was sent to.
    ///
    /// On an encrypted connection the page must be `https`. On a plain one it may be either: TLS may have
    /// been ended in front of this server.
    #[default]
    Same,
    /// Every page, opaque ones (`null`) included. For public services that do not use cookies.
    Any,
    /// Only pages that match one of these. The server's own origin must be listed like any other.
    List(Vec<OriginPattern>),
}

impl OriginPolicy {
    /// Judges the values of all `Origin` fields. `authority` is where the request was sent to.
    pub(super) fn allows<'v>(
        &self,
        mut origins: impl Iterator<Item = &'v [u8]>,
        authority: &str,
        secure: bool,
    ) -> bool {
        if *self == Self::Any {
            return true;
        }
        let Some(origin) = origins.next() else {
            return true;
        };
        // RFC 6454 section 7.3: "A user agent MUST NOT include more than one Origin header field in any HTTP
        // request".
        if origins.next().is_some() {
            return false;
        }
        let Some(origin) = str::from_utf8(origin).ok().and_then(Origin::parse) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::Same => origin.is_same(authority, secure),
            Self::List(patterns) => patterns.iter().any(|pattern| pattern.matches(&origin)),
        }
    }
}

/// An origin, or all subdomains of one: `https://example.org`, `http://localhost:3000`,
/// `https://*.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    origin: Origin,
    /// The host is a suffix that begins with a dot: any number of labels, at least one, stand in front of it.
    subdomains: bool,
}

/// Why a text is no [`OriginPattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPattern {
    /// Not `scheme://host` or `scheme://host:port`: no path, no slash at the end, no user.
    #[error(
        "an origin is scheme://host or scheme://host:port, without a path or a slash at the end"
    )]
    Form,
    /// A star that is not the whole first label of a host name.
    #[error("a star may only stand for the subdomains of a host, as in https://*.example.org")]
    Star,
}

impl OriginPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is not `scheme://host[:port]` with at most one star, as the whole first label.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut origin = Origin::parse(text).ok_or(InvalidPattern::Form)?;
        let suffix = origin.authority.host.strip_prefix('*').map(str::to_owned);
        let subdomains = suffix.is_some();
        if let Some(suffix) = suffix {
            // More than the dot: a star alone would be every host of the scheme.
            if suffix.len() < 2 || !suffix.starts_with('.') {
                return Err(InvalidPattern::Star);
            }
            origin.authority.host = suffix;
        }
        if origin.authority.host.contains('*') {
            return Err(InvalidPattern::Star);
        }
        Ok(Self { origin, subdomains })
    }

    fn matches(&self, origin: &Origin) -> bool {
        let (host, pattern) = (&origin.authority.host, &self.origin.authority.host);
        let host_matches = if self.subdomains {
            host.len() > pattern.len() && host.ends_with(pattern.as_str())
        } else {
            host == pattern
        };
        host_matches && self.origin.scheme == origin.scheme && self.origin.port() == origin.port()
    }
}

/// A serialised origin (RFC 6454 section 6.2). `null` is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let mut letters = scheme.bytes();
        if !letters.next()?.is_ascii_alphabetic()
            || !letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return None;
        }
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            authority: Authority::parse(authority)?,
        })
    }

    fn is_same(&self, authority: &str, secure: bool) -> bool {
        let scheme_fits = match self.scheme.as_str() {
            "https" => true,
            "http" => !secure,
            _ => false,
        };
        // The port that the client left out of Host is the default of the scheme that the client used, which
        // is the scheme of the page.
        scheme_fits
            && Authority::parse(authority).is_some_and(|server| {
                server.host == self.authority.host
                    && server.port.or(self.default_port()) == self.port()
            })
    }

    fn port(&self) -> Option<u16> {
        self.authority.port.or(self.default_port())
    }

    fn default_port(&self) -> Option<u16> {
        match self.scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        }
    }
}
