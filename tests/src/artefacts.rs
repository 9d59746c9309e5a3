//! What the tests run: the real binary and the guests, each built at most once per test process, in the
//! target directory that the tests themselves were built in.
//!
//! `JACKFIELD_BIN` names another binary; then none is built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::SystemTime;

/// The target that components are built for.
const TARGET: &str = "wasm32-wasip2";
/// The cargo profile of the guests.
const PROFILE: &str = "guest";
/// The sample plugins and the guests of `tests/guests`, by package name. The guards check that every guest
/// program is in here and in a test.
pub const GUESTS: &[&str] = &[
    "echo",
    "auth",
    "hostile",
    "events",
    "counter",
    "version",
    "bad-start",
    "escape",
    "stamped",
];

/// The root of the repository.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.parent().expect("tests/ is in the root").to_path_buf()
    })
}

/// The server's binary.
///
/// # Panics
/// When it cannot be built.
#[track_caller]
pub fn jackfield() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("JACKFIELD_BIN") {
        Some(path) => path.into(),
        None => build_binary(),
    })
}

/// The component of a guest.
///
/// # Panics
/// When the guests cannot be built, or `name` is not one of [`GUESTS`].
#[track_caller]
pub fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    assert!(GUESTS.contains(&name), "no guest is called {name}");
    let directory = BUILT.get_or_init(|| {
        let packages = GUESTS.iter().flat_map(|guest| ["-p", guest]);
        build_guests(&target().0, &packages.collect::<Vec<_>>())
    });
    directory.join(format!("{}.wasm", name.replace('-', "_")))
}

/// A guest built with one of its features. In a target directory of its own: a component's file name does not
/// tell its features.
///
/// # Panics
/// When it cannot be built.
#[track_caller]
pub fn guest_with(name: &str, feature: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let target = target().0.join(format!("guest-{name}-{feature}"));
    let directory = build_guests(&target, &["-p", name, "--features", feature]);
    directory.join(format!("{}.wasm", name.replace('-', "_")))
}

/// Cargo, as the tests were started with, but without what it says about the tests' own package.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let about_us = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        if about_us.iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The target directory and the name of the profile's directory in it, from where this program is.
fn target() -> (PathBuf, String) {
    let program = std::env::current_exe().expect("the path of this program");
    // TARGET/[TRIPLE/]PROFILE/deps/PROGRAM
    let profile = program
        .ancestors()
        .nth(2)
        .expect("a profile's directory above the test program");
    let name = profile.file_name().expect("a profile's name");
    let name = name.to_string_lossy().into_owned();
    let target = profile
        .ancestors()
        .skip(1)
        .find(|path| path.join("CACHEDIR.TAG").exists())
        .or(profile.parent())
        .expect("a target directory");
    (target.to_path_buf(), name)
}

fn build_binary() -> PathBuf {
    let (target, profile) = target();
    let name = format!("jackfield{}", std::env::consts::EXE_SUFFIX);
    let binary = target.join(&profile).join(name);
    if is_fresh(&binary) {
        return binary;
    }
    let profile = if profile == "debug" { "dev" } else { &profile };
    run(cargo()
        .current_dir(root())
        .args(["build", "--bin", "jackfield", "-p", "jackfield"])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(&target));
    binary
}

/// Whether a binary is newer than everything that cargo says it was made of (the `.d` file beside it), and was made
/// of this checkout: others may share the target directory. Saves a second build with other feature sets when
/// `cargo test` just made one.
fn is_fresh(binary: &Path) -> bool {
    let modified = |path: &Path| -> Option<SystemTime> { path.metadata().ok()?.modified().ok() };
    let (Some(built), Ok(sources)) = (
        modified(binary),
        std::fs::read_to_string(binary.with_extension("d")),
    ) else {
        return false;
    };
    let Some((_, sources)) = sources.split_once(": ") else {
        return false;
    };
    let lock = root().join("Cargo.lock");
    let target = target().0;
    sources
        .split_whitespace()
        .map(Path::new)
        .chain([lock.as_path()])
        .all(|source| {
            // What was generated for it lies in the target directory.
            let ours = source.starts_with(root()) || source.starts_with(&target);
            ours && modified(source).is_some_and(|time| time <= built)
        })
}

fn build_guests(target: &Path, arguments: &[&str]) -> PathBuf {
    add_target();
    let mut build = cargo();
    // The flags that make guests small are in plugins/.cargo/config.toml, found from the working directory;
    // RUSTFLAGS in the environment would replace them.
    build
        .current_dir(root().join("plugins"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .args(["build", "--target", TARGET, "--profile", PROFILE])
        .arg("--target-dir")
        .arg(target)
        .args(arguments);
    run(&mut build);
    target.join(TARGET).join(PROFILE)
}

fn add_target() {
    let sysroot = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let installed = sysroot.is_ok_and(|output| {
        let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&path).is_dir()
    });
    if !installed {
        eprintln!("the Rust target {TARGET} is missing: rustup target add {TARGET}");
        run(Command::new("rustup").args(["target", "add", TARGET]));
    }
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
