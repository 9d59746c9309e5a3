//! A few instances that share their calls: whoever needs one waits its turn.

use std::cell::RefCell;

use jackfield_plugin::{CallError, Instance};
use tokio::sync::Semaphore;

use super::hook::{Answer, Hook};

/// Up to a number of instances. An instance that trapped is dropped, and the next call makes a fresh one.
pub(super) struct Pool {
    /// As many permits as there may be instances. Fair: calls run in the order in which they came.
    turns: Semaphore,
    idle: RefCell<Vec<Instance>>,
}

impl Pool {
    pub(super) fn new(size: usize) -> Self {
        Pool {
            turns: Semaphore::new(size),
            idle: RefCell::default(),
        }
    }

    /// Makes an instance when there is none.
    pub(super) async fn warm_up(
        &self,
        create: impl AsyncFnOnce() -> Result<Instance, CallError>,
    ) -> Result<(), CallError> {
        if self.idle.borrow().is_empty() {
            let instance = create().await?;
            self.idle.borrow_mut().push(instance);
        }
        Ok(())
    }

    /// Runs one hook on the next free instance.
    pub(super) async fn call(
        &self,
        create: impl AsyncFnOnce() -> Result<Instance, CallError>,
        hook: Hook<'_>,
    ) -> Result<Answer, CallError> {
        // The semaphore is never closed; without a permit the call would only be out of turn.
        let _turn = self.turns.acquire().await.ok();
        let idle = self.idle.borrow_mut().pop();
        let mut instance = match idle {
            Some(instance) => instance,
            None => create().await?,
        };
        let answer = hook.run(&mut instance).await;
        if !instance.is_poisoned() {
            self.idle.borrow_mut().push(instance);
        }
        answer
    }

    /// Tells every instance that the server stops.
    pub(super) async fn shut_down(&self) -> Vec<CallError> {
        let mut errors = Vec::new();
        let mut told = Vec::new();
        let _turn = self.turns.acquire().await.ok();
        loop {
            let Some(mut instance) = self.idle.borrow_mut().pop() else {
                break;
            };
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
