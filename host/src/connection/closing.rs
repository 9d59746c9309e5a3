//! The end of a socket: the last bytes, our FIN, the peer's, and who hears of it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use jackfield_plugin::Ending;
use jackfield_proto::Status;

use super::Connection;
use crate::dispatch;

/// How much is read and discarded while the peer's FIN is awaited. Closing a socket with unread input sends an
/// RST, which can destroy what the peer has not read yet, our close frame among it.
const DISCARDED_BYTES: usize = 4 * 1024 * 1024;

impl Connection {
    /// Ends an upgraded connection.
    pub(super) async fn finish(&mut self) {
        let (ending, lingers) = {
            let shard = self.worker.shard.borrow();
            let entry = shard.entry(self.id);
            let disconnect = entry.is_some_and(|entry| entry.disconnect);
            let connection = entry.and_then(|entry| entry.connection());
            (
                connection.map(|connection| connection.ending()),
                !disconnect
                    && connection.is_some_and(|connection| {
                        matches!(connection.status(), Status::Finished { linger: true })
                    }),
            )
        };
        if lingers {
            // RFC 6455 section 7.1.1: the server ends TCP first.
            let _ = poll_fn(|cx| self.io.poll_shutdown(cx)).await;
        }
        if let Some(ending) = ending {
            let ending = Ending {
                code: ending.code,
                reason: ending.reason,
                clean: ending.clean,
            };
            tracing::debug!(connection = %self.id, code = ending.code, clean = ending.clean, "connection ended");
            dispatch::disconnected(&self.worker, self.id, &ending).await;
        }
        if lingers {
            self.linger().await;
        }
    }

    /// Writes what waits, ends our side, and discards input until the peer ends its own, within
    /// `limits.linger_timeout`.
    pub(super) async fn linger(&mut self) {
        let deadline = Instant::now() + self.worker.site.config.limits.linger_timeout;
        self.worker
            .shard
            .borrow_mut()
            .set_deadline(self.id, deadline);
        let mut shut = false;
        let mut discarded = 0;
        poll_fn(|cx| self.poll_linger(cx, &mut shut, &mut discarded)).await;
    }

    fn poll_linger(
        &mut self,
        cx: &mut Context<'_>,
        shut: &mut bool,
        discarded: &mut usize,
    ) -> Poll<()> {
        if self.poll_write(cx).is_err() {
            return Poll::Ready(());
        }
        {
            let mut shard = self.worker.shard.borrow_mut();
            let Some(entry) = shard.entry_mut(self.id) else {
                return Poll::Ready(());
            };
            entry.register(cx.waker());
            if entry.expired || entry.disconnect {
                return Poll::Ready(());
            }
            if !entry.outbox.is_empty() {
                return Poll::Pending;
            }
        }
        if !*shut {
            if ready!(self.io.poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
            *shut = true;
        }
        while *discarded < DISCARDED_BYTES {
            let mut buffer = self.worker.receive.borrow_mut().lend();
            let read = self.io.poll_read(cx, &mut buffer);
            self.give_back(buffer);
            match ready!(read) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(count) => *discarded += count,
            }
        }
        Poll::Ready(())
    }
}
