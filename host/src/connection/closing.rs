//! The end of a socket: the last bytes, our FIN, the peer's, and who hears of it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use jackfield_plugin::Ending;
use jackfield_proto::Status;

use super::Connection;
use crate::clock;
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
            self.arm_linger();
            poll_fn(|cx| self.poll_shutdown(cx)).await;
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
        self.arm_linger();
        let mut shut = false;
        let mut discarded = 0;
        poll_fn(|cx| self.poll_linger(cx, &mut shut, &mut discarded)).await;
    }

    fn arm_linger(&self) {
        let deadline = clock::now() + self.worker.site.config.limits.linger_timeout;
        let mut shard = self.worker.shard.borrow_mut();
        shard.set_deadline(self.id, deadline);
    }

    /// Ends our side. Over TLS that waits for a peer that does not read, but not for ever.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_given_up(cx) {
            return Poll::Ready(());
        }
        // An error is met again by whoever reads next.
        self.io.poll_shutdown(cx).map(drop)
    }

    /// Whether a deadline of this task has passed, or nobody wants the socket any more; registers to hear of it.
    pub(super) fn is_given_up(&self, cx: &Context<'_>) -> bool {
        let mut shard = self.worker.shard.borrow_mut();
        shard.entry_mut(self.id).is_none_or(|entry| {
            entry.register(cx.waker());
            entry.expired || entry.disconnect
        })
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
        if self.is_given_up(cx) {
            return Poll::Ready(());
        }
        let shard = self.worker.shard.borrow();
        if shard
            .entry(self.id)
            .is_some_and(|entry| !entry.outbox.is_empty())
        {
            return Poll::Pending;
        }
        drop(shard);
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
