//! The performance harness: what `docs/performance.md` and the README's picture are made with.
//!
//! | program | is |
//! |---|---|
//! | `load` | the load generator: raw bytes, frames built before the clock runs, one thread |
//! | `peer` | small echo servers on other WebSocket libraries |
//! | `compare` | builds and starts everything, alternates, repeats, prints the table |
//! | `contain` | what a plugin that misbehaves costs the connections beside it |
//!
//! It must never share code with the server, and never be linked with it: the host is built by itself, with its
//! own features. Everything runs on the loopback interface, with bounds in time and count.

#![forbid(unsafe_code)]

pub mod compare;
pub mod contain;
pub mod load;
pub mod system;
