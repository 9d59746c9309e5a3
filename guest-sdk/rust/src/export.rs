//! `export!`: from a plugin's struct and the traits it names to the component's exports.

use std::marker::PhantomData;

use crate::bindings::types::{ConnectionId, Ending, Header, Message, Rejection, UpgradeRequest};
use crate::bindings::{
    connection_events, handler, handshake, health_events, server_events, socket_events, state,
};
use crate::hooks::{
    ConnectionEvents, Handler, Handshake, HealthEvents, ServerEvents, SocketEvents, State,
};
use crate::{Connection, ErrorKind};

/// What a component says it was written with, in its custom section `jackfield.sdk`.
pub const SDK: [u8; TEXT.len()] = *TEXT.as_bytes().first_chunk().unwrap();
const TEXT: &str = concat!("jackfield-guest ", env!("CARGO_PKG_VERSION"), " (Rust)");

/// Makes a struct the plugin, and exports exactly the hook groups that are named.
///
/// ```
/// use jackfield_guest::{Connection, ConnectionEvents, Handler, Message};
///
/// #[derive(Default)]
/// struct Counter {
///     messages: u64,
/// }
///
/// impl Handler for Counter {
///     fn business_handler(&mut self, connection: Connection, _message: Message) {
///         self.messages += 1;
///         let _ = connection.send_text(&self.messages.to_string());
///     }
/// }
///
/// impl ConnectionEvents for Counter {}
///
/// jackfield_guest::export!(Counter: Handler, ConnectionEvents);
/// ```
///
/// The struct must implement [`Default`]: the first hook that the host calls makes the plugin's one value,
/// and every hook gets it as `&mut self`. It lives as long as the component's instance; who shares an
/// instance with whom is the host's configuration (`instances`). It is never dropped: what must happen at the
/// end belongs into [`ServerEvents::on_shutdown`](crate::ServerEvents::on_shutdown).
///
/// A group that is not named is not exported, even when its trait is implemented, and the host never calls
/// it. Naming a group whose trait is not implemented is a compile error:
///
/// ```compile_fail,E0277
/// #[derive(Default)]
/// struct Nothing;
/// jackfield_guest::export!(Nothing: Handler);
/// ```
///
/// So is a group that does not exist:
///
/// ```compile_fail
/// #[derive(Default)]
/// struct Nothing;
/// jackfield_guest::export!(Nothing: Timers);
/// ```
///
/// A component exports a group once: a second `export!` that names it again does not link.
#[macro_export]
macro_rules! export {
    ($plugin:ty: $($group:ident),+ $(,)?) => {
        const _: () = {
            impl $crate::__export::Plugin for $plugin {
                fn with<R>(call: impl ::core::ops::FnOnce(&mut Self) -> R) -> R {
                    ::std::thread_local! {
                        static PLUGIN: ::core::cell::RefCell<$plugin> = ::core::cell::RefCell::new({
                            $crate::__export::prepare();
                            ::core::default::Default::default()
                        });
                    }
                    // The host never enters an instance that is inside a call, so this borrow is free.
                    PLUGIN.with_borrow_mut(call)
                }
            }

            // What `jackfield check` says about the component.
            #[cfg(target_arch = "wasm32")]
            #[unsafe(link_section = "jackfield.sdk")]
            #[used]
            static SDK: [u8; $crate::__export::SDK.len()] = $crate::__export::SDK;

            #[cfg(target_arch = "wasm32")]
            type JackfieldExports = $crate::__export::Exports<$plugin>;
            $($crate::__export_group!($group, $plugin, JackfieldExports);)+
        };
    };
}

/// One group of [`export!`], with the module of its bindings.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_group {
    (Handshake, $($rest:tt)+) => { $crate::__export_module!(Handshake, handshake, $($rest)+); };
    (Handler, $($rest:tt)+) => { $crate::__export_module!(Handler, handler, $($rest)+); };
    (ConnectionEvents, $($rest:tt)+) => {
        $crate::__export_module!(ConnectionEvents, connection_events, $($rest)+);
    };
    (SocketEvents, $($rest:tt)+) => { $crate::__export_module!(SocketEvents, socket_events, $($rest)+); };
    (HealthEvents, $($rest:tt)+) => { $crate::__export_module!(HealthEvents, health_events, $($rest)+); };
    (ServerEvents, $($rest:tt)+) => { $crate::__export_module!(ServerEvents, server_events, $($rest)+); };
    (State, $($rest:tt)+) => { $crate::__export_module!(State, state, $($rest)+); };
    ($unknown:ident, $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "there is no hook group `", ::core::stringify!($unknown), "`; there are Handshake, Handler, ",
            "ConnectionEvents, SocketEvents, HealthEvents, ServerEvents and State"
        ));
    };
}

