//! Builds plugins for `jackfield up`: runs a plugin's build command, adds the Rust target it needs when
//! that is missing, and keeps its output for the case that it fails. Nothing is printed here and nothing
//! is loaded; what happens is told to the caller as it happens.

mod capture;
mod environment;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::config::resolved::Build;

/// What a build is doing, told while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is running: for how long, and the last line that it wrote (control characters removed).
    Running(Duration, String),
    /// The Rust target was not installed; `rustup target add` is running.
    AddingTarget(String),
}

/// Why a plugin was not built. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder of the build is not there.
    #[error("{}: no such folder; correct build.directory", directory.display())]
    NoDirectory {
        /// Where it should run.
        directory: PathBuf,
    },
    /// The program is not there.
    #[error("'{program}' was not found{}\n  then run: {line}", install(program))]
    NoProgram {
        /// What was asked for.
        program: String,
        /// The whole command, to paste into a shell.
        line: String,
    },
    /// The program is there and cannot be started or waited for.
    #[error("cannot run '{program}': {source}\n  the command is: {line}")]
    Start {
        /// What was asked for.
        program: String,
        /// The whole command, to paste into a shell.
        line: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ran and failed.
    #[error("the build failed ({status}): {line}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The whole command, to paste into a shell.
        line: String,
        /// What it wrote, byte for byte; the last [`OUTPUT_BYTES`] of it.
        output: Vec<u8>,
        /// How many bytes before that were dropped.
        dropped: u64,
    },
    /// Whoever was told of it had it ended.
    #[error("the build was stopped")]
    Stopped,
    /// The Rust target is missing and there is no rustup to add it.
    #[error(
        "the Rust target {target} is not installed, and there is no rustup to add it\n  install Rust with rustup \
         (https://rustup.rs), then run: rustup target add {target}"
    )]
    NoRustup {
        /// Such as `wasm32-wasip2`.
        target: String,
    },
}

/// How much of a build's output is kept, in bytes.
pub const OUTPUT_BYTES: usize = 1024 * 1024;

/// Runs one plugin's build command to its end; `tell` hears of it about ten times a second, and ends the command when
/// it breaks. `colour`: whether a failing command's output goes to a terminal that shows colours.
///
/// # Errors
/// When the command cannot be run, fails, or was ended.
pub fn build(
    build: &Build,
    colour: bool,
    tell: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Duration, BuildError> {
    let start = Instant::now();
    if !build.directory.is_dir() {
        return Err(BuildError::NoDirectory {
            directory: build.directory.clone(),
        });
    }
    if let Some(target) = rust_target(&build.command)
        && target_is_missing(target, &build.directory)
    {
        if tell(Event::AddingTarget(target.to_owned())).is_break() {
            return Err(BuildError::Stopped);
        }
        let command = ["rustup", "target", "add", target].map(str::to_owned);
        match run(&command, &build.directory, colour, tell) {
            Err(BuildError::NoProgram { .. }) => {
                return Err(BuildError::NoRustup {
                    target: target.to_owned(),
                });
            }
            other => other?,
        }
    }
    run(&build.command, &build.directory, colour, tell)?;
    Ok(start.elapsed())
}

/// A build's command as one would type it, from anywhere.
pub fn command_line(build: &Build) -> String {
    line(&build.command, &build.directory)
}

fn run(
    words: &[String],
    directory: &Path,
    colour: bool,
    tell: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), BuildError> {
    let line = line(words, directory);
    let Some((program, arguments)) = words.split_first() else {
        return Ok(());
    };
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => BuildError::NoProgram {
            program: program.clone(),
            line: line.clone(),
        },
        _ => BuildError::Start {
            program: program.clone(),
            line: line.clone(),
            source,
        },
    };
    let mut command = Command::new(executable(program, directory));
    command.args(arguments).current_dir(directory);
    environment::prepare(&mut command, colour);
    let ended = capture::run(command, OUTPUT_BYTES, &mut |elapsed, last| {
        tell(Event::Running(elapsed, last))
    });
    let Some((status, captured)) = ended.map_err(failed)? else {
        return Err(BuildError::Stopped);
    };
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Failed {
        status,
        line,
        output: captured.bytes,
        dropped: captured.dropped,
    })
}

/// A program with a `/` in its name is a file of the build's folder, one without is looked up on PATH.
fn executable(program: &str, directory: &Path) -> PathBuf {
    if program.contains('/') {
        directory.join(program)
    } else {
        PathBuf::from(program)
    }
}

/// The target of a cargo command line: `--target T` or `--target=T`.
fn rust_target(command: &[String]) -> Option<&str> {
    let (program, arguments) = command.split_first()?;
    if Path::new(program).file_stem()? != "cargo" {
        return None;
    }
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            return None;
        }
        if argument == "--target" {
            return arguments.next().map(String::as_str);
        }
        if let Some(target) = argument.strip_prefix("--target=") {
            return Some(target);
        }
    }
    None
}

