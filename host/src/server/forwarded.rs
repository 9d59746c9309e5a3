//! `X-Forwarded-For` and `Forwarded` (RFC 7239): who a trusted proxy says its client is. Pure functions over the values
//! of the fields; whether the one who sent them is believed at all is for the caller to know.
//!
//! The list is read from its right end, where the nearest proxy wrote. Each trusted address was a proxy, which wrote
//! what is left of it; the first that is not trusted is the client, and whatever stands further left is only its word.

use std::net::{IpAddr, SocketAddr};

/// What proxies say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The client, with port 0 when no port was given. None: nothing that can be used, so the proxy stands for its
    /// client.
    pub(crate) client: Option<SocketAddr>,
    /// Whether the client came over TLS, when that was said.
    pub(crate) secure: Option<bool>,
}

/// Reads `X-Forwarded-For`, and the last `X-Forwarded-Proto`, which the nearest proxy wrote.
pub(crate) fn x_forwarded<'v>(
    addresses: impl Iterator<Item = &'v [u8]>,
    protocols: impl Iterator<Item = &'v [u8]>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Said {
    let values: Vec<&[u8]> = addresses.collect();
    let hops = values
        .iter()
        .rev()
        .flat_map(|value| value.rsplit(|byte| *byte == b','));
    let mut client = None;
    for hop in hops {
        let Some(address) = str::from_utf8(hop)
            .ok()
            .and_then(|hop| node(hop.trim_matches([' ', '\t'])))
        else {
            break;
        };
        client = Some(address);
        if !trusted(address.ip()) {
            break;
        }
    }
    let protocol = protocols.last().and_then(|value| {
        let last = value.rsplit(|byte| *byte == b',').next()?;
        scheme(last.trim_ascii())
    });
    Said {
        client,
        secure: protocol,
    }
}

/// Reads `Forwarded`. `proto` is taken from the element that names the client. A malformed list says nothing.
pub(crate) fn forwarded<'v>(
    values: impl Iterator<Item = &'v [u8]>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Said {
    let mut elements = Vec::new();
    for value in values {
        let Some(mut parsed) = str::from_utf8(value).ok().and_then(elements_of) else {
            return Said::default();
        };
        elements.append(&mut parsed);
    }
    let mut said = Said::default();
    for (client, protocol) in elements.iter().rev() {
        let Some(address) = client.as_deref().and_then(node) else {
            break;
        };
        said = Said {
            client: Some(address),
            secure: protocol.as_deref().and_then(|text| scheme(text.as_bytes())),
        };
        if !trusted(address.ip()) {
            break;
        }
    }
    said
}

/// `for` and `proto` of one element.
type Element = (Option<String>, Option<String>);

/// RFC 7239 section 4: `1#( [ forwarded-pair ] *( ";" [ forwarded-pair ] ) )`.
fn elements_of(text: &str) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    let mut element = Element::default();
    let mut empty = true;
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some((name, behind)) = rest.split_once('=')
            && !name.contains([',', ';'])
        {
            let (value, behind) = value_of(behind)?;
            if !is_token(name) {
                return None;
            }
            let slot = match name.to_ascii_lowercase().as_str() {
                "for" => Some(&mut element.0),
                "proto" => Some(&mut element.1),
                _ => None,
            };
            // "Each parameter MUST NOT occur more than once per field-value" is about each element.
            if let Some(slot) = slot
                && slot.replace(value).is_some()
            {
                return None;
            }
            empty = false;
            rest = behind.trim_start_matches([' ', '\t']);
        }
        match rest.chars().next() {
            Some(';') => rest = rest.get(1..)?,
            Some(',') | None => {
                if !empty {
                    elements.push(std::mem::take(&mut element));
                    empty = true;
                }
                match rest.get(1..) {
                    Some(behind) => rest = behind,
                    None => return Some(elements),
                }
            }
            Some(_) => return None,
        }
    }
}

/// A token or a quoted string, and what is behind it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', ' ', '\t']).unwrap_or(text.len());
        let (token, rest) = text.split_at_checked(end)?;
        return is_token(token).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(known)
}

/// RFC 7239 section 6: an address, an IPv6 one in brackets, each with or without a port. `unknown` and obfuscated
/// names (`_hidden`) are no address. Bare IPv6 addresses, which `X-Forwarded-For` has, are understood too.
fn node(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address);
    }
    if let Some(inner) = text.strip_prefix('[') {
        let ip = inner
            .strip_suffix(']')?
            .parse::<std::net::Ipv6Addr>()
            .ok()?;
        return Some((ip, 0).into());
    }
    let ip = text.parse::<IpAddr>().ok()?;
    Some((ip, 0).into())
}

