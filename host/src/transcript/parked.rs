//! Knows when a stage is at rest: the runtime has nothing to do and is about to put its thread to sleep. What was
//! written has then been read, called, answered and read again; no moment has to be guessed.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Rung by the runtime, heard by whoever waits for rest.
#[derive(Clone, Default)]
pub(super) struct Parked {
    shared: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    waker: Option<Waker>,
    at_rest: bool,
}

impl Parked {
    pub(super) fn new() -> Parked {
        Parked::default()
    }

    /// The thread is about to sleep.
    pub(super) fn rest(&self) {
        let mut waiting = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = waiting.waker.take() {
            waiting.at_rest = true;
            drop(waiting);
            waker.wake();
        }
    }

    /// Waits until nothing is left to do but what is waited for outside of this thread.
    pub(super) async fn at_rest(&self) {
        let mut asked = false;
        poll_fn(|cx| {
            let mut waiting = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut asked, true) {
                waiting.at_rest = false;
            }
            if waiting.at_rest {
                return Poll::Ready(());
            }
            waiting.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::Parked;
    use tokio::runtime::{Builder, LocalOptions};

    #[test]
    fn rest_comes_when_every_task_waits() {
        let parked = Parked::new();
        let at_rest = parked.clone();
        let runtime = Builder::new_current_thread()
            .on_thread_park(move || at_rest.rest())
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
            let counting = tokio::task::spawn_local(async move {
                let mut count = 0;
                while receiver.recv().await.is_some() {
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    count += 1;
                }
                count
            });
            for _ in 0..3 {
                sender.send(()).await.unwrap();
                parked.at_rest().await;
                assert_eq!(sender.capacity(), 1, "rest came before the work was done");
            }
            drop(sender);
            assert_eq!(counting.await.unwrap(), 3);
        });
    }
}
