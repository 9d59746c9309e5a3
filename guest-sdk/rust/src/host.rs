//! The imports as they are inside a component: each function is one call into the host. Outside of a
//! component, `testing` stands in their place with the same signatures.

use std::time::Duration;

use crate::bindings::connections as wit;
use crate::connection::{ConnectionInfo, Payload};
use crate::error::{AttributeError, CloseError, SendError};

pub(crate) fn send(to: u64, message: Payload<'_>) -> Result<(), SendError> {
    wit::send(to, message.into()).map_err(Into::into)
}

pub(crate) fn send_uncompressed(to: u64, message: Payload<'_>) -> Result<(), SendError> {
    wit::send_uncompressed(to, message.into()).map_err(Into::into)
}

pub(crate) fn send_fragment(to: u64, part: Payload<'_>, last: bool) -> Result<(), SendError> {
    wit::send_fragment(to, part.into(), last).map_err(Into::into)
}

pub(crate) fn ping(to: u64, payload: &[u8]) -> Result<(), SendError> {
    wit::ping(to, payload).map_err(Into::into)
}

pub(crate) fn pong(to: u64, payload: &[u8]) -> Result<(), SendError> {
    wit::pong(to, payload).map_err(Into::into)
}

pub(crate) fn close(to: u64, code: u16, reason: &str) -> Result<(), CloseError> {
    wit::close(to, code, reason).map_err(Into::into)
}

pub(crate) fn disconnect(to: u64) -> Result<(), CloseError> {
    wit::disconnect(to).map_err(Into::into)
}

pub(crate) fn attribute(of: u64, name: &str) -> Result<Option<Vec<u8>>, AttributeError> {
    wit::attribute(of, name).map_err(Into::into)
}

pub(crate) fn set_attribute(of: u64, name: &str, value: &[u8]) -> Result<(), AttributeError> {
    wit::set_attribute(of, name, value).map_err(Into::into)
}

pub(crate) fn remove_attribute(of: u64, name: &str) -> Result<(), AttributeError> {
    wit::remove_attribute(of, name).map_err(Into::into)
}

pub(crate) fn info(of: u64) -> Option<ConnectionInfo> {
    wit::info(of).map(|info| ConnectionInfo {
        peer: info.peer,
        secure: info.secure,
        route: info.route,
        protocol: info.protocol,
        age: Duration::from_millis(info.age_ms),
        idle: Duration::from_millis(info.idle_ms),
        backlog: info.backlog,
    })
}

impl<'a> From<Payload<'a>> for wit::MessageParam<'a> {
    fn from(payload: Payload<'a>) -> Self {
        match payload {
            Payload::Text(text) => wit::MessageParam::Text(text),
            Payload::Binary(bytes) => wit::MessageParam::Binary(bytes),
        }
    }
}

impl From<wit::SendError> for SendError {
    fn from(error: wit::SendError) -> Self {
        match error {
            wit::SendError::Gone => SendError::Gone,
            wit::SendError::BacklogFull => SendError::BacklogFull,
            wit::SendError::TooLarge => SendError::TooLarge,
            wit::SendError::FragmentOrder => SendError::FragmentOrder,
            wit::SendError::ControlTooLarge => SendError::ControlTooLarge,
        }
    }
}

impl From<wit::CloseError> for CloseError {
    fn from(error: wit::CloseError) -> Self {
        match error {
            wit::CloseError::Gone => CloseError::Gone,
            wit::CloseError::InvalidCode => CloseError::InvalidCode,
        }
    }
}

impl From<wit::AttributeError> for AttributeError {
    fn from(error: wit::AttributeError) -> Self {
        match error {
            wit::AttributeError::Gone => AttributeError::Gone,
            wit::AttributeError::TooLarge => AttributeError::TooLarge,
        }
    }
}
