//! Does whatever harm the client asks for, and tells what the host made of it. See `commands.rs` for what a
//! text message may say, `harm.rs` for the ways to misbehave, and `Hostile::act` for how other hooks are
//! made to.
//!
//! Every interface is exported. A query such as `?check=panic&success=spin` names the harm for the hooks of this
//! connection, `arm HOOK HARM` for the next call of a hook of this instance.

mod commands;
mod handshake;
mod harm;

use std::collections::HashMap;

use jackfield_guest::{
    Connection, ConnectionEvents, Ending, ErrorKind, Handler, Handshake, Header, HealthEvents,
    Message, Rejection, ServerEvents, SocketEvents, State, UpgradeRequest,
};

/// The attribute that holds the query of the upgrade request.
const PLAN: &str = "plan";

#[derive(Default)]
struct Hostile {
    /// The harm to do at the next call of a hook.
    armed: HashMap<String, String>,
    /// Messages that this instance got. A trap starts again at 0, as memory does.
    messages: u64,
    /// Calls of `on_disconnected` that this instance got.
    disconnected: u64,
    /// When it was asked for the time first.
    asked: Option<(std::time::Instant, std::time::SystemTime)>,
}

impl Hostile {
    /// Does what this hook was armed with, once; else what the connection's query says. `hook` is a name such
    /// as `disconnected`.
    fn act(&mut self, hook: &str, connection: Option<Connection>) {
        if let Some(harm) = self.armed.remove(hook) {
            harm::do_it(&harm);
        } else if let Some(connection) = connection
            && let Ok(Some(plan)) = connection.attribute(PLAN)
            && let Some(harm) = planned(&String::from_utf8_lossy(&plan), hook)
        {
            harm::do_it(harm);
        }
    }
}

/// The value that a query gives to a name, as it stands.
fn planned<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

impl Handler for Hostile {
    fn business_handler(&mut self, connection: Connection, message: Message) {
        self.messages += 1;
        self.act("message", Some(connection));
        match message {
            Message::Text(text) => self.obey(connection, &text),
            Message::Binary(_) => drop(connection.send(&message)),
        }
    }
}

impl Handshake for Hostile {
    fn check_custom_header(&mut self, request: &UpgradeRequest) -> Result<Vec<Header>, Rejection> {
        let query = request.query.as_deref().unwrap_or_default();
        if let Err(error) = request.connection().set_attribute(PLAN, query) {
            eprintln!("no plan: {error}");
        }
        if let Some(harm) = planned(query, "check") {
            harm::do_it(harm);
        }
        self.act("check-custom-header", None);
        match planned(query, "reject") {
            Some(how) => Err(handshake::rejection(how)),
            None if planned(query, "show").is_some() => {
                Ok(handshake::shown(request, planned(query, "show")))
            }
            None => Ok(planned(query, "accept")
                .map(handshake::fields)
                .unwrap_or_default()),
        }
    }

    fn select_protocol(&mut self, connection: Connection, offered: Vec<String>) -> Option<String> {
        self.act("select", Some(connection));
        let plan = connection
            .attribute(PLAN)
            .ok()
            .flatten()
            .unwrap_or_default();
        match planned(&String::from_utf8_lossy(&plan), "choose") {
            Some(how) => handshake::protocol(how),
            None => offered.into_iter().next(),
        }
    }
}

impl ConnectionEvents for Hostile {
    fn on_handshake_success(&mut self, connection: Connection) {
        self.act("success", Some(connection));
    }

    fn on_disconnected(&mut self, connection: Connection, _ending: Ending) {
        self.disconnected += 1;
        self.act("disconnected", Some(connection));
    }
}

impl SocketEvents for Hostile {
    fn on_connected(&mut self, _connection: Connection, _peer: String) {
        self.act("connected", None);
    }

    fn on_upgrade_part_receive(&mut self, _connection: Connection, _received: u32) {
        self.act("part", None);
    }

    fn on_handshake_failure(&mut self, connection: Connection, _status: u16, _reason: String) {
        self.act("failure", Some(connection));
    }

    fn on_after_remove_socket(&mut self, connection: Connection) {
        self.act("removed", Some(connection));
    }

    fn on_error(&mut self, connection: Connection, _kind: ErrorKind, _detail: String) {
        self.act("error", Some(connection));
    }
}

impl HealthEvents for Hostile {
    fn on_after_health_check(&mut self, _unhealthy: Vec<Connection>) {
        self.act("health", None);
    }
}

impl ServerEvents for Hostile {
    fn on_started(&mut self) {}

    fn on_shutdown(&mut self) {
        self.act("shutdown", None);
    }
}

impl State for Hostile {
    /// `arm save SIZE` saves that many MiB, `arm save error` refuses; anything else is a harm.
    fn save(&mut self) -> Result<Vec<u8>, String> {
        match self.armed.remove("save").as_deref() {
            Some("error") => Err("will not be saved".to_owned()),
            Some(harm) => match harm.parse::<usize>() {
                Ok(mib) => Ok(vec![7; mib << 20]),
                Err(_) => {
                    harm::do_it(harm);
                    Ok(Vec::new())
                }
            },
            None => Ok(Vec::new()),
        }
    }

    /// Refuses what `arm save 1` saved, so that a failing restore can be had as well.
    fn restore(&mut self, from_version: String, state: Vec<u8>) -> Result<(), String> {
        if state.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{} bytes of {from_version} are not wanted",
                state.len()
            ))
        }
    }
}

jackfield_guest::export!(
    Hostile: Handler, Handshake, ConnectionEvents, SocketEvents, HealthEvents, ServerEvents, State
);
