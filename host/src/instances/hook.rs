//! A call of a hook as a value: run here with borrowed arguments, or sent to another worker with owned ones.

use std::borrow::Cow;

use jackfield_hub::ConnectionId;
use jackfield_plugin::{
    self as plugin, CallError, Ending, ErrorKind, Header, Instance, MessageRef, Rejection,
    UpgradeRequest,
};

/// A message on its way to a plugin.
#[derive(Clone, Debug)]
pub(crate) enum Message<'a> {
    Text(Cow<'a, str>),
    Binary(Cow<'a, [u8]>),
}

impl Message<'_> {
    fn into_owned(self) -> Message<'static> {
        match self {
            Message::Text(text) => Message::Text(Cow::Owned(text.into_owned())),
            Message::Binary(bytes) => Message::Binary(Cow::Owned(bytes.into_owned())),
        }
    }

    fn borrow(&self) -> MessageRef<'_> {
        match self {
            Message::Text(text) => MessageRef::Text(text),
            Message::Binary(bytes) => MessageRef::Binary(bytes),
        }
    }
}

/// Which hook, with what.
#[derive(Clone, Debug)]
pub(crate) enum Hook<'a> {
    /// Boxed, because every call carries room for the largest.
    CheckCustomHeader(Box<Cow<'a, UpgradeRequest>>),
    SelectProtocol(ConnectionId, Cow<'a, [String]>),
    BusinessHandler(ConnectionId, Message<'a>),
    OnHandshakeSuccess(ConnectionId),
    OnDisconnected(ConnectionId, Cow<'a, Ending>),
    OnConnected(ConnectionId, Cow<'a, str>),
    OnUpgradePartReceive(ConnectionId, u32),
    OnHandshakeFailure(ConnectionId, u16, Cow<'a, str>),
    OnAfterRemoveSocket(ConnectionId),
    OnError(ConnectionId, ErrorKind, Cow<'a, str>),
    OnAfterHealthCheck(Cow<'a, [ConnectionId]>),
}

/// What a hook gave back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Nothing: an event, or a message.
    Done,
    /// `check-custom-header`.
    Headers(Result<Vec<Header>, Rejection>),
    /// `select-protocol`.
    Protocol(Option<String>),
}

impl Hook<'_> {
    /// The same call with arguments of its own.
    pub(crate) fn into_owned(self) -> Hook<'static> {
        use Hook::*;
        match self {
            CheckCustomHeader(request) => {
                CheckCustomHeader(Box::new(Cow::Owned(request.into_owned())))
            }
            SelectProtocol(id, offered) => SelectProtocol(id, Cow::Owned(offered.into_owned())),
            BusinessHandler(id, message) => BusinessHandler(id, message.into_owned()),
            OnHandshakeSuccess(id) => OnHandshakeSuccess(id),
            OnDisconnected(id, ending) => OnDisconnected(id, Cow::Owned(ending.into_owned())),
            OnConnected(id, peer) => OnConnected(id, Cow::Owned(peer.into_owned())),
            OnUpgradePartReceive(id, received) => OnUpgradePartReceive(id, received),
            OnHandshakeFailure(id, status, reason) => {
                OnHandshakeFailure(id, status, Cow::Owned(reason.into_owned()))
            }
            OnAfterRemoveSocket(id) => OnAfterRemoveSocket(id),
            OnError(id, kind, detail) => OnError(id, kind, Cow::Owned(detail.into_owned())),
            OnAfterHealthCheck(ids) => OnAfterHealthCheck(Cow::Owned(ids.into_owned())),
        }
    }

    /// Runs the hook on an instance.
    pub(crate) async fn run(&self, instance: &mut Instance) -> Result<Answer, CallError> {
        match *self {
            Hook::CheckCustomHeader(ref request) => {
                // Boxed: it is by far the largest, and a message should not have room for it.
                let checked = Box::pin(instance.check_custom_header(request));
                return Ok(Answer::Headers(checked.await?));
            }
            Hook::SelectProtocol(id, ref offered) => {
                return Ok(Answer::Protocol(
                    instance.select_protocol(outside(id), offered).await?,
                ));
            }
            Hook::BusinessHandler(id, ref message) => {
                instance
                    .business_handler(outside(id), message.borrow())
                    .await?;
            }
            Hook::OnHandshakeSuccess(id) => instance.on_handshake_success(outside(id)).await?,
            Hook::OnDisconnected(id, ref ending) => {
                instance.on_disconnected(outside(id), ending).await?;
            }
            Hook::OnConnected(id, ref peer) => instance.on_connected(outside(id), peer).await?,
            Hook::OnUpgradePartReceive(id, received) => {
                instance
                    .on_upgrade_part_receive(outside(id), received)
                    .await?;
            }
            Hook::OnHandshakeFailure(id, status, ref reason) => {
                instance
                    .on_handshake_failure(outside(id), status, reason)
                    .await?;
            }
            Hook::OnAfterRemoveSocket(id) => {
                instance.on_after_remove_socket(outside(id)).await?;
            }
            Hook::OnError(id, kind, ref detail) => {
                instance.on_error(outside(id), kind, detail).await?;
            }
            Hook::OnAfterHealthCheck(ref ids) => {
                let ids: Vec<_> = ids.iter().copied().map(outside).collect();
                instance.on_after_health_check(&ids).await?;
            }
        }
        Ok(Answer::Done)
    }
}

/// The id as plugins see it.
pub(crate) fn outside(id: ConnectionId) -> plugin::ConnectionId {
    plugin::ConnectionId(id.as_u64())
}