fn scheme(text: &[u8]) -> Option<bool> {
    let is = |name: &[u8]| text.eq_ignore_ascii_case(name);
    match () {
        () if is(b"https") || is(b"wss") => Some(true),
        () if is(b"http") || is(b"ws") => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10.0.0.0/8 and fd00::/8.
    fn trusted(ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => ip.octets()[0] == 10,
            IpAddr::V6(ip) => ip.octets()[0] == 0xfd,
        }
    }

    fn bytes<'t>(lines: &[&'t str]) -> Vec<&'t [u8]> {
        lines.iter().map(|line| line.as_bytes()).collect()
    }

    fn shown(said: Said) -> String {
        let client = said
            .client
            .map_or("-".to_owned(), |client| client.to_string());
        let secure = match said.secure {
            None => "",
            Some(true) => " tls",
            Some(false) => " plain",
        };
        client + secure
    }

    #[test]
    fn the_rightmost_that_is_not_trusted() {
        for (lines, client) in [
            (&[][..], "-"),
            (&[""], "-"),
            (&["192.0.2.1"], "192.0.2.1:0"),
            (&["192.0.2.1:5000"], "192.0.2.1:5000"),
            (&[" 192.0.2.1 , 10.0.0.2 "], "192.0.2.1:0"),
            // What is left of the client was sent by the client.
            (&["1.2.3.4, 192.0.2.1, 10.0.0.2"], "192.0.2.1:0"),
            (&["10.9.9.9, 192.0.2.1"], "192.0.2.1:0"),
            (&["192.0.2.1", "10.0.0.2"], "192.0.2.1:0"),
            (&["10.0.0.2", "192.0.2.1"], "192.0.2.1:0"),
            // All of them are trusted: the first of them is the client.
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3:0"),
            // Behind something that is no address nothing is believed.
            (&["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2:0"),
            (&["192.0.2.1, unknown"], "-"),
            (&["192.0.2.1, "], "-"),
            (&["192.0.2.1:99999"], "-"),
            (&["\"192.0.2.1\""], "-"),
            (&["2001:db8::1"], "[2001:db8::1]:0"),
            (&["[2001:db8::1]"], "[2001:db8::1]:0"),
            (&["[2001:db8::1]:443, fd00::1"], "[2001:db8::1]:443"),
            (&["[192.0.2.1]"], "-"),
            (&["192.0.2.1\t,\t10.0.0.2"], "192.0.2.1:0"),
        ] {
            let said = x_forwarded(bytes(lines).into_iter(), std::iter::empty(), trusted);
            assert_eq!(shown(said), client, "{lines:?}");
        }
        let said = x_forwarded(
            [&b"192.0.2.1, \xff"[..]].into_iter(),
            std::iter::empty(),
            trusted,
        );
        assert_eq!(shown(said), "-");
        for (lines, secure) in [
            (&["https"][..], Some(true)),
            (&["HTTP"], Some(false)),
            (&["https, http"], Some(false)),
            (&["http", "wss"], Some(true)),
            (&["gopher"], None),
        ] {
            let said = x_forwarded(std::iter::empty(), bytes(lines).into_iter(), trusted);
            assert_eq!(said.secure, secure, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_of_rfc_7239() {
        for (lines, client) in [
            (&[][..], "-"),
            (&["for=192.0.2.1"], "192.0.2.1:0"),
            (
                &["For=\"[2001:db8:cafe::17]:4711\""],
                "[2001:db8:cafe::17]:4711",
            ),
            (
                &["for=192.0.2.1;proto=https;by=203.0.113.43"],
                "192.0.2.1:0 tls",
            ),
            (
                &["proto=http ; FOR=\"192.0.2.1:5000\""],
                "192.0.2.1:5000 plain",
            ),
            (
                &["for=192.0.2.1;proto=https, for=10.0.0.2;proto=http"],
                "192.0.2.1:0 tls",
            ),
            (&["for=1.2.3.4, for=192.0.2.1"], "192.0.2.1:0"),
            (&["for=192.0.2.1", "for=10.0.0.2"], "192.0.2.1:0"),
            (&["for=192.0.2.1, for=_hidden, for=10.0.0.2"], "10.0.0.2:0"),
            (&["for=192.0.2.1, for=unknown"], "-"),
            (&["for=192.0.2.1, proto=https"], "-"),
            (&[",, for=192.0.2.1 ,"], "192.0.2.1:0"),
            // A comma in quotes does not end an element.
            (&["for=192.0.2.1;host=\"a, for=9.9.9.9\""], "192.0.2.1:0"),
            (&["for=\"192.0.2.\\1\""], "192.0.2.1:0"),
            // Malformed: nothing of it is believed.
            (&["for=192.0.2.1;for=9.9.9.9"], "-"),
            (&["for=\"192.0.2.1"], "-"),
            (&["for=[2001:db8::1]"], "-"),
            (&["for=192.0.2.1 x"], "-"),
            (&["for"], "-"),
            (&["for="], "-"),
            (&["=192.0.2.1"], "-"),
            (&["for =192.0.2.1"], "-"),
        ] {
            let said = forwarded(bytes(lines).into_iter(), trusted);
            assert_eq!(shown(said), client, "{lines:?}");
        }
    }

    #[test]
    fn nothing_panics() {
        const PIECES: [&str; 16] = [
            "for",
            "=",
            ";",
            ",",
            "\"",
            "\\",
            " ",
            "[",
            "]",
            ":",
            "192.0.2.1",
            "10.0.0.1",
            "é",
            "proto",
            "https",
            "\t",
        ];
        // xorshift64: the same texts in every run.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                text.push_str(PIECES[(seed % 16) as usize]);
            }
            forwarded(bytes(&[&text]).into_iter(), trusted);
            x_forwarded(
                bytes(&[&text]).into_iter(),
                bytes(&[&text]).into_iter(),
                trusted,
            );
        }
    }
}
