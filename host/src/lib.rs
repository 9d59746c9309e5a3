//! Jackfield: a WebSocket server whose business logic is a WebAssembly component.
//!
//! This crate is the host: it owns sockets, threads, configuration and assembly. The protocol is in
//! `jackfield-proto`, the table of connections in `jackfield-hub`, the plugin engine in `jackfield-plugin`.
//! [`server::Server`] puts them together.
//!
//! # In a program of your own
//!
//! A Rust program can have the server in it: with a configuration that it makes ([`config::Config`]), on a listener of its
//! own or on streams that it accepted by itself ([`server::Listen`], [`server::Door`]), and with hooks in Rust in place of a
//! component ([`plugin::Handler`]). This is `examples/embedded.rs`:
//!
//! ```no_run
#![doc = include_str!("../examples/embedded.rs")]
//! ```
#![forbid(unsafe_code)]

pub use jackfield_plugin as plugin;

pub mod admin;
pub mod building;
pub mod cli;
pub mod config;
pub mod playground;
pub mod projects;
pub mod server;

pub mod swap;
pub mod transcript;
pub mod watching;

mod clock;
mod connection;
mod dispatch;
mod instances;
mod metrics;
mod worker;
