//! What a plugin's imports do: the host's side of `jackfield:plugin/connections`, one per instance.
//!
//! A connection of this worker is reached directly; one of another worker through that worker's mailbox, and
//! only what gives an answer waits for one.

use std::rc::{Rc, Weak};

use jackfield_hub::{self as hub, ConnectionId};
use jackfield_plugin::{self as plugin, GuestStream, MessageRef, Reply, Services};
use jackfield_proto::{self as proto, Kind};
use send_wrapper::SendWrapper;
use tokio::sync::oneshot;

use super::mailbox::Undelivered;
use super::remote::Action;
use super::{AttributeOp, Letter, Mailbox, RemoteOp, Worker};
use crate::clock;
use crate::dispatch;
use crate::server::PluginIndex;

/// The services of one instance. It never leaves its worker's thread; the wrapper holds it to that.
pub(crate) struct HostServices {
    worker: SendWrapper<Weak<Worker>>,
    plugin: PluginIndex,
    version: plugin::Digest,
}

/// Where a connection is.
enum Place {
    Here(Rc<Worker>),
    Elsewhere(Mailbox),
}

impl HostServices {
    /// The services for an instance of this version of `plugin` on `worker`.
    pub(crate) fn new(worker: &Rc<Worker>, plugin: PluginIndex, version: plugin::Digest) -> Self {
        HostServices {
            worker: SendWrapper::new(Rc::downgrade(worker)),
            plugin,
            version,
        }
    }

    /// Finds a connection that this plugin may reach.
    fn find(&self, id: ConnectionId) -> Option<Place> {
        let worker = self.worker.upgrade()?;
        if id.worker() == worker.index {
            worker
                .may_reach(self.plugin, id)
                .then_some(Place::Here(worker))
        } else {
            let mailbox = worker.mailboxes.get(usize::from(id.worker()))?;
            Some(Place::Elsewhere(mailbox.clone()))
        }
    }

    fn send_with(
        &self,
        to: plugin::ConnectionId,
        here: impl FnOnce(&mut hub::Shard, ConnectionId) -> Result<(), hub::SendError>,
        elsewhere: impl FnOnce() -> Action,
    ) -> Result<(), plugin::SendError> {
        let id = ConnectionId::from_u64(to.0);
        match self.find(id) {
            None => Err(plugin::SendError::Gone),
            Some(Place::Here(worker)) => {
                let sent = here(&mut worker.shard.borrow_mut(), id);
                if sent == Err(hub::SendError::BacklogFull) {
                    dispatch::backlog_full(&worker, id, clock::now());
                }
                sent.map_err(send_error)
            }
            Some(Place::Elsewhere(mailbox)) => {
                self.post(&mailbox, id, elsewhere())
                    .map_err(|undelivered| match undelivered {
                        Undelivered::Full => plugin::SendError::BacklogFull,
                        Undelivered::Gone => plugin::SendError::Gone,
                    })
            }
        }
    }

    fn post(&self, mailbox: &Mailbox, to: ConnectionId, action: Action) -> Result<(), Undelivered> {
        mailbox.try_send(Letter::Remote(RemoteOp {
            plugin: self.plugin,
            to,
            action,
        }))
    }

    /// Asks another worker; waits for room in its mailbox and for the answer.
    fn ask<T: Send + 'static>(
        &self,
        mailbox: Mailbox,
        to: ConnectionId,
        action: impl FnOnce(oneshot::Sender<T>) -> Action,
        gone: T,
    ) -> Reply<T> {
        let (reply, answer) = oneshot::channel();
        let letter = Letter::Remote(RemoteOp {
            plugin: self.plugin,
            to,
            action: action(reply),
        });
        Reply::Later(Box::pin(async move {
            if !mailbox.send(letter).await {
                return gone;
            }
            answer.await.unwrap_or(gone)
        }))
    }

    fn attribute_op<T: Send + 'static>(
        &self,
        of: plugin::ConnectionId,
        op: AttributeOp,
        convert: fn(Option<Vec<u8>>) -> T,
    ) -> Reply<Result<T, plugin::AttributeError>> {
        let id = ConnectionId::from_u64(of.0);
        match self.find(id) {
            None => Reply::Now(Err(plugin::AttributeError::Gone)),
            Some(Place::Here(worker)) => Reply::Now(
                worker
                    .attribute_op(id, op)
                    .map(convert)
                    .map_err(attribute_error),
            ),
            Some(Place::Elsewhere(mailbox)) => {
                let asked = self.ask(
                    mailbox,
                    id,
                    |reply| Action::Attribute(op, reply),
                    Err(hub::AttributeError::Gone),
                );
                match asked {
                    Reply::Now(answer) => Reply::Now(answer.map(convert).map_err(attribute_error)),
                    Reply::Later(answer) => Reply::Later(Box::pin(async move {
                        answer.await.map(convert).map_err(attribute_error)
                    })),
                }
            }
        }
    }
}

impl Services for HostServices {
    fn send(
        &mut self,
        to: plugin::ConnectionId,
        message: MessageRef<'_>,
    ) -> Result<(), plugin::SendError> {
        let kind = kind(message);
        self.send_with(
            to,
            |shard, id| shard.send(id, kind, message.bytes()),
            || Action::Send(kind, message.bytes().to_vec()),
        )
    }

    fn send_uncompressed(
        &mut self,
        to: plugin::ConnectionId,
        message: MessageRef<'_>,
    ) -> Result<(), plugin::SendError> {
        let kind = kind(message);
        self.send_with(
            to,
            |shard, id| shard.send_uncompressed(id, kind, message.bytes()),
            || Action::SendUncompressed(kind, message.bytes().to_vec()),
        )
    }

