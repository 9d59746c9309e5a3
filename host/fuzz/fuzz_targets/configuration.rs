//! Fuzzes the text of a configuration; what must hold is in `tests/support/oracle.rs`.
//!
//! The sources are compiled in, not the crate `jackfield`, which would bring the engine of plugins along.
#![no_main]

#[path = "../../src"]
mod host {
    #[allow(
        dead_code,
        unused_imports,
        reason = "the rest of the host, which is not here, uses it"
    )]
    pub(crate) mod config;
}
#[path = "../../tests/support/oracle.rs"]
mod oracle;

use host::config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracle::configuration(data));
