//! Builds plugins: runs a plugin's build command, or those of its project's language, and adds the Rust target that is
//! needed when that is missing. Output goes straight to whoever watches, or is kept for the case that the build fails.
//! Nothing else is printed here and nothing is loaded; what happens is told to the caller as it happens.

mod capture;
mod environment;
pub mod languages;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::config::resolved::Build;
use languages::{Plan, ProjectError, Tool};

/// What a build is doing, told while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is running: for how long, and the last line that it wrote (control characters removed).
    Running(Duration, String),
    /// The Rust target was not installed; `rustup target add` is running.
    AddingTarget(String),
    /// A command of the language is about to run: as one would type it, and why when that is not plain.
    Command(String, Option<&'static str>),
}

/// What becomes of a build's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// It goes to this process's own stdout and stderr, as it comes.
    Streamed,
    /// It is kept, and is in the error when the build fails.
    Kept,
}

/// Why a plugin was not built. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder of the build is not there.
    #[error("{}: no such folder; correct the path, or build.directory", directory.display())]
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
    /// A program that the project's language needs is not there.
    #[error("'{program}' was not found: this project needs {}\n  install it with: {}\n  then run: {line}", tool.name, tool.install)]
    NoTool {
        /// What was looked for.
        program: String,
        /// What it is and how it is installed.
        tool: Tool,
        /// The whole command, to paste into a shell.
        line: String,
    },
    /// What language the project is in, or what its build is, cannot be told.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The commands succeeded, and the component is not there.
    #[error("the build succeeded, but {} is not there: {source}", file.display())]
    NotMade {
        /// Where it should be.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
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

/// Runs one plugin's build to its end; `tell` hears of it, while output is kept about ten times a second, and ends the
/// command when it breaks. `colour`: whether output goes to a terminal that shows colours.
///
/// # Errors
/// When a command cannot be run, fails, or was ended, or when the project in the build's folder cannot be understood.
pub fn build(
    build: &Build,
    output: Output,
    colour: bool,
    tell: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Duration, BuildError> {
    let start = Instant::now();
    let directory = &build.directory;
    if !directory.is_dir() {
        return Err(BuildError::NoDirectory {
            directory: directory.clone(),
        });
    }
    let mut runner = Runner {
        directory,
        output,
        colour,
        tell,
    };
    if build.command.is_empty() {
        runner.project(&plan(directory)?)?;
    } else {
        runner.target(&build.command)?;
        runner.run(&build.command)?;
    }
    Ok(start.elapsed())
}

/// How the project in a folder is built, by its language.
///
/// # Errors
/// When no language knows it, or its description is wrong.
pub fn plan(directory: &Path) -> Result<Plan, ProjectError> {
    (languages::detect(directory)?.plan)(directory)
}

/// A build's command as one would type it, from anywhere.
pub fn command_line(build: &Build) -> String {
    if build.command.is_empty() {
        return line(&["jackfield", "build"].map(str::to_owned), &build.directory);
    }
    line(&build.command, &build.directory)
}

/// Runs the commands of one build.
struct Runner<'a> {
    directory: &'a Path,
    output: Output,
    colour: bool,
    tell: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
}

impl Runner<'_> {
    /// The commands of a language, and then the component is put in its place.
    fn project(&mut self, plan: &Plan) -> Result<(), BuildError> {
        for step in &plan.steps {
            self.target(&step.command)?;
            self.tell(Event::Command(
                line(&step.command, self.directory),
                step.note,
            ))?;
            match self.run_with(&step.command, &step.environment) {
                Err(BuildError::NoProgram { program, line }) => {
                    let tool = step.tool;
                    return Err(BuildError::NoTool {
                        program,
                        tool,
                        line,
                    });
                }
                other => other?,
            }
        }
        let (made, component) = (
            self.directory.join(&plan.made),
            self.directory.join(&plan.component),
        );
        place(&made, &component).map_err(|source| BuildError::NotMade { file: made, source })
    }

    /// Adds the Rust target that a command needs.
    fn target(&mut self, command: &[String]) -> Result<(), BuildError> {
        let Some(target) = rust_target(command) else {
            return Ok(());
        };
        if !target_is_missing(target, self.directory) {
            return Ok(());
        }
        self.tell(Event::AddingTarget(target.to_owned()))?;
        let command = ["rustup", "target", "add", target].map(str::to_owned);
        match self.run(&command) {
            Err(BuildError::NoProgram { .. }) => Err(BuildError::NoRustup {
                target: target.to_owned(),
            }),
            other => other,
        }
    }

    fn tell(&mut self, event: Event) -> Result<(), BuildError> {
        if (self.tell)(event).is_break() {
            return Err(BuildError::Stopped);
        }
        Ok(())
    }

    fn run(&mut self, words: &[String]) -> Result<(), BuildError> {
        self.run_with(words, &[])
    }

    fn run_with(
        &mut self,
        words: &[String],
        variables: &[(String, String)],
    ) -> Result<(), BuildError> {
        let line = line(words, self.directory);
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
        let mut command = Command::new(executable(program, self.directory));
        command.args(arguments).current_dir(self.directory);
        environment::prepare(&mut command, self.colour);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let (status, bytes, dropped) = match self.output {
            Output::Streamed => (command.status().map_err(failed)?, Vec::new(), 0),
            Output::Kept => {
                let ended = capture::run(command, OUTPUT_BYTES, &mut |elapsed, last| {
                    (self.tell)(Event::Running(elapsed, last))
                });
                let Some((status, captured)) = ended.map_err(failed)? else {
                    return Err(BuildError::Stopped);
                };
                (status, captured.bytes, captured.dropped)
            }
        };
        if status.success() {
            return Ok(());
        }
        Err(BuildError::Failed {
            status,
            line,
            output: bytes,
            dropped,
        })
    }
}

/// Puts a component where it belongs, whole: whoever watches the place sees the old one or the new one.
fn place(made: &Path, component: &Path) -> io::Result<()> {
    if made == component {
        return made.metadata().map(drop);
    }
    if let Some(folder) = component.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = component.with_extension("wasm.new");
    std::fs::copy(made, &beside)?;
    std::fs::rename(&beside, component)
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
        build(
            plan,
            Output::Kept,
            false,
            &mut |_| ControlFlow::Continue(()),
        )
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
        let ended = build(&shell("exec sleep 300"), Output::Kept, false, &mut |_| {
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
