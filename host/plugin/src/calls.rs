//! Running guest code in a store: the time it may take, what suspends it, and what an error of the engine
//! means in the words of [`CallError`].

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use wasmtime::{PoolConcurrencyLimitError, Store, UpdateDeadline, WasmBacktrace};

use crate::error::CallError;
use crate::limits::{Hit, InstanceLimits, ticks};
use crate::output::Shared;
use crate::state::State;

/// Frames of a backtrace that are kept.
const FRAMES: usize = 64;

/// What every call of an instance needs to know of its limits, worked out once.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    call: Budgeted,
    shutdown: Budgeted,
    wait: Duration,
}

/// A budget of guest time.
#[derive(Clone, Copy)]
pub(crate) struct Budgeted {
    time: Duration,
    ticks: u32,
    key: &'static str,
}

impl Times {
    pub(crate) fn new(limits: &InstanceLimits, tick: Duration) -> Times {
        let budgeted = |time, key| Budgeted {
            time,
            ticks: ticks(time, tick),
            key,
        };
        Times {
            call: budgeted(limits.call_time, "call_time"),
            shutdown: budgeted(limits.shutdown_time, "shutdown_time"),
            wait: limits.wait_time,
        }
    }

    /// The budget of this hook.
    pub(crate) fn of(&self, hook: &str) -> Budgeted {
        if hook == "on-shutdown" {
            self.shutdown
        } else {
            self.call
        }
    }
}

/// Makes the store suspend its guest at the end of each slice and stop it when its budget is spent.
pub(crate) fn slice(store: &mut Store<State>) {
    store.epoch_deadline_callback(|mut store| {
        let state = store.data_mut();
        if !state.budget.tick() {
            return Ok(UpdateDeadline::Interrupt);
        }
        state.shared.mark_yield();
        // tokio's `yield_now` comes back only after the runtime has looked at its I/O and timers; a future that
        // simply wakes itself would be polled again before.
        Ok(UpdateDeadline::YieldCustom(
            state.budget.slice(),
            Box::pin(tokio::task::yield_now()),
        ))
    });
}

/// Readies the store for a call.
pub(crate) fn arm(store: &mut Store<State>, budget: Budgeted) {
    let state = store.data_mut();
    state.budget.start(budget.ticks);
    state.limiter.hit = None;
    let slice = state.budget.slice();
    store.set_epoch_deadline(slice);
}

/// Runs a call to its end. None: it waited longer than it may; the call is dropped with whatever it did so far.
///
/// The timer exists only while the guest waits for something: a call that is never suspended, and one that is
/// suspended only by the epoch, pay nothing. The call is pinned by the caller: taken by value it would have its place
/// in this future twice.
pub(crate) async fn run<F: Future>(
    mut call: Pin<&mut F>,
    times: &Times,
    shared: &Shared,
) -> Option<F::Output> {
    let mut left = times.wait;
    let mut timer: Option<(Instant, Pin<Box<Sleep>>)> = None;
    poll_fn(move |cx| {
        if let Poll::Ready(answer) = call.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        if shared.take_yield() {
            if let Some((since, _)) = timer.take() {
                left = left.saturating_sub(since.elapsed());
            }
            return Poll::Pending;
        }
        let (_, sleep) =
            timer.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
        sleep.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// What the engine's error means.
pub(crate) fn explain(
    hook: &'static str,
    budget: Budgeted,
    fuel: usize,
    state: &State,
    error: &wasmtime::Error,
) -> CallError {
    if state.budget.spent {
        return CallError::TimeBudget {
            hook,
            budget: budget.time,
            key: budget.key,
        };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::PoolExhausted;
    }
    let message = error.root_cause().to_string();
    // The engine has no type for this error that could be asked for; a test keeps the words true.
    if message.contains("fuel allocated for hostcalls") {
        return CallError::HostcallLimit { hook, limit: fuel };
    }
    let stderr = state.shared.said();
    match state.limiter.hit {
        Some(Hit::Memory) => CallError::MemoryLimit {
            hook,
            limit: state.limiter.memory_limit(),
            message,
            stderr,
        },
        Some(Hit::Table) => CallError::TableLimit {
            hook,
            limit: state.limiter.table_limit(),
            message,
            stderr,
        },
        None => CallError::Trap {
            hook,
            message,
            backtrace: backtrace(error),
            stderr,
        },
    }
}

/// The error for a call that waited too long.
pub(crate) fn waited(hook: &'static str, times: &Times) -> CallError {
    CallError::WaitLimit {
        hook,
        limit: times.wait,
    }
}

/// The frames of the trap, innermost first, with source lines when the component has them.
fn backtrace(error: &wasmtime::Error) -> Vec<String> {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let text = trace.to_string();
    // The first line only says that this is a backtrace.
    text.lines()
        .skip(1)
        .take(FRAMES)
        .map(|line| line.trim().to_owned())
        .collect()
}
