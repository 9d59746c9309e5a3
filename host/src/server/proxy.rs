//! The PROXY protocol, versions 1 and 2: what a proxy says about its client before the client's own bytes. Bytes in,
//! an answer out; whose word is believed is decided elsewhere.
//!
//! `ppp` reads a header once it is whole. Where it ends is found here, so that neither the pieces in which it arrives
//! nor what follows it matter, and so that no more is kept than a header may be long.

use std::net::SocketAddr;

use ppp::{v1, v2};

/// "The maximum line lengths the receiver must support including the CRLF" (section 2.1).
const LINE_BYTES: usize = 107;
/// Signature, version and command, family and protocol, length (section 2.2).
const FIXED_BYTES: usize = 16;
/// What may follow these: addresses and extensions. The specification asks for 536 - 16 and allows 64 KiB; proxies
/// send some hundred bytes, a few thousand with a client's certificate.
const VARIABLE_BYTES: usize = 8 * 1024;
const PREFIX: &[u8] = b"PROXY ";
/// Bit `PP2_CLIENT_SSL` of the first byte of the extension `PP2_TYPE_SSL`.
const CLIENT_SSL: u8 = 0x01;
const TYPE_SSL: u8 = 0x20;

/// What a header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The client. None when the proxy speaks for itself (`LOCAL`) or does not know it (`UNKNOWN`).
    pub(crate) client: Option<SocketAddr>,
    /// Whether it says that the client came over TLS.
    pub(crate) secure: bool,
}

/// Why there is no header.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyError {
    /// Something else.
    #[error("there is no PROXY protocol header")]
    Missing,
    /// A header that is longer than one may be.
    #[error("the PROXY protocol header is too long")]
    TooLong,
    /// A header that is wrong.
    #[error("the PROXY protocol header is malformed: {0}")]
    Malformed(String),
}

/// Collects a header.
#[derive(Default)]
pub(crate) struct ProxyReader {
    bytes: Vec<u8>,
}

impl ProxyReader {
    /// Takes input. When the header is whole: what it says, and the bytes behind it.
    ///
    /// # Errors
    /// As soon as it cannot become a header. The reader must not be used afterwards.
    pub(crate) fn push(
        &mut self,
        input: &[u8],
    ) -> Result<Option<(Announced, Vec<u8>)>, ProxyError> {
        self.bytes.extend_from_slice(input);
        let Some(length) = header_length(&self.bytes)? else {
            return Ok(None);
        };
        let Some((header, rest)) = self.bytes.split_at_checked(length) else {
            return Ok(None);
        };
        let announced = if header.starts_with(PREFIX) {
            line(header)?
        } else {
            binary(header)?
        };
        Ok(Some((announced, rest.to_vec())))
    }
}

/// How long the header is that begins here, once that is known.
fn header_length(bytes: &[u8]) -> Result<Option<usize>, ProxyError> {
    if begins(bytes, PREFIX) {
        let line = bytes.get(..LINE_BYTES).unwrap_or(bytes);
        return match line.iter().position(|byte| *byte == b'\n') {
            Some(end) => Ok(Some(end + 1)),
            None if bytes.len() >= LINE_BYTES => Err(ProxyError::TooLong),
            None => Ok(None),
        };
    }
    if !begins(bytes, v2::PROTOCOL_PREFIX) {
        return Err(ProxyError::Missing);
    }
    let Some([high, low]) = bytes.get(FIXED_BYTES - 2..FIXED_BYTES) else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > VARIABLE_BYTES {
        return Err(ProxyError::TooLong);
    }
    Ok(Some(FIXED_BYTES + length))
}

/// Whether one of the two is the beginning of the other.
fn begins(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes
        .iter()
        .zip(prefix)
        .all(|(byte, wanted)| byte == wanted)
}

fn line(header: &[u8]) -> Result<Announced, ProxyError> {
    let header = v1::Header::try_from(header).map_err(|e| ProxyError::Malformed(e.to_string()))?;
    let client = match header.addresses {
        v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
        v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
        v1::Addresses::Unknown => None,
    };
    Ok(Announced {
        client,
        secure: false,
    })
}

