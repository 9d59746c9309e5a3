//! Puts the sample plugins, the SDKs and the samples' transcripts into the program, so that `jackfield new` needs nothing
//! else. What the repository ignores (`.gitignore`: artefacts, installed packages) stays out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What is put in, below the repository's root.
const FOLDERS: [&str; 3] = ["plugins", "guest-sdk", "tests/transcripts"];
/// Folders of an SDK that its users do not need.
const TESTS: [&str; 2] = ["test", "tests"];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in FOLDERS {
        walk(&root, Path::new(folder), &mut files)?;
    }
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let from = root.join(file).canonicalize()?;
        let line = writeln!(code, "    ({file:?}, include_bytes!({from:?})),");
        line.map_err(io::Error::other)?;
    }
    code.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(PathBuf::from(out).join("embedded.rs"), code)
}

/// Collects the files below a folder; whether all that is in it was collected.
fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<bool> {
    let rules = fs::read_to_string(root.join(folder).join(".gitignore")).unwrap_or_default();
    let mut whole = true;
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        // Follows links: a link to the contract is the contract.
        let is_folder = root.join(&path).is_dir();
        let of_an_sdk = folder.parent() == Some(Path::new("guest-sdk"));
        let tests = of_an_sdk && TESTS.contains(&name.as_str());
        if tests || is_ignored(&rules, &name) || is_made(&name) {
            whole = false;
        } else if is_folder {
            whole &= walk(root, &path, files)?;
        } else {
            println!("cargo::rerun-if-changed={}", root.join(&path).display());
            files.push(path);
        }
    }
    if whole {
        // New files too. A folder with artefacts in it would change with every build of those.
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    Ok(whole)
}

/// The rules of this repository are names, with a slash before or behind.
fn is_ignored(rules: &str, name: &str) -> bool {
    let mut rules = rules.lines().map(|rule| rule.trim_matches('/'));
    rules.any(|rule| match rule.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => rule == name,
    })
}

/// What tools leave in any folder.
fn is_made(name: &str) -> bool {
    name == "target" || name == "node_modules" || name == "__pycache__" || name.ends_with(".pyc")
}
