//! What a plugin may reach beyond its connections: nothing that is not listed here.

use std::path::PathBuf;

use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// The grants of a plugin; the default grants nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Environment variables, by name and value.
    pub environment: Vec<(String, String)>,
    /// Directories of the host.
    pub directories: Vec<GrantedDirectory>,
}

/// A directory of the host that a plugin sees, with everything below it. Links out of it lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedDirectory {
    /// Where it is on the host.
    pub host: PathBuf,
    /// What the guest calls it.
    pub guest: String,
    /// Whether the guest may change anything in it.
    pub writable: bool,
}

/// A granted directory cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the granted directory {} cannot be opened: {reason}", directory.display())]
pub(crate) struct GrantError {
    directory: PathBuf,
    reason: String,
}

impl Grants {
    pub(crate) fn apply(&self, wasi: &mut WasiCtxBuilder) -> Result<(), GrantError> {
        wasi.envs(&self.environment);
        for directory in &self.directories {
            let permissions = if directory.writable {
                FsPerms::ReadWrite
            } else {
                FsPerms::ReadOnly
            };
            wasi.preopened_dir(&directory.host, &directory.guest, permissions)
                .map_err(|error| GrantError {
                    directory: directory.host.clone(),
                    reason: format!("{error:#}"),
                })?;
        }
        Ok(())
    }
}
