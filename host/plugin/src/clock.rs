//! The clocks of guests. They are the machine's, unless the thread that runs the guests says that they are ahead: where
//! time is said to pass without anybody waiting, guests see it pass too.

use std::cell::Cell;
use std::time::Duration;

use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder, clocks};

thread_local! {
    static AHEAD: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Puts the clocks of guests on this thread ahead of the machine's. Holds for instances that are made after the first
/// such call; each later one moves the clocks of all of them. Waiting in a guest takes as long as ever.
pub fn put_clocks_ahead(by: Duration) {
    AHEAD.set(Some(by));
}

/// Gives a guest clocks that can be ahead, where any are.
pub(crate) fn apply(wasi: &mut WasiCtxBuilder) {
    if AHEAD.get().is_some() {
        wasi.wall_clock(Wall)
            .monotonic_clock(Monotonic(clocks::monotonic_clock()));
    }
}

fn ahead() -> Duration {
    AHEAD.get().unwrap_or_default()
}

struct Wall;

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        clocks::wall_clock().resolution()
    }

    fn now(&self) -> Duration {
        clocks::wall_clock().now().saturating_add(ahead())
    }
}

struct Monotonic(Box<dyn HostMonotonicClock + Send>);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        self.0.resolution()
    }

    fn now(&self) -> u64 {
        let ahead = u64::try_from(ahead().as_nanos()).unwrap_or(u64::MAX);
        self.0.now().saturating_add(ahead)
    }
}
