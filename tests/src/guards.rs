//! What the guards of STYLE.md need: the files of the repository, and which lines of a Rust file are tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::artefacts::root;

/// Every file that belongs to the repository, tracked or new, but nothing that is ignored. Relative paths.
///
/// # Panics
/// When git cannot be asked and the walk instead of it fails.
pub fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .current_dir(root())
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output();
    let mut files: Vec<PathBuf> = match output {
        Ok(output) if output.status.success() => output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()))
            .collect(),
        _ => walk(root(), root()),
    };
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    files
}

/// The files that end in `.rs`.
///
/// # Panics
/// As [`files`].
pub fn rust_files() -> Vec<PathBuf> {
    let mut files = files();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files
}

/// The text of a file of the repository.
///
/// # Panics
/// When it cannot be read.
#[track_caller]
pub fn read(file: &Path) -> String {
    let bytes = std::fs::read(root().join(file)).expect("a file of the repository");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a whole file is test code: in a folder `tests`, or the body of a `mod tests` beside its module.
pub fn is_test_file(file: &Path) -> bool {
    file.components()
        .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches")
        || file.file_name().is_some_and(|name| name == "tests.rs")
}

/// Lines before a file's own `#[cfg(test)]` module.
pub fn lines_of_code(text: &str) -> usize {
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let opens_tests = |next: Option<&(usize, &str)>| {
            next.is_some_and(|(_, next)| next.starts_with("mod ") && next.ends_with('{'))
        };
        if line == "#[cfg(test)]" && opens_tests(lines.peek()) {
            return number;
        }
    }
    text.lines().count()
}

fn walk(folder: &Path, root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)
        .expect("a folder of the repository")
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && name != ".git" && name != "node_modules" {
                files.extend(walk(&path, root));
            }
        } else if let Ok(relative) = path.strip_prefix(root) {
            files.push(relative.to_path_buf());
        }
    }
    files
}
