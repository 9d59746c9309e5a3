//! `build`: makes the components of a project, with the output of its toolchain as it comes.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jackfield_plugin::inspect;

use super::console::{Console, Style, elapsed, size};
use super::exit::Exit;
use super::loading;
use super::serve::refused;
use crate::building::{self, Event, Output};
use crate::config;
use crate::config::resolved::Build;

/// The configuration of a project.
const CONFIG: &str = "jackfield.toml";

/// Build a plugin project: what its jackfield.toml says or, without one, what its language does
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  jackfield build                           the project in this folder
  jackfield build plugins/echo              the project in another

The toolchain's output is shown as it comes. The component is checked against the contract. Exit code 3: the toolchain
failed, or a tool is missing; the message has the command that installs it. Exit code 1: the component does not fit.")]
pub(super) struct BuildArgs {
    /// The project's folder
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

/// What is to be built.
struct Target {
    name: String,
    build: Build,
    component: PathBuf,
}

/// Builds every plugin of the project.
pub(super) fn build(arguments: &BuildArgs, console: &Console) -> Exit {
    let targets = match targets(&arguments.folder, console) {
        Ok(targets) => targets,
        Err(exit) => return exit,
    };
    for target in &targets {
        if let Err(exit) = make(target, console) {
            return exit;
        }
    }
    Exit::Ok
}

fn targets(folder: &Path, console: &Console) -> Result<Vec<Target>, Exit> {
    let file = folder.join(CONFIG);
    if file.is_file() {
        let config = config::load(&file).map_err(|error| refused(&error, console))?;
        let plugins = config.plugins.into_iter();
        let targets: Vec<_> = plugins
            .filter_map(|(name, plugin)| {
                Some(Target {
                    name,
                    build: plugin.build?,
                    component: plugin.file,
                })
            })
            .collect();
        if targets.is_empty() {
            console.error(&format!(
                "{}: no plugin has a `build`; add build = {{}} to one, or build = {{ command = [...] }}",
                file.display()
            ));
            return Err(Exit::Refused);
        }
        return Ok(targets);
    }
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    match building::plan(&absolute) {
        Ok(plan) => Ok(vec![Target {
            name: plan
                .component
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            component: absolute.join(plan.component),
            build: Build {
                command: Vec::new(),
                directory: absolute,
            },
        }]),
        Err(error) => {
            console.error(&error.to_string());
            Err(Exit::Build)
        }
    }
}

/// Builds one plugin and looks at the component.
fn make(target: &Target, console: &Console) -> Result<(), Exit> {
    let mut tell = |event| {
        match event {
            Event::Command(line, why) => {
                let why = why.map(|why| format!("    # {why}")).unwrap_or_default();
                console.say(&console.err(Style::Dim, &format!("$ {line}{why}")));
            }
            Event::AddingTarget(target) => {
                console.say(&console.err(Style::Dim, &format!("$ rustup target add {target}")));
            }
            Event::Running(..) => {}
        }
        ControlFlow::Continue(())
    };
    match building::build(&target.build, Output::Streamed, console.colour(), &mut tell) {
        Ok(time) => fits(target, time, console),
        Err(error) => {
            loading::show(&target.name, &error, console);
            Err(Exit::Build)
        }
    }
}

fn fits(target: &Target, time: Duration, console: &Console) -> Result<(), Exit> {
    let file = loading::short(&target.component);
    let refused = |why: String| {
        console.error(&format!(
            "plugin '{}': {}: {why}",
            target.name,
            file.display()
        ));
        Exit::Refused
    };
    let bytes = loading::read(&target.component).map_err(|error| refused(error.to_string()))?;
    let inspection = inspect(&bytes).map_err(|error| refused(error.to_string()))?;
    inspection
        .verdict()
        .map_err(|error| refused(error.to_string()))?;
    console.print(&format!(
        "{}: {}, built in {}\n",
        file.display(),
        size(bytes.len() as u64),
        elapsed(time)
    ));
    Ok(())
}
