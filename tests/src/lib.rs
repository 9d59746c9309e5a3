//! The end-to-end harness: builds the guests, starts the real `jackfield` binary with a generated
//! configuration, and talks to it with a client that writes raw bytes.
//!
//! It must never share code with the server: neither `jackfield-proto` nor any other crate of the host is
//! a dependency, so that a mistake in the server cannot hide behind the same mistake in its tests.
//!
//! Everything waits with a bound ([`PATIENCE`]) and nothing asserts how long something took.

#![forbid(unsafe_code)]

use std::time::Duration;

pub mod admin;
pub mod artefacts;
pub mod client;
pub mod crowd;
pub mod frame;
pub mod guards;
pub mod http;
pub mod languages;
pub mod log;
pub mod process;
pub mod schema;
pub mod server;
pub mod setup;
pub mod temp;
pub mod tls;
pub mod tools;
pub mod versions;

pub use client::{Client, Incoming};
pub use crowd::Crowd;
pub use frame::{Frame, Wire};
pub use http::{Request, Response};
pub use server::Server;
pub use setup::{Plugin, Setup};

/// How long a test waits for something that must happen before it fails. Long, because a loaded machine
/// is slow; nothing that works comes near it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a test listens to be sure that nothing comes. Too short can only miss a bug, never invent one.
pub const SILENCE: Duration = Duration::from_millis(150);

/// Polls `ready` until it is true.
///
/// # Panics
/// When it is not within [`PATIENCE`]; `what` names it in the message.
#[track_caller]
pub fn eventually(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !ready() {
        assert!(
            std::time::Instant::now() < deadline,
            "did not happen within {PATIENCE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a check for every row of a table and fails once, with the names of all rows that failed; the messages
/// of the single failures are printed before.
///
/// # Panics
/// When a row's check panicked.
#[track_caller]
pub fn table<R: std::panic::RefUnwindSafe>(
    rows: &[R],
    name: impl Fn(&R) -> &str,
    check: impl Fn(&R) + std::panic::RefUnwindSafe,
) {
    let mut failed = Vec::new();
    for row in rows {
        if std::panic::catch_unwind(|| check(row)).is_err() {
            eprintln!("  ^ in the row {:?}", name(row));
            failed.push(name(row).to_owned());
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} rows failed: {failed:#?}",
        failed.len(),
        rows.len()
    );
}
