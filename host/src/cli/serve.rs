//! `up` and `run`: from a configuration to a running server, top to bottom, and then until it is stopped.

use std::net::SocketAddr;
use std::path::Path;

use super::banner;
use super::console::Console;
use super::exit::Exit;
use super::live::{Live, Source, Watches};
use super::loading;
use crate::admin::AdminError;
use crate::config::{self, Config, ConfigError};
use crate::server::{Server, Signals, StartError, StopReason, Stopped};

/// Builds (unless told not to) and serves what a configuration describes.
pub(super) fn up(file: &Path, build: bool, watch: bool, console: &Console) -> Exit {
    let config = match config::load(file) {
        Ok(config) => config,
        Err(error) => return refused(&error, console),
    };
    let mut watches = Watches::default();
    if build {
        if watch {
            watches.add_sources(&config);
        }
        if let Err(exit) = loading::build_all(&config, console) {
            return exit;
        }
    }
    let source = Source {
        config: Some(file.to_owned()),
        watch,
    };
    serve(config, source, watches, console)
}

/// Serves one plugin on `/`.
pub(super) fn run(plugin: &Path, address: SocketAddr, watch: bool, console: &Console) -> Exit {
    let source = Source {
        config: None,
        watch,
    };
    match std::path::absolute(plugin) {
        Ok(file) => {
            let config = config::for_plugin(file, address);
            serve(config, source, Watches::default(), console)
        }
        Err(error) => {
            console.error(&format!("{}: {error}", plugin.display()));
            Exit::Refused
        }
    }
}

fn serve(config: Config, source: Source, mut watches: Watches, console: &Console) -> Exit {
    let signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            console.error(&format!("cannot wait for signals: {error}"));
            return Exit::Failed;
        }
    };
    let engine = match loading::engine(&config, console) {
        Ok(engine) => engine,
        Err(exit) => return exit,
    };
    if source.watch {
        watches.add_files(&config);
    }
    let plugins = match loading::load_all(&config, &engine, console) {
        Ok(plugins) => plugins,
        Err(exit) => return exit,
    };
    let live = Live::new(source, config.clone(), *console);
    let summary = banner::Summary::new(&config, &plugins);
    let server = match Server::start(config, plugins, engine) {
        Ok(server) => server,
        Err(error) => {
            console.error(&error.to_string());
            return exit_of(&error);
        }
    };
    if let Err(error) = live.start(&server, watches) {
        console.error(&format!("new versions are not looked for: {error}"));
    }
    console.print(&summary.text(server.listening(), server.admin_addr(), console));
    end(&server.wait(signals), console)
}

fn end(stopped: &Stopped, console: &Console) -> Exit {
    match stopped.dropped {
        0 => {}
        1 => console.say("one connection did not end in time and was cut"),
        count => console.say(&format!(
            "{count} connections did not end in time and were cut"
        )),
    }
    match stopped.reason {
        StopReason::Asked | StopReason::Terminated | StopReason::Interrupted => Exit::Ok,
        StopReason::Impatient => Exit::Interrupted,
        StopReason::Failed => {
            console.error("the server ended by itself; the log says why");
            Exit::Failed
        }
    }
}

pub(super) fn refused(error: &ConfigError, console: &Console) -> Exit {
    match error {
        // One line a problem, as compilers write them, so that editors find the place.
        ConfigError::Invalid(problems) => {
            console.say(&problems.to_string());
            let count = match problems.list.len() {
                1 => "one problem".to_owned(),
                count => format!("{count} problems"),
            };
            console.error(&format!(
                "{count} in {}; nothing was started",
                problems.file
            ));
        }
        other => console.error(&other.to_string()),
    }
    Exit::Refused
}

fn exit_of(error: &StartError) -> Exit {
    match error {
        StartError::AddressInUse { .. }
        | StartError::Listen { .. }
        | StartError::NotHanded { .. } => Exit::Listen,
        StartError::Admin(AdminError::AddressInUse { .. } | AdminError::Listen { .. }) => {
            Exit::Listen
        }
        StartError::Plugin { .. }
        | StartError::Tls(_)
        | StartError::Admin(AdminError::Token(_)) => Exit::Refused,
        _ => Exit::Failed,
    }
}
