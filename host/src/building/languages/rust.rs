//! Rust: cargo, for the target `wasm32-wasip2`, which makes components by itself.

use std::path::Path;

use super::{Language, Plan, ProjectError, Step, Template, Tool, checked, manifest, read};

const MANIFEST: &str = "Cargo.toml";

const CARGO: Tool = Tool {
    name: "Rust",
    install: "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
};

pub(super) const RUST: Language = Language {
    id: "rust",
    name: "Rust",
    recognises: |directory| directory.join(MANIFEST).is_file(),
    plan,
    templates: &[
        Template {
            name: "echo",
            folder: "echo",
            does: "sends every message back",
            keys: "",
        },
        Template {
            name: "auth",
            folder: "auth",
            does: "decides who may connect, by a token",
            keys: "",
        },
    ],
    sdk: "rust",
    extra: &[
        (
            ".cargo/config.toml",
            "\
[target.wasm32-wasip2]
# A stack of 64 KiB, for every instance, instead of 1 MiB. Remove it when the plugin recurses deeply.
rustflags = [\"-Clink-arg=-zstack-size=65536\"]
",
        ),
        (".gitignore", "/dist/\n/target/\n"),
    ],
    appended: &[(
        MANIFEST,
        "
# Small components load faster; names stay, for the backtraces of traps.
[profile.release]
opt-level = \"s\"
lto = true
codegen-units = 1
strip = \"debuginfo\"

# A workspace of its own, wherever it lies.
[workspace]
",
    )],
};

fn plan(directory: &Path) -> Result<Plan, ProjectError> {
    let text = read(directory, MANIFEST)?;
    let document: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        manifest(directory, MANIFEST, error.to_string().trim_end())
    })?;
    let text_at = |table: &str| {
        let name = document.get(table).and_then(|table| table.get("name"));
        name.and_then(toml::Value::as_str)
    };
    let name = checked(directory, MANIFEST, text_at("package"))?;
    let library = text_at("lib").unwrap_or(&name).replace('-', "_");
    let build = [
        "cargo",
        "build",
        "--release",
        "--target",
        "wasm32-wasip2",
        "--target-dir",
        "target",
    ];
    let mut plan = Plan::new(&name, vec![Step::new(CARGO, &build)]);
    plan.made = Path::new("target/wasm32-wasip2/release").join(format!("{library}.wasm"));
    Ok(plan)
}
