//! What time it is for connections. On a server that is the system's clock. Where a transcript is played, time stands
//! still on the thread that plays it, until the transcript says that it passes.

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    static STOPPED: Cell<Option<Stopped>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Stopped {
    at: Instant,
    /// How much has passed since, as it was told.
    passed: Duration,
}

/// Now.
pub(crate) fn now() -> Instant {
    match STOPPED.get() {
        Some(stopped) => stopped.at + stopped.passed,
        None => Instant::now(),
    }
}

/// Stops the clock of this thread, for good. Those of the guests that it runs go on.
pub(crate) fn stop() {
    move_on(Stopped {
        at: Instant::now(),
        passed: Duration::ZERO,
    });
}

/// Moves the stopped clock of this thread on, and those of the guests that it runs.
pub(crate) fn pass(time: Duration) {
    if let Some(stopped) = STOPPED.get() {
        move_on(Stopped {
            passed: stopped.passed + time,
            ..stopped
        });
    }
}

fn move_on(stopped: Stopped) {
    STOPPED.set(Some(stopped));
    jackfield_plugin::put_clocks_ahead(stopped.passed);
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
