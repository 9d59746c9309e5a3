//! The plugins in languages other than Rust: found where their own toolchains put them (`dist/`), never built by a test.
//! What is missing is said, with where it is described how to build it.
//!
//! `JACKFIELD_REQUIRE_LANGUAGES` names languages, with commas between them, whose plugins must be there.

use std::io::Write as _;
use std::path::PathBuf;

use crate::artefacts::root;

/// A language, and what its toolchain made.
pub type Built = (String, PathBuf);

/// The echo samples that are built here.
pub fn echoes() -> Vec<Built> {
    built(&["js", "ts", "python", "c", "cpp", "go"], "plugins/echo-")
}

/// The plugins with every hook that are built here.
pub fn conforming() -> Vec<Built> {
    built(
        &["js", "python", "c", "cpp", "go"],
        "tests/languages/conform-",
    )
}

fn built(languages: &[&str], start: &str) -> Vec<Built> {
    let files = languages.iter().map(|language| {
        let file = sample(&format!("{start}{language}"))?;
        Some(((*language).to_owned(), file))
    });
    files.flatten().collect()
}

/// The component of a project, by its folder in the repository; its last part ends with the language.
///
/// # Panics
/// When it is not built, and its language must be there.
pub fn sample(folder: &str) -> Option<PathBuf> {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    let file = root().join(folder).join(format!("dist/{name}.wasm"));
    if file.exists() {
        return Some(file);
    }
    let line = format!("skipped: {folder} is not built here, see its README.md or that of its SDK");
    let language = name.rsplit('-').next().unwrap_or(name);
    let required = std::env::var("JACKFIELD_REQUIRE_LANGUAGES").unwrap_or_default();
    assert!(
        !required.split(',').any(|each| each == language),
        "{line} (JACKFIELD_REQUIRE_LANGUAGES={required})"
    );
    // Not `eprintln!`: the test harness keeps that to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "{line}");
    None
}
