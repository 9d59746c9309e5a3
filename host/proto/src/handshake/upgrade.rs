//! The opening handshake itself: the server's checks (RFC 6455 section 4.2.1) and its answer (section 4.2.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

use super::{
    ExtensionOffer, ForbiddenHeader, Head, Malformed, OriginPolicy, Reason, extensions, lists,
    response::{self, Vetting},
};
use crate::deflate::{self, DeflateSettings, Negotiated};

/// RFC 6455 section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that may become a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The subprotocols that the client offers, in its order of preference; all different.
    pub protocols: Vec<String>,
    /// The extensions that the client offers, in its order of preference.
    pub extensions: Vec<ExtensionOffer>,
    accept: String,
    /// The value of the response's `Sec-WebSocket-Extensions`.
    agreed: Option<String>,
}

impl Upgrade {
    /// Agrees on permessage-deflate (RFC 7692) if the client offers it in a way that can be accepted; the
    /// response will say so, and the connection must be made with [`Connection::with_deflate`].
    ///
    /// [`Connection::with_deflate`]: crate::Connection::with_deflate
    pub fn negotiate(&mut self, settings: &DeflateSettings) -> Option<Negotiated> {
        let (negotiated, response) = deflate::negotiate(&self.extensions, settings)?;
        self.agreed = Some(response);
        Some(negotiated)
    }

    /// The `101` response, with the subprotocol chosen and extra fields from plugins.
    ///
    /// # Errors
    /// A protocol that was not offered, or the first extra field that may not be sent. There is no response
    /// then.
    pub fn accept(
        &self,
        protocol: Option<&str>,
        extra: &[(String, Vec<u8>)],
    ) -> Result<Vec<u8>, ForbiddenHeader> {
        let mut out = response::status_line(101);
        response::field(&mut out, "Upgrade", b"websocket");
        response::field(&mut out, "Connection", b"Upgrade");
        response::field(&mut out, "Sec-WebSocket-Accept", self.accept.as_bytes());
        if let Some(protocol) = protocol {
            // Section 4.2.2 item 5: "The value chosen MUST be derived from the client's handshake".
            if !self.protocols.iter().any(|offered| offered == protocol) {
                return Err(ForbiddenHeader::ProtocolNotOffered(protocol.to_owned()));
            }
            response::field(&mut out, "Sec-WebSocket-Protocol", protocol.as_bytes());
        }
        if let Some(agreed) = &self.agreed {
            response::field(&mut out, "Sec-WebSocket-Extensions", agreed.as_bytes());
        }
        let mut vetting = Vetting::new();
        for (name, value) in extra {
            vetting.vet(name, value)?;
            response::field(&mut out, name, value);
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// Checks a request, in the order in which a client would want to hear about it.
    pub(super) fn check(head: &Head, secure: bool, origins: &OriginPolicy) -> Result<Self, Reason> {
        if head.method() != "GET" {
            return Err(Reason::Method);
        }
        if !head.wants_upgrade() {
            return Err(Reason::NotAnUpgrade);
        }
        check_version(head)?;
        let accept = accept_value(head)?;
        let protocols = lists::distinct_tokens(head.values("sec-websocket-protocol"))
            .ok_or(Malformed::Protocols)?;
        let extensions = extensions::parse(head.values("sec-websocket-extensions"))
            .ok_or(Malformed::Extensions)?;
        if !origins.allows(head.values("origin"), head.authority(), secure) {
            return Err(Reason::Origin);
        }
        Ok(Self {
            protocols,
            extensions,
            accept,
            agreed: None,
        })
    }
}

/// The one value of a field that must come exactly once.
fn only<'h>(head: &'h Head, name: &str) -> Option<&'h [u8]> {
    let mut values = head.values(name);
    values.next().filter(|_| values.next().is_none())
}

/// Section 4.2.1 item 6: "A |Sec-WebSocket-Version| header field, with a value of 13."
fn check_version(head: &Head) -> Result<(), Reason> {
    // Section 4.3: "version = DIGIT | (NZDIGIT DIGIT) | ("1" DIGIT DIGIT) | ("2" DIGIT DIGIT)", limited to
    // 255.
    match only(head, "sec-websocket-version").ok_or(Malformed::WebSocketVersion)? {
        b"13" => Ok(()),
        [b'0'..=b'9']
        | [b'1'..=b'9', b'0'..=b'9']
        | [b'1', b'0'..=b'9', b'0'..=b'9']
        | [b'2', b'0'..=b'4', b'0'..=b'9']
        | [b'2', b'5', b'0'..=b'5'] => Err(Reason::WebSocketVersion),
        _ => Err(Malformed::WebSocketVersion.into()),
    }
}

/// Section 4.2.1 item 5: "a |Sec-WebSocket-Key| header field with a base64-encoded [...] value that, when
/// decoded, is 16 bytes in length"; section 4.2.2 item 5.4 for what is made of it.
fn accept_value(head: &Head) -> Result<String, Reason> {
    let key = only(head, "sec-websocket-key").ok_or(Malformed::WebSocketKey)?;
    let mut decoded = [0; 18];
    // The engine refuses missing padding and bits behind the end, so that only the one right spelling passes.
    if key.len() != 24 || STANDARD.decode_slice(key, &mut decoded) != Ok(16) {
        return Err(Malformed::WebSocketKey.into());
    }
    Ok(STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize()))
}
