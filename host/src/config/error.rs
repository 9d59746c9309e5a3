//! Why there is no configuration. What is wrong inside the file is in `report.rs`.

use super::report::Problems;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error(
        "{path}: no such file\n  start in the folder that holds it, name it with --config FILE, or serve one plugin \
         without a configuration: jackfield run PLUGIN.wasm"
    )]
    Missing {
        /// As the user wrote it.
        path: String,
    },
    /// The system refused to read it.
    #[error("{path}: cannot be read: {source}")]
    Unreadable {
        /// As the user wrote it.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Above [`FILE_BYTES`](super::FILE_BYTES).
    #[error("{path}: larger than 1 MiB, so it is not a configuration")]
    TooLarge {
        /// As the user wrote it.
        path: String,
    },
    /// Not UTF-8.
    #[error("{path}:{line}: not UTF-8 text")]
    NotText {
        /// As the user wrote it.
        path: String,
        /// The line of the first bad byte, from 1.
        line: usize,
    },
    /// Every problem of the file.
    #[error("{0}")]
    Invalid(Problems),
}
