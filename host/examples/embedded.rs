//! The server in a program of one's own: hooks in Rust, a listener that the program opened, and a stream that is no
//! socket at all. Run it with `cargo run -p jackfield --example embedded`, and connect to ws://127.0.0.1:9001/chat.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::TcpListener;

use jackfield::config::Config;
use jackfield::config::resolved::{Instances, Plugin as PluginConfig, Route};
use jackfield::plugin::{
    ConnectionId, Ending, Engine, EngineConfig, Exports, Handler, MessageRef, Plugin, Services,
};
use jackfield::server::{Listen, LoadedPlugin, Server, Signals};

/// Everybody hears what anybody says.
#[derive(Default)]
struct Chat {
    present: BTreeSet<ConnectionId>,
}

impl Handler for Chat {
    fn on_handshake_success(&mut self, _host: &mut dyn Services, connection: ConnectionId) {
        self.present.insert(connection);
    }

    fn business_handler(
        &mut self,
        host: &mut dyn Services,
        _connection: ConnectionId,
        message: MessageRef<'_>,
    ) {
        for connection in &self.present {
            // Whoever is gone or reads too slowly is the server's business.
            let _ = host.send(*connection, message);
        }
    }

    fn on_disconnected(
        &mut self,
        _host: &mut dyn Services,
        connection: ConnectionId,
        _ending: &Ending,
    ) {
        self.present.remove(&connection);
    }
}

/// A server that listens on this socket. `server.door()` takes other streams in.
pub(crate) fn start(listener: TcpListener) -> Result<Server, Box<dyn Error>> {
    let mut config = Config::default();
    let route = Route {
        plugins: vec!["chat".to_owned()],
        ..Route::default()
    };
    config.routes.insert("/chat".to_owned(), route);
    // One instance for the whole server, so that everybody meets.
    let settings = PluginConfig {
        instances: Instances::Single,
        ..PluginConfig::default()
    };
    config.plugins.insert("chat".to_owned(), settings);
    let hooks = Exports {
        handler: true,
        connection_events: true,
        ..Exports::default()
    };
    let chat = LoadedPlugin {
        name: "chat".to_owned(),
        plugin: Plugin::native("chat", hooks, || Box::new(Chat::default())),
    };
    let engine = Engine::new(EngineConfig::default())?;
    Ok(Server::start_on(
        Listen::On(listener),
        config,
        vec![chat],
        engine,
    )?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let signals = Signals::new()?;
    let server = start(TcpListener::bind("127.0.0.1:9001")?)?;
    println!("listening on {}", server.listening()[0]);
    server.wait(signals);
    Ok(())
}
