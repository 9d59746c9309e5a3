//! The languages that a plugin can be written in: one file each, and this table. A language says by which files its
//! projects are known, which commands make a component of one, and what is needed for them.

mod c;
mod go;
mod javascript;
mod python;
mod rust;

use std::path::{Path, PathBuf};

/// A language.
#[derive(Debug)]
pub struct Language {
    /// As in `jackfield new --lang`.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// Whether a folder holds a project in it.
    pub recognises: fn(&Path) -> bool,
    /// How to build the project in a folder.
    pub plan: fn(&Path) -> Result<Plan, ProjectError>,
    /// What `jackfield new` can begin with; the first is the default.
    pub templates: &'static [Template],
    /// The SDK's folder in the repository, below `guest-sdk`.
    pub sdk: &'static str,
    /// Files that a new project has beside those of its template: path and content, in which `NAME` is its name.
    pub extra: &'static [(&'static str, &'static str)],
    /// Appended to a file of the template.
    pub appended: &'static [(&'static str, &'static str)],
}

/// A sample plugin that a project can begin as.
#[derive(Debug)]
pub struct Template {
    /// As in `jackfield new --template`.
    pub name: &'static str,
    /// Its folder in the repository, below `plugins`; also the name that it has in its manifest.
    pub folder: &'static str,
    /// What it does, in a few words.
    pub does: &'static str,
    /// What its plugin's table in `jackfield.toml` has beside the file and the build.
    pub keys: &'static str,
}

/// How a project becomes a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The commands, in order.
    pub steps: Vec<Step>,
    /// The file that they make, in the project's folder.
    pub made: PathBuf,
    /// Where the component belongs, in the project's folder: `dist/NAME.wasm`.
    pub component: PathBuf,
}

/// One command of a build, run in the project's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Why it is run, where that is not plain: `installing what package.json names`.
    pub note: Option<&'static str>,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Variables that it gets beside this process's own.
    pub environment: Vec<(String, String)>,
    /// What is said when the program is not there.
    pub tool: Tool,
}

/// A program that a build needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What it is, for people: `Node.js`.
    pub name: &'static str,
    /// How it is installed: one or more commands to paste, or a place to go.
    pub install: &'static str,
}

/// Why a project cannot be built, before anything is run.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No language knows these files.
    #[error(
        "{}: no project that `jackfield build` knows: there is {}\n  go to the project's folder, or begin one with `jackfield new`",
        directory.display(), known_files()
    )]
    Unknown {
        /// Where.
        directory: PathBuf,
    },
    /// The project's own description cannot be used.
    #[error("{}: {problem}", file.display())]
    Manifest {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Every language, in the order in which a project is asked whose it is.
pub const LANGUAGES: &[&Language] = &[
    &rust::RUST,
    &javascript::TYPESCRIPT,
    &javascript::JAVASCRIPT,
    &python::PYTHON,
    &go::GO,
    &c::CPP,
    &c::C,
];

/// The language of the project in a folder.
///
/// # Errors
/// [`ProjectError::Unknown`] when there is none.
pub fn detect(directory: &Path) -> Result<&'static Language, ProjectError> {
    let found = LANGUAGES
        .iter()
        .find(|language| (language.recognises)(directory));
    found.copied().ok_or_else(|| ProjectError::Unknown {
        directory: directory.to_owned(),
    })
}

fn known_files() -> &'static str {
    "no Cargo.toml, package.json, pyproject.toml, go.mod, or Makefile with src/*.c or src/*.cpp"
}

impl Plan {
    /// The plan of a project with this name.
    fn new(name: &str, steps: Vec<Step>) -> Plan {
        let component = Path::new("dist").join(format!("{name}.wasm"));
        Plan {
            steps,
            made: component.clone(),
            component,
        }
    }
}

impl Step {
    fn new(tool: Tool, command: &[&str]) -> Step {
        Step {
            note: None,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            environment: Vec::new(),
            tool,
        }
    }

    fn noted(mut self, note: &'static str) -> Step {
        self.note = Some(note);
        self
    }
}

/// The command that makes a component of a module: on this machine, in the project, or in the project after these steps.
fn jco(directory: &Path, steps: &mut Vec<Step>) -> String {
    const JCO: &str = "@bytecodealliance/jco@1.35.0";
    const NODE: Tool = Tool {
        name: "jco, which comes as a package of Node.js",
        install: "sudo apt-get install nodejs npm    (or https://nodejs.org)",
    };
    if on_path("jco").is_some() {
        return "jco".to_owned();
    }
    let own = directory.join("node_modules/.bin/jco");
    if !own.exists() {
        let install = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--loglevel=error",
            JCO,
        ];
        steps.push(Step::new(NODE, &install).noted("installing what makes components of modules"));
    }
    // Absolute, because it may be run in another folder.
    own.display().to_string()
}

/// Where a program is on this machine.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(program));
    files.find(|file| file.is_file())
}

/// The text of a project's file.
fn read(directory: &Path, name: &str) -> Result<String, ProjectError> {
    let file = directory.join(name);
    std::fs::read_to_string(&file).map_err(|error| ProjectError::Manifest {
        file,
        problem: error.to_string(),
    })
}

fn manifest(directory: &Path, name: &str, problem: impl Into<String>) -> ProjectError {
    ProjectError::Manifest {
        file: directory.join(name),
        problem: problem.into(),
    }
}

/// A name that can be the name of a file.
fn checked(directory: &Path, file: &str, name: Option<&str>) -> Result<String, ProjectError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match name {
        Some(name) if name.chars().all(plain) && !name.starts_with('.') && !name.is_empty() => {
            Ok(name.to_owned())
        }
        Some(name) => Err(manifest(
            directory,
            file,
            format!("the name '{name}' cannot be the name of a file"),
        )),
        None => Err(manifest(directory, file, "the project has no name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_templates_are_unique_and_present() {
        for (number, language) in LANGUAGES.iter().enumerate() {
            assert!(!language.templates.is_empty(), "{}", language.id);
            let later = LANGUAGES.iter().skip(number + 1);
            assert!(later.clone().all(|other| other.id != language.id));
        }
    }

    #[test]
    fn the_language_of_a_folder() {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
        for (folder, id) in [
            ("echo", "rust"),
            ("echo-js", "js"),
            ("echo-ts", "ts"),
            ("echo-python", "python"),
            ("echo-c", "c"),
            ("echo-cpp", "cpp"),
            ("echo-go", "go"),
        ] {
            let folder = samples.join(folder);
            let language = detect(&folder).unwrap();
            assert_eq!(language.id, id);
            assert!(!(language.plan)(&folder).unwrap().steps.is_empty());
        }
        let nothing = detect(&samples).unwrap_err().to_string();
        assert!(nothing.contains("jackfield new"), "{nothing}");
    }
}
