//! Close codes and close payloads (RFC 6455 sections 5.5.1 and 7.4).
//!
//! This room knows which codes exist and who may use them; when a close frame is due is the connection's
//! business.

use crate::connection::ProtocolError;

/// The purpose was fulfilled.
pub const NORMAL: u16 = 1000;
/// The server goes down, or a health check failed.
pub const GOING_AWAY: u16 = 1001;
/// The peer broke the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// "No status code was actually present": never on the wire.
pub const NO_CODE: u16 = 1005;
/// "The connection was closed abnormally": never on the wire.
pub const ABNORMAL: u16 = 1006;
/// The data does not fit its type, such as text that is not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// The server met something that kept it from going on.
pub const INTERNAL_ERROR: u16 = 1011;
/// The peer broke a rule of this server that is none of the protocol's.
pub const POLICY_VIOLATION: u16 = 1008;
/// A message is above what the receiver takes.
pub const TOO_BIG: u16 = 1009;

/// The longest reason in bytes: a control frame's 125 without the code (RFC 6455 section 5.5.1).
pub const MAX_REASON_BYTES: usize = 123;

/// Whether a peer may send this code in a close frame.
///
/// RFC 6455 section 7.4 and the registry it founded: 1000 to 1003 and 1007 to 1014 are defined for the wire,
/// 3000 to 3999 are for frameworks, 4000 to 4999 for private use. Everything else is reserved or forbidden.
pub fn may_receive(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Whether a server may send this code in a close frame.
///
/// As [`may_receive`], without 1010: "this status code is not used by the server, because it can fail the
/// WebSocket handshake instead" (RFC 6455 section 7.4.1).
pub fn may_send(code: u16) -> bool {
    may_receive(code) && code != 1010
}

/// Cuts a reason to what fits into a close frame, between characters.
pub fn cut_reason(reason: &str) -> &str {
    reason
        .get(..reason.floor_char_boundary(MAX_REASON_BYTES))
        .unwrap_or_default()
}

/// A close frame's payload: the code and the reason, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosePayload<'p> {
    /// The code; `None` when the frame was empty.
    pub code: Option<u16>,
    /// The reason; empty when there is none.
    pub reason: &'p str,
}

impl<'p> ClosePayload<'p> {
    /// Reads the whole payload of a close frame.
    ///
    /// # Errors
    /// A single byte, a code that no peer may send, or a reason that is not UTF-8.
    pub fn parse(payload: &'p [u8]) -> Result<Self, ProtocolError> {
        let (code, reason) = match payload {
            [] => {
                return Ok(Self {
                    code: None,
                    reason: "",
                });
            }
            [_] => return Err(ProtocolError::CloseOneByte),
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        };
        if !may_receive(code) {
            return Err(ProtocolError::CloseCode(code));
        }
        // "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/"
        // (section 5.5.1).
        let reason = str::from_utf8(reason).map_err(|_| ProtocolError::CloseReasonNotUtf8)?;
        Ok(Self {
            code: Some(code),
            reason,
        })
    }

    /// Looks for offences in the first bytes of a payload whose rest has not arrived.
    ///
    /// # Errors
    /// As [`Self::parse`], as soon as the byte that commits the offence is there.
    pub fn check_prefix(prefix: &[u8]) -> Result<(), ProtocolError> {
        let [high, low, reason @ ..] = prefix else {
            return Ok(());
        };
        let code = u16::from_be_bytes([*high, *low]);
        if !may_receive(code) {
            return Err(ProtocolError::CloseCode(code));
        }
        match str::from_utf8(reason) {
            Err(error) if error.error_len().is_some() => Err(ProtocolError::CloseReasonNotUtf8),
            _ => Ok(()),
        }
    }
}
