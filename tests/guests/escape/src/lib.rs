//! Tries to leave the sandbox: files, network and environment of the host. Its imports of WASI's filesystem
//! and sockets are what a host that grants neither has to refuse at load, in words, or to stub.
//!
//! `read PATH`, `write PATH`, `list PATH`, `connect ADDRESS`, `bind ADDRESS`, `env` and `args` are answered with
//! `got …`, which is an escape, or with `refused …`.

use std::fmt::Display;
use std::net::{TcpListener, TcpStream};

use jackfield_guest::{Connection, Handler, Message};

#[derive(Default)]
struct Escape;

impl Handler for Escape {
    fn business_handler(&mut self, connection: Connection, message: Message) {
        let answer = match attempt(message.as_text().unwrap_or_default()) {
            Ok(loot) => format!("got {loot}"),
            Err(reason) => format!("refused {reason}"),
        };
        if let Err(error) = connection.send_text(&answer) {
            eprintln!("{connection}: {answer} was not sent: {error}");
        }
    }
}

jackfield_guest::export!(Escape: Handler);

fn attempt(command: &str) -> Result<String, String> {
    let (verb, target) = command.split_once(' ').unwrap_or((command, ""));
    match verb {
        "read" => std::fs::read_to_string(target).map_err(text),
        "write" => std::fs::write(target, "jackfield was here")
            .map(|()| target.to_owned())
            .map_err(text),
        "list" => {
            let entries = std::fs::read_dir(target).map_err(text)?;
            Ok(format!("{} entries", entries.count()))
        }
        "connect" => TcpStream::connect(target)
            .map(|_| target.to_owned())
            .map_err(text),
        "bind" => TcpListener::bind(target)
            .map(|_| target.to_owned())
            .map_err(text),
        "env" => all(std::env::vars().map(|(name, value)| format!("{name}={value}"))),
        "args" => all(std::env::args()),
        _ => Err(format!("no such command: {verb}")),
    }
}

fn all(values: impl Iterator<Item = String>) -> Result<String, String> {
    let values: Vec<String> = values.collect();
    if values.is_empty() {
        Err("nothing there".to_owned())
    } else {
        Ok(values.join(" "))
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}
