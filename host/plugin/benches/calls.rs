//! What the sandbox costs by itself: one call of a hook that sends its message back, a new instance, and carrying a
//! state from one instance to another, which is the pause of a swap. The guests are a few lines of WAT: what is
//! measured is the way in and out, not a language.
//!
//! `cargo bench -p jackfield-plugin`

use std::pin::pin;
use std::task::{Context, Waker};

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use jackfield_plugin::{
    AttributeError, CloseError, ConnectionId, ConnectionInfo, Engine, EngineConfig, GuestStream,
    Instance, InstanceLimits, MessageRef, Plugin, Reply, SendError, Services,
};

#[path = "../tests/support/mod.rs"]
mod support;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 4] = [20, 1024, 16 * 1024, 1 << 20];

fn main() {
    divan::main();
}

/// Runs what is never suspended.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // A tick of the epoch may fall into it after all.
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

fn plugin(handler: &str) -> Plugin {
    let engine = Engine::new(EngineConfig {
        max_instances: 64,
        ..EngineConfig::default()
    });
    let bytes = support::everything(handler);
    engine.unwrap().load("bench", &bytes).unwrap()
}

fn instance(plugin: &Plugin) -> Instance {
    let host = Box::new(Silent);
    now(plugin.instantiate(host, &InstanceLimits::default())).unwrap()
}

/// A host that looks at what is sent, and forgets it.
struct Silent;

impl Services for Silent {
    fn send(&mut self, _: ConnectionId, message: MessageRef<'_>) -> Result<(), SendError> {
        divan::black_box(message.bytes());
        Ok(())
    }
    fn send_uncompressed(&mut self, _: ConnectionId, _: MessageRef<'_>) -> Result<(), SendError> {
        Ok(())
    }
    fn send_fragment(
        &mut self,
        _: ConnectionId,
        _: MessageRef<'_>,
        _: bool,
    ) -> Result<(), SendError> {
        Ok(())
    }
    fn ping(&mut self, _: ConnectionId, _: &[u8]) -> Result<(), SendError> {
        Ok(())
    }
    fn pong(&mut self, _: ConnectionId, _: &[u8]) -> Result<(), SendError> {
        Ok(())
    }
    fn close(&mut self, _: ConnectionId, _: u16, _: &str) -> Result<(), CloseError> {
        Ok(())
    }
    fn disconnect(&mut self, _: ConnectionId) -> Result<(), CloseError> {
        Ok(())
    }
    fn attribute(
        &mut self,
        _: ConnectionId,
        _: &str,
    ) -> Reply<Result<Option<Vec<u8>>, AttributeError>> {
        Reply::Now(Ok(None))
    }
    fn set_attribute(
        &mut self,
        _: ConnectionId,
        _: &str,
        _: &[u8],
    ) -> Reply<Result<(), AttributeError>> {
        Reply::Now(Ok(()))
    }
    fn remove_attribute(&mut self, _: ConnectionId, _: &str) -> Reply<Result<(), AttributeError>> {
        Reply::Now(Ok(()))
    }
    fn info(&mut self, _: ConnectionId) -> Reply<Option<ConnectionInfo>> {
        Reply::Now(None)
    }
    fn guest_line(&mut self, _: GuestStream, _: Option<ConnectionId>, _: &str) {}
}

/// `business-handler` with a binary message that it does nothing with: into guest memory once.
#[divan::bench(args = SIZES)]
fn call(bencher: Bencher<'_, '_>, size: usize) {
    one_call(bencher, "", size);
}

/// The same, and `send` of the message: out of guest memory once.
#[divan::bench(args = SIZES)]
fn call_and_send(bencher: Bencher<'_, '_>, size: usize) {
    one_call(bencher, support::ECHO, size);
}

fn one_call(bencher: Bencher<'_, '_>, handler: &str, size: usize) {
    let plugin = plugin(handler);
    let mut instance = instance(&plugin);
    let payload = vec![b'a'; size];
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let message = MessageRef::Binary(&payload);
        now(instance.business_handler(ConnectionId(1), message)).unwrap();
    });
}

/// A new instance, with its end.
#[divan::bench]
fn instantiate(bencher: Bencher<'_, '_>) {
    let plugin = plugin("");
    bencher.bench_local(|| drop(instance(&plugin)));
}

/// `save` of one instance and `restore` into another: calls are held back for as long during a swap.
#[divan::bench]
fn carry_state(bencher: Bencher<'_, '_>) {
    let plugin = plugin("");
    let (mut old, mut new) = (instance(&plugin), instance(&plugin));
    bencher.bench_local(|| {
        let state = now(old.save()).unwrap().unwrap();
        now(new.restore("sha256:0", &state)).unwrap()
    });
}
