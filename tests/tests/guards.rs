//! The guards of STYLE.md item 12: what holds for the whole repository and no compiler checks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use e2e::artefacts::{GUESTS, cargo, root};
use e2e::guards::{files, is_test_file, lines_of_code, read, rust_files};

/// The longest file that is not a test, in lines.
const LONGEST: usize = 500;

/// The packages of this workspace and of which of them each depends (dev-dependencies too), and every package
/// that each depends on directly.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = cargo()
        .current_dir(root())
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .output()
        .expect("cargo metadata");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let names = dependencies
                .iter()
                .map(|dependency| dependency["name"].as_str().expect("a name").to_owned());
            let name = package["name"].as_str().expect("a name").to_owned();
            (name, names.collect())
        })
        .collect()
}

/// Everything below a package in the dependency tree, as cargo resolves it for an ordinary build.
fn tree(package: &str) -> BTreeSet<String> {
    let output = cargo()
        .current_dir(root())
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--package",
            package,
        ])
        .output()
        .expect("cargo tree");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// The arrows that ARCHITECTURE.md allows between the packages of the house.
#[test]
fn layering_between_the_packages() {
    let dependencies = dependencies();
    let house: BTreeSet<&String> = dependencies.keys().collect();
    let allowed = |from: &str| -> &[&str] {
        match from {
            "jackfield" => &["jackfield-proto", "jackfield-hub", "jackfield-plugin"],
            "jackfield-hub" => &["jackfield-proto"],
            "jackfield-proto" | "jackfield-plugin" => &[],
            "e2e" => &["jackfield"],
            // Plugins, samples and the guests of the tests see the SDK and nothing else.
            _ => &["jackfield-guest"],
        }
    };
    for (from, names) in &dependencies {
        for to in names
            .iter()
            .filter(|name| house.contains(name) && *name != from)
        {
            assert!(
                allowed(from).contains(&to.as_str()),
                "the arrow {from} → {to} is not allowed (ARCHITECTURE.md)"
            );
        }
    }
    for expected in [
        "jackfield",
        "jackfield-proto",
        "jackfield-hub",
        "jackfield-plugin",
        "e2e",
    ] {
        assert!(
            house.contains(&expected.to_owned()),
            "{expected} is not in the workspace"
        );
    }
}

#[test]
fn only_the_plugin_crate_names_wasmtime() {
    for (from, names) in dependencies() {
        let engine = names.iter().find(|name| name.starts_with("wasmtime"));
        assert!(
            engine.is_none() || from == "jackfield-plugin",
            "{from} depends on {engine:?}"
        );
    }
    for file in rust_files() {
        let mentions = |text: &str| {
            text.lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .any(|line| line.contains("wasmtime::") || line.contains("wasmtime_wasi::"))
        };
        let inside = file.starts_with("host/plugin");
        let this = file.ends_with("guards.rs");
        assert!(
            inside || this || !mentions(&read(&file)),
            "{} names wasmtime",
            file.display()
        );
    }
}

#[test]
fn the_protocol_and_the_hub_do_no_io() {
    let banned = ["tokio", "mio", "wasmtime", "socket2", "async-std", "hyper"];
    for package in ["jackfield-proto", "jackfield-hub"] {
        let tree = tree(package);
        for name in banned {
            assert!(!tree.contains(name), "{package} depends on {name}");
        }
    }
    for file in rust_files() {
        if file.starts_with("host/proto/src") || file.starts_with("host/hub/src") {
            let text = read(&file);
            // Tests may ask for a time to start from.
            let text: Vec<&str> = text.lines().take(lines_of_code(&text)).collect();
            let text = text.join("\n");
            for word in [
                "Instant::now",
                "SystemTime::now",
                "std::net::Tcp",
                "std::thread::sleep",
            ] {
                assert!(!text.contains(word), "{} uses {word}", file.display());
            }
        }
    }
    for file in rust_files() {
        if file.starts_with("host/proto/src") {
            let text = read(&file);
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            assert!(
                code.clone()
                    .all(|line| !line.contains("async fn") && !line.contains(".await")),
                "{}: no async in the protocol",
                file.display()
            );
        }
    }
}

