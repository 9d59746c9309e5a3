//! The clients that nobody here wrote: Python `websockets`, Node `ws`, Chromium. They are looked for, never
//! installed by a test; what is missing is said with the command that installs it.
//!
//! `JACKFIELD_TOOLS` names their folder (default `$XDG_CACHE_HOME/jackfield-tools`, or the same below
//! `~/.cache`), `JACKFIELD_REQUIRE_INTEROP=1` makes a missing one a failure.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder of the tools.
pub fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("JACKFIELD_TOOLS") {
        return folder.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("jackfield-tools")
}

/// A Python with `websockets`.
pub fn python() -> Option<PathBuf> {
    let python = folder().join("python/bin/python");
    let ready = python.exists() && runs(&python, &["-c", "import websockets"]);
    found(
        ready,
        "Python websockets",
        "python3 -m venv TOOLS/python && TOOLS/python/bin/pip install websockets",
    )
    .then_some(python)
}

/// A Node with `ws`: the program, and the folder of the modules.
pub fn node_ws() -> Option<(PathBuf, PathBuf)> {
    node_with("ws", "Node ws")
}

/// A Node with `playwright-core`, and a Chromium: program, folder of the modules, browser.
pub fn chromium() -> Option<(PathBuf, PathBuf, PathBuf)> {
    let browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
    let browser = browsers
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists());
    if !found(browser.is_some(), "Chromium", "apt-get install -y chromium") {
        return None;
    }
    let (node, modules) = node_with("playwright-core", "playwright-core")?;
    Some((node, modules, browser?))
}

/// The program `openssl`.
pub fn openssl() -> bool {
    let ready = runs(Path::new("openssl"), &["version"]);
    found(ready, "openssl", "apt-get install -y openssl")
}

/// The program `nginx`.
pub fn nginx() -> Option<PathBuf> {
    debian("nginx", "-v")
}

/// The program `haproxy`.
pub fn haproxy() -> Option<PathBuf> {
    debian("haproxy", "-v")
}

/// The program `systemd-socket-activate`.
pub fn socket_activate() -> Option<PathBuf> {
    let path = PathBuf::from("/usr/bin/systemd-socket-activate");
    let ready = runs(&path, &["--version"]);
    found(
        ready,
        "systemd-socket-activate",
        "apt-get install -y systemd",
    )
    .then_some(path)
}

/// A server program of Debian's, which are not on every user's path.
fn debian(name: &str, version: &str) -> Option<PathBuf> {
    let path = Path::new("/usr/sbin").join(name);
    let ready = runs(&path, &[version]);
    found(ready, name, &format!("apt-get install -y {name}")).then_some(path)
}

fn node_with(module: &str, what: &str) -> Option<(PathBuf, PathBuf)> {
    let modules = folder().join("node_modules");
    let node = PathBuf::from("node");
    let ready = modules.join(module).exists() && runs(&node, &["--version"]);
    found(ready, what, "npm install --prefix TOOLS ws playwright-core").then_some((node, modules))
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    let output = std::process::Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// # Panics
/// When it was not found and `JACKFIELD_REQUIRE_INTEROP=1`.
fn found(ready: bool, what: &str, install: &str) -> bool {
    if ready {
        return true;
    }
    let install = install.replace("TOOLS", &folder().to_string_lossy());
    let line = format!("skipped: {what} not found, install with `{install}`");
    let required = std::env::var_os("JACKFIELD_REQUIRE_INTEROP").is_some_and(|value| value == "1");
    assert!(!required, "{line} (JACKFIELD_REQUIRE_INTEROP=1)");
    // Not `eprintln!`: the test harness keeps that to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "{line}");
    false
}
