//! `jackfield connections`: who is connected to a running server, and closing one. Thin: it asks the admin API and shows
//! what that says.

use std::time::Duration;

use axum::http::Method;
use clap::{Args, Subcommand};

use super::client::{AdminArgs, Client, ClientError, encoded};
use super::console::{Console, elapsed, size};
use super::exit::Exit;
use super::plugin::{print_json, short};
use super::table::{Column, Table};
use crate::admin::model::{Connection, ConnectionPage};

/// The most that the server puts on a page.
const PAGE: usize = 500;

/// Show and close the connections of a running server
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  jackfield connections ls --route /chat
  jackfield connections ls --peer 192.0.2.7 --json
  jackfield connections close 4294967552 --code 4000 --reason \"moved\"")]
pub(super) struct ConnectionsArgs {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List connections, with the versions that serve them
    Ls(List),
    /// Close a connection
    Close(Close),
}

#[derive(Debug, Args)]
struct List {
    /// Only those whose route has this plugin
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,

    /// Only those of this route
    #[arg(long, value_name = "PATH")]
    route: Option<String>,

    /// Only those from this address, with its port or without
    #[arg(long, value_name = "ADDRESS")]
    peer: Option<String>,

    /// How many, at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

#[derive(Debug, Args)]
struct Close {
    /// Its id, as `ls` and the log show it
    #[arg(value_name = "ID")]
    id: u64,

    /// The code of the close frame
    #[arg(long, value_name = "CODE", default_value_t = 1000)]
    code: u16,

    /// The reason in the close frame, at most 123 bytes
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Does what is asked for, to the end.
pub(super) fn connections(arguments: &ConnectionsArgs, console: &Console) -> Exit {
    Client::run(&arguments.admin, console, |client| {
        match &arguments.command {
            Command::Ls(list) => list.show(client, console),
            Command::Close(close) => close.send(client),
        }
    })
}

impl List {
    fn show(&self, client: &Client, console: &Console) -> Result<(), ClientError> {
        let page = self.pages(client)?;
        if client.json {
            return print_json(&page, console);
        }
        let mut table = Table::new([
            Column::Number("ID"),
            Column::Text("PEER"),
            Column::Text("STATE"),
            Column::Text("ROUTE"),
            Column::Text("PROTOCOL"),
            Column::Text("SERVED BY"),
            Column::Number("AGE"),
            Column::Number("IDLE"),
            Column::Number("BACKLOG"),
        ]);
        for connection in &page.connections {
            table.row(cells(connection));
        }
        console.print(&table.text(console));
        if page.next.is_some() {
            console.say("there may be more; a larger --limit shows them");
        }
        Ok(())
    }

    /// As many pages as are needed, as one.
    fn pages(&self, client: &Client) -> Result<ConnectionPage, ClientError> {
        let mut all = ConnectionPage::default();
        loop {
            let left = self.limit.saturating_sub(all.connections.len());
            let mut target = format!("/v1/connections?limit={}", left.clamp(1, PAGE));
            let filters = [
                ("plugin", &self.plugin),
                ("route", &self.route),
                ("peer", &self.peer),
                ("cursor", &all.next),
            ];
            for (name, value) in filters {
                if let Some(value) = value {
                    target.push_str(&format!("&{name}={}", encoded(value)));
                }
            }
            let page: ConnectionPage = client.ask(Method::GET, &target, Vec::new())?;
            all.connections.extend(page.connections);
            all.next = page.next;
            if all.next.is_none() || all.connections.len() >= self.limit {
                return Ok(all);
            }
        }
    }
}

impl Close {
    fn send(&self, client: &Client) -> Result<(), ClientError> {
        let (id, code, reason) = (self.id, self.code, encoded(&self.reason));
        let target = format!("/v1/connections/{id}?code={code}&reason={reason}");
        client.order(Method::DELETE, &target)
    }
}

fn cells(connection: &Connection) -> [String; 9] {
    let served = connection.plugins.iter();
    let served = served.map(|served| format!("{}@{}", served.plugin, short(&served.version)));
    [
        connection.id.to_string(),
        connection.peer.clone(),
        connection.state.clone(),
        connection.route.clone().unwrap_or_default(),
        connection.protocol.clone().unwrap_or_default(),
        served.collect::<Vec<_>>().join(", "),
        elapsed(Duration::from_millis(connection.age_ms)),
        elapsed(Duration::from_millis(connection.idle_ms)),
        size(connection.backlog_bytes),
    ]
}
