//! What is offered, what is wanted, and what comes of it (RFC 7692 sections 5 and 7.1).
//!
//! An offer that cannot be accepted as it is, for a parameter that is unknown, comes twice, or has a value
//! that it may not have, is declined (section 7: "A server MUST decline an extension negotiation offer for
//! this extension if"); the next offer may do. Declining is no refusal: the connection goes on without
//! compression.

use std::fmt::Write;

use crate::handshake::ExtensionOffer;

/// What the server wants of permessage-deflate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeflateSettings {
    /// How hard to compress: 0 (not at all) to 9. Higher values count as 9.
    pub level: u32,
    /// Messages below this many bytes are sent as they are. A fragmented message is judged by its first part.
    pub threshold: usize,
    /// Largest window that the server compresses with, in bits: 8 to 15. Other values count as the nearest of
    /// these.
    pub server_window_bits: u8,
    /// Largest window that the client may compress with, in bits: 8 to 15. Only clients that offer
    /// `client_max_window_bits` can be told; others use 15.
    pub client_window_bits: u8,
    /// Compress every message on its own, so that nothing is held between messages.
    pub server_no_context_takeover: bool,
    /// Have the client compress every message on its own.
    pub client_no_context_takeover: bool,
}

impl Default for DeflateSettings {
    /// Level 6, messages of 256 bytes and more, windows of 15 bits, context takeover both ways.
    fn default() -> Self {
        Self {
            level: 6,
            threshold: 256,
            server_window_bits: 15,
            client_window_bits: 15,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
        }
    }
}

/// What was agreed with the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The server compresses every message with an empty window (section 7.1.1.1).
    pub server_no_context_takeover: bool,
    /// The client does (section 7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The server's window, in bits: 8 to 15 (section 7.1.2.1).
    pub server_max_window_bits: u8,
    /// The client's window, in bits: 8 to 15 (section 7.1.2.2).
    pub client_max_window_bits: u8,
    /// The server's own [`DeflateSettings::level`].
    pub(super) level: u32,
    /// The server's own [`DeflateSettings::threshold`].
    pub(super) threshold: usize,
}

/// Accepts the first offer that can be: what was agreed, and the value of the response's
/// `Sec-WebSocket-Extensions`.
pub(crate) fn negotiate(
    offers: &[ExtensionOffer],
    settings: &DeflateSettings,
) -> Option<(Negotiated, String)> {
    offers
        .iter()
        .filter(|offer| offer.name == "permessage-deflate")
        .find_map(Offer::read)
        .map(|offer| offer.accept(settings))
}

/// An acceptable offer.
#[derive(Default)]
struct Offer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Offered or not; with a value or without one.
    client_max_window_bits: Option<Option<u8>>,
}

impl Offer {
    /// `None`: to be declined.
    fn read(offer: &ExtensionOffer) -> Option<Self> {
        let mut read = Self::default();
        for parameter in &offer.parameters {
            let fresh = match (parameter.name.as_str(), parameter.value.as_deref()) {
                ("server_no_context_takeover", None) => {
                    !std::mem::replace(&mut read.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !std::mem::replace(&mut read.client_no_context_takeover, true)
                }
                // Section 7.1.2.1: "This parameter has a decimal integer value without leading zeroes between
                // 8 to 15, inclusive"; in an offer it must have one.
                ("server_max_window_bits", Some(bits)) => read
                    .server_max_window_bits
                    .replace(window_bits(bits)?)
                    .is_none(),
                // Section 7.1.2.2: in an offer the value may be left out.
                ("client_max_window_bits", None) => {
                    read.client_max_window_bits.replace(None).is_none()
                }
                ("client_max_window_bits", Some(bits)) => read
                    .client_max_window_bits
                    .replace(Some(window_bits(bits)?))
                    .is_none(),
                _ => return None,
            };
            if !fresh {
                return None;
            }
        }
        Some(read)
    }

    fn accept(&self, settings: &DeflateSettings) -> (Negotiated, String) {
        let wanted_server_bits = settings.server_window_bits.clamp(8, 15);
        let wanted_client_bits = settings.client_window_bits.clamp(8, 15);
        let negotiated = Negotiated {
            server_no_context_takeover: self.server_no_context_takeover
                || settings.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || settings.client_no_context_takeover,
            // Section 7.1.2.1: accepted "with the same or smaller value as the offer".
            server_max_window_bits: self
                .server_max_window_bits
                .map_or(wanted_server_bits, |bits| bits.min(wanted_server_bits)),
            // Section 7.1.2.2: "If a received extension negotiation offer doesn't have the
            // 'client_max_window_bits' extension parameter, the corresponding extension negotiation response
            // to the offer MUST NOT include the 'client_max_window_bits' extension parameter."
            client_max_window_bits: self
                .client_max_window_bits
                .map_or(15, |bits| bits.unwrap_or(15).min(wanted_client_bits)),
            level: settings.level.min(9),
            threshold: settings.threshold,
        };
        let mut response = "permessage-deflate".to_owned();
        if negotiated.server_no_context_takeover {
            response.push_str("; server_no_context_takeover");
        }
        if negotiated.client_no_context_takeover {
            response.push_str("; client_no_context_takeover");
        }
        // 15 bits are what an absent parameter means; a client that named a number gets one back.
        let server_bits = negotiated.server_max_window_bits;
        if server_bits < 15 || self.server_max_window_bits.is_some() {
            // Writing to a string cannot fail.
            let _ = write!(response, "; server_max_window_bits={server_bits}");
        }
        let client_bits = negotiated.client_max_window_bits;
        if client_bits < 15 || self.client_max_window_bits.flatten().is_some() {
            let _ = write!(response, "; client_max_window_bits={client_bits}");
        }
        (negotiated, response)
    }
}

/// "a decimal integer value without leading zeroes between 8 to 15 inclusive".
fn window_bits(text: &str) -> Option<u8> {
    Some(match text {
        "8" => 8,
        "9" => 9,
        "10" => 10,
        "11" => 11,
        "12" => 12,
        "13" => 13,
        "14" => 14,
        "15" => 15,
        _ => return None,
    })
}
