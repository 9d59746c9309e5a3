//! `jackfield test`: the shared transcripts hold for the samples in every language that is built here, and a transcript
//! that is not met says where, what was expected and what was heard.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use e2e::artefacts::{self, root};
use e2e::temp::TempDir;
use e2e::{process, server, table};

/// An interpreter is compiled within this, on a busy machine.
const BOUND: Duration = Duration::from_secs(300);

#[track_caller]
fn play(plugin: &Path, transcripts: &Path) -> Output {
    let mut command = server::command();
    command
        .arg("test")
        .arg("--plugin")
        .arg(plugin)
        .arg(transcripts);
    process::run(&mut command, BOUND)
}

fn said(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{stdout}{stderr}")
}

#[track_caller]
fn assert_met(plugin: &Path, template: &str) {
    let folder = root().join("tests/transcripts").join(template);
    let count = folder.read_dir().expect("transcripts").count();
    let output = play(plugin, &folder);
    let text = said(&output);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}:\n{text}",
        plugin.display()
    );
    // None was left out.
    let met = text.lines().filter(|line| line.starts_with("met ")).count();
    assert_eq!(met, count, "{text}");
}

#[test]
fn the_samples_in_rust() {
    assert_met(&artefacts::guest("echo"), "echo");
    assert_met(&artefacts::guest("auth"), "auth");
}

/// Whatever samples in other languages were built here; that needs toolchains that not every machine has.
#[test]
fn the_samples_in_other_languages() {
    let mut samples: Vec<PathBuf> = root()
        .join("plugins")
        .read_dir()
        .expect("the samples")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    samples.sort();
    for sample in samples {
        let name = sample
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let Some((template, _)) = name.split_once('-') else {
            continue;
        };
        let component = sample.join(format!("dist/{name}.wasm"));
        let shared = root().join("tests/transcripts").join(template);
        if !shared.is_dir() {
            continue;
        }
        if component.is_file() {
            assert_met(&component, template);
        } else {
            // Not `eprintln!`: the test harness keeps that to itself when a test passes.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: the sample {name} is not built here, see plugins/{name}/README.md"
            );
        }
    }
}

#[test]
fn what_is_not_met_is_shown() {
    let echo = artefacts::guest("echo");
    let folder = TempDir::new("transcripts");
    let begin = "ada connects to /\nada is accepted\n";
    let cases = [
        (
            "ada says \"hello, world\"\nada hears \"hello, World\"",
            "a.transcript:4: ada hears \"hello, World\"\n  expected  \"hello, World\"\n  heard     \"hello, world\"\n                    ^ they differ here\n",
        ),
        (
            "ada hears \"x\"",
            "  expected  \"x\"\n  heard     nothing\n",
        ),
        (
            "ada says \"x\"\nada hears nothing",
            "  expected  nothing\n  heard     \"x\"\n",
        ),
        (
            "ada says \"x\"",
            "this was the last step, but ada heard something more:\n  heard     \"x\"\n",
        ),
        (
            "ada says bytes 61\nada hears \"a\"",
            "  expected  \"a\"\n  heard     bytes 61\n",
        ),
        (
            "ada closes 1000\nada is closed 1001",
            "  expected  closed 1001\n  heard     closed 1000 \"\"\n",
        ),
        (
            "ada is refused 401",
            "  expected  the status 401\n  heard     the status 101\n",
        ),
        (
            "ada is accepted\n    X-None: 1",
            "  expected  X-None: 1\n  heard     no X-None\n",
        ),
        ("eve says \"x\"", "eve is not connected"),
        (
            "ada says \"x\" * 2000000\nada hears nothing",
            "heard     closed 1009",
        ),
        (
            "eve connects to /nowhere\neve is accepted",
            "heard     the status 404",
        ),
        ("ada connects to /", "ada is connected already"),
    ];
    table(
        &cases,
        |(text, _)| *text,
        |(text, parts)| {
            let file = folder.write("a.transcript", format!("{begin}{text}\n"));
            let output = play(&echo, &file);
            let text = said(&output);
            assert_eq!(output.status.code(), Some(1), "{text}");
            assert!(
                text.contains(parts) && text.contains("1 of 1 transcript not met"),
                "{text}"
            );
        },
    );
}

/// A plugin's clocks see the time that passes.
#[test]
fn time_passes_for_plugins_too() {
    let folder = TempDir::new("transcripts");
    let file = folder.write(
        "a.transcript",
        "ada connects to /\n\
         ada says \"clock\"\n\
         ada hears \"0 0\"\n\
         time passes 2 h\n\
         ada says \"clock\"\n\
         ada hears \"2 2\"\n",
    );
    let output = play(&artefacts::guest("hostile"), &file);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// The plugin's part in what a transcript shows: a trap closes its connection and nobody else's, and the log has it.
#[test]
fn a_plugin_that_fails() {
    let folder = TempDir::new("transcripts");
    let file = folder.write(
        "a.transcript",
        "ada, grace connect to /\n\
         ada, grace are accepted\n\
         ada says \"panic\"\n\
         ada is closed 1011\n\
         grace says \"count\"\n\
         grace hears \"1\"\n",
    );
    let output = play(&artefacts::guest("hostile"), &file);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("a plugin's call failed"), "{text}");
}

#[test]
fn what_is_no_transcript() {
    let folder = TempDir::new("transcripts");
    let echo = artefacts::guest("echo");
    let file = folder.write("a.transcript", "ada shouts\nada says hello\n");
    let output = play(&echo, &file);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("a.transcript:1: nobody can 'shouts'") && text.contains("a.transcript:2: "),
        "{text}"
    );
    for (file, part) in [
        (folder.write("empty.transcript", ""), "no step in it"),
        (folder.write("bytes.transcript", [0xff, 0xfe]), "not UTF-8"),
        (folder.path().join("none.transcript"), "no such file"),
        (root().join("wit"), "no *.transcript in"),
    ] {
        let output = play(&echo, &file);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let output = play(
        &folder.path().join("none.wasm"),
        &root().join("tests/transcripts/echo"),
    );
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}
