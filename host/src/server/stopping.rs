//! Waiting for the end of a server: signals, and what the end was like.

use tokio::runtime::Builder;
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

impl Server {
    /// Blocks until SIGTERM or Ctrl-C, then stops as [`Server::stop`] does. A second one ends the wait at once.
    ///
    /// # Errors
    /// When the system lets no handler be set up for the signals.
    pub fn wait(mut self) -> std::io::Result<Stopped> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let reason = runtime.block_on(self.until_stopped())?;
        if reason == StopReason::Impatient {
            return Ok(Stopped { reason, dropped: 0 });
        }
        Ok(self.join(reason))
    }

    async fn until_stopped(&mut self) -> std::io::Result<StopReason> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let reason = tokio::select! {
            reason = first(&mut terminate, &mut interrupt) => reason,
            _ = &mut self.ended => return Ok(StopReason::Failed),
        };
        tracing::info!("stopping: open connections are closed; once more to stop at once");
        self.request_stop();
        tokio::select! {
            _ = first(&mut terminate, &mut interrupt) => Ok(StopReason::Impatient),
            _ = &mut self.ended => Ok(reason),
        }
    }
}

async fn first(terminate: &mut Signal, interrupt: &mut Signal) -> StopReason {
    tokio::select! {
        _ = terminate.recv() => StopReason::Terminated,
        _ = interrupt.recv() => StopReason::Interrupted,
    }
}
