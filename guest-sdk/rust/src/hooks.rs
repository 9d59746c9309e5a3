//! The hook groups: a trait for each interface that a component may export, in the contract's words.

mod connection;
mod lifecycle;
mod socket;

pub use connection::{ConnectionEvents, Handler, Handshake};
pub use lifecycle::{HealthEvents, ServerEvents, State};
pub use socket::SocketEvents;
