//! The environment of a build command. Under `cargo run`, cargo describes the package it runs in variables
//! that a nested cargo would take for its own.

use std::process::{Command, Stdio};

/// Removes what an outer cargo said about itself, and asks for plain, non-interactive output.
///
/// What a person may have set for every cargo (`CARGO_HOME`, `CARGO_TARGET_DIR`, `CARGO_NET_OFFLINE`,
/// `RUSTFLAGS`, `RUSTUP_TOOLCHAIN`, …) stays.
pub(super) fn prepare(command: &mut Command, colour: bool) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_about_the_outer_package) {
            command.env_remove(&name);
        }
    }
    if std::env::var_os("CARGO_TERM_COLOR").is_none() {
        let when = if colour { "always" } else { "never" };
        command.env("CARGO_TERM_COLOR", when);
    }
    command
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
        .stdin(Stdio::null());
}

/// The variables that cargo sets for the program it runs and for crates it compiles.
fn is_about_the_outer_package(name: &str) -> bool {
    const EXACT: [&str; 7] = [
        "CARGO",
        "CARGO_CRATE_NAME",
        "CARGO_MAKEFLAGS",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
        "OUT_DIR",
        "RUST_RECURSION_COUNT",
    ];
    const BEGINNINGS: [&str; 5] = [
        "CARGO_BIN_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
    ];
    EXACT.contains(&name)
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::is_about_the_outer_package;

    #[test]
    fn what_goes_and_what_stays() {
        for name in [
            "CARGO",
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "CARGO_BIN_EXE_x",
            "OUT_DIR",
        ] {
            assert!(is_about_the_outer_package(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_NET_OFFLINE",
            "RUSTUP_TOOLCHAIN",
            "PATH",
        ] {
            assert!(!is_about_the_outer_package(name), "{name}");
        }
    }
}