fn binary(header: &[u8]) -> Result<Announced, ProxyError> {
    let header = v2::Header::try_from(header).map_err(|e| ProxyError::Malformed(e.to_string()))?;
    // Section 2.2: "the receiver must accept this connection as valid and must use the real connection endpoints and
    // discard the protocol block including the family which is ignored."
    if header.command == v2::Command::Local {
        return Ok(Announced::default());
    }
    let client = match (header.protocol, header.addresses) {
        (v2::Protocol::Datagram, _) => {
            return Err(ProxyError::Malformed("a datagram over a stream".to_owned()));
        }
        (_, v2::Addresses::IPv4(ip)) => Some((ip.source_address, ip.source_port).into()),
        (_, v2::Addresses::IPv6(ip)) => Some((ip.source_address, ip.source_port).into()),
        (_, v2::Addresses::Unix(_) | v2::Addresses::Unspecified) => None,
    };
    let mut secure = false;
    for extension in header.tlvs() {
        let extension = extension.map_err(|e| ProxyError::Malformed(e.to_string()))?;
        if extension.kind == TYPE_SSL {
            secure = extension
                .value
                .first()
                .is_some_and(|client| client & CLIENT_SSL != 0);
        }
    }
    Ok(Announced { client, secure })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome, which must be the same in whatever pieces the input arrives; the bytes behind the header are
    /// counted with those that were not pushed yet.
    fn read(input: &[u8]) -> Result<Option<(Announced, usize)>, ProxyError> {
        let mut outcomes = Vec::new();
        for size in [1, 2, 3, 7, input.len().max(1)] {
            let mut reader = ProxyReader::default();
            let mut pushed = 0;
            let mut outcome = Ok(None);
            for piece in input.chunks(size) {
                pushed += piece.len();
                outcome = reader.push(piece).map(|whole| {
                    whole.map(|(said, rest)| (said, rest.len() + input.len() - pushed))
                });
                if !matches!(outcome, Ok(None)) {
                    break;
                }
            }
            outcomes.push(outcome);
        }
        let last = outcomes.pop().expect("an outcome");
        for outcome in outcomes {
            assert_eq!(outcome, last, "{}", input.escape_ascii());
        }
        last
    }

    fn client(address: &str, behind: usize) -> Result<Option<(Announced, usize)>, ProxyError> {
        let client = Some(address.parse().unwrap());
        let secure = false;
        Ok(Some((Announced { client, secure }, behind)))
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = v2::PROTOCOL_PREFIX.to_vec();
        bytes.extend([command, family]);
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x13, 0x88, 0x01, 0xbb];

    #[test]
    fn version_1() {
        let good = b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n";
        assert_eq!(read(good), client("192.0.2.7:5000", 0));
        let behind = [&good[..], b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(read(&behind), client("192.0.2.7:5000", 16));
        assert_eq!(
            read(b"PROXY TCP6 2001:db8::7 ::1 5000 443\r\n"),
            client("[2001:db8::7]:5000", 0)
        );
        for unknown in [
            &b"PROXY UNKNOWN\r\n"[..],
            b"PROXY UNKNOWN ff:: ff:: 1 2\r\n",
        ] {
            assert_eq!(read(unknown), Ok(Some((Announced::default(), 0))));
        }
    }

    #[test]
    fn version_1_that_is_wrong() {
        for wrong in [
            "PROXY\r\n",
            "PROXY \r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP5 192.0.2.7 10.0.0.1 5000 443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 5000 443 \r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 5000\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 05000 443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 -1 443\r\n",
            "PROXY TCP4 192.0.2.256 10.0.0.1 5000 443\r\n",
            "PROXY TCP4 ::1 ::1 5000 443\r\n",
            "PROXY TCP6 192.0.2.7 10.0.0.1 5000 443\r\n",
            "PROXY  TCP4 192.0.2.7 10.0.0.1 5000 443\r\n",
            "PROXY tcp4 192.0.2.7 10.0.0.1 5000 443\r\n",
            "PROXY TCP4 192.0.2.7\r 10.0.0.1 5000 443\r\n",
            "proxy TCP4 192.0.2.7 10.0.0.1 5000 443\r\n",
            "GET / HTTP/1.1\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        let long = format!("PROXY UNKNOWN {}", "x".repeat(93));
        assert_eq!(read(long.as_bytes()), Err(ProxyError::TooLong));
        assert_eq!(read(b"PROXY TCP4 192.0.2.7 10.0.0.1 "), Ok(None));
        assert_eq!(read(b""), Ok(None));
    }

    #[test]
    fn version_2() {
        assert_eq!(read(&v2(0x21, 0x11, &V4)), client("192.0.2.7:5000", 0));
        let behind = [v2(0x21, 0x11, &V4), b"GET".to_vec()].concat();
        assert_eq!(read(&behind), client("192.0.2.7:5000", 3));
        let mut body = [0; 36];
        body[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        body[32..34].copy_from_slice(&5000_u16.to_be_bytes());
        assert_eq!(read(&v2(0x21, 0x21, &body)), client("[2001:db8::]:5000", 0));
        // LOCAL, a Unix socket, and no family: the addresses of the connection hold.
        for header in [
            v2(0x20, 0x11, &V4),
            v2(0x20, 0, &[]),
            v2(0x21, 0x31, &[1; 216]),
            v2(0x21, 0, &[]),
        ] {
            assert_eq!(read(&header), Ok(Some((Announced::default(), 0))));
        }
    }

    #[test]
    fn version_2_tells_of_tls() {
        let ssl = |client: u8| [&V4[..], &[0x20, 0, 5, client, 0, 0, 0, 0]].concat();
        for (byte, secure) in [(0x01, true), (0x07, true), (0x00, false)] {
            let said = read(&v2(0x21, 0x11, &ssl(byte))).unwrap().unwrap().0;
            assert_eq!(said.secure, secure, "{byte}");
        }
    }

    #[test]
    fn version_2_that_is_wrong() {
        for (command, family, body) in [
            (0x11, 0x11, &V4[..]),
            (0x22, 0x11, &V4),
            (0x21, 0x41, &V4),
            (0x21, 0x13, &V4),
            (0x21, 0x12, &V4),
            (0x21, 0x11, &V4[..11]),
            (0x21, 0x21, &V4),
            (0x21, 0x31, &V4),
            // An extension that is longer than what is there, or cut in its head.
            (0x21, 0x11, &[&V4[..], &[0x20, 0xff, 0xff, 1]].concat()),
            (0x21, 0x11, &[&V4[..], &[0x20, 0]].concat()),
        ] {
            assert!(
                read(&v2(command, family, body)).is_err(),
                "{command} {family} {body:?}"
            );
        }
        let mut long = v2(0x21, 0x11, &[0; 0]);
        long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(read(&long), Err(ProxyError::TooLong));
        assert_eq!(read(b"\r\n\r\n\0\r\nQUIX"), Err(ProxyError::Missing));
    }
}
