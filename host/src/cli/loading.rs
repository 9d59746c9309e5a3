//! From a configuration to plugins that are ready to serve: build, read, compile. Tells of each step, and
//! of everything that is wrong before it gives up.

use std::fmt::Display;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jackfield_plugin::{Engine, EngineConfig};

use super::console::{Console, elapsed, size};
use super::exit::Exit;
use crate::building::{self, BuildError, Event, Output};
use crate::config::Config;
use crate::config::resolved::{Build, Instances, Plugin};
use crate::server::LoadedPlugin;
use crate::swap::{COMPONENT_BYTES, SwapError};

/// Builds every plugin that has a build command, one after the other; stops at the first that fails, whose
/// output is shown as it is.
pub(super) fn build_all(config: &Config, console: &Console) -> Result<(), Exit> {
    for (name, plugin) in &config.plugins {
        let Some(build) = &plugin.build else {
            continue;
        };
        build_one(name, build, console, &|| false)?;
    }
    Ok(())
}

/// Builds one plugin; its output is shown when that fails. Given up as soon as `stopping`.
pub(super) fn build_one(
    name: &str,
    build: &Build,
    console: &Console,
    stopping: &dyn Fn() -> bool,
) -> Result<(), Exit> {
    let step = console.step(name);
    step.doing("building…");
    let result = building::build(build, Output::Kept, console.colour(), &mut |event| {
        match event {
            Event::Running(time, line) if time.as_secs() > 0 => {
                step.doing(&format!("building… {} s  {line}", time.as_secs()));
            }
            Event::Running(..) | Event::Command(_, None) => {}
            Event::Command(line, Some(why)) => step.note(&format!("{why} ({line})")),
            Event::AddingTarget(target) => {
                step.note(&format!(
                    "adding the Rust target {target} (rustup target add {target})"
                ));
            }
        }
        if stopping() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    match result {
        Ok(time) => {
            step.done(&format!("built in {}", elapsed(time)));
            Ok(())
        }
        Err(error) => {
            step.failed("not built");
            show(name, &error, console);
            Err(Exit::Build)
        }
    }
}

/// An engine with room for what the configuration can ask for, and a cache for compiled code.
pub(super) fn engine(config: &Config, console: &Console) -> Result<Engine, Exit> {
    let standard = EngineConfig::default();
    let limits = || config.plugins.values().map(|plugin| &plugin.limits);
    let memories = limits().map(|limits| limits.memory_bytes);
    let tables = limits().map(|limits| limits.table_elements);
    // Twice, because a new version's instances exist beside the old ones during a swap.
    let needed = config
        .plugins
        .values()
        .map(|plugin| instances(plugin, config))
        .fold(0, usize::saturating_add);
    let needed = u32::try_from(needed.saturating_mul(2)).unwrap_or(u32::MAX);
    let engine = Engine::new(EngineConfig {
        max_instances: needed.clamp(standard.max_instances, 16_384),
        memory_bytes_max: memories.fold(standard.memory_bytes_max, usize::max),
        table_elements_max: tables.fold(standard.table_elements_max, usize::max),
        cache: cache_folder(),
        ..standard
    });
    engine.map_err(|error| {
        console.error(&error.to_string());
        Exit::Failed
    })
}

/// Compiles every plugin, or takes it from the cache. All of them are tried, so that every problem is told.
pub(super) fn load_all(
    config: &Config,
    engine: &Engine,
    console: &Console,
) -> Result<Vec<LoadedPlugin>, Exit> {
    let mut loaded = Vec::new();
    for (name, plugin) in &config.plugins {
        let step = console.step(name);
        step.doing("compiling…");
        let bytes = match read(&plugin.file) {
            Ok(bytes) => bytes,
            Err(why) => {
                step.failed("not loaded");
                console.error(&unreadable(name, plugin, &why));
                continue;
            }
        };
        if !plugin.grants.hosts.is_empty() {
            step.note("grants.hosts has no use yet: there is no import to call other hosts with");
        }
        match engine.load(name, &bytes) {
            Ok(plugin) => {
                let time = elapsed(plugin.compile_time());
                step.done(&if plugin.from_cache() {
                    format!("from cache in {time}")
                } else {
                    format!("compiled in {time}")
                });
                loaded.push(LoadedPlugin {
                    name: name.clone(),
                    plugin,
                });
            }
            Err(error) => {
                step.failed("not loaded");
                console.error(&format!(
                    "plugin '{name}': {}: {error}",
                    short(&plugin.file).display()
                ));
            }
        }
    }
    if loaded.len() == config.plugins.len() {
        return Ok(loaded);
    }
    Err(Exit::Refused)
}

/// A text of at most so many bytes, or why it cannot be had.
pub(super) fn read_text(file: &Path, limit: u64) -> Result<String, String> {
    let said = |error: std::io::Error| ReadError::from(error).to_string();
    let mut bytes = Vec::new();
    let file = std::fs::File::open(file).map_err(said)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(said)?;
    if bytes.len() as u64 > limit {
        return Err(format!("larger than {}", size(limit)));
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// Why there are no bytes of a component.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// There is nothing of that name.
    #[error("no such file")]
    Missing,
    /// The system does not give it.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// More than any component may have.
    #[error(transparent)]
    TooLarge(SwapError),
}

/// A component's bytes.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, ReadError> {
    let file = std::fs::File::open(file)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::new();
    // The size is what the file says; what is read is bounded all the same.
    file.take(COMPONENT_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > COMPONENT_BYTES {
        return Err(ReadError::TooLarge(SwapError::TooLarge {
            bytes: usize::try_from(size).unwrap_or_default().max(bytes.len()),
            limit: COMPONENT_BYTES,
        }));
    }
    Ok(bytes)
}

impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing,
            _ => ReadError::Unreadable(error),
        }
    }
}

/// A path as a person in this folder would write it.
pub(super) fn short(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or_else(|| path.to_owned())
}

fn unreadable(name: &str, plugin: &Plugin, why: &ReadError) -> String {
    let file = short(&plugin.file);
    let hint = match &plugin.build {
        Some(build) => format!(
            "its build makes it; leave out --no-build, or correct plugins.{name}.file if that build writes elsewhere: {}",
            building::command_line(build)
        ),
        None => format!("build it, or correct plugins.{name}.file"),
    };
    let hint = match why {
        ReadError::TooLarge(_) => "build it smaller: without debug information, to begin with",
        _ => &hint,
    };
    format!("plugin '{name}': {}: {why}\n  {hint}", file.display())
}

pub(super) fn show(name: &str, error: &BuildError, console: &Console) {
    if let BuildError::Failed {
        output, dropped, ..
    } = error
    {
        if *dropped > 0 {
            console.say(&format!(
                "(the first {dropped} bytes of the output are not shown)"
            ));
        }
        console.raw(output);
        if !output.is_empty() && !output.ends_with(b"\n") {
            console.say("");
        }
    }
    console.error(&format!("plugin '{name}': {}", error as &dyn Display));
}

fn instances(plugin: &Plugin, config: &Config) -> usize {
    match plugin.instances {
        Instances::Worker => config.listen.workers,
        Instances::Connection => config.limits.connections,
        Instances::Single => 1,
        Instances::Pool(size) => config.listen.workers.saturating_mul(size),
    }
}

/// `$XDG_CACHE_HOME/jackfield`, or `~/.cache/jackfield`; none when there is neither, and then plugins are
/// compiled at every start. (XDG Base Directory Specification: a relative path is ignored.)
pub(super) fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("jackfield"))
}
