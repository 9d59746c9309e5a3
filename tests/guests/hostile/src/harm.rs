//! The ways to misbehave that do not return, or not soon.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

/// Does the harm of this name. One that is not known is a panic too, so that a test with a typing error fails.
///
/// | name | what it does |
/// |---|---|
/// | `panic` | panics with a message |
/// | `unreachable` | the trap of the instruction `unreachable`, without a word |
/// | `overflow` | recursion until the stack is used up |
/// | `wild` | reads memory that it does not have |
/// | `exit` | ends the process, as WASI has it |
/// | `spin` | computes without end |
/// | `spin-calling` | calls the host without end |
/// | `sleep` | waits in the host for a day |
/// | `memory` | allocates without end, touching every page |
/// | `grow` | grows its memory at once to what it cannot have |
/// | `print` | writes lines to stdout without end |
/// | `complain` | writes to stderr without end and without a newline |
pub(crate) fn do_it(name: &str) {
    match name {
        "panic" => panic!("asked to panic"),
        "unreachable" => trap(),
        "overflow" => {
            black_box(descend(black_box(0)));
        }
        "wild" => wild(),
        "exit" => std::process::exit(3),
        "spin" => loop {
            black_box(());
        },
        "spin-calling" => loop {
            let nobody = jackfield_guest::Connection::from_id(0);
            black_box(nobody.info());
        },
        "sleep" => std::thread::sleep(Duration::from_secs(24 * 60 * 60)),
        "memory" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(vec![1_u8; 1 << 20]);
                black_box(&hoard);
            }
        }
        "grow" => drop(black_box(vec![1_u8; 0x7000_0000])),
        "print" => loop {
            println!("a line that nobody needs");
        },
        "complain" => loop {
            let _ = std::io::stderr().write_all(&[b'x'; 4096]);
        },
        unknown => panic!("no such harm: {unknown}"),
    }
}

#[cfg(target_arch = "wasm32")]
fn trap() {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() {
    std::process::abort()
}

#[allow(
    unsafe_code,
    reason = "there is no safe way to the trap of an access out of bounds"
)]
fn wild() {
    let nowhere = black_box(usize::MAX - 7) as *const u8;
    // SAFETY: none. In a component the address is behind the end of memory, and the machine traps.
    black_box(unsafe { nowhere.read_volatile() });
}

#[allow(
    unconditional_recursion,
    reason = "the stack has to overflow; black_box keeps it from becoming a loop"
)]
fn descend(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    descend(depth + 1) + frame[63]
}
