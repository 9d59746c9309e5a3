//! The contract's types as the engine lowers and lifts them, one for each type of `wit/types.wit` and
//! `wit/connections.wit` and direction. Nothing but types and conversions.
//!
//! Into the guest: borrowed from the host and copied once. Out of the guest: messages stay in guest memory
//! (`WasmStr`, `WasmList`), the rest is owned.

use wasmtime::component::{ComponentType, Lift, Lower, WasmList, WasmStr};

use crate::types;

/// `types.message`, into the guest.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(crate) enum MessageIn<'a> {
    #[component(name = "text")]
    Text(&'a str),
    #[component(name = "binary")]
    Binary(&'a [u8]),
}

impl<'a> From<types::MessageRef<'a>> for MessageIn<'a> {
    fn from(message: types::MessageRef<'a>) -> Self {
        match message {
            types::MessageRef::Text(text) => MessageIn::Text(text),
            types::MessageRef::Binary(bytes) => MessageIn::Binary(bytes),
        }
    }
}

/// `types.message`, out of the guest, still in its memory.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum MessageOut {
    #[component(name = "text")]
    Text(WasmStr),
    #[component(name = "binary")]
    Binary(WasmList<u8>),
}

/// `types.header`, into the guest.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct HeaderIn<'a> {
    name: &'a str,
    value: &'a [u8],
}

/// `types.header`, out of the guest.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct HeaderOut {
    name: String,
    value: Vec<u8>,
}

impl From<HeaderOut> for types::Header {
    fn from(header: HeaderOut) -> Self {
        types::Header {
            name: header.name,
            value: header.value,
        }
    }
}

/// `types.upgrade-request`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct UpgradeRequestIn<'a> {
    connection: u64,
    peer: &'a str,
    secure: bool,
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a [HeaderIn<'a>],
    protocols: &'a [String],
}

/// The headers of a request, as [`UpgradeRequestIn::new`] borrows them.
pub(crate) fn headers_in(headers: &[types::Header]) -> Vec<HeaderIn<'_>> {
    headers
        .iter()
        .map(|header| HeaderIn {
            name: &header.name,
            value: &header.value,
        })
        .collect()
}

impl<'a> UpgradeRequestIn<'a> {
    /// The request with its headers, borrowed by [`headers_in`].
    pub(crate) fn new(request: &'a types::UpgradeRequest, headers: &'a [HeaderIn<'a>]) -> Self {
        UpgradeRequestIn {
            connection: request.connection.0,
            peer: &request.peer,
            secure: request.secure,
            authority: &request.authority,
            path: &request.path,
            query: request.query.as_deref(),
            headers,
            protocols: &request.protocols,
        }
    }
}

/// `types.rejection`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct RejectionOut {
    status: u16,
    headers: Vec<HeaderOut>,
    body: String,
}

impl From<RejectionOut> for types::Rejection {
    fn from(rejection: RejectionOut) -> Self {
        types::Rejection {
            status: rejection.status,
            headers: rejection.headers.into_iter().map(Into::into).collect(),
            body: rejection.body,
        }
    }
}

/// `types.ending`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct EndingIn<'a> {
    code: u16,
    reason: &'a str,
    clean: bool,
}

impl<'a> From<&'a types::Ending> for EndingIn<'a> {
    fn from(ending: &'a types::Ending) -> Self {
        EndingIn {
            code: ending.code,
            reason: &ending.reason,
            clean: ending.clean,
        }
    }
}

/// `socket-events.error-kind`.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum ErrorKindIn {
    #[component(name = "transport")]
    Transport,
    #[component(name = "protocol")]
    Protocol,
    #[component(name = "plugin")]
    Plugin,
    #[component(name = "limit")]
    Limit,
}

impl From<types::ErrorKind> for ErrorKindIn {
    fn from(kind: types::ErrorKind) -> Self {
        match kind {
            types::ErrorKind::Transport => ErrorKindIn::Transport,
            types::ErrorKind::Protocol => ErrorKindIn::Protocol,
            types::ErrorKind::Plugin => ErrorKindIn::Plugin,
            types::ErrorKind::Limit => ErrorKindIn::Limit,
        }
    }
}

/// `connections.send-error`.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum SendErrorIn {
    #[component(name = "gone")]
    Gone,
    #[component(name = "backlog-full")]
    BacklogFull,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "fragment-order")]
    FragmentOrder,
    #[component(name = "control-too-large")]
    ControlTooLarge,
}

impl From<types::SendError> for SendErrorIn {
    fn from(error: types::SendError) -> Self {
        match error {
            types::SendError::Gone => SendErrorIn::Gone,
            types::SendError::BacklogFull => SendErrorIn::BacklogFull,
            types::SendError::TooLarge => SendErrorIn::TooLarge,
            types::SendError::FragmentOrder => SendErrorIn::FragmentOrder,
            types::SendError::ControlTooLarge => SendErrorIn::ControlTooLarge,
        }
    }
}

/// `connections.close-error`.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum CloseErrorIn {
    #[component(name = "gone")]
    Gone,
    #[component(name = "invalid-code")]
    InvalidCode,
}

impl From<types::CloseError> for CloseErrorIn {
    fn from(error: types::CloseError) -> Self {
        match error {
            types::CloseError::Gone => CloseErrorIn::Gone,
            types::CloseError::InvalidCode => CloseErrorIn::InvalidCode,
        }
    }
}

/// `connections.attribute-error`.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum AttributeErrorIn {
    #[component(name = "gone")]
    Gone,
    #[component(name = "too-large")]
    TooLarge,
}

impl From<types::AttributeError> for AttributeErrorIn {
    fn from(error: types::AttributeError) -> Self {
        match error {
            types::AttributeError::Gone => AttributeErrorIn::Gone,
            types::AttributeError::TooLarge => AttributeErrorIn::TooLarge,
        }
    }
}

/// `connections.connection-info`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct ConnectionInfoIn {
    peer: String,
    secure: bool,
    route: String,
    protocol: Option<String>,
    #[component(name = "age-ms")]
    age_ms: u64,
    #[component(name = "idle-ms")]
    idle_ms: u64,
    backlog: u64,
}

impl From<types::ConnectionInfo> for ConnectionInfoIn {
    fn from(info: types::ConnectionInfo) -> Self {
        ConnectionInfoIn {
            peer: info.peer,
            secure: info.secure,
            route: info.route,
            protocol: info.protocol,
            age_ms: info.age_ms,
            idle_ms: info.idle_ms,
            backlog: info.backlog,
        }
    }
}
