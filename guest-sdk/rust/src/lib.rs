//! Write the business logic of a Jackfield WebSocket server in Rust.
//!
//! Jackfield owns the sockets, the upgrade handshake, RFC 6455 and the health checks. A plugin is a WebAssembly
//! component that owns what happens with a connection and its messages, and that is swapped while every
//! connection stays open. This crate is what such a component is written with.
//!
//! # Quick start
//!
//! ```toml
//! # Cargo.toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! jackfield-guest = "0.1"
//! ```
//!
//! ```
//! // src/lib.rs
//! use jackfield_guest::{Connection, Handler, Message};
//!
//! #[derive(Default)]
//! struct Echo;
//!
//! impl Handler for Echo {
//!     fn business_handler(&mut self, connection: Connection, message: Message) {
//!         if let Err(error) = connection.send(&message) {
//!             eprintln!("not echoed: {error}");
//!         }
//!     }
//! }
//!
//! jackfield_guest::export!(Echo: Handler);
//! ```
//!
//! ```sh
//! rustup target add wasm32-wasip2                  # once
//! cargo build --release --target wasm32-wasip2
//! jackfield run target/wasm32-wasip2/release/echo.wasm
//! ```
//!
//! # What a plugin may implement
//!
//! A struct, a trait for each group of hooks that it wants, and one line, [`export!`], that names them. Groups
//! that are not named are not exported, and the host never calls what is not there.
//!
//! | trait | hooks |
//! |---|---|
//! | [`Handshake`] | who may connect, and under which subprotocol |
//! | [`Handler`] | the messages |
//! | [`ConnectionEvents`] | a connection came, a connection ended |
//! | [`SocketEvents`] | the raw life of every socket, for metrics and abuse control |
//! | [`HealthEvents`] | what the health check found |
//! | [`ServerEvents`] | this instance started, will stop |
//! | [`State`] | what goes over to the next version at a swap |
//!
//! # What a plugin may call
//!
//! [`Connection`] has it all: send (whole, or in fragments), ping, pong, close, disconnect, attributes, info.
//! Nothing waits for the network, and a plugin may call for any connection of its routes, not only for the one
//! that a hook is about.
//!
//! # State
//!
//! The struct is made by its [`Default`] at the first hook, and every hook gets it as `&mut self`: there is one
//! call at a time, no lock and no `static`. How far that memory reaches is the host's configuration. With
//! `instances = "worker"`, the default, there is one struct per worker thread, with `"connection"` one for each
//! connection, with `"single"` one for all, with a pool any of several. What must be seen from everywhere, and
//! survive a panic, goes into attributes; what must survive a swap, into [`State`].
//!
//! # Printing and panicking
//!
//! `println!` and `eprintln!` write to the host's log, a line an entry, with the plugin's name, its version and
//! the connection. A panic prints its message there too, and then traps: the connection whose hook it was is
//! closed with 1011 (in the handshake: refused with 500), the instance is thrown away with its memory, and
//! everybody else goes on with a fresh one. The component runs under limits of memory and of time for a call;
//! meeting one ends the same way.
//!
//! # Testing
//!
//! Built for your own machine, every call on a [`Connection`] goes to a stand-in for the host, so that
//! `cargo test` needs no server. See [`testing`]; all examples in this documentation run on it.
//!
//! # Size
//!
//! ```toml
//! # Cargo.toml: a component half the size. Names stay, for the backtraces of traps.
//! [profile.release]
//! opt-level = "s"
//! lto = true
//! codegen-units = 1
//! strip = "debuginfo"
//! ```
//!
//! ```toml
//! # .cargo/config.toml: a stack of 64 KiB, and so an instance of 128 KiB instead of 1.06 MiB. One that
//! # overflows traps.
//! [target.wasm32-wasip2]
//! rustflags = ["-Clink-arg=-zstack-size=65536"]
//! ```

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
    pub use crate::export::{Exports, Plugin, SDK, prepare};
}
