//! `jackfield plugin`: how the plugins of a running server do, and new versions for them. Thin: it asks the admin API
//! and shows what that says.

use std::path::{Path, PathBuf};

use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};

use super::client::{AdminArgs, Client, ClientError, encoded};
use super::console::Console;
use super::exit::Exit;
use super::loading::{self, ReadError};
use super::table::{Column, Table};
use crate::admin::model::{PluginList, Swap};
use crate::swap::Swapped;

/// Show, push, roll back and promote the plugins of a running server
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  jackfield plugin ls
  jackfield plugin push chat chat.wasm                        every connection goes over to it
  jackfield plugin push chat chat.wasm --policy canary --share 10
  jackfield plugin promote chat
  jackfield plugin rollback chat --admin http://127.0.0.1:9001 --token-file admin.token")]
pub(super) struct PluginArgs {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the plugins with their versions: digest, connections, calls, errors
    Ls,
    /// Replace a plugin by another component, without closing a connection
    Push(Push),
    /// Go back to the version before: end a canary or a drain, or undo the last push
    Rollback {
        /// The plugin
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Make the canary of a plugin the version of all connections
    Promote {
        /// The plugin
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Args)]
struct Push {
    /// The plugin
    #[arg(value_name = "NAME")]
    name: String,

    /// The component
    #[arg(value_name = "PLUGIN.wasm")]
    file: PathBuf,

    /// Which connections get it; without this, as the plugin's configuration says
    #[arg(long, value_name = "POLICY")]
    policy: Option<Policy>,

    /// A canary's share of the connections, in percent (default: 10)
    #[arg(long, value_name = "PERCENT", requires = "policy")]
    share: Option<u32>,

    /// How long a drain may take, such as 10min (the default)
    #[arg(long, value_name = "DURATION", requires = "policy")]
    limit: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    /// All connections, between two calls
    Live,
    /// New connections; open ones stay on the old version
    Drain,
    /// A share of the connections, until it is promoted or rolled back
    Canary,
}

/// Does what is asked for, to the end.
pub(super) fn plugin(arguments: &PluginArgs, console: &Console) -> Exit {
    Client::run(&arguments.admin, console, |client| {
        match &arguments.command {
            Command::Ls => list(client, console),
            Command::Push(push) => push.send(client, console),
            Command::Rollback { name } => turn(client, name, "rollback", console),
            Command::Promote { name } => turn(client, name, "promote", console),
        }
    })
}

fn list(client: &Client, console: &Console) -> Result<(), ClientError> {
    let list: PluginList = client.ask(Method::GET, "/v1/plugins", Vec::new())?;
    if client.json {
        return print_json(&list, console);
    }
    let mut table = Table::new([
        Column::Text("PLUGIN"),
        Column::Text("VERSION"),
        Column::Text("ROLE"),
        Column::Text("SINCE"),
        Column::Number("CONNECTIONS"),
        Column::Number("CALLS"),
        Column::Number("ERRORS"),
        Column::Text("LAST ERROR"),
    ]);
    for plugin in list.plugins {
        for version in plugin.versions {
            let role = match version.out_for_ms {
                Some(ms) => format!("{}, out for {} s", version.role, ms.div_ceil(1000)),
                None => version.role,
            };
            let error = version.last_error.unwrap_or_default();
            table.row([
                plugin.name.clone(),
                short(&version.digest),
                role,
                version.since,
                version.connections.to_string(),
                version.calls.to_string(),
                (version.traps + version.timeouts).to_string(),
                error.lines().next().unwrap_or_default().to_owned(),
            ]);
        }
    }
    console.print(&table.text(console));
    Ok(())
}

impl Push {
    fn send(&self, client: &Client, console: &Console) -> Result<(), ClientError> {
        let component = read(&self.file)?;
        let mut target = format!("/v1/plugins/{}", encoded(&self.name));
        let mut join = '?';
        let mut add = |name: &str, value: &str| {
            target.push_str(&format!("{join}{name}={}", encoded(value)));
            join = '&';
        };
        if let Some(policy) = self.policy.and_then(|policy| policy.to_possible_value()) {
            add("policy", policy.get_name());
        }
        if let Some(share) = self.share {
            add("share", &share.to_string());
        }
        if let Some(limit) = &self.limit {
            add("limit", limit);
        }
        let swap = client.ask(Method::PUT, &target, component)?;
        told(client, swap, console)
    }
}

fn turn(client: &Client, name: &str, how: &str, console: &Console) -> Result<(), ClientError> {
    let target = format!("/v1/plugins/{}/{how}", encoded(name));
    let swap = client.ask(Method::POST, &target, Vec::new())?;
    told(client, swap, console)
}

/// The same line that the server logs.
fn told(client: &Client, swap: Swap, console: &Console) -> Result<(), ClientError> {
    if client.json {
        return print_json(&swap, console);
    }
    console.print(&format!("{}\n", Swapped::from(swap)));
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, ClientError> {
    loading::read(file).map_err(|why| {
        let said = format!("{}: {why}", file.display());
        match why {
            ReadError::TooLarge(_) => ClientError::Wrong(said),
            _ => ClientError::Usage(said),
        }
    })
}

/// As the server has it, for programs.
pub(super) fn print_json(
    value: &impl serde::Serialize,
    console: &Console,
) -> Result<(), ClientError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| ClientError::Failed(error.to_string()))?;
    console.print(&format!("{text}\n"));
    Ok(())
}

/// The beginning of a digest, as the log and the banner show it.
pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