/// Not even the tests may lean on the server's idea of the protocol.
#[test]
fn the_tests_share_no_code_with_the_server() {
    let tree = tree("e2e");
    for name in [
        "jackfield-proto",
        "jackfield-hub",
        "jackfield-plugin",
        "httparse",
        "tungstenite",
    ] {
        assert!(!tree.contains(name), "e2e depends on {name}");
    }
}

#[test]
fn no_file_is_too_long() {
    for file in rust_files() {
        if is_test_file(&file) {
            continue;
        }
        let lines = lines_of_code(&read(&file));
        assert!(
            lines <= LONGEST,
            "{} has {lines} lines without its tests, above {LONGEST}: split it",
            file.display()
        );
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in rust_files() {
        let text = read(&file);
        assert!(
            text.starts_with("//!"),
            "{} does not begin with `//!`",
            file.display()
        );
        assert!(
            // What integration tests share has to be a mod.rs: cargo makes a program of every tests/*.rs.
            is_test_file(&file) || file.file_name().is_some_and(|name| name != "mod.rs"),
            "{}: foo.rs beside foo/, no mod.rs",
            file.display()
        );
    }
}

#[test]
fn every_allow_has_a_reason() {
    for file in rust_files() {
        let text = read(&file);
        for (number, line) in text.lines().enumerate() {
            let opens = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
            if !opens.iter().any(|open| line.trim_start().starts_with(open)) {
                continue;
            }
            // The attribute ends with the first line that closes it.
            let attribute: Vec<&str> = text
                .lines()
                .skip(number)
                .scan(false, |over, line| {
                    (!std::mem::replace(over, line.trim_end().ends_with(")]"))).then_some(line)
                })
                .collect();
            assert!(
                attribute.iter().any(|line| line.contains("reason = \"")),
                "{}:{}: an allow without a reason",
                file.display(),
                number + 1
            );
        }
    }
}

#[test]
fn every_guest_program_is_in_a_test() {
    let guests = root().join("tests/guests");
    let programs: Vec<String> = std::fs::read_dir(&guests)
        .expect("tests/guests")
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!programs.is_empty(), "no guests in {}", guests.display());
    let suites: String = rust_files()
        .iter()
        .filter(|file| file.starts_with("tests/tests") && !file.ends_with("guards.rs"))
        .map(|file| read(file))
        .collect();
    for program in &programs {
        assert!(
            GUESTS.contains(&program.as_str()),
            "the guest {program} is not built by the harness"
        );
        assert!(
            suites.contains(&format!("\"{program}\"")),
            "the guest {program} is in no test"
        );
    }
    let samples = ["echo", "auth"];
    for guest in GUESTS {
        assert!(
            samples.contains(guest) || programs.iter().any(|program| program == guest),
            "{guest} is built but has no folder"
        );
    }
}

/// Nothing may depend on whose machine it was written on.
#[test]
fn no_paths_of_a_machine() {
    // Put together here, so that this file does not find itself.
    let homes: Vec<String> = ["root/", "home/", "Users/"]
        .iter()
        .map(|tail| format!("/{tail}"))
        .collect();
    let name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    for file in files() {
        let binary =
            |extension: &std::ffi::OsStr| ["wasm", "png", "ico"].iter().any(|e| extension == *e);
        if file.extension().is_some_and(binary) || file == Path::new("Cargo.lock") {
            continue;
        }
        for (number, line) in read(&file).lines().enumerate() {
            for home in &homes {
                let absolute = line.match_indices(home.as_str()).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let starts =
                        before.is_none_or(|c| !name(c) && c != '/' && c != '}' && c != '$');
                    let after = line[at + home.len()..].chars().next();
                    starts && after.is_some_and(name)
                });
                assert!(
                    !absolute,
                    "{}:{}: a path of one machine: {line}",
                    file.display(),
                    number + 1
                );
            }
        }
    }
}
