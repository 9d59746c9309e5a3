//! The hooks of the raw socket, for metrics and abuse control.

use crate::{Connection, ErrorKind};

/// The raw life of a socket, from its acceptance on. The route is not known yet when a socket is accepted, so
/// a plugin that exports this hears of every socket.
///
/// By default, each of them does nothing.
///
/// ```
/// # use std::collections::HashMap;
/// # use jackfield_guest::{Connection, ErrorKind, SocketEvents, testing};
/// /// Who fails the handshake too often is cut off.
/// #[derive(Default)]
/// struct Guard {
///     peers: HashMap<Connection, String>,
///     failures: HashMap<String, u32>,
/// }
///
/// impl SocketEvents for Guard {
///     fn on_connected(&mut self, connection: Connection, peer: String) {
///         let host = peer.rsplit_once(':').map_or(peer.clone(), |(host, _port)| host.to_owned());
///         if self.failures.get(&host).is_some_and(|failures| *failures >= 10) {
///             let _ = connection.disconnect();
///         }
///         self.peers.insert(connection, host);
///     }
///
///     fn on_upgrade_part_receive(&mut self, connection: Connection, received: u32) {
///         println!("{connection}: {received} bytes of a request so far");
///     }
///
///     fn on_handshake_failure(&mut self, connection: Connection, status: u16, reason: String) {
///         println!("{connection}: refused with {status}, {reason}");
///         if let Some(peer) = self.peers.get(&connection) {
///             *self.failures.entry(peer.clone()).or_default() += 1;
///         }
///     }
///
///     fn on_after_remove_socket(&mut self, connection: Connection) {
///         self.peers.remove(&connection);
///     }
///
///     fn on_error(&mut self, connection: Connection, kind: ErrorKind, detail: String) {
///         println!("{connection}: {kind:?}, {detail}");
///     }
/// }
///
/// jackfield_guest::export!(Guard: SocketEvents);
///
/// let mut guard = Guard::default();
/// for _ in 0..10 {
///     let connection = testing::connect();
///     guard.on_connected(connection, "192.0.2.1:5000".to_owned());
///     guard.on_handshake_failure(connection, 400, "no Host field".to_owned());
///     guard.on_after_remove_socket(connection);
/// }
/// let connection = testing::connect();
/// guard.on_connected(connection, "192.0.2.1:5001".to_owned());
/// assert_eq!(testing::sent(connection), [testing::Sent::Disconnect]);
/// ```
#[diagnostic::on_unimplemented(
    note = "`export!` names `SocketEvents`: write `impl SocketEvents for {Self}`, or take it out of the list"
)]
pub trait SocketEvents {
    /// A socket was accepted; nothing of a request has been read yet. `peer` is its address and port, or those that
    /// a PROXY protocol header named.
    fn on_connected(&mut self, connection: Connection, peer: String) {
        let _ = (connection, peer);
    }

    /// A part of the upgrade request arrived, and the request is not complete. `received` counts the bytes so
    /// far.
    fn on_upgrade_part_receive(&mut self, connection: Connection, received: u32) {
        let _ = (connection, received);
    }

    /// The upgrade was refused with this HTTP status; 0 when the peer left before an answer.
    fn on_handshake_failure(&mut self, connection: Connection, status: u16, reason: String) {
        let _ = (connection, status, reason);
    }

    /// The socket is closed and the id is gone. Called once for each `on_connected`.
    fn on_after_remove_socket(&mut self, connection: Connection) {
        let _ = connection;
    }

    /// Something went wrong on a socket; what follows (close frame, removal) is reported by itself.
    fn on_error(&mut self, connection: Connection, kind: ErrorKind, detail: String) {
        let _ = (connection, kind, detail);
    }
}
