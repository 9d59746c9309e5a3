//! The syntax of an allowed origin: `scheme://host[:port]` (RFC 6454 section 6.2), where the host may
//! begin with `*.` for every name below it. Matching a request's Origin against it is the server's work.

/// The pattern in lower case, or why it is not one.
pub(super) fn pattern(text: &str) -> Result<String, &'static str> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or("an origin begins with a scheme, such as https://example.org")?;
    let mut letters = scheme.chars();
    let first = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    if !first || !letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
        return Err("the scheme is not one, such as https");
    }
    if rest.contains(['/', '?', '#', '@']) {
        return Err(
            "an origin is a scheme, a host and perhaps a port; nothing follows, not even a slash",
        );
    }
    let (host, port) = match rest.rsplit_once(':') {
        // The colons of an IPv6 address are inside brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    if port.is_some_and(|port| !is_port(port)) {
        return Err("the port is not a number from 1 to 65535");
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    if !is_address(name) && !is_name(name) {
        return Err(
            "the host is not a name or an address; a wildcard stands in front only: *.example.org",
        );
    }
    Ok(text.to_ascii_lowercase())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_address(text: &str) -> bool {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_name(text: &str) -> bool {
    text.split('.').all(|label| {
        let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.chars().all(known)
    })
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn patterns() {
        for good in [
            "https://example.org",
            "http://localhost:3000",
            "https://*.example.org",
            "http://[::1]",
            "http://[::1]:8080",
            "chrome-extension://abcdef",
        ] {
            assert_eq!(pattern(good).as_deref(), Ok(good));
        }
        assert_eq!(
            pattern("HTTPS://Example.ORG").as_deref(),
            Ok("https://example.org")
        );
        for bad in [
            "",
            "null",
            "*",
            "example.org",
            "https://",
            "https://example.org/",
            "https://example.org:0",
            "https://example.org:+80",
            "https://example.org:99999",
            "https://a.*.org",
            "https://*",
            "https://user@example.org",
            "https://[::1",
            "https://::1",
            "ht tp://example.org",
            "://example.org",
        ] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }
}
