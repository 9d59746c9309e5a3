//! The hooks that belong to no single connection: the health check, and the plugin's own life.

use crate::Connection;

/// The result of the periodic health check.
///
/// ```
/// # use jackfield_guest::{Connection, HealthEvents, testing};
/// #[derive(Default)]
/// struct Watch {
///     lost: usize,
/// }
///
/// impl HealthEvents for Watch {
///     fn on_after_health_check(&mut self, unhealthy: Vec<Connection>) {
///         self.lost += unhealthy.len();
///         println!("{} connections went silent, {} so far", unhealthy.len(), self.lost);
///     }
/// }
///
/// jackfield_guest::export!(Watch: HealthEvents);
///
/// let mut watch = Watch::default();
/// watch.on_after_health_check(vec![testing::connect(), testing::connect()]);
/// assert_eq!(watch.lost, 2);
/// ```
#[diagnostic::on_unimplemented(
    note = "`export!` names `HealthEvents`: write `impl HealthEvents for {Self}`, or take it out of the list"
)]
pub trait HealthEvents {
    /// Called after a check that found connections of this plugin's routes unhealthy: no traffic within the
    /// interval, or no answer to a ping. They are being closed.
    fn on_after_health_check(&mut self, unhealthy: Vec<Connection>);
}

/// The life of the plugin itself.
///
/// By default, each of them does nothing.
///
/// ```
/// # use jackfield_guest::{Connection, Handler, Message, ServerEvents, testing};
/// #[derive(Default)]
/// struct Quotes {
///     lines: Vec<&'static str>,
///     next: usize,
/// }
///
/// impl ServerEvents for Quotes {
///     fn on_started(&mut self) {
///         self.lines = "To be\nor not to be".lines().collect();
///     }
///
///     fn on_shutdown(&mut self) {
///         println!("{} quotes were given", self.next);
///     }
/// }
///
/// impl Handler for Quotes {
///     fn business_handler(&mut self, connection: Connection, _message: Message) {
///         let _ = connection.send_text(self.lines[self.next % self.lines.len()]);
///         self.next += 1;
///     }
/// }
///
/// jackfield_guest::export!(Quotes: ServerEvents, Handler);
///
/// let (connection, mut quotes) = (testing::connect(), Quotes::default());
/// quotes.on_started();
/// quotes.business_handler(connection, Message::from("?"));
/// assert_eq!(testing::sent(connection), [testing::Sent::from("To be")]);
/// ```
#[diagnostic::on_unimplemented(
    note = "`export!` names `ServerEvents`: write `impl ServerEvents for {Self}`, or take it out of the list"
)]
pub trait ServerEvents {
    /// Called once on each instance before any other hook.
    fn on_started(&mut self) {}

    /// The server is stopping, or this instance is being replaced; connections are still open. The call has a
    /// time budget of its own.
    fn on_shutdown(&mut self) {}
}

/// Carries what an instance remembers over a swap to the next version.
///
/// What is saved is read by another version of the plugin: give it a format that can grow.
///
/// ```
/// # use jackfield_guest::State;
/// #[derive(Default)]
/// struct Counter {
///     messages: u64,
/// }
///
/// impl State for Counter {
///     fn save(&mut self) -> Result<Vec<u8>, String> {
///         Ok(self.messages.to_le_bytes().to_vec())
///     }
///
///     fn restore(&mut self, from_version: String, state: Vec<u8>) -> Result<(), String> {
///         let bytes = state.try_into().map_err(|_| format!("not a counter's state: {from_version}"))?;
///         self.messages = u64::from_le_bytes(bytes);
///         Ok(())
///     }
/// }
///
/// jackfield_guest::export!(Counter: State);
///
/// let saved = Counter { messages: 7 }.save()?;
/// let mut next = Counter::default();
/// next.restore("sha256:…".to_owned(), saved)?;
/// assert_eq!(next.messages, 7);
/// assert!(next.restore("sha256:…".to_owned(), vec![1, 2, 3]).is_err());
/// # Ok::<(), String>(())
/// ```
#[diagnostic::on_unimplemented(
    note = "`export!` names `State`: write `impl State for {Self}`, or take it out of the list"
)]
pub trait State {
    /// What the next version must know. An error keeps this version serving; its text is logged.
    fn save(&mut self) -> Result<Vec<u8>, String>;

    /// Called on the new instance after `on_started` and before any other hook, with what `save` gave and the
    /// version (digest) that gave it. An error keeps the old version serving; its text is logged.
    fn restore(&mut self, from_version: String, state: Vec<u8>) -> Result<(), String>;
}
