//! A few instances that share their calls: whoever needs one waits its turn.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;

use jackfield_plugin::{CallError, Instance};
use tokio::sync::Notify;

use super::hook::{Answer, Hook};
use super::line::{Line, Ticket, Verdict};

/// Up to a number of instances. An instance that trapped is dropped, and the next call makes a fresh one.
///
/// It belongs to one worker's thread, so that a turn costs no atomic operation and no lock.
pub(super) struct Pool {
    /// Who runs a call, and who waits for one to end.
    line: RefCell<Line>,
    #[allow(
        clippy::vec_box,
        reason = "an instance is large, and moved with every call"
    )]
    idle: RefCell<Vec<Box<Instance>>>,
    /// Rung when no call runs any more, if anyone wants to hear of it.
    rested: Notify,
    listeners: Cell<usize>,
}

/// The pool's instances were replaced: look for the version that serves now.
#[derive(Debug)]
pub(super) struct Retired;

/// The right to run one call.
pub(super) struct Turn<'p> {
    pool: &'p Pool,
}

impl Pool {
    pub(super) fn new(size: u32) -> Self {
        Pool {
            line: RefCell::new(Line::new(size as usize)),
            idle: RefCell::default(),
            rested: Notify::new(),
            listeners: Cell::new(0),
        }
    }

    /// Adds an instance that was made beforehand.
    pub(super) fn put(&self, instance: Box<Instance>) {
        self.idle.borrow_mut().push(instance);
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Retired> {
        let mut place = Place {
            pool: self,
            ticket: None,
        };
        let verdict = poll_fn(|cx| {
            let mut line = self.line.borrow_mut();
            line.poll_enter(cx, &mut place.ticket)
        });
        match verdict.await {
            Verdict::Go => Ok(Turn { pool: self }),
            Verdict::Closed => Err(Retired),
        }
    }

    /// Waits until no call runs and lets none begin, until [`Self::release`] or [`Self::retire`].
    pub(super) async fn hold(&self) {
        let mut holding = Holding(Some(self));
        self.line.borrow_mut().hold();
        self.drained().await;
        holding.0 = None;
    }

    /// Undoes [`Self::hold`].
    pub(super) fn release(&self) {
        self.line.borrow_mut().release();
    }

    /// An idle instance, to be looked at while the pool is held.
    pub(super) fn take_idle(&self) -> Option<Box<Instance>> {
        self.idle.borrow_mut().pop()
    }

    /// Lets no call begin any more; those who wait are sent to the version that serves now. Calls that run
    /// go on to their end.
    pub(super) fn retire(&self) {
        self.line.borrow_mut().close();
    }

    /// Whether a call runs.
    pub(super) fn is_busy(&self) -> bool {
        self.line.borrow().is_running()
    }

    /// Waits for the calls that run.
    pub(super) async fn drained(&self) {
        let _listening = Listening::new(&self.listeners);
        while self.line.borrow().is_running() {
            self.rested.notified().await;
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
        create: impl AsyncFnOnce() -> Result<Box<Instance>, CallError>,
        renew: impl AsyncFnOnce(Box<Instance>) -> Box<Instance>,
        hook: &Hook<'_>,
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
        let mut line = self.pool.line.borrow_mut();
        line.leave();
        if self.pool.listeners.get() > 0 && !line.is_running() {
            self.pool.rested.notify_waiters();
        }
    }
}

/// A place in the line, given up when nobody waits there any more.
struct Place<'p> {
    pool: &'p Pool,
    ticket: Option<Ticket>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.pool.line.borrow_mut().give_up(ticket);
        }
    }
}

/// Undoes a hold that nobody waits for any more.
struct Holding<'p>(Option<&'p Pool>);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        if let Some(pool) = self.0 {
            pool.release();
        }
    }
}

/// Someone waits for the last call to end.
struct Listening<'p>(&'p Cell<usize>);

impl<'p> Listening<'p> {
    fn new(listeners: &'p Cell<usize>) -> Self {
        listeners.set(listeners.get() + 1);
        Listening(listeners)
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
