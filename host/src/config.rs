//! `jackfield.toml`: from the file to a [`Config`] in which nothing can be wrong, or to every problem of
//! the file at once. This room reads one file and its own environment; it never opens a socket, never
//! loads a plugin and never prints.

mod admin;
mod error;
mod field;
mod listener;
mod report;
mod resolve;
pub mod resolved;
mod shown;
mod unit;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use admin::TOKEN_VARIABLE;
pub use error::ConfigError;
pub use report::{Problem, Problems};
pub use resolved::Config;

pub(crate) use report::{escaped, nearest, shown};
pub(crate) use unit::duration;

/// The largest configuration file that is read, in bytes. A larger one is a mistake (a wrong `--config`).
pub const FILE_BYTES: u64 = 1024 * 1024;

/// Reads and checks a configuration file. Paths in it are relative to the folder that holds it.
///
/// # Errors
/// When the file cannot be read, or with every problem found in it.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let shown = || path.display().to_string();
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing { path: shown() },
        _ => ConfigError::Unreadable {
            path: shown(),
            source,
        },
    };
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let file = std::fs::File::open(&absolute).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(ConfigError::TooLarge { path: shown() });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error
            .as_bytes()
            .iter()
            .take(good)
            .filter(|byte| **byte == b'\n')
            .count();
        ConfigError::NotText {
            path: shown(),
            line,
        }
    })?;
    let directory = absolute.parent().unwrap_or(Path::new("/"));
    parse(&text, &shown(), directory)
}

/// Checks a configuration's text. `name` is what problems call the file; relative paths are resolved
/// against `directory`.
///
/// # Errors
/// With every problem found.
pub fn parse(text: &str, name: &str, directory: &Path) -> Result<Config, ConfigError> {
    resolve::resolve(text, directory).map_err(|mut problems| {
        problems.file = name.to_owned();
        ConfigError::Invalid(problems)
    })
}

/// The configuration of `jackfield run`: this one plugin on `/`, listening on `address`, everything else
/// at its default. The plugin is named after its file.
pub fn for_plugin(file: PathBuf, address: SocketAddr) -> Config {
    resolve::for_plugin(file, address)
}
