//! One handler of a native plugin: a hook is a plain call, and a panic is what a trap is.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::CallError;
use crate::native::Handler;
use crate::plugin::{Native, Version};
use crate::services::Services;

/// A running handler.
pub(super) struct NativeInstance {
    handler: Box<dyn Handler>,
    services: Box<dyn Services>,
    version: Arc<Version>,
    calls: u64,
    poisoned: bool,
}

impl NativeInstance {
    pub(super) fn new(
        version: Arc<Version>,
        native: &Native,
        services: Box<dyn Services>,
    ) -> Result<NativeInstance, CallError> {
        let made = catch_unwind(AssertUnwindSafe(|| (native.make)()));
        let handler = made.map_err(|panic| CallError::Instantiate(words(panic.as_ref())))?;
        version.live.fetch_add(1, Ordering::Relaxed);
        Ok(NativeInstance {
            handler,
            services,
            version,
            calls: 0,
            poisoned: false,
        })
    }

    /// Calls a hook, unless its group is not among the plugin's: then it is answered as if it had done nothing.
    pub(super) fn call<R>(
        &mut self,
        hook: &'static str,
        exported: bool,
        nothing: R,
        call: impl FnOnce(&mut dyn Handler, &mut dyn Services) -> R,
    ) -> Result<R, CallError> {
        if !exported {
            return Ok(nothing);
        }
        if self.poisoned {
            return Err(CallError::Poisoned { hook });
        }
        self.calls += 1;
        let (handler, services) = (&mut *self.handler, &mut *self.services);
        // Whatever a panic leaves half-done is never called again.
        let answer = catch_unwind(AssertUnwindSafe(|| call(handler, services)));
        answer.map_err(|panic| {
            self.poisoned = true;
            CallError::Trap {
                hook,
                message: words(panic.as_ref()),
                backtrace: Vec::new(),
                stderr: String::new(),
            }
        })
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls
    }
}

impl Drop for NativeInstance {
    fn drop(&mut self) {
        self.version.live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("no message"))
}
