//! Begins projects: a sample plugin under another name, with the SDK that it needs, in a folder of its own. The samples
//! and the SDKs are those of the repository, as they were when this program was built; nothing is downloaded here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::building::languages::{Language, Template};

/// Every file of the samples, the SDKs and the transcripts, by its path in the repository, sorted.
static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Where a project has its SDK. Not `vendor`: that is Go's.
const SDK: &str = "sdk";
/// Where a project has its transcripts; `jackfield test` looks there.
pub const TRANSCRIPTS: &str = "transcripts";
/// The longest name.
const LONGEST: usize = 64;

/// What a project's name can be, in words.
pub const NAMES: &str = "a name begins with a letter and has letters, digits and single '-' only, all lower case, at most 64";

/// Names that a toolchain has another use for.
const TAKEN: [&str; 12] = [
    "alloc",
    "app",
    "core",
    "jackfield-guest",
    "main",
    "plugin",
    "proc-macro",
    "self",
    "std",
    "super",
    "test",
    "wit-world",
];

/// Why no project was begun. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name cannot be used.
    #[error("'{0}' cannot be the name of a plugin: {NAMES}")]
    Name(String),
    /// The name means something else to a toolchain.
    #[error(
        "'{0}' cannot be the name of a plugin: it means something else to the toolchains; add a word, such as {0}-plugin"
    )]
    Taken(String),
    /// There is something of that name.
    #[error("{} is there already, and is left as it is; choose another name", .0.display())]
    Exists(PathBuf),
    /// The language has no such template.
    #[error("there is no template '{template}' for {language}; there is: {known}")]
    Template {
        /// What was asked for.
        template: String,
        /// The language.
        language: &'static str,
        /// Those that there are.
        known: String,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A template of a language by its name; without a name the first.
///
/// # Errors
/// [`NewError::Template`] when it has no such template.
pub fn template(
    language: &'static Language,
    name: Option<&str>,
) -> Result<&'static Template, NewError> {
    let mut templates = language.templates.iter();
    let found = match name {
        None => templates.next(),
        Some(name) => templates.find(|template| template.name == name),
    };
    found.ok_or_else(|| NewError::Template {
        template: name.unwrap_or_default().to_owned(),
        language: language.name,
        known: known(language),
    })
}

/// The names of a language's templates.
fn known(language: &Language) -> String {
    let names: Vec<_> = language.templates.iter().map(|each| each.name).collect();
    names.join(", ")
}

/// Whether a project can have this name: it becomes a package of every registry, a file and a key of the configuration.
///
/// # Errors
/// [`NewError::Name`] or [`NewError::Taken`] when it cannot.
pub fn check_name(name: &str) -> Result<(), NewError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = name.len() <= LONGEST
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !name.ends_with('-')
        && !name.contains("--");
    if !good {
        return Err(NewError::Name(name.to_owned()));
    }
    if TAKEN.contains(&name) {
        return Err(NewError::Taken(name.to_owned()));
    }
    Ok(())
}

/// Begins a project in a new folder of its name below `parent`; gives that folder.
///
/// # Errors
/// When the name cannot be used or is taken, or the system refuses.
pub fn create(
    parent: &Path,
    name: &str,
    language: &Language,
    template: &Template,
) -> Result<PathBuf, NewError> {
    check_name(name)?;
    let root = parent.join(name);
    match fs::create_dir(&root) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(NewError::Exists(root));
        }
        Err(source) => return Err(NewError::Write { path: root, source }),
    }
    for (path, content) in files(name, language, template) {
        let path = root.join(path);
        if let Err(source) = write(&path, &content) {
            // The folder was made here, so everything in it is ours.
            let _ = fs::remove_dir_all(&root);
            return Err(NewError::Write { path, source });
        }
    }
    Ok(root)
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

/// The files of a project, by their paths in it.
fn files(name: &str, language: &Language, template: &Template) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (path, content) in below(&format!("plugins/{}", template.folder)) {
        // Of the sample itself, and its place in the repository.
        if path == "README.md" || path == "jackfield.toml" {
            continue;
        }
        let mut content = renamed(content, name, language, template);
        for (_, more) in language.appended.iter().filter(|(file, _)| *file == path) {
            content.extend_from_slice(more.as_bytes());
        }
        files.push((path.to_owned(), content));
    }
    for (path, content) in below(&format!("guest-sdk/{}", language.sdk)) {
        files.push((format!("{SDK}/{path}"), outside(path, content)));
    }
    for (path, content) in below(&format!("tests/transcripts/{}", template.name)) {
        files.push((format!("{TRANSCRIPTS}/{path}"), content.to_vec()));
    }
    for (path, content) in language.extra {
        files.push(((*path).to_owned(), content.replace("NAME", name).into()));
    }
    files.push((
        "jackfield.toml".into(),
        configuration(name, template).into(),
    ));
    files.push(("README.md".into(), readme(name, language, template).into()));
    files
}

