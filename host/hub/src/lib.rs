//! Who is connected: one [`Shard`] per worker holds the worker's connections with their protocol
//! state, attributes and outgoing buffers, under ids that are never used twice.
//!
//! No sockets, no clock, no plugins: whoever owns a socket asks its shard what to write, tells it what
//! time it is, and is woken through the [`std::task::Waker`] that it left here.
#![forbid(unsafe_code)]

mod attributes;
mod id;
mod outbox;
mod shard;
mod wheel;

pub use attributes::{AttributesFull, MAX_ENTRIES as MAX_ATTRIBUTES};
pub use id::{ConnectionId, WorkerIndex};
pub use outbox::Outbox;
pub use shard::{
    AttributeError, CloseError, Counts, Due, Entry, Limits, Overflow, Phase, SendError, Shard,
};
pub use wheel::Wheel;