/// The trait is asked for everywhere, so that a forgotten one is told by its name; exported is what is inside a
/// component. Elsewhere there is nobody to export to, and an ELF linker would take the `@` in the names for a
/// symbol's version.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_module {
    ($group:ident, $module:ident, $plugin:ty, $exports:ident) => {
        const _: () = {
            const fn implements<P: $crate::$group>() {}
            implements::<$plugin>();
        };
        #[cfg(target_arch = "wasm32")]
        $crate::__export::$module::export!($exports with_types_in $crate::__export::$module);
    };
}

/// A struct that `export!` made the plugin.
pub trait Plugin: Default + 'static {
    /// Calls with the plugin's one value, which the first call makes.
    fn with<R>(call: impl FnOnce(&mut Self) -> R) -> R;
}

/// What has to happen before a plugin's value is made.
///
/// Inside a component, a panic is told in one line. The standard library's way begins with an empty line and
/// ends with advice about an environment variable that a plugin does not have; in the host's log each of its
/// lines would be an entry.
pub fn prepare() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        match panic.location() {
            Some(place) => eprintln!("panicked at {place}: {message}"),
            None => eprintln!("panicked: {message}"),
        }
    }));
}

/// What the generated export macros are given: it implements their traits for whatever hooks `P` has.
#[derive(Debug)]
pub struct Exports<P>(PhantomData<P>);

impl<P: Plugin + Handshake> handshake::Guest for Exports<P> {
    fn check_custom_header(request: UpgradeRequest) -> Result<Vec<Header>, Rejection> {
        P::with(|plugin| plugin.check_custom_header(&request))
    }

    fn select_protocol(connection: ConnectionId, offered: Vec<String>) -> Option<String> {
        P::with(|plugin| plugin.select_protocol(Connection::from_id(connection), offered))
    }
}

impl<P: Plugin + Handler> handler::Guest for Exports<P> {
    fn business_handler(connection: ConnectionId, message: Message) {
        P::with(|plugin| plugin.business_handler(Connection::from_id(connection), message));
    }
}

impl<P: Plugin + ConnectionEvents> connection_events::Guest for Exports<P> {
    fn on_handshake_success(connection: ConnectionId) {
        P::with(|plugin| plugin.on_handshake_success(Connection::from_id(connection)));
    }

    fn on_disconnected(connection: ConnectionId, ending: Ending) {
        P::with(|plugin| plugin.on_disconnected(Connection::from_id(connection), ending));
    }
}

impl<P: Plugin + SocketEvents> socket_events::Guest for Exports<P> {
    fn on_connected(connection: ConnectionId, peer: String) {
        P::with(|plugin| plugin.on_connected(Connection::from_id(connection), peer));
    }

    fn on_upgrade_part_receive(connection: ConnectionId, received: u32) {
        P::with(|plugin| plugin.on_upgrade_part_receive(Connection::from_id(connection), received));
    }

    fn on_handshake_failure(connection: ConnectionId, status: u16, reason: String) {
        P::with(|plugin| {
            plugin.on_handshake_failure(Connection::from_id(connection), status, reason);
        });
    }

    fn on_after_remove_socket(connection: ConnectionId) {
        P::with(|plugin| plugin.on_after_remove_socket(Connection::from_id(connection)));
    }

    fn on_error(connection: ConnectionId, kind: ErrorKind, detail: String) {
        P::with(|plugin| plugin.on_error(Connection::from_id(connection), kind, detail));
    }
}

impl<P: Plugin + HealthEvents> health_events::Guest for Exports<P> {
    fn on_after_health_check(unhealthy: Vec<ConnectionId>) {
        let unhealthy = unhealthy.into_iter().map(Connection::from_id).collect();
        P::with(|plugin| plugin.on_after_health_check(unhealthy));
    }
}

impl<P: Plugin + ServerEvents> server_events::Guest for Exports<P> {
    fn on_started() {
        P::with(ServerEvents::on_started);
    }

    fn on_shutdown() {
        P::with(ServerEvents::on_shutdown);
    }
}

impl<P: Plugin + State> state::Guest for Exports<P> {
    fn save() -> Result<Vec<u8>, String> {
        P::with(State::save)
    }

    fn restore(from_version: String, state: Vec<u8>) -> Result<(), String> {
        P::with(|plugin| plugin.restore(from_version, state))
    }
}
