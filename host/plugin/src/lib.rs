//! Plugins: checking, compiling and calling WebAssembly components of the contract `jackfield:plugin`.
//!
//! The only crate of the workspace that names the engine (wasmtime), and it does so nowhere in its public
//! types: the host sees [`Engine`], [`Plugin`] and [`Instance`], and implements [`Services`]. What the host
//! makes of a trap, a timeout or a refusal is not decided here.
//!
//! The order of use: [`Engine::new`] once; [`Engine::load`] for each version of a plugin (blocking, never on
//! a worker); [`Plugin::instantiate`] on the thread that will make the calls; then the hooks of [`Instance`],
//! one call at a time. [`inspect`] looks at a component without an engine.

#![deny(unsafe_code)]

mod bindings;
mod cache;
mod calls;
mod check;
mod clock;
mod digest;
mod engine;
mod error;
mod grants;
mod hooks;
mod imports;
mod instance;
mod limits;
mod linker;
mod native;
mod output;
mod plugin;
mod services;
mod state;
mod types;

pub use check::{Hook, Inspection, inspect};
pub use clock::put_clocks_ahead;
pub use digest::Digest;
pub use engine::{Engine, EngineConfig};
pub use error::{CallError, EngineError, LoadError, Mismatch, NotAComponent};
pub use grants::{GrantedDirectory, Grants};
pub use instance::{Instance, STATE_BYTES};
pub use limits::InstanceLimits;
pub use native::Handler;
pub use plugin::{Exports, Plugin};
pub use services::{GuestStream, Reply, Services};
pub use types::{
    AttributeError, CloseError, ConnectionId, ConnectionInfo, Ending, ErrorKind, Header,
    MessageRef, Rejection, SendError, UpgradeRequest,
};

/// The versions of the contract that this host serves. A component built for another version of the same
/// 0.x line (`0.1.*` for `0.1.0`) is served too, as published interfaces never change within it.
pub const CONTRACT_VERSIONS: &[&str] = &["0.1.0"];
