//! Waiting for the end of a server: signals, and what the end was like.

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Server;

/// Why a server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// [`Server::stop`] was called.
    Asked,
    /// SIGTERM.
    Terminated,
    /// SIGINT, as Ctrl-C sends it.
    Interrupted,
    /// A second SIGINT or SIGTERM came while the first was being obeyed: nothing was waited for.
    Impatient,
    /// It ended by itself, which it should not; the log says why.
    Failed,
}

/// The end of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Why.
    pub reason: StopReason,
    /// Connections that had not ended at the deadline and were dropped.
    pub dropped: usize,
}

/// SIGTERM and SIGINT, heard from the moment of [`Signals::new`] on: made before the server says that it listens, a
/// signal never finds nobody.
pub struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to hear the signals.
    ///
    /// # Errors
    /// When the system lets no handler be set up.
    pub fn new() -> std::io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        drop(entered);
        Ok(Signals {
            runtime,
            terminate,
            interrupt,
        })
    }
}

impl Server {
    /// Blocks until SIGTERM or Ctrl-C, then stops as [`Server::stop`] does. A second one ends the wait at once.
    pub fn wait(mut self, signals: Signals) -> Stopped {
        let Signals {
            runtime,
            mut terminate,
            mut interrupt,
        } = signals;
        let reason = runtime.block_on(async {
            let reason = tokio::select! {
                reason = first(&mut terminate, &mut interrupt) => reason,
                _ = &mut self.ended => return StopReason::Failed,
            };
            tracing::info!("stopping: open connections are closed; once more to stop at once");
            self.request_stop();
            tokio::select! {
                _ = first(&mut terminate, &mut interrupt) => StopReason::Impatient,
                _ = &mut self.ended => reason,
            }
        });
        if reason == StopReason::Impatient {
            return Stopped { reason, dropped: 0 };
        }
        self.join(reason)
    }
}

async fn first(terminate: &mut Signal, interrupt: &mut Signal) -> StopReason {
    tokio::select! {
        _ = terminate.recv() => StopReason::Terminated,
        _ = interrupt.recv() => StopReason::Interrupted,
    }
}
