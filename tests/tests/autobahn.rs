//! The Autobahn TestSuite's fast cases (the 301 outside 12 and 13) against the Wasm echo plugin. Skipped with a
//! line that says so when the suite is not installed; `bash tests/autobahn/run` installs it and runs all 517.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use e2e::{artefacts, process, tools};

/// The cases take some 15 seconds on an idle machine.
const BOUND: Duration = Duration::from_secs(300);

#[test]
fn fast_cases_through_the_plugin() {
    let required = std::env::var_os("JACKFIELD_REQUIRE_AUTOBAHN").is_some_and(|value| value == "1");
    if !tools::folder().join("autobahn/bin/wstest").exists() {
        let line = "skipped: the Autobahn TestSuite is not installed; it needs a CPython 2.7, then \
                    `bash tests/autobahn/run --install`";
        assert!(!required, "{line}");
        // Not `eprintln!`: the test harness keeps that to itself when a test passes.
        let _ = writeln!(std::io::stderr(), "{line}");
        return;
    }
    let output = process::run(
        Command::new("bash")
            .arg(artefacts::root().join("tests/autobahn/run"))
            .arg("--fast")
            .env("JACKFIELD_TOOLS", tools::folder())
            .env("JACKFIELD_BIN", artefacts::jackfield())
            .env("JACKFIELD_ECHO", artefacts::guest("echo")),
        BOUND,
    );
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success()
            && stdout.contains("autobahn: 301 cases run, 0 differ from the golden table"),
        "{}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}
