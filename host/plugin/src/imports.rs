//! `jackfield:plugin/connections`, each function once: guest values are borrowed where they lie, handed to
//! the host's [`Services`](crate::Services), and the answer is lowered.
//!
//! Functions that may have to wait for another worker suspend the guest on its fiber; the deadline of its
//! time slice is set anew afterwards, as waiting is not guest time.

use std::borrow::Cow;

use wasmtime::component::{Linker, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut};

use crate::bindings::{AttributeErrorIn, CloseErrorIn, ConnectionInfoIn, MessageOut, SendErrorIn};
use crate::services::Reply;
use crate::state::State;
use crate::types::{ConnectionId, MessageRef};

/// The interface's name, in the version that the host serves. The linker also finds it for components built
/// against another 0.1.x.
const CONNECTIONS: &str = "jackfield:plugin/connections@0.1.0";

type Store<'a> = StoreContextMut<'a, State>;
type Sent = Result<(std::result::Result<(), SendErrorIn>,)>;
type Closed = Result<(std::result::Result<(), CloseErrorIn>,)>;

/// Defines the whole interface.
pub(crate) fn define(linker: &mut Linker<State>) -> Result<()> {
    let mut connections = linker.instance(CONNECTIONS)?;
    connections.func_wrap(
        "send",
        |store: Store<'_>, (to, message): (u64, MessageOut)| -> Sent {
            let message = Borrowed::new(&store, &message)?;
            let sent = store
                .data()
                .shared
                .lock()
                .services
                .send(ConnectionId(to), message.borrow());
            Ok((sent.map_err(Into::into),))
        },
    )?;
    connections.func_wrap(
        "send-uncompressed",
        |store: Store<'_>, (to, message): (u64, MessageOut)| -> Sent {
            let message = Borrowed::new(&store, &message)?;
            let mut shared = store.data().shared.lock();
            let sent = shared
                .services
                .send_uncompressed(ConnectionId(to), message.borrow());
            Ok((sent.map_err(Into::into),))
        },
    )?;
    connections.func_wrap(
        "send-fragment",
        |store: Store<'_>, (to, part, last): (u64, MessageOut, bool)| -> Sent {
            let part = Borrowed::new(&store, &part)?;
            let mut shared = store.data().shared.lock();
            let sent = shared
                .services
                .send_fragment(ConnectionId(to), part.borrow(), last);
            Ok((sent.map_err(Into::into),))
        },
    )?;
    connections.func_wrap(
        "ping",
        |store: Store<'_>, (to, payload): (u64, WasmList<u8>)| -> Sent {
            let payload = payload.as_le_slice(&store);
            let sent = store
                .data()
                .shared
                .lock()
                .services
                .ping(ConnectionId(to), payload);
            Ok((sent.map_err(Into::into),))
        },
    )?;
    connections.func_wrap(
        "pong",
        |store: Store<'_>, (to, payload): (u64, WasmList<u8>)| -> Sent {
            let payload = payload.as_le_slice(&store);
            let sent = store
                .data()
                .shared
                .lock()
                .services
                .pong(ConnectionId(to), payload);
            Ok((sent.map_err(Into::into),))
        },
    )?;
    connections.func_wrap(
        "close",
        |store: Store<'_>, (to, code, reason): (u64, u16, WasmStr)| -> Closed {
            let reason = reason.to_str(&store)?;
            let closed = store
                .data()
                .shared
                .lock()
                .services
                .close(ConnectionId(to), code, &reason);
            Ok((closed.map_err(Into::into),))
        },
    )?;
    connections.func_wrap("disconnect", |store: Store<'_>, (to,): (u64,)| -> Closed {
        let closed = store
            .data()
            .shared
            .lock()
            .services
            .disconnect(ConnectionId(to));
        Ok((closed.map_err(Into::into),))
    })?;
    connections.func_wrap_async(
        "attribute",
        |store: Store<'_>, (of, name): (u64, WasmStr)| {
            let reply = name.to_str(&store).map(|name| {
                let mut shared = store.data().shared.lock();
                shared.services.attribute(ConnectionId(of), &name)
            });
            Box::new(async move {
                let value = settle(store, reply?).await;
                Ok((value.map_err(AttributeErrorIn::from),))
            })
        },
    )?;
    connections.func_wrap_async(
        "set-attribute",
        |store: Store<'_>, (of, name, value): (u64, WasmStr, WasmList<u8>)| {
            let reply = name.to_str(&store).map(|name| {
                let mut shared = store.data().shared.lock();
                shared
                    .services
                    .set_attribute(ConnectionId(of), &name, value.as_le_slice(&store))
            });
            Box::new(async move {
                let done = settle(store, reply?).await;
                Ok((done.map_err(AttributeErrorIn::from),))
            })
        },
    )?;
    connections.func_wrap_async(
        "remove-attribute",
        |store: Store<'_>, (of, name): (u64, WasmStr)| {
            let reply = name.to_str(&store).map(|name| {
                let mut shared = store.data().shared.lock();
                shared.services.remove_attribute(ConnectionId(of), &name)
            });
            Box::new(async move {
                let done = settle(store, reply?).await;
                Ok((done.map_err(AttributeErrorIn::from),))
            })
        },
    )?;
    connections.func_wrap_async("info", |store: Store<'_>, (of,): (u64,)| {
        let reply = store.data().shared.lock().services.info(ConnectionId(of));
        Box::new(async move {
            let info = settle(store, reply).await;
            Ok((info.map(ConnectionInfoIn::from),))
        })
    })
}

/// A message where it lies: in guest memory, except for text that is not UTF-8 there (a component may keep
/// its strings as UTF-16), which is converted.
enum Borrowed<'a> {
    Text(Cow<'a, str>),
    Binary(&'a [u8]),
}

impl<'a> Borrowed<'a> {
    /// Fails, which traps the guest, when text is not valid in the encoding that the component declared.
    fn new(store: &'a Store<'_>, message: &MessageOut) -> Result<Borrowed<'a>> {
        Ok(match message {
            MessageOut::Text(text) => Borrowed::Text(text.to_str(store)?),
            MessageOut::Binary(bytes) => Borrowed::Binary(bytes.as_le_slice(store)),
        })
    }

    fn borrow(&self) -> MessageRef<'_> {
        match self {
            Borrowed::Text(text) => MessageRef::Text(text),
            Borrowed::Binary(bytes) => MessageRef::Binary(bytes),
        }
    }
}

/// The answer, at once or when it came.
async fn settle<T>(mut store: Store<'_>, reply: Reply<T>) -> T {
    match reply {
        Reply::Now(answer) => answer,
        Reply::Later(answer) => {
            let answer = answer.await;
            let slice = store.data().budget.slice();
            store.set_epoch_deadline(slice);
            answer
        }
    }
}
