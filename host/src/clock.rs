//! What time it is for connections. On a server that is the system's clock. Where a transcript is played, time stands
//! still on the thread that plays it, until the transcript says that it passes.

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    static STOPPED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Now.
pub(crate) fn now() -> Instant {
    STOPPED.get().unwrap_or_else(Instant::now)
}

/// Stops the clock of this thread, for good.
pub(crate) fn stop() {
    STOPPED.set(Some(now()));
}

/// Moves the stopped clock of this thread on.
pub(crate) fn pass(time: Duration) {
    STOPPED.set(Some(now() + time));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_when_it_is_told_to() {
        let other = std::thread::spawn(|| {
            stop();
            let start = now();
            pass(Duration::from_secs(3600));
            assert_eq!(now() - start, Duration::from_secs(3600));
            assert_eq!(now(), now());
        });
        other.join().unwrap();
        assert!(
            now().elapsed() < Duration::from_secs(3600),
            "of that thread only"
        );
    }
}
