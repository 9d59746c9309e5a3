//! What a comparison runs: the host's binary, the echo component, the load generator and the peers. Each package is
//! built by itself: in one build cargo would give the host the features that the peers ask of shared dependencies.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;

/// Where everything is.
pub(super) struct Artefacts {
    /// The server.
    pub(super) jackfield: PathBuf,
    /// The echo plugin.
    pub(super) echo: PathBuf,
    /// The load generator.
    pub(super) load: PathBuf,
    /// The Rust peers.
    pub(super) peer: PathBuf,
    /// The folder for configurations, logs and results.
    pub(super) output: PathBuf,
}

impl Artefacts {
    pub(super) fn build(options: &Options) -> io::Result<Artefacts> {
        if cfg!(debug_assertions) {
            return Err(io::Error::other(
                "a debug build measures nothing: cargo run --release …",
            ));
        }
        let here = std::env::current_exe()?;
        // TARGET/release/compare
        let profile = here.parent().unwrap_or(Path::new("."));
        let target = profile.parent().unwrap_or(Path::new("."));
        let output = options
            .output
            .clone()
            .unwrap_or_else(|| target.join("benches"));
        std::fs::create_dir_all(&output)?;

        cargo(target, &["build", "--release", "-p", "benches", "--bins"])?;
        let guest = [
            "build",
            "--profile",
            "guest",
            "--target",
            "wasm32-wasip2",
            "-p",
            "echo",
        ];
        cargo(target, &guest)?;
        let jackfield = match &options.jackfield {
            Some(file) => file.canonicalize()?,
            None => {
                cargo(target, &["build", "--release", "-p", "jackfield"])?;
                profile.join("jackfield")
            }
        };
        Ok(Artefacts {
            jackfield,
            echo: target.join("wasm32-wasip2/guest/echo.wasm"),
            load: profile.join("load"),
            peer: profile.join("peer"),
            output: output.canonicalize()?,
        })
    }
}

/// The folder of this package.
pub(super) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(target: &Path, arguments: &[&str]) -> io::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .current_dir(folder())
        .args(arguments)
        .arg("--target-dir")
        .arg(target);
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "cargo {} failed",
        arguments.join(" ")
    )))
}
