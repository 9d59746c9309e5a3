//! Python: the SDK and its toolchain are installed into a virtual environment of the project, `jackfield-py` builds.

use std::path::Path;

use super::{Language, Plan, ProjectError, Step, Template, Tool, checked, manifest, read};

const MANIFEST: &str = "pyproject.toml";
const REQUIREMENTS: &str = "requirements.txt";
/// The project's own interpreter.
const OWN: &str = ".venv/bin/python";

const PYTHON3: Tool = Tool {
    name: "Python 3.11 or later, with venv",
    install: "sudo apt-get install python3 python3-venv    (or https://www.python.org)",
};

pub(super) const PYTHON: Language = Language {
    id: "python",
    name: "Python",
    recognises: |directory| directory.join(MANIFEST).is_file(),
    plan,
    templates: &[
        Template {
            name: "echo",
            folder: "echo-python",
            does: "sends every message back",
            keys: "",
        },
        Template {
            name: "counter",
            folder: "counter-python",
            does: "counts for everybody, also across a swap",
            keys: "# One instance for the whole server, so that everyone counts together.\ninstances = \"single\"\n",
        },
    ],
    sdk: "python",
    extra: &[(
        REQUIREMENTS,
        "# Needed to build and to test the plugin: the SDK, and with it the toolchain.\n./sdk\n",
    )],
    appended: &[],
};

fn plan(directory: &Path) -> Result<Plan, ProjectError> {
    let text = read(directory, MANIFEST)?;
    let document: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        manifest(directory, MANIFEST, error.to_string().trim_end())
    })?;
    let name = document.get("project").and_then(|table| table.get("name"));
    let name = checked(directory, MANIFEST, name.and_then(toml::Value::as_str))?;
    let output = format!("dist/{name}.wasm");
    let build = [
        "-m",
        "jackfield_guest._build.cli",
        "build",
        "--output",
        &output,
    ];
    let mut steps = Vec::new();
    // Without a list of requirements the environment is the author's business.
    let interpreter = if directory.join(REQUIREMENTS).is_file() {
        steps.extend(install(directory));
        OWN
    } else if directory.join(OWN).is_file() {
        OWN
    } else {
        "python3"
    };
    let command: Vec<&str> = std::iter::once(interpreter).chain(build).collect();
    steps.push(Step::new(PYTHON3, &command));
    Ok(Plan::new(&name, steps))
}

/// What makes the virtual environment and fills it, unless that was done after the requirements were written.
fn install(directory: &Path) -> Vec<Step> {
    let time = |name: &str| directory.join(name).metadata()?.modified();
    let tool = time(".venv/bin/jackfield-py");
    if matches!((tool, time(REQUIREMENTS)), (Ok(done), Ok(asked)) if done >= asked) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if !directory.join(OWN).is_file() {
        let make = ["python3", "-m", "venv", ".venv"];
        steps.push(Step::new(PYTHON3, &make).noted("making a virtual environment in .venv"));
    }
    let fill = [
        OWN,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "--requirement",
        REQUIREMENTS,
    ];
    steps.push(Step::new(PYTHON3, &fill).noted("installing what requirements.txt names"));
    steps
}
