//! `test`: plays transcripts against plugins, says which were met, and shows where one was not.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;

use super::console::{Console, Style, elapsed};
use super::exit::Exit;
use super::loading;
use super::serve::refused;
use crate::config::{self, Config};
use crate::projects::TRANSCRIPTS;
use crate::transcript::{self, Stage, Transcript};

/// The ending of a transcript's name.
const ENDING: &str = "transcript";
/// The largest transcript that is read, in bytes.
const TRANSCRIPT_BYTES: u64 = 16 * 1024 * 1024;

/// Play transcripts against plugins, in the real engine, without a network and without waiting
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  jackfield test                            transcripts/*.transcript, against what jackfield.toml describes
  jackfield test login.transcript           only this one
  jackfield test --plugin echo.wasm a.transcript
                                            against one component on /, without a configuration

A transcript says what clients do and what they are to hear:
  ada connects to /
  ada is accepted
  ada says \"hello\"
  ada hears \"hello\"
The whole format: docs/testing.md. Exit code 1: a transcript was not met, or is none.")]
pub(super) struct TestArgs {
    /// Transcripts, or folders of them [default: transcripts/ beside the configuration]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The configuration: routes, plugins, limits
    #[arg(long, value_name = "FILE", default_value = "jackfield.toml")]
    config: PathBuf,

    /// One component on / instead of a configuration
    #[arg(long, value_name = "PLUGIN.wasm", conflicts_with = "config")]
    plugin: Option<PathBuf>,

    /// Do not build; test the files that are there
    #[arg(long)]
    no_build: bool,
}

/// Plays every transcript. One that is not met does not keep the others from being played.
pub(super) fn test(arguments: &TestArgs, console: &Console) -> Exit {
    match run(arguments, console) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn run(arguments: &TestArgs, console: &Console) -> Result<Exit, Exit> {
    let config = configuration(arguments, console)?;
    // A mistake in a transcript is told before a build is waited for.
    let transcripts = read_all(arguments, console)?;
    if arguments.plugin.is_none() && !arguments.no_build {
        loading::build_all(&config, console)?;
    }
    let engine = loading::engine(&config, console)?;
    let plugins = loading::load_all(&config, &engine, console)?;
    let stage = Stage::new(config, &plugins).map_err(|error| {
        console.error(&error.to_string());
        Exit::Failed
    })?;
    let mut failed = 0;
    for transcript in &transcripts {
        match stage.play(transcript) {
            Ok(played) => {
                let met = console.out(Style::Green, "met");
                let (steps, time) = (played.steps, elapsed(played.time));
                console.print(&format!(
                    "{met}      {}: {steps} steps, {time}\n",
                    transcript.name
                ));
            }
            Err(error) => {
                failed += 1;
                let failed = console.out(Style::Red, "not met");
                console.print(&format!("{failed}  {error}\n"));
            }
        }
    }
    let count = transcripts.len();
    let word = if count == 1 {
        "transcript"
    } else {
        "transcripts"
    };
    if failed == 0 {
        console.print(&format!("{count} {word} met\n"));
        return Ok(Exit::Ok);
    }
    console.print(&format!("{failed} of {count} {word} not met\n"));
    Ok(Exit::Refused)
}

fn configuration(arguments: &TestArgs, console: &Console) -> Result<Config, Exit> {
    let Some(plugin) = &arguments.plugin else {
        return config::load(&arguments.config).map_err(|error| refused(&error, console));
    };
    let file = std::path::absolute(plugin).map_err(|error| {
        console.error(&format!("{}: {error}", plugin.display()));
        Exit::Refused
    })?;
    Ok(config::for_plugin(
        file,
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    ))
}

/// Reads every transcript that is meant; every mistake in any of them is told.
fn read_all(arguments: &TestArgs, console: &Console) -> Result<Vec<Transcript>, Exit> {
    let files = files(arguments, console)?;
    let mut transcripts = Vec::new();
    for file in &files {
        let name = loading::short(file).display().to_string();
        let text = match loading::read_text(file, TRANSCRIPT_BYTES) {
            Ok(text) => text,
            Err(why) => {
                console.error(&format!("{name}: {why}"));
                continue;
            }
        };
        match transcript::parse(&text, &name) {
            Ok(transcript) => transcripts.push(transcript),
            Err(problems) => {
                for problem in problems {
                    console.error(&problem.to_string());
                }
            }
        }
    }
    if transcripts.len() == files.len() {
        Ok(transcripts)
    } else {
        Err(Exit::Refused)
    }
}

/// The files that are meant, those of a folder in the order of their names.
fn files(arguments: &TestArgs, console: &Console) -> Result<Vec<PathBuf>, Exit> {
    let beside = arguments.config.parent().unwrap_or(Path::new(""));
    let usual = vec![beside.join(TRANSCRIPTS)];
    let named = match &arguments.files {
        files if files.is_empty() => &usual,
        files => files,
    };
    let mut all = Vec::new();
    for path in named {
        if path.is_file() || (!path.is_dir() && !arguments.files.is_empty()) {
            all.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
            .collect();
        found.sort();
        all.append(&mut found);
    }
    if all.is_empty() {
        let place = named.iter().map(|path| path.display().to_string());
        console.error(&format!(
            "no *.{ENDING} in {}\n  write one (docs/testing.md), or name the files",
            place.collect::<Vec<_>>().join(", ")
        ));
        return Err(Exit::Refused);
    }
    Ok(all)
}
