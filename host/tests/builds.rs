//! `jackfield up` and what it builds with, where Rust's own tools are not what they should be: the real
//! binary, with a PATH that holds stand-ins for cargo, rustc and rustup.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

const CONFIG: &str = r#"
[listen]
address = "127.0.0.1:0"
[routes."/"]
plugins = ["mine"]
[plugins.mine]
file = "mine.wasm"
build = { command = ["cargo", "build", "--target", "wasm99"] }
"#;

/// A folder with a configuration and a `bin` that is all of PATH but the system's own programs.
struct Machine(PathBuf);

impl Machine {
    fn new() -> Machine {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("jackfield-builds-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("jackfield.toml"), CONFIG).unwrap();
        Machine(folder)
    }

    /// A program that is this shell script.
    fn program(self, name: &str, script: &str) -> Machine {
        let file = self.0.join("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn up(&self) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.0.join("bin").display());
        Command::new(env!("CARGO_BIN_EXE_jackfield"))
            .arg("up")
            .current_dir(&self.0)
            .env("PATH", path)
            .output()
            .unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The parts are in the text, in this order.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part:?} is not (in this place) in:\n{text}");
        };
        rest = after;
    }
}

/// Whether the machine that runs the tests has the real tools where every program is.
fn installed_for_all(program: &str) -> bool {
    ["/usr/bin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).exists())
}

#[test]
fn a_missing_target_is_added_and_said() {
    let machine = Machine::new()
        .program("rustc", "echo ./no-such-target")
        .program("rustup", "echo rustup $* >> calls")
        .program(
            "cargo",
            "echo cargo $* >> calls; echo not a component > mine.wasm",
        );
    let output = machine.up();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    in_order(
        &stderr(&output),
        &[
            "mine: adding the Rust target wasm99 (rustup target add wasm99)",
            "mine: built in",
            "not a WebAssembly component",
        ],
    );
    let calls = fs::read_to_string(machine.0.join("calls")).unwrap();
    assert_eq!(
        calls,
        "rustup target add wasm99\ncargo build --target wasm99\n"
    );
}

#[test]
fn a_target_that_is_there_is_not_added() {
    let machine = Machine::new()
        .program("rustc", "echo .")
        .program("rustup", "echo called > rustup-called")
        .program("cargo", "exit 0");
    let output = machine.up();
    assert_eq!(output.status.code(), Some(1));
    assert!(!machine.0.join("rustup-called").exists());
    in_order(
        &stderr(&output),
        &["mine.wasm: no such file", "--target wasm99"],
    );
}

#[test]
fn a_target_that_cannot_be_added() {
    let machine = Machine::new()
        .program("rustc", "echo ./no-such-target")
        .program("rustup", "echo no network; exit 1")
        .program("cargo", "echo called > cargo-called");
    let output = machine.up();
    assert_eq!(output.status.code(), Some(3));
    in_order(
        &stderr(&output),
        &[
            "no network\n",
            "the build failed",
            "rustup target add wasm99",
        ],
    );
    assert!(!machine.0.join("cargo-called").exists());
}

#[test]
fn rust_without_rustup_and_no_rust_at_all() {
    if !installed_for_all("rustup") {
        let machine = Machine::new().program("rustc", "echo ./no-such-target");
        let output = machine.up();
        assert_eq!(output.status.code(), Some(3));
        in_order(
            &stderr(&output),
            &[
                "the Rust target wasm99 is not installed",
                "rustup target add wasm99",
            ],
        );
    }
    if !installed_for_all("cargo") && !installed_for_all("rustc") {
        let output = Machine::new().up();
        assert_eq!(output.status.code(), Some(3));
        in_order(
            &stderr(&output),
            &[
                "'cargo' was not found",
                "install Rust",
                "then run: cargo build --target wasm99",
            ],
        );
    }
}

#[test]
fn a_nested_cargo_does_not_take_itself_for_this_package() {
    // `cargo test` has set these for this process.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    let machine = Machine::new()
        .program("rustc", "echo .")
        .program("cargo", "env; exit 1");
    let output = machine.up();
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    for name in ["CARGO=", "CARGO_PKG_NAME=", "CARGO_MANIFEST_DIR="] {
        let set = said.lines().any(|line| line.starts_with(name));
        assert!(!set, "{name} reached the build:\n{said}");
    }
    in_order(&said, &["the build failed (exit status: 1): cargo build"]);
}
