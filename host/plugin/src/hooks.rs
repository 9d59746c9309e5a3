//! The typed functions of one instance: what `wit/hooks.wit` says, in the engine's terms.

use wasmtime::Store;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, TypedFunc,
};

use crate::bindings::{
    EndingIn, ErrorKindIn, HeaderOut, MessageIn, RejectionOut, UpgradeRequestIn,
};
use crate::plugin::Indices;
use crate::state::State;

/// The functions that the component exports, checked against their types.
pub(crate) struct Hooks {
    pub(crate) check_custom_header:
        Hook<(UpgradeRequestIn<'static>,), (Result<Vec<HeaderOut>, RejectionOut>,)>,
    pub(crate) select_protocol: Hook<(u64, &'static [String]), (Option<String>,)>,
    pub(crate) business_handler: Hook<(u64, MessageIn<'static>), ()>,
    pub(crate) on_handshake_success: Hook<(u64,), ()>,
    pub(crate) on_disconnected: Hook<(u64, EndingIn<'static>), ()>,
    pub(crate) on_connected: Hook<(u64, &'static str), ()>,
    pub(crate) on_upgrade_part_receive: Hook<(u64, u32), ()>,
    pub(crate) on_handshake_failure: Hook<(u64, u16, &'static str), ()>,
    pub(crate) on_after_remove_socket: Hook<(u64,), ()>,
    pub(crate) on_error: Hook<(u64, ErrorKindIn, &'static str), ()>,
    pub(crate) on_after_health_check: Hook<(&'static [u64],), ()>,
    pub(crate) on_started: Hook<(), ()>,
    pub(crate) on_shutdown: Hook<(), ()>,
    pub(crate) save: Hook<(), Answer<Vec<u8>>>,
    pub(crate) restore: Hook<(&'static str, &'static [u8]), Answer<()>>,
}

/// What a function with a reason for failing returns.
type Answer<T> = (Result<T, String>,);
type Hook<P, R> = Option<TypedFunc<P, R>>;

impl Hooks {
    /// The functions of this instance; fails when one has another type than the contract says.
    pub(crate) fn new(
        store: &mut Store<State>,
        instance: &Instance,
        at: &Indices,
    ) -> wasmtime::Result<Hooks> {
        let mut find = Find { store, instance };
        Ok(Hooks {
            check_custom_header: find.hook(at.check_custom_header.as_ref())?,
            select_protocol: find.hook(at.select_protocol.as_ref())?,
            business_handler: find.hook(at.business_handler.as_ref())?,
            on_handshake_success: find.hook(at.on_handshake_success.as_ref())?,
            on_disconnected: find.hook(at.on_disconnected.as_ref())?,
            on_connected: find.hook(at.on_connected.as_ref())?,
            on_upgrade_part_receive: find.hook(at.on_upgrade_part_receive.as_ref())?,
            on_handshake_failure: find.hook(at.on_handshake_failure.as_ref())?,
            on_after_remove_socket: find.hook(at.on_after_remove_socket.as_ref())?,
            on_error: find.hook(at.on_error.as_ref())?,
            on_after_health_check: find.hook(at.on_after_health_check.as_ref())?,
            on_started: find.hook(at.on_started.as_ref())?,
            on_shutdown: find.hook(at.on_shutdown.as_ref())?,
            save: find.hook(at.save.as_ref())?,
            restore: find.hook(at.restore.as_ref())?,
        })
    }
}

/// Finds exported functions and checks their types.
struct Find<'a> {
    store: &'a mut Store<State>,
    instance: &'a Instance,
}

impl Find<'_> {
    fn hook<P, R>(&mut self, index: Option<&ComponentExportIndex>) -> wasmtime::Result<Hook<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let Some(index) = index else { return Ok(None) };
        let function = self.instance.get_typed_func(&mut *self.store, index)?;
        Ok(Some(function))
    }
}
