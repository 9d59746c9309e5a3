//! What the tests share: guests made from WAT, and a host that writes down what it was asked for.
#![allow(
    dead_code,
    reason = "each test file is a program of its own and uses a part of this"
)]

use std::sync::{Arc, Mutex};

use jackfield_plugin::{
    AttributeError, CloseError, ConnectionId, ConnectionInfo, Engine, EngineConfig, GuestStream,
    Instance, InstanceLimits, MessageRef, Plugin, Reply, SendError, Services,
};

/// The guest that has every hook, with this body of `business-handler`.
pub(crate) fn everything(handler: &str) -> Vec<u8> {
    everything_with(handler, "")
}

/// The same, with something that its allocator does first.
pub(crate) fn everything_with(handler: &str, realloc: &str) -> Vec<u8> {
    let text = include_str!("../guests/everything.wat")
        .replace(";; @handler", handler)
        .replace(";; @realloc", realloc);
    wat::parse_str(text).unwrap()
}

/// The body of `business-handler` that sends the message back.
pub(crate) const ECHO: &str =
    "(call $send (local.get $c) (local.get $kind) (local.get $at) (local.get $len) (i32.const 16))";

/// A component with these declarations and an interface `handler` that traps.
pub(crate) fn small(declarations: &str) -> Vec<u8> {
    let text = include_str!("../guests/small.wat").replace(";; @declarations", declarations);
    wat::parse_str(text).unwrap()
}

/// An engine with room for a few instances.
pub(crate) fn engine() -> Engine {
    Engine::new(EngineConfig {
        max_instances: 4,
        ..EngineConfig::default()
    })
    .unwrap()
}

pub(crate) fn load(bytes: &[u8]) -> Plugin {
    engine().load("test", bytes).unwrap()
}

/// One instance with default limits, and what it asks of its host.
pub(crate) async fn start(bytes: &[u8]) -> (Instance, Log) {
    start_with(bytes, InstanceLimits::default()).await
}

pub(crate) async fn start_with(bytes: &[u8], limits: InstanceLimits) -> (Instance, Log) {
    let host = Host::default();
    let log = host.log.clone();
    let instance = load(bytes)
        .instantiate(Box::new(host), &limits)
        .await
        .unwrap();
    (instance, log)
}

/// What a guest asked for, one line each.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    /// Everything since this was last called.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A host that allows everything below 1000 bytes and writes it down.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) log: Log,
    /// What asking for an attribute gives instead of an answer from here.
    pub(crate) attribute: Option<Later>,
}

/// The answer to a question about an attribute.
pub(crate) type Later = Box<dyn FnMut() -> Reply<Result<Option<Vec<u8>>, AttributeError>> + Send>;

fn message(message: MessageRef<'_>) -> String {
    match message {
        MessageRef::Text(text) => format!("text {text:?}"),
        MessageRef::Binary(bytes) => format!("binary {bytes:?}"),
    }
}

impl Services for Host {
    fn send(&mut self, to: ConnectionId, what: MessageRef<'_>) -> Result<(), SendError> {
        if what.bytes().len() > 1000 {
            self.log
                .note(format!("send {to} refused: {} bytes", what.bytes().len()));
            return Err(SendError::TooLarge);
        }
        self.log.note(format!("send {to} {}", message(what)));
        Ok(())
    }

    fn send_uncompressed(
        &mut self,
        to: ConnectionId,
        what: MessageRef<'_>,
    ) -> Result<(), SendError> {
        self.log
            .note(format!("send-uncompressed {to} {}", message(what)));
        Ok(())
    }

    fn send_fragment(
        &mut self,
        to: ConnectionId,
        part: MessageRef<'_>,
        last: bool,
    ) -> Result<(), SendError> {
        self.log
            .note(format!("fragment {to} {} {last}", message(part)));
        Err(SendError::FragmentOrder)
    }

    fn ping(&mut self, to: ConnectionId, payload: &[u8]) -> Result<(), SendError> {
        self.log.note(format!("ping {to} {payload:?}"));
        Err(SendError::ControlTooLarge)
    }

    fn pong(&mut self, to: ConnectionId, payload: &[u8]) -> Result<(), SendError> {
        self.log.note(format!("pong {to} {payload:?}"));
        Err(SendError::BacklogFull)
    }

    fn close(&mut self, to: ConnectionId, code: u16, reason: &str) -> Result<(), CloseError> {
        self.log.note(format!("close {to} {code} {reason:?}"));
        Err(CloseError::InvalidCode)
    }

    fn disconnect(&mut self, to: ConnectionId) -> Result<(), CloseError> {
        self.log.note(format!("disconnect {to}"));
        Ok(())
    }

    fn attribute(
        &mut self,
        of: ConnectionId,
        name: &str,
    ) -> Reply<Result<Option<Vec<u8>>, AttributeError>> {
        self.log.note(format!("attribute {of} {name:?}"));
        match &mut self.attribute {
            Some(answer) => answer(),
            None => Reply::Now(Ok(Some(b"ada".to_vec()))),
        }
    }

    fn set_attribute(
        &mut self,
        of: ConnectionId,
        name: &str,
        value: &[u8],
    ) -> Reply<Result<(), AttributeError>> {
        self.log.note(format!("set {of} {name:?} {value:?}"));
        Reply::Later(Box::pin(async {
            tokio::task::yield_now().await;
            Err(AttributeError::TooLarge)
        }))
    }

    fn remove_attribute(
        &mut self,
        of: ConnectionId,
        name: &str,
    ) -> Reply<Result<(), AttributeError>> {
        self.log.note(format!("remove {of} {name:?}"));
        Reply::Now(Ok(()))
    }

    fn info(&mut self, of: ConnectionId) -> Reply<Option<ConnectionInfo>> {
        self.log.note(format!("info {of}"));
        Reply::Now(Some(ConnectionInfo {
            peer: "192.0.2.1:5000".into(),
            secure: true,
            route: "/echo".into(),
            protocol: Some("chat".into()),
            age_ms: 1,
            idle_ms: 2,
            backlog: 0x0102_0304_0506_0708,
        }))
    }

    fn guest_line(&mut self, stream: GuestStream, on_behalf_of: Option<ConnectionId>, line: &str) {
        let caller = on_behalf_of.map_or("nobody".into(), |id| id.to_string());
        self.log.note(format!("{stream:?} for {caller}: {line}"));
    }
}
