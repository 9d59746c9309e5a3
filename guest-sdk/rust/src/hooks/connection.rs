//! The hooks of a connection that passed the RFC's checks: may it come in, what does it say, how did it end.

use crate::{Connection, Ending, Header, Message, Rejection, UpgradeRequest};

/// The handshake: who may connect, and under which subprotocol.
///
/// ```
/// # use jackfield_guest::{Handshake, Header, Rejection, UpgradeRequest, testing};
/// #[derive(Default)]
/// struct Door;
///
/// impl Handshake for Door {
///     fn check_custom_header(&mut self, request: &UpgradeRequest) -> Result<Vec<Header>, Rejection> {
///         match request.bearer_token() {
///             Some("open sesame") => Ok(vec![Header::new("x-door", "open")]),
///             Some(_) => Err(Rejection::new(403, "not with this one\n")),
///             None => Err(Rejection::new(401, "a token, please\n").header("www-authenticate", "Bearer")),
///         }
///     }
/// }
///
/// jackfield_guest::export!(Door: Handshake);
///
/// let request = testing::request("/cave", &[("authorization", "Bearer open sesame")]);
/// assert_eq!(Door.check_custom_header(&request), Ok(vec![Header::new("x-door", "open")]));
/// let request = testing::request("/cave", &[]);
/// assert_eq!(Door.check_custom_header(&request).unwrap_err().status, 401);
/// ```
#[diagnostic::on_unimplemented(
    note = "`export!` names `Handshake`: write `impl Handshake for {Self}`, or take it out of the list"
)]
pub trait Handshake {
    /// Called when an upgrade request passed every check of RFC 6455 section 4.2.1. Ok carries extra fields
    /// for the 101 response; an error refuses the upgrade and is sent as the HTTP response.
    ///
    /// It fails closed: a panic is answered with 500, running out of time with 503. With several plugins on a
    /// route, the first rejection ends it. Nothing can be sent yet, but attributes can be set.
    ///
    /// By default everyone may come in.
    fn check_custom_header(&mut self, request: &UpgradeRequest) -> Result<Vec<Header>, Rejection> {
        let _ = request;
        Ok(Vec::new())
    }

    /// Chooses one of the subprotocols that the client offered, in its order of preference, or none. Not
    /// called when it offered none. With several plugins on a route, the first answer wins.
    ///
    /// An answer that was not offered fails the upgrade with 500. Mind that a browser that offered
    /// subprotocols gives up a connection whose response names none.
    ///
    /// By default none is chosen.
    ///
    /// ```
    /// # use jackfield_guest::{Connection, Handshake, testing};
    /// # #[derive(Default)]
    /// # struct Chat;
    /// impl Handshake for Chat {
    ///     fn select_protocol(&mut self, _connection: Connection, offered: Vec<String>) -> Option<String> {
    ///         offered.into_iter().find(|protocol| ["chat.v2", "chat.v1"].contains(&protocol.as_str()))
    ///     }
    /// }
    /// # let offered = vec!["soap".to_owned(), "chat.v1".to_owned()];
    /// # assert_eq!(Chat.select_protocol(testing::connect(), offered).as_deref(), Some("chat.v1"));
    /// ```
    fn select_protocol(&mut self, connection: Connection, offered: Vec<String>) -> Option<String> {
        let _ = (connection, offered);
        None
    }
}

/// The messages.
///
/// ```
/// # use jackfield_guest::{Connection, Handler, Message, testing};
/// #[derive(Default)]
/// struct Echo;
///
/// impl Handler for Echo {
///     fn business_handler(&mut self, connection: Connection, message: Message) {
///         if let Err(error) = connection.send(&message) {
///             eprintln!("{connection}: {error}");
///         }
///     }
/// }
///
/// jackfield_guest::export!(Echo: Handler);
///
/// let connection = testing::connect();
/// Echo.business_handler(connection, Message::from("hello"));
/// assert_eq!(testing::sent(connection), [testing::Sent::from("hello")]);
/// ```
#[diagnostic::on_unimplemented(
    note = "`export!` names `Handler`: write `impl Handler for {Self}`, or take it out of the list"
)]
pub trait Handler {
    /// Called with each message, reassembled from its fragments, one call at a time per connection, in the
    /// order of arrival. With several plugins on a route, the first that exports `handler` gets the message.
    ///
    /// A panic closes this connection with 1011; the others go on with a fresh instance.
    fn business_handler(&mut self, connection: Connection, message: Message);
}

/// The life of an upgraded connection. Each of them is called exactly once for each.
///
/// ```
/// # use jackfield_guest::{Connection, ConnectionEvents, Ending, testing};
/// #[derive(Default)]
/// struct Room {
///     members: Vec<Connection>,
/// }
///
/// impl ConnectionEvents for Room {
///     fn on_handshake_success(&mut self, connection: Connection) {
///         let _ = connection.send_text("welcome");
///         self.members.push(connection);
///     }
///
///     fn on_disconnected(&mut self, connection: Connection, ending: Ending) {
///         self.members.retain(|member| *member != connection);
///         println!("{connection} left with {} {}", ending.code, ending.reason);
///     }
/// }
///
/// jackfield_guest::export!(Room: ConnectionEvents);
///
/// let (connection, mut room) = (testing::connect(), Room::default());
/// room.on_handshake_success(connection);
/// assert_eq!(testing::sent(connection), [testing::Sent::from("welcome")]);
/// room.on_disconnected(connection, Ending { code: 1000, reason: "bye".to_owned(), clean: true });
/// assert!(room.members.is_empty());
/// ```
#[diagnostic::on_unimplemented(
    note = "`export!` names `ConnectionEvents`: write `impl ConnectionEvents for {Self}`, or take it out of the list"
)]
pub trait ConnectionEvents {
    /// The 101 response is in the outgoing buffer; no message was delivered yet. The first moment to send.
    ///
    /// By default nothing happens.
    fn on_handshake_success(&mut self, connection: Connection) {
        let _ = connection;
    }

    /// The connection ended; nothing more can be sent. Attributes can still be read.
    ///
    /// By default nothing happens.
    fn on_disconnected(&mut self, connection: Connection, ending: Ending) {
        let _ = (connection, ending);
    }
}
