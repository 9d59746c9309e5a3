//! JavaScript and TypeScript: npm installs the SDK and its toolchain into the project, `jackfield-js` builds.

use std::path::Path;

use super::{Language, Plan, ProjectError, Step, Template, Tool, checked, manifest, read};

const MANIFEST: &str = "package.json";

const NODE: Tool = Tool {
    name: "Node.js 20 or later, with npm",
    install: "sudo apt-get install nodejs npm    (or https://nodejs.org)",
};

pub(super) const JAVASCRIPT: Language = Language {
    id: "js",
    name: "JavaScript",
    recognises: |directory| directory.join(MANIFEST).is_file(),
    plan,
    templates: &[Template {
        name: "echo",
        folder: "echo-js",
        does: "sends every message back",
        keys: "",
    }],
    sdk: "js",
    extra: &[],
    appended: &[],
};

pub(super) const TYPESCRIPT: Language = Language {
    id: "ts",
    name: "TypeScript",
    recognises: |directory| {
        directory.join(MANIFEST).is_file() && directory.join("tsconfig.json").is_file()
    },
    templates: &[
        Template {
            name: "echo",
            folder: "echo-ts",
            does: "sends every message back",
            keys: "",
        },
        Template {
            name: "auth",
            folder: "auth-ts",
            does: "decides who may connect, by a token",
            keys: "",
        },
        Template {
            name: "commands",
            folder: "commands-ts",
            does: "has rooms, by commands in JSON",
            keys: "# One instance for the whole server, so that everyone meets.\ninstances = \"single\"\n",
        },
    ],
    ..JAVASCRIPT
};

fn plan(directory: &Path) -> Result<Plan, ProjectError> {
    let text = read(directory, MANIFEST)?;
    let document: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| manifest(directory, MANIFEST, error.to_string()))?;
    let name = document.get("name").and_then(serde_json::Value::as_str);
    // The scope of a scoped package is no part of a file's name.
    let name = name.and_then(|name| name.rsplit('/').next());
    let name = checked(directory, MANIFEST, name)?;
    let mut steps = Vec::new();
    if !is_installed(directory) {
        let install = ["npm", "install", "--no-audit", "--no-fund"];
        steps.push(Step::new(NODE, &install).noted("installing what package.json names"));
    }
    let output = format!("dist/{name}.wasm");
    let build = [
        "node",
        "node_modules/jackfield-guest/bin/jackfield-js.js",
        "build",
        "--output",
        &output,
    ];
    steps.push(Step::new(NODE, &build));
    Ok(Plan::new(&name, steps))
}

/// Whether npm has installed what the manifest names, as it is now.
fn is_installed(directory: &Path) -> bool {
    let time = |name: &str| directory.join(name).metadata()?.modified();
    let installed = "node_modules/.package-lock.json";
    let sdk = directory.join("node_modules/jackfield-guest/bin/jackfield-js.js");
    sdk.is_file()
        && matches!((time(installed), time(MANIFEST)), (Ok(done), Ok(asked)) if done >= asked)
}