/// Whether the toolchain that serves this folder lacks a target. Asked of rustc rather than of rustup, so
/// that it also holds where Rust was not installed with rustup. When rustc cannot say, cargo will.
fn target_is_missing(target: &str, directory: &Path) -> bool {
    let mut command = Command::new("rustc");
    command.args(["--print", "target-libdir", "--target", target]);
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    environment::prepare(&mut command, false);
    let Ok(output) = command.output() else {
        return false;
    };
    let folder = String::from_utf8_lossy(&output.stdout);
    output.status.success() && !Path::new(folder.trim()).is_dir()
}

fn install(program: &str) -> &'static str {
    match program {
        "cargo" | "rustc" | "rustup" => "\n  install Rust with rustup (https://rustup.rs),",
        _ => "\n  install it or correct build.command,",
    }
}

/// `cd DIRECTORY && PROGRAM ARGUMENTS`, quoted for a POSIX shell.
fn line(words: &[String], directory: &Path) -> String {
    let here = std::env::current_dir().ok();
    let shown = here.and_then(|here| directory.strip_prefix(here).ok().map(Path::to_owned));
    let directory = shown.unwrap_or_else(|| directory.to_owned());
    let command: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    let command = command.join(" ");
    if directory.as_os_str().is_empty() || directory == Path::new(".") {
        return command;
    }
    let directory = shell_word(&directory.display().to_string());
    format!("cd {directory} && {command}")
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Build {
        Build {
            command: ["sh", "-c", script].map(str::to_owned).into(),
            directory: std::env::temp_dir(),
        }
    }

    fn quietly(plan: &Build) -> Result<Duration, BuildError> {
        build(plan, false, &mut |_| ControlFlow::Continue(()))
    }

    #[test]
    fn a_failing_build_keeps_its_output_untouched() {
        assert!(quietly(&shell("exit 0")).is_ok());
        let error = quietly(&shell("printf 'a\\033[1mb'; printf 'c\\n' >&2; exit 3"));
        let Err(BuildError::Failed { status, output, .. }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!(output, b"a\x1b[1mbc\n");
    }

    #[test]
    fn a_build_that_writes_too_much_keeps_the_end() {
        let script = "head -c 3000000 /dev/zero; printf end; exit 1";
        let Err(BuildError::Failed {
            output, dropped, ..
        }) = quietly(&shell(script))
        else {
            panic!("it must fail");
        };
        assert!(output.len() <= OUTPUT_BYTES && output.ends_with(b"\0end"));
        assert_eq!(output.len() as u64 + dropped, 3_000_003);
    }

    #[test]
    fn a_process_left_behind_does_not_hold_the_build() {
        // Compiler caches start a daemon that inherits the pipe; the build is over all the same.
        let script = "sleep 300 & echo $!; exit 1";
        let Err(BuildError::Failed { output, .. }) = quietly(&shell(script)) else {
            panic!("it must fail");
        };
        let pid = String::from_utf8(output).unwrap();
        let stopped = Command::new("kill").arg(pid.trim()).status().unwrap();
        assert!(
            stopped.success(),
            "the process that was left behind must outlive the build"
        );
    }

    #[test]
    fn a_build_can_be_ended() {
        let mut told = 0;
        let ended = build(&shell("exec sleep 300"), false, &mut |_| {
            told += 1;
            ControlFlow::Break(())
        });
        assert!(matches!(ended, Err(BuildError::Stopped)), "{ended:?}");
        assert_eq!(told, 1);
    }

    #[test]
    fn what_is_missing_is_named_with_the_command() {
        let mut plan = shell("exit 0");
        plan.command = ["no-such-program-here", "a b"].map(str::to_owned).into();
        let said = quietly(&plan).unwrap_err().to_string();
        let directory = std::env::temp_dir();
        assert_eq!(
            said,
            format!(
                "'no-such-program-here' was not found\n  install it or correct build.command,\n  then run: cd {} && \
                 no-such-program-here 'a b'",
                directory.display()
            )
        );
        plan.directory = directory.join("no-such-folder-here");
        assert!(matches!(
            quietly(&plan),
            Err(BuildError::NoDirectory { .. })
        ));
    }

    #[test]
    fn the_target_of_a_cargo_command() {
        for (command, target) in [
            (
                "cargo build --target wasm32-wasip2 --release",
                Some("wasm32-wasip2"),
            ),
            (
                "/usr/bin/cargo build --target=wasm32-wasip2",
                Some("wasm32-wasip2"),
            ),
            ("cargo build", None),
            ("cargo run -- --target x", None),
            ("cargo build --target", None),
            ("make --target x", None),
        ] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(rust_target(&words), target, "{command}");
        }
    }
}
