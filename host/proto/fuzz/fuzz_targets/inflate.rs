//! Fuzzes `inflate`; what must hold is in `tests/support/oracle.rs`.
#![no_main]

#[path = "../../tests/support/client.rs"]
mod client;
#[path = "../../tests/support/deflate.rs"]
mod deflate;
#[path = "../../tests/support/oracle.rs"]
mod oracle;
#[path = "../../tests/support/request.rs"]
mod request;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracle::inflate(data));
