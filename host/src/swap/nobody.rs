//! What an instance can do that only shows that there can be one: nothing.

use jackfield_plugin::{
    AttributeError, CloseError, ConnectionId, ConnectionInfo, GuestStream, MessageRef, Reply,
    SendError, Services,
};

/// Services for an instance that serves nobody yet.
pub(crate) struct Nobody;

impl Services for Nobody {
    fn send(&mut self, _: ConnectionId, _: MessageRef<'_>) -> Result<(), SendError> {
        Err(SendError::Gone)
    }

    fn send_uncompressed(&mut self, _: ConnectionId, _: MessageRef<'_>) -> Result<(), SendError> {
        Err(SendError::Gone)
    }

    fn send_fragment(
        &mut self,
        _: ConnectionId,
        _: MessageRef<'_>,
        _: bool,
    ) -> Result<(), SendError> {
        Err(SendError::Gone)
    }

    fn ping(&mut self, _: ConnectionId, _: &[u8]) -> Result<(), SendError> {
        Err(SendError::Gone)
    }

    fn pong(&mut self, _: ConnectionId, _: &[u8]) -> Result<(), SendError> {
        Err(SendError::Gone)
    }

    fn close(&mut self, _: ConnectionId, _: u16, _: &str) -> Result<(), CloseError> {
        Err(CloseError::Gone)
    }

    fn disconnect(&mut self, _: ConnectionId) -> Result<(), CloseError> {
        Err(CloseError::Gone)
    }

    fn attribute(
        &mut self,
        _: ConnectionId,
        _: &str,
    ) -> Reply<Result<Option<Vec<u8>>, AttributeError>> {
        Reply::Now(Err(AttributeError::Gone))
    }

    fn set_attribute(
        &mut self,
        _: ConnectionId,
        _: &str,
        _: &[u8],
    ) -> Reply<Result<(), AttributeError>> {
        Reply::Now(Err(AttributeError::Gone))
    }

    fn remove_attribute(&mut self, _: ConnectionId, _: &str) -> Reply<Result<(), AttributeError>> {
        Reply::Now(Err(AttributeError::Gone))
    }

    fn info(&mut self, _: ConnectionId) -> Reply<Option<ConnectionInfo>> {
        Reply::Now(None)
    }

    fn guest_line(&mut self, _: GuestStream, _: Option<ConnectionId>, line: &str) {
        tracing::debug!(target: "plugin", "while it was tried out: {line}");
    }
}
