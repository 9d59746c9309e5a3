//! A few instances that share their calls: whoever needs one waits its turn.

use std::cell::{Cell, RefCell};

use jackfield_plugin::{CallError, Instance};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::hook::{Answer, Hook};

/// Up to a number of instances. An instance that trapped is dropped, and the next call makes a fresh one.
pub(super) struct Pool {
    size: u32,
    /// As many permits as there may be instances. Fair: calls run in the order in which they came.
    turns: Semaphore,
    idle: RefCell<Vec<Instance>>,
    running: Cell<usize>,
    /// Rung when a call has ended.
    ended: Notify,
}

/// The pool's instances were replaced: look for the version that serves now.
#[derive(Debug)]
pub(super) struct Retired;

/// The right to run one call.
pub(super) struct Turn<'p> {
    pool: &'p Pool,
    _permit: SemaphorePermit<'p>,
}

impl Pool {
    pub(super) fn new(size: u32) -> Self {
        Pool {
            size,
            turns: Semaphore::new(size as usize),
            idle: RefCell::default(),
            running: Cell::new(0),
            ended: Notify::new(),
        }
    }

    /// Adds an instance that was made beforehand.
    pub(super) fn put(&self, instance: Instance) {
        self.idle.borrow_mut().push(instance);
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Retired> {
        let permit = self.turns.acquire().await.map_err(|_| Retired)?;
        self.running.set(self.running.get() + 1);
        Ok(Turn {
            pool: self,
            _permit: permit,
        })
    }

    /// Waits until no call runs and lets none begin, until [`Self::release`] or [`Self::retire`].
    pub(super) async fn hold(&self) {
        if let Ok(permits) = self.turns.acquire_many(self.size).await {
            permits.forget();
        }
    }

    /// Undoes [`Self::hold`].
    pub(super) fn release(&self) {
        self.turns.add_permits(self.size as usize);
    }

    /// An idle instance, to be looked at while the pool is held.
    pub(super) fn take_idle(&self) -> Option<Instance> {
        self.idle.borrow_mut().pop()
    }

    /// Lets no call begin any more; those who wait are sent to the version that serves now. Calls that run
    /// go on to their end.
    pub(super) fn retire(&self) {
        self.turns.close();
    }

    /// Whether a call runs.
    pub(super) fn is_busy(&self) -> bool {
        self.running.get() > 0
    }

    /// Waits for the calls that run.
    pub(super) async fn drained(&self) {
        while self.running.get() > 0 {
            self.ended.notified().await;
        }
    }

    /// Runs `on-shutdown` on every idle instance.
    pub(super) async fn shut_down(&self) -> Vec<CallError> {
        let mut errors = Vec::new();
        let mut told = Vec::new();
        while let Some(mut instance) = self.take_idle() {
            if let Err(error) = instance.on_shutdown().await {
                errors.push(error);
            }
            if !instance.is_poisoned() {
                told.push(instance);
            }
        }
        self.idle.borrow_mut().append(&mut told);
        errors
    }
}

impl Turn<'_> {
    /// Runs one hook on an idle instance, or on a fresh one. Between two calls `renew` may give another instance
    /// for the one that has run.
    pub(super) async fn run(
        self,
        create: impl AsyncFnOnce() -> Result<Instance, CallError>,
        renew: impl AsyncFnOnce(Instance) -> Instance,
        hook: Hook<'_>,
    ) -> Result<Answer, CallError> {
        let idle = self.pool.take_idle();
        let mut instance = match idle {
            Some(instance) => instance,
            None => create().await?,
        };
        let answer = hook.run(&mut instance).await;
        if !instance.is_poisoned() {
            let instance = renew(instance).await;
            // A `save` that trapped has cost it.
            if !instance.is_poisoned() {
                self.pool.put(instance);
            }
        }
        answer
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pool.running.set(self.pool.running.get() - 1);
        self.pool.ended.notify_waiters();
    }
}
