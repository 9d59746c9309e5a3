//! Jackfield: a WebSocket server whose business logic is a WebAssembly component.
//!
//! This crate is the host: it owns sockets, threads, configuration and assembly. The protocol is in
//! `jackfield-proto`, the table of connections in `jackfield-hub`, the plugin engine in `jackfield-plugin`.
//! [`server::Server`] puts them together.
#![forbid(unsafe_code)]

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
