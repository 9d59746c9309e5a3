//! Exports every interface there is and records each event that it hears of, so that a test can prove that
//! what must happen exactly once did.
//!
//! An event is one line, `HOOK CONNECTION DETAILS`, such as `on-disconnected 7 1000 true bye`. It is printed to
//! stdout, and so ends up in the host's log, and is kept in the instance's memory; with one worker and
//! `instances = "worker"` that is all that ever happened. Over a swap it is carried by `save` and `restore`.
//!
//! A text `events` is answered with all lines, `mine` with those of the connection that asks, `clear` with
//! nothing. Any other message is an event itself and is sent back.

use std::fmt::{Arguments, Write as _};

use jackfield_guest::{
    Connection, ConnectionEvents, Ending, ErrorKind, Handler, Handshake, Header, HealthEvents,
    Message, Rejection, ServerEvents, SocketEvents, State, UpgradeRequest,
};

/// More than this is not kept; the last line says so.
const LINES_MAX: usize = 20_000;

#[derive(Default)]
struct Events {
    lines: Vec<String>,
}

impl Events {
    fn record(&mut self, event: Arguments<'_>) {
        let line = event.to_string();
        println!("{line}");
        if self.lines.len() < LINES_MAX {
            self.lines.push(line);
        } else if self.lines.len() == LINES_MAX {
            self.lines.push("full".to_owned());
        }
    }
}

impl Handler for Events {
    fn business_handler(&mut self, connection: Connection, message: Message) {
        let id = connection.to_string();
        let answer = match message.as_text() {
            Some("events") => Message::from(self.lines.join("\n")),
            Some("mine") => {
                let of_it = |line: &&String| line.split(' ').nth(1) == Some(id.as_str());
                let mut mine = String::new();
                for line in self.lines.iter().filter(of_it) {
                    let separator = if mine.is_empty() { "" } else { "\n" };
                    let _ = write!(mine, "{separator}{line}");
                }
                Message::from(mine)
            }
            Some("clear") => return self.lines.clear(),
            _ => {
                let kind = if message.as_text().is_some() {
                    "text"
                } else {
                    "binary"
                };
                self.record(format_args!(
                    "business-handler {id} {kind} {}",
                    message.len()
                ));
                message
            }
        };
        if let Err(error) = connection.send(&answer) {
            self.record(format_args!("not-sent {id} {error}"));
        }
    }
}

impl Handshake for Events {
    fn check_custom_header(&mut self, request: &UpgradeRequest) -> Result<Vec<Header>, Rejection> {
        self.record(format_args!(
            "check-custom-header {} {} {}",
            request.connection, request.path, request.peer
        ));
        Ok(vec![Header::new(
            "x-events",
            request.connection.to_string(),
        )])
    }

    fn select_protocol(&mut self, connection: Connection, offered: Vec<String>) -> Option<String> {
        self.record(format_args!(
            "select-protocol {connection} {}",
            offered.join(",")
        ));
        offered.into_iter().next()
    }
}

impl ConnectionEvents for Events {
    fn on_handshake_success(&mut self, connection: Connection) {
        self.record(format_args!("on-handshake-success {connection}"));
    }

    fn on_disconnected(&mut self, connection: Connection, ending: Ending) {
        let Ending {
            code,
            reason,
            clean,
        } = ending;
        self.record(format_args!(
            "on-disconnected {connection} {code} {clean} {reason}"
        ));
    }
}

impl SocketEvents for Events {
    fn on_connected(&mut self, connection: Connection, peer: String) {
        self.record(format_args!("on-connected {connection} {peer}"));
    }

    fn on_upgrade_part_receive(&mut self, connection: Connection, received: u32) {
        self.record(format_args!(
            "on-upgrade-part-receive {connection} {received}"
        ));
    }

    fn on_handshake_failure(&mut self, connection: Connection, status: u16, reason: String) {
        self.record(format_args!(
            "on-handshake-failure {connection} {status} {reason}"
        ));
    }

    fn on_after_remove_socket(&mut self, connection: Connection) {
        self.record(format_args!("on-after-remove-socket {connection}"));
    }

    fn on_error(&mut self, connection: Connection, kind: ErrorKind, detail: String) {
        let kind = match kind {
            ErrorKind::Transport => "transport",
            ErrorKind::Protocol => "protocol",
            ErrorKind::Plugin => "plugin",
            ErrorKind::Limit => "limit",
        };
        self.record(format_args!("on-error {connection} {kind} {detail}"));
    }
}

impl HealthEvents for Events {
    fn on_after_health_check(&mut self, unhealthy: Vec<Connection>) {
        let ids: Vec<String> = unhealthy.iter().map(Connection::to_string).collect();
        self.record(format_args!("on-after-health-check {}", ids.join(",")));
    }
}

impl ServerEvents for Events {
    fn on_started(&mut self) {
        self.record(format_args!("on-started"));
    }

    fn on_shutdown(&mut self) {
        self.record(format_args!("on-shutdown"));
    }
}

impl State for Events {
    fn save(&mut self) -> Result<Vec<u8>, String> {
        self.record(format_args!("save"));
        Ok(self.lines.join("\n").into_bytes())
    }

    fn restore(&mut self, from_version: String, state: Vec<u8>) -> Result<(), String> {
        let text = String::from_utf8(state).map_err(|error| error.to_string())?;
        self.lines.splice(0..0, text.lines().map(str::to_owned));
        self.record(format_args!("restore {from_version}"));
        Ok(())
    }
}

jackfield_guest::export!(
    Events: Handler, Handshake, ConnectionEvents, SocketEvents, HealthEvents, ServerEvents, State
);
