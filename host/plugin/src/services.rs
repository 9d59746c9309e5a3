//! The one way by which a plugin reaches the rest of the host: the trait that stands behind the
//! imported interface `jackfield:plugin/connections`. The host implements it once per worker and plugin.

use std::future::Future;
use std::pin::Pin;

use crate::types::{
    AttributeError, CloseError, ConnectionId, ConnectionInfo, MessageRef, SendError,
};

/// An answer that is there, or that must be fetched from another worker while the guest is suspended.
pub enum Reply<T> {
    /// The answer.
    Now(T),
    /// Awaited with the guest suspended on its fiber.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

/// Which of a guest's streams a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestStream {
    /// `wasi:cli/stdout`.
    Stdout,
    /// `wasi:cli/stderr`.
    Stderr,
}

/// What the host does for a plugin. Implementations check that the plugin may reach the connection;
/// one that it may not reach is `Gone`.
pub trait Services: Send + 'static {
    /// `connections.send`. The payload is guest memory: copy it once, into the outgoing buffer.
    fn send(&mut self, to: ConnectionId, message: MessageRef<'_>) -> Result<(), SendError>;
    /// `connections.send-uncompressed`.
    fn send_uncompressed(
        &mut self,
        to: ConnectionId,
        message: MessageRef<'_>,
    ) -> Result<(), SendError>;
    /// `connections.send-fragment`.
    fn send_fragment(
        &mut self,
        to: ConnectionId,
        part: MessageRef<'_>,
        last: bool,
    ) -> Result<(), SendError>;
    /// `connections.ping`.
    fn ping(&mut self, to: ConnectionId, payload: &[u8]) -> Result<(), SendError>;
    /// `connections.pong`.
    fn pong(&mut self, to: ConnectionId, payload: &[u8]) -> Result<(), SendError>;
    /// `connections.close`.
    fn close(&mut self, to: ConnectionId, code: u16, reason: &str) -> Result<(), CloseError>;
    /// `connections.disconnect`.
    fn disconnect(&mut self, to: ConnectionId) -> Result<(), CloseError>;
    /// `connections.attribute`.
    fn attribute(
        &mut self,
        of: ConnectionId,
        name: &str,
    ) -> Reply<Result<Option<Vec<u8>>, AttributeError>>;
    /// `connections.set-attribute`.
    fn set_attribute(
        &mut self,
        of: ConnectionId,
        name: &str,
        value: &[u8],
    ) -> Reply<Result<(), AttributeError>>;
    /// `connections.remove-attribute`.
    fn remove_attribute(
        &mut self,
        of: ConnectionId,
        name: &str,
    ) -> Reply<Result<(), AttributeError>>;
    /// `connections.info`.
    fn info(&mut self, of: ConnectionId) -> Reply<Option<ConnectionInfo>>;
    /// One line that the guest wrote, without its newline; `on_behalf_of` is the connection whose call
    /// was running, if any.
    fn guest_line(&mut self, stream: GuestStream, on_behalf_of: Option<ConnectionId>, line: &str);
}
