//! What components may import: the contract's `connections`, and WASI 0.2 with nothing granted.

use wasmtime::component::Linker;

use crate::state::State;

/// A linker with everything in it. One serves all versions of all plugins of an engine.
pub(crate) fn build(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    crate::imports::define(&mut linker)?;
    // All of `wasi:cli/imports`, for most language runtimes import it whole. `State` grants nothing of it:
    // the guest finds no directories, no variables, and sockets and lookups fail.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Ok(linker)
}