    fn send_fragment(
        &mut self,
        to: plugin::ConnectionId,
        part: MessageRef<'_>,
        last: bool,
    ) -> Result<(), plugin::SendError> {
        let kind = kind(part);
        self.send_with(
            to,
            |shard, id| shard.send_fragment(id, kind, part.bytes(), last),
            || Action::SendFragment(kind, part.bytes().to_vec(), last),
        )
    }

    fn ping(&mut self, to: plugin::ConnectionId, payload: &[u8]) -> Result<(), plugin::SendError> {
        check_control(payload)?;
        self.send_with(
            to,
            |shard, id| shard.ping(id, payload),
            || Action::Ping(payload.to_vec()),
        )
    }

    fn pong(&mut self, to: plugin::ConnectionId, payload: &[u8]) -> Result<(), plugin::SendError> {
        check_control(payload)?;
        self.send_with(
            to,
            |shard, id| shard.pong(id, payload),
            || Action::Pong(payload.to_vec()),
        )
    }

    fn close(
        &mut self,
        to: plugin::ConnectionId,
        code: u16,
        reason: &str,
    ) -> Result<(), plugin::CloseError> {
        if !proto::close::may_send(code) {
            return Err(plugin::CloseError::InvalidCode);
        }
        let id = ConnectionId::from_u64(to.0);
        match self.find(id) {
            None => Err(plugin::CloseError::Gone),
            Some(Place::Here(worker)) => worker
                .shard
                .borrow_mut()
                .close(id, clock::now(), code, reason)
                .map_err(close_error),
            Some(Place::Elsewhere(mailbox)) => self
                .post(&mailbox, id, Action::Close(code, reason.to_owned()))
                .map_err(|_| plugin::CloseError::Gone),
        }
    }

    fn disconnect(&mut self, to: plugin::ConnectionId) -> Result<(), plugin::CloseError> {
        let id = ConnectionId::from_u64(to.0);
        match self.find(id) {
            None => Err(plugin::CloseError::Gone),
            Some(Place::Here(worker)) => worker
                .shard
                .borrow_mut()
                .disconnect(id)
                .map_err(close_error),
            Some(Place::Elsewhere(mailbox)) => self
                .post(&mailbox, id, Action::Disconnect)
                .map_err(|_| plugin::CloseError::Gone),
        }
    }

    fn attribute(
        &mut self,
        of: plugin::ConnectionId,
        name: &str,
    ) -> Reply<Result<Option<Vec<u8>>, plugin::AttributeError>> {
        self.attribute_op(of, AttributeOp::Read(name.to_owned()), |value| value)
    }

    fn set_attribute(
        &mut self,
        of: plugin::ConnectionId,
        name: &str,
        value: &[u8],
    ) -> Reply<Result<(), plugin::AttributeError>> {
        let op = AttributeOp::Write(name.to_owned(), value.to_vec());
        self.attribute_op(of, op, |_| ())
    }

    fn remove_attribute(
        &mut self,
        of: plugin::ConnectionId,
        name: &str,
    ) -> Reply<Result<(), plugin::AttributeError>> {
        self.attribute_op(of, AttributeOp::Remove(name.to_owned()), |_| ())
    }

    fn info(&mut self, of: plugin::ConnectionId) -> Reply<Option<plugin::ConnectionInfo>> {
        let id = ConnectionId::from_u64(of.0);
        match self.find(id) {
            None => Reply::Now(None),
            Some(Place::Here(worker)) => Reply::Now(worker.info(id, clock::now())),
            Some(Place::Elsewhere(mailbox)) => self.ask(mailbox, id, Action::Info, None),
        }
    }

    fn guest_line(
        &mut self,
        stream: GuestStream,
        on_behalf_of: Option<plugin::ConnectionId>,
        line: &str,
    ) {
        let Some(worker) = self.worker.upgrade() else {
            return;
        };
        worker
            .placement(self.plugin)
            .log_line(&self.version, stream, on_behalf_of, line);
    }
}

fn kind(message: MessageRef<'_>) -> Kind {
    match message {
        MessageRef::Text(_) => Kind::Text,
        MessageRef::Binary(_) => Kind::Binary,
    }
}

/// RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less". Checked here so
/// that a plugin hears of it at once also when the connection is elsewhere.
fn check_control(payload: &[u8]) -> Result<(), plugin::SendError> {
    if payload.len() > 125 {
        return Err(plugin::SendError::ControlTooLarge);
    }
    Ok(())
}

fn send_error(error: hub::SendError) -> plugin::SendError {
    match error {
        hub::SendError::Gone => plugin::SendError::Gone,
        hub::SendError::BacklogFull => plugin::SendError::BacklogFull,
        hub::SendError::TooLarge => plugin::SendError::TooLarge,
        hub::SendError::FragmentOrder => plugin::SendError::FragmentOrder,
        hub::SendError::ControlTooLarge => plugin::SendError::ControlTooLarge,
    }
}

fn close_error(error: hub::CloseError) -> plugin::CloseError {
    match error {
        hub::CloseError::Gone => plugin::CloseError::Gone,
        hub::CloseError::InvalidCode => plugin::CloseError::InvalidCode,
    }
}

fn attribute_error(error: hub::AttributeError) -> plugin::AttributeError {
    match error {
        hub::AttributeError::Gone => plugin::AttributeError::Gone,
        hub::AttributeError::Full => plugin::AttributeError::TooLarge,
    }
}
