//! `check`: what a component is to the host. Of it only the start of one instance is run, without grants and without
//! connections. What it is goes to stdout; what does not fit goes to stderr, one line each.

use std::path::Path;

use jackfield_plugin::{
    CONTRACT_VERSIONS, Engine, EngineConfig, Inspection, InstanceLimits, Plugin, inspect,
};
use tokio::runtime::Builder;

use super::console::{Console, Style, size};
use super::exit::Exit;
use super::loading;
use crate::swap::Nobody;

/// Prints what the component implements and imports, and whatever does not fit the contract.
pub(super) fn check(file: &Path, console: &Console) -> Exit {
    let name = file.display();
    let refused = |why: &dyn std::fmt::Display| {
        console.error(&format!("{name}: {why}"));
        Exit::Refused
    };
    let bytes = match loading::read(file) {
        Ok(bytes) => bytes,
        Err(why) => return refused(&why),
    };
    let inspection = match inspect(&bytes) {
        Ok(inspection) => inspection,
        Err(error) => return refused(&error),
    };
    console.print(&description(file, &inspection, console));
    if let Err(why) = inspection.verdict() {
        for problem in &inspection.problems {
            refused(problem);
        }
        // A component can be refused as a whole, with every function as it should be.
        if inspection.problems.is_empty() {
            refused(&why);
        }
        return Exit::Refused;
    }
    // Whether the engine compiles it and has each import in its form, only the engine knows.
    let engine = match engine() {
        Ok(engine) => engine,
        Err(error) => {
            console.error(&error.to_string());
            return Exit::Failed;
        }
    };
    let memory = match engine.load(&name.to_string(), &bytes) {
        Ok(plugin) => memory(&plugin),
        Err(why) => return refused(&why),
    };
    match memory {
        Ok(memory) => console.print(&format!("Begins with {} of memory\n", size(memory as u64))),
        Err(why) => return refused(&format!("it does not start: {why}")),
    }
    let versions = CONTRACT_VERSIONS.join(", ");
    let fits = console.out(Style::Green, "fits");
    console.print(&format!(
        "{name} {fits} the contract jackfield:plugin {versions}\n"
    ));
    Exit::Ok
}

/// An engine that will run nothing; what it compiles, `up` and `run` find in the cache.
fn engine() -> Result<Engine, jackfield_plugin::EngineError> {
    Engine::new(EngineConfig {
        cache: loading::cache_folder(),
        ..EngineConfig::default()
    })
}

/// What an instance has of linear memory before its first call, in bytes.
fn memory(plugin: &Plugin) -> Result<usize, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    // How much it may have is the configuration's to say.
    let limits = InstanceLimits {
        memory_bytes: usize::MAX,
        ..InstanceLimits::default()
    };
    let made = plugin.instantiate(Box::new(Nobody), &limits);
    match runtime.block_on(made) {
        Ok(instance) => Ok(instance.memory_bytes()),
        Err(error) => Err(error.to_string()),
    }
}

fn description(file: &Path, inspection: &Inspection, console: &Console) -> String {
    let title = |text: &str| format!("{}\n", console.out(Style::Bold, text));
    let mut text = format!(
        "{}: {}, sha256:{}\n",
        file.display(),
        size(inspection.size as u64),
        inspection.digest
    );
    if !inspection.producers.is_empty() {
        let producers: Vec<&str> = inspection
            .producers
            .iter()
            .map(|name| brief(name))
            .collect();
        text.push_str(&format!("made with {}\n", producers.join(", ")));
    }
    if let Some(sdk) = &inspection.sdk {
        text.push_str(&format!("written with {sdk}\n"));
    }
    text.push_str(&title("Implements"));
    if inspection.hooks.is_empty() {
        text.push_str("  no hook\n");
    }
    for hook in &inspection.hooks {
        let functions = hook.functions.join(", ");
        text.push_str(&format!("  {}: {functions}\n", hook.export));
    }
    list(&mut text, &title("Calls"), &inspection.calls);
    list(&mut text, &title("Imports"), &inspection.imports);
    let grants: Vec<_> = inspection
        .imports
        .iter()
        .filter_map(|name| grant(name))
        .collect();
    list(&mut text, &title("Finds nothing without a grant"), &grants);
    list(
        &mut text,
        &title("Also exports, never called"),
        &inspection.other_exports,
    );
    text
}

/// What an import gives only to those that it is granted to, and by which key.
fn grant(import: &str) -> Option<String> {
    let (interface, _) = import.split_once('@').unwrap_or((import, ""));
    let what = match interface {
        "wasi:cli/environment" => "variables named in grants.environment",
        "wasi:filesystem/preopens" => "directories of grants.directories",
        _ if interface.starts_with("wasi:sockets/") => "never: the network cannot be granted",
        _ => return None,
    };
    Some(format!("{interface}: {what}"))
}

/// `processed-by rustc 1.95.0 (hash date)` is `rustc 1.95.0` to a person.
fn brief(producer: &str) -> &str {
    let (_, name) = producer.split_once(' ').unwrap_or(("", producer));
    name.split_once(" (").map_or(name, |(name, _)| name)
}

fn list(text: &mut String, title: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    text.push_str(title);
    for name in names {
        text.push_str(&format!("  {name}\n"));
    }
}
