//! C and C++: make and a compiler for WebAssembly; where they are not on this machine, the compiler and what makes a
//! component of its output are installed into the project.

use std::path::Path;

use super::{Language, Plan, ProjectError, Step, Template, Tool, checked, jco, on_path, read};

const MANIFEST: &str = "Makefile";
/// The project's own interpreter, in which the compiler is a package.
const OWN: &str = ".venv/bin/python";
const ZIG: &str = "ziglang==0.17.1";

const MAKE: Tool = Tool {
    name: "make",
    install: "sudo apt-get install make",
};
const PYTHON3: Tool = Tool {
    name: "the compiler zig, which comes as a package of Python 3",
    install: "sudo apt-get install python3 python3-venv    (or https://ziglang.org)",
};
pub(super) const C: Language = Language {
    id: "c",
    name: "C",
    recognises: |directory| has(directory, "c"),
    plan,
    templates: &[
        Template {
            name: "echo",
            folder: "echo-c",
            does: "sends every message back",
            keys: "",
        },
        Template {
            name: "binary",
            folder: "binary-c",
            does: "speaks a binary protocol",
            keys: "",
        },
    ],
    sdk: "c",
    extra: &[],
    appended: &[(".gitignore", "/.venv/\n/node_modules/\n")],
};

pub(super) const CPP: Language = Language {
    id: "cpp",
    name: "C++",
    recognises: |directory| has(directory, "cpp"),
    templates: &[Template {
        name: "echo",
        folder: "echo-cpp",
        does: "sends every message back",
        keys: "",
    }],
    ..C
};

/// Whether there is a Makefile, and a source with this ending.
fn has(directory: &Path, ending: &str) -> bool {
    let sources = directory.join("src").read_dir().into_iter().flatten();
    let mut sources = sources.flatten().map(|entry| entry.path());
    directory.join(MANIFEST).is_file()
        && sources.any(|path| path.extension().is_some_and(|other| other == ending))
}

fn plan(directory: &Path) -> Result<Plan, ProjectError> {
    let text = read(directory, MANIFEST)?;
    let name = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim_end_matches([' ', ':', '?']) == "NAME").then_some(value.trim())
    });
    let name = checked(directory, MANIFEST, name)?;
    let mut steps = Vec::new();
    let zig = compiler(directory, &mut steps);
    let jco = jco(directory, &mut steps);
    let variables = [format!("ZIG={zig}"), format!("JCO={jco}")];
    let build = ["make", variables[0].as_str(), variables[1].as_str()];
    steps.push(Step::new(MAKE, &build));
    Ok(Plan::new(&name, steps))
}

/// The command of the compiler: on this machine, in the project, or in the project after these steps.
fn compiler(directory: &Path, steps: &mut Vec<Step>) -> String {
    if on_path("zig").is_some() {
        return "zig".to_owned();
    }
    let own = directory.join(OWN);
    let installed = directory.join(".venv/lib").read_dir().into_iter().flatten();
    let mut installed = installed
        .flatten()
        .map(|each| each.path().join("site-packages/ziglang"));
    if !installed.any(|package| package.is_dir()) {
        if !own.is_file() {
            let make = ["python3", "-m", "venv", ".venv"];
            steps.push(Step::new(PYTHON3, &make).noted("making a virtual environment in .venv"));
        }
        let install = [
            OWN,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--quiet",
            ZIG,
        ];
        steps.push(Step::new(PYTHON3, &install).noted("installing the compiler into it"));
    }
    // Absolute, because the SDK is made in its own folder.
    format!("{} -m ziglang", own.display())
}
