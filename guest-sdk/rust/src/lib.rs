//! Write the business logic of a [Jackfield](https://github.com) WebSocket server in Rust.
mod bindings;
mod connection;
mod error;
mod export;
mod hooks;
#[cfg(target_arch = "wasm32")]
mod host;
mod message;
mod request;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use bindings::socket_events::ErrorKind;
pub use bindings::types::{Ending, Header, Message, Rejection, UpgradeRequest};
pub use connection::{Connection, ConnectionInfo};
pub use error::{AttributeError, CloseError, SendError};
pub use hooks::{
    ConnectionEvents, Handler, Handshake, HealthEvents, ServerEvents, SocketEvents, State,
};

/// What `export!` expands to; not for use by name.
#[doc(hidden)]
pub mod __export {
    pub use crate::bindings::{
        connection_events, handler, handshake, health_events, server_events, socket_events, state,
    };
    pub use crate::export::{Exports, Plugin};
}
