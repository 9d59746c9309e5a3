//! Compiled code on disk, so that a second start does not compile again.
//!
//! One file for each component and engine: its name is the component's digest and a fingerprint of everything
//! that the compiled code depends on. A file that is missing, damaged or from elsewhere is ignored and written
//! anew; nothing that goes wrong here keeps a plugin from loading. Only so many files are kept; the ones that
//! were used last stay.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::digest::Digest;

/// The folder of one engine's compiled code.
pub(crate) struct Cache {
    folder: PathBuf,
    fingerprint: String,
}

/// Files that are kept.
const FILES: usize = 64;
/// Bytes of the digest in front of the compiled code.
const DIGEST_BYTES: usize = 32;

impl Cache {
    /// Opens the folder, or makes it. None, with a warning that says what to do, when it cannot be trusted.
    pub(crate) fn open(folder: &Path, engine: &wasmtime::Engine) -> Option<Cache> {
        match private_folder(folder) {
            Ok(()) => Some(Cache {
                folder: folder.to_owned(),
                fingerprint: fingerprint(engine),
            }),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), "compiled code is not cached: {error}");
                None
            }
        }
    }

    /// The compiled component, if a sound one is there.
    pub(crate) fn take(&self, engine: &wasmtime::Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(file = %path.display(), "cached code cannot be read: {error}");
                }
                return None;
            }
        };
        let sound = bytes
            .split_at_checked(DIGEST_BYTES)
            .filter(|(expected, code)| *expected == Digest::of(code).bytes());
        let Some((_, code)) = sound else {
            tracing::warn!(file = %path.display(), "cached code is damaged; compiling again");
            return None;
        };
        match deserialize(engine, code) {
            Ok(component) => {
                mark_used(&path);
                Some(component)
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), "cached code is of no use; compiling again: {error:#}");
                None
            }
        }
    }

    /// Keeps a compiled component. A reader sees all of it or nothing.
    pub(crate) fn put(&self, component: &Component, digest: &Digest) {
        let path = self.path(digest);
        let kept = component
            .serialize()
            .map_err(|error| io::Error::other(format!("{error:#}")))
            .and_then(|code| write_whole(&self.folder, &path, &code))
            .and_then(|()| prune(&self.folder, FILES));
        if let Err(error) = kept {
            tracing::warn!(file = %path.display(), "compiled code cannot be cached: {error}");
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder
            .join(format!("{digest}-{}.cwasm", self.fingerprint))
    }
}

/// Turns compiled code back into a component.
#[allow(
    unsafe_code,
    reason = "the engine offers no other way to load code that it compiled earlier; see SAFETY"
)]
fn deserialize(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the engine runs what it is given, so the bytes must be what `Component::serialize` gave. They come
    // from a folder that only this user can enter or write (`private_folder` refuses any other), whoever can
    // write there can as well replace this program; only `put` writes these names, by renaming a file that is
    // complete; the digest in front of the code was just compared, which finds damage; and the engine itself
    // refuses code of another version, target or configuration.
    unsafe { Component::deserialize(engine, code) }
}

/// Everything that decides whether compiled code fits: the engine's version, target and settings.
fn fingerprint(engine: &wasmtime::Engine) -> String {
    let mut hasher = Fingerprint(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A hasher whose result is the same in every process.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        digest
            .iter()
            .take(8)
            .fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Makes the folder if need be and sees to it that nobody else can write there.
fn private_folder(folder: &Path) -> io::Result<()> {
    make_folder(folder)?;
    // The owner of a new file is this user, whom the standard library cannot name otherwise.
    let probe = folder.join(temporary_name());
    let file = create_new(&probe)?;
    let owned = check_owner(folder, &file.metadata()?);
    drop(file);
    fs::remove_file(&probe)?;
    owned
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn check_owner(folder: &Path, ours: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != ours.uid() {
        return Err(io::Error::other(
            "the folder belongs to another user: name one of your own",
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "other users can enter the folder: make it private (chmod 700)",
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Writes beside the place and renames.
fn write_whole(folder: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    let temporary = folder.join(temporary_name());
    let written = create_new(&temporary).and_then(|mut file| {
        file.write_all(Digest::of(code).bytes())?;
        file.write_all(code)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        // Nothing more can be done about a leftover than to say why writing failed.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// So that `prune` knows. A file that cannot be marked is only compiled again sooner.
fn mark_used(path: &Path) {
    let marked = fs::File::options().append(true).open(path);
    if let Err(error) = marked.and_then(|file| file.set_modified(SystemTime::now())) {
        tracing::debug!(file = %path.display(), "not marked as used: {error}");
    }
}

/// Removes what was used longest ago, until no more files than this are left. Touches no names but its own.
fn prune(folder: &Path, keep: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "cwasm" || extension == "tmp")
        {
            files.push((entry.metadata()?.modified()?, path));
        }
    }
    files.sort();
    let surplus = files.len().saturating_sub(keep);
    files
        .iter()
        .take(surplus)
        .try_for_each(|(_, path)| fs::remove_file(path))
}

fn create_new(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// A name that no other process and no other thread uses.
fn temporary_name() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!(".{}-{number}.tmp", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let folder = std::env::temp_dir().join(format!("jackfield-prune-{}", std::process::id()));
        make_folder(&folder).unwrap();
        for (age, name) in [
            (3, "c.cwasm"),
            (1, "a.cwasm"),
            (2, ".b.tmp"),
            (9, "notes.txt"),
        ] {
            let file = fs::File::create(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(60 * age))
                .unwrap();
        }
        prune(&folder, 2).unwrap();
        let mut left: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, [".b.tmp", "a.cwasm", "notes.txt"]);
        mark_used(&folder.join(".b.tmp"));
        prune(&folder, 1).unwrap();
        assert!(folder.join(".b.tmp").exists() && !folder.join("a.cwasm").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