/// The embedded files below a folder, by their paths in it.
fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let folder = format!("{folder}/");
    EMBEDDED
        .iter()
        .filter_map(move |(path, content)| Some((path.strip_prefix(&folder)?, *content)))
}

/// A file of a sample under the project's name, with the SDK where the project has it.
fn renamed(content: &[u8], name: &str, language: &Language, template: &Template) -> Vec<u8> {
    let Ok(text) = str::from_utf8(content) else {
        return content.to_vec();
    };
    let sdk = format!("../../guest-sdk/{}", language.sdk);
    let old = template.folder;
    // With the dot, because Go wants one.
    let text = text.replace(&sdk, &format!("./{SDK}"));
    let lines = text.lines().filter_map(|line| {
        // What the sample says about itself.
        if line.starts_with("license = ") || line.starts_with("description = ") {
            return None;
        }
        // In whatever way a manifest names its project.
        for pattern in [
            "name = \"OLD\"",
            "\"name\": \"OLD\"",
            "NAME = OLD",
            "module OLD",
        ] {
            if line.trim_end_matches(',').trim_start() == pattern.replace("OLD", old) {
                return Some(line.replace(old, name));
            }
        }
        Some(line.to_owned())
    });
    let mut text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
    if !content.ends_with(b"\n") {
        text.pop();
    }
    text.into()
}

/// A file of an SDK as it is outside of the repository's workspace.
fn outside(path: &str, content: &[u8]) -> Vec<u8> {
    match str::from_utf8(content) {
        Ok(text) if path == "Cargo.toml" => text.replace("[lints]\nworkspace = true\n", "").into(),
        _ => content.to_vec(),
    }
}

fn configuration(name: &str, template: &Template) -> String {
    let keys = template.keys;
    format!(
        "\
# Every key, with its default: docs/configuration.md of Jackfield.

[routes.\"/\"]
plugins = [\"{name}\"]

[plugins.{name}]
file = \"dist/{name}.wasm\"
# Built as `jackfield build` does it, by the project's language.
build = {{}}
{keys}"
    )
}

fn readme(name: &str, language: &Language, template: &Template) -> String {
    let (language, does, sample) = (language.name, template.does, template.folder);
    format!(
        "\
# {name}

A Jackfield plugin in {language}. It began as the sample `{sample}`, which {does}.

```sh
jackfield up       # builds it, serves it on ws://127.0.0.1:9000/, and takes over whatever you save
jackfield test     # plays {TRANSCRIPTS}/*.transcript against it, in the real engine, without a network
jackfield build    # only builds: dist/{name}.wasm
```

Leave a client connected while you change the code: it notices the new answers, and no reconnect.

- `jackfield.toml`: routes, limits, who shares an instance's memory.
- `{SDK}`: the SDK; its README.md says what a plugin can do.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::building::languages::LANGUAGES;

    #[test]
    fn names() {
        for good in ["a", "shout", "chat-2", "a1-b2"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "", "A", "1st", "-a", "a-", "a--b", "a_b", "a b", "../a", "a/b", ".", "é", "a\n", &long,
        ] {
            assert!(matches!(check_name(bad), Err(NewError::Name(_))), "{bad:?}");
        }
        assert!(matches!(check_name("test"), Err(NewError::Taken(_))));
    }

    #[test]
    fn every_template_is_embedded_whole_and_renamed() {
        for language in LANGUAGES {
            for template in language.templates {
                let files = files("shout-it", language, template);
                let find = |path: &str| files.iter().find(|(other, _)| other == path);
                let what = format!("{} {}", language.id, template.name);
                assert!(
                    find("jackfield.toml").is_some() && find("README.md").is_some(),
                    "{what}"
                );
                assert!(find(".gitignore").is_some(), "{what}");
                assert!(
                    files.iter().any(|(path, _)| path.ends_with(".transcript")),
                    "{what}"
                );
                assert!(
                    files.iter().any(|(path, _)| path.starts_with(SDK)),
                    "{what}"
                );
                for (path, content) in &files {
                    let text = String::from_utf8_lossy(content);
                    let in_sdk = path.starts_with("sdk/");
                    assert!(
                        in_sdk || !text.contains("guest-sdk/"),
                        "{what}: {path}: {text}"
                    );
                    assert!(
                        !path.contains("node_modules") && !path.contains("dist/"),
                        "{what}: {path}"
                    );
                }
                let named = files.iter().any(|(path, content)| {
                    let text = String::from_utf8_lossy(content);
                    path != "jackfield.toml" && path != "README.md" && text.contains("shout-it")
                });
                assert!(named, "{what}: no manifest has the new name");
            }
        }
    }
}
