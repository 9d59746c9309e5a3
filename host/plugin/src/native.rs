//! A plugin that is no component: hooks written in Rust, for programs that embed the server. It has the same place as
//! a component in routes, instances and swaps, without a sandbox: nothing limits its memory, and a hook that computes or
//! blocks holds up every connection of its worker.

use crate::services::Services;
use crate::types::{
    ConnectionId, Ending, ErrorKind, Header, MessageRef, Rejection, UpgradeRequest,
};

/// What a Rust program does in place of a component: the hooks of `wit/hooks.wit`, each of which does nothing unless it
/// is written. Which groups of them are called says [`Exports`](crate::Exports), given to
/// [`Plugin::native`](crate::Plugin::native).
///
/// `host` is what `jackfield:plugin/connections` is to a component. A panic costs this handler, as a trap costs a
/// component's instance; the next call gets a fresh one.
pub trait Handler: Send + 'static {
    /// Extra fields for the 101, or a refusal. Called once every check of RFC 6455 section 4.2.1 has passed.
    ///
    /// # Errors
    /// Refuses the upgrade.
    fn check_custom_header(
        &mut self,
        host: &mut dyn Services,
        request: &UpgradeRequest,
    ) -> Result<Vec<Header>, Rejection> {
        let _ = (host, request);
        Ok(Vec::new())
    }

    /// One of the subprotocols that were offered, or none.
    fn select_protocol(
        &mut self,
        host: &mut dyn Services,
        connection: ConnectionId,
        offered: &[String],
    ) -> Option<String> {
        let _ = (host, connection, offered);
        None
    }

    /// A message arrived.
    fn business_handler(
        &mut self,
        host: &mut dyn Services,
        connection: ConnectionId,
        message: MessageRef<'_>,
    ) {
        let _ = (host, connection, message);
    }

    /// A connection is open.
    fn on_handshake_success(&mut self, host: &mut dyn Services, connection: ConnectionId) {
        let _ = (host, connection);
    }

    /// A connection that was open has ended.
    fn on_disconnected(
        &mut self,
        host: &mut dyn Services,
        connection: ConnectionId,
        ending: &Ending,
    ) {
        let _ = (host, connection, ending);
    }

    /// A socket was accepted; `peer` is its address and port.
    fn on_connected(&mut self, host: &mut dyn Services, connection: ConnectionId, peer: &str) {
        let _ = (host, connection, peer);
    }

    /// A part of the upgrade request is here: so many bytes of it so far.
    fn on_upgrade_part_receive(
        &mut self,
        host: &mut dyn Services,
        connection: ConnectionId,
        received: u32,
    ) {
        let _ = (host, connection, received);
    }

    /// The upgrade was refused with this HTTP status, or the peer left (0).
    fn on_handshake_failure(
        &mut self,
        host: &mut dyn Services,
        connection: ConnectionId,
        status: u16,
        reason: &str,
    ) {
        let _ = (host, connection, status, reason);
    }

    /// The socket is gone.
    fn on_after_remove_socket(&mut self, host: &mut dyn Services, connection: ConnectionId) {
        let _ = (host, connection);
    }

    /// Something went wrong on a socket.
    fn on_error(
        &mut self,
        host: &mut dyn Services,
        connection: ConnectionId,
        kind: ErrorKind,
        detail: &str,
    ) {
        let _ = (host, connection, kind, detail);
    }

    /// These connections are silent and are closed.
    fn on_after_health_check(&mut self, host: &mut dyn Services, unhealthy: &[ConnectionId]) {
        let _ = (host, unhealthy);
    }

    /// This handler begins to serve.
    fn on_started(&mut self, host: &mut dyn Services) {
        let _ = host;
    }

    /// The server stops, or this handler is replaced.
    fn on_shutdown(&mut self, host: &mut dyn Services) {
        let _ = host;
    }

    /// What the next version must know.
    ///
    /// # Errors
    /// Keeps this version.
    fn save(&mut self, host: &mut dyn Services) -> Result<Vec<u8>, String> {
        let _ = host;
        Ok(Vec::new())
    }

    /// What the version with the digest `from_version` saved.
    ///
    /// # Errors
    /// Keeps the old version.
    fn restore(
        &mut self,
        host: &mut dyn Services,
        from_version: &str,
        state: &[u8],
    ) -> Result<(), String> {
        let _ = (host, from_version, state);
        Ok(())
    }
}
