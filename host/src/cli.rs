//! The command line: what can be asked for, and which room answers. Parsing, help and exit codes are here;
//! the work of a command is in its own file.

mod banner;
mod build;
mod check;
mod client;
mod connections;
mod console;
mod exit;
mod live;
mod loading;
mod logging;
mod new;
mod plugin;
mod serve;
mod table;
mod test;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{ArgAction, Args, Parser, Subcommand};

pub use console::Console;
pub use exit::Exit;

/// A WebSocket server whose business logic is a WebAssembly component.
#[derive(Debug, Parser)]
#[command(
    name = "jackfield",
    version = VERSION.as_str(),
    about,
    after_help = AFTER_HELP.as_str(),
    max_term_width = 100,
    arg_required_else_help = true,
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Log more: -v for each connection, -vv for each frame, -vvv for everything. Overrides RUST_LOG
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::NewArgs),
    Build(build::BuildArgs),
    Test(test::TestArgs),
    Up(Up),
    Run(Run),
    Check(Check),
    Plugin(plugin::PluginArgs),
    Connections(connections::ConnectionsArgs),
}

/// Build the plugins of a configuration and serve them until stopped
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  jackfield up                              jackfield.toml in this folder
  jackfield up --config /etc/jackfield.toml --no-build")]
struct Up {
    /// The configuration; paths in it are relative to its folder
    #[arg(long, value_name = "FILE", default_value = "jackfield.toml")]
    config: PathBuf,

    /// Do not run the plugins' build commands; serve the files that are there
    #[arg(long)]
    no_build: bool,

    /// Do not watch files; a new version comes by SIGHUP or `jackfield plugin push`
    #[arg(long)]
    no_watch: bool,
}

/// Serve one plugin on / without a configuration
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  jackfield run my_plugin.wasm
  jackfield run my_plugin.wasm --listen 127.0.0.1:0    a free port")]
struct Run {
    /// The component
    #[arg(value_name = "PLUGIN.wasm")]
    plugin: PathBuf,

    /// Address and port to listen on; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,

    /// Do not watch the file; a new version comes by SIGHUP
    #[arg(long)]
    no_watch: bool,
}

/// Say which hooks a component implements, what it imports, and what does not fit the contract
#[derive(Debug, Args)]
#[command(after_help = "Example:
  jackfield check my_plugin.wasm            exit code 1 when it does not fit")]
struct Check {
    /// The component
    #[arg(value_name = "PLUGIN.wasm")]
    plugin: PathBuf,
}

static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\nplugin contract: jackfield:plugin {}",
        env!("CARGO_PKG_VERSION"),
        jackfield_plugin::CONTRACT_VERSIONS.join(", ")
    )
});

static AFTER_HELP: LazyLock<String> = LazyLock::new(|| {
    let mut text = "\
Examples:
  jackfield new shout --lang rust   begin a plugin
  jackfield up                      build and serve what jackfield.toml describes
  jackfield test                    play its transcripts
  jackfield run my_plugin.wasm      serve one plugin on ws://127.0.0.1:9000/
  jackfield check my_plugin.wasm    does it fit the contract?
  jackfield plugin push echo a.wasm replace a plugin of a running server
  RUST_LOG=jackfield=debug jackfield up

Exit codes:
"
    .to_owned();
    for exit in Exit::ALL {
        text.push_str(&format!("  {:<4} {}\n", exit.code(), exit.meaning()));
    }
    text
});

/// Does what the command line asks for, to the end.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are answers, everything else is a mistake; clap knows which goes where.
            let _ = answer.print();
            return match answer.exit_code() {
                0 => Exit::Ok,
                _ => Exit::Usage,
            };
        }
    };
    let console = Console::detect();
    if let Err(message) = logging::start(cli.verbose, &console) {
        console.error(&message);
        return Exit::Usage;
    }
    match cli.command {
        Command::New(arguments) => new::new(&arguments, &console),
        Command::Build(arguments) => build::build(&arguments, &console),
        Command::Test(arguments) => test::test(&arguments, &console),
        Command::Up(up) => serve::up(&up.config, !up.no_build, !up.no_watch, &console),
        Command::Run(run) => serve::run(&run.plugin, run.listen, !run.no_watch, &console),
        Command::Check(check) => check::check(&check.plugin, &console),
        Command::Plugin(arguments) => plugin::plugin(&arguments, &console),
        Command::Connections(arguments) => connections::connections(&arguments, &console),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_has_examples_and_exit_codes() {
        let help = Cli::command().render_help().to_string();
        for part in [
            "jackfield up ",
            "jackfield run ",
            "Exit codes:",
            "  130  a second Ctrl-C",
        ] {
            assert!(help.contains(part), "{help}");
        }
        assert!(VERSION.contains("jackfield:plugin 0.1.0"));
    }

    #[test]
    fn paths_and_flags() {
        let parsed = |line: &str| Cli::try_parse_from(line.split(' '));
        let cli = parsed("jackfield up -vv --no-build").unwrap();
        assert_eq!(cli.verbose, 2);
        let Command::Up(up) = cli.command else {
            panic!("up");
        };
        assert!(up.no_build && up.config == std::path::Path::new("jackfield.toml"));
        for wrong in [
            "jackfield",
            "jackfield upp",
            "jackfield run x.wasm --listen here",
        ] {
            assert_eq!(parsed(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
