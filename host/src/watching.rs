//! Notices that files change. Says only that something below a folder or in a file did, once it has been quiet for a
//! moment; what that means is for whoever watches.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A save is over when nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(120);
/// What changes without a pause is looked at after this long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Folders that are watched below one root; a project has fewer.
const FOLDERS: usize = 2048;
/// Changes that wait to be looked at; more say nothing new.
const WAITING: usize = 64;
/// What builds write, and what is not the project's own.
const IGNORED: [&str; 6] = [
    "target",
    "node_modules",
    "__pycache__",
    "dist",
    "build",
    "venv",
];

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// One file, which may be replaced, removed and made again.
    File(PathBuf),
    /// Every file below a folder, except hidden ones and what builds write.
    Sources(PathBuf),
}

/// A stream of changes.
pub struct Watching {
    watched: Watched,
    watcher: RecommendedWatcher,
    folders: HashSet<PathBuf>,
    changes: mpsc::Receiver<()>,
}

impl Watching {
    /// Begins to watch.
    ///
    /// # Errors
    /// When the system has no more watches to give, or the folder is not there.
    pub fn new(watched: Watched) -> notify::Result<Watching> {
        let (change, changes) = mpsc::channel(WAITING);
        let filter = watched.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let changed = match event {
                Ok(event) => {
                    !matches!(event.kind, EventKind::Access(_))
                        && event.paths.iter().any(|path| filter.means(path))
                }
                // Events were lost: better one look too many.
                Err(_) => true,
            };
            if changed {
                // Full: whoever looks next sees this change too.
                let _ = change.try_send(());
            }
        })?;
        let mut watching = Watching {
            watched,
            watcher,
            folders: HashSet::new(),
            changes,
        };
        watching.follow()?;
        Ok(watching)
    }

    /// Waits for the next change, and until it is over.
    pub async fn changed(&mut self) -> Option<()> {
        self.changes.recv().await?;
        // Ends with quiet, or when patience does.
        let _ = timeout(PATIENCE, async {
            while let Ok(Some(())) = timeout(QUIET, self.changes.recv()).await {}
        })
        .await;
        if let Err(error) = self.follow() {
            tracing::warn!(%error, "a new folder is not watched");
        }
        Some(())
    }

    /// Watches the folders that there are now.
    fn follow(&mut self) -> notify::Result<()> {
        let wanted = match &self.watched {
            // The folder, because a file that is replaced is another file.
            Watched::File(file) => vec![file.parent().unwrap_or(Path::new("/")).to_owned()],
            Watched::Sources(root) => source_folders(root),
        };
        self.folders.retain(|folder| folder.is_dir());
        for folder in wanted {
            if self.folders.insert(folder.clone()) {
                self.watcher.watch(&folder, RecursiveMode::NonRecursive)?;
            }
        }
        Ok(())
    }
}

impl Watched {
    fn means(&self, path: &Path) -> bool {
        match self {
            Watched::File(file) => path.file_name() == file.file_name(),
            Watched::Sources(root) => path
                .strip_prefix(root)
                .unwrap_or(path)
                .iter()
                .all(|part| !is_ignored(&part.to_string_lossy())),
        }
    }
}

/// The folder and those below it, within bounds.
fn source_folders(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while let Some(folder) = found.get(next).cloned() {
        next += 1;
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            // A link is not followed: it may lead back up.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder
                && !is_ignored(&entry.file_name().to_string_lossy())
                && found.len() < FOLDERS
            {
                found.push(entry.path());
            }
        }
    }
    found
}

fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || IGNORED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builds_write_is_not_a_source() {
        let sources = Watched::Sources("/p".into());
        assert!(sources.means(Path::new("/p/src/lib.rs")));
        assert!(sources.means(Path::new("/p/Cargo.toml")));
        assert!(!sources.means(Path::new("/p/target/wasm32-wasip2/release/p.wasm")));
        assert!(!sources.means(Path::new("/p/.git/index")));
        assert!(!sources.means(Path::new("/p/src/.lib.rs.swp")));
        let file = Watched::File("/p/echo.wasm".into());
        assert!(file.means(Path::new("/p/echo.wasm")));
        assert!(!file.means(Path::new("/p/other.wasm")));
    }
}
