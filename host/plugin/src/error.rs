//! What can go wrong with an engine, a component or a call. Every message says what to do, or which
//! configuration key the limit has.

use std::time::Duration;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Neither allocator could be set up.
    #[error("the WebAssembly engine cannot start: {0}")]
    Start(String),
    /// The epoch thread could not be started.
    #[error("the thread that limits guest time cannot start: {0}")]
    Ticker(#[source] std::io::Error),
}

/// Why a component cannot serve as a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The bytes are something else.
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(NotAComponent),
    /// Built against a version of the contract that this host does not serve.
    #[error(
        "built for version {found} of the contract jackfield:plugin, this host serves {served}: rebuild the plugin with the \
         WIT files and SDK of {served}, or run a host that serves {found}"
    )]
    OtherContractVersion {
        /// What the component names.
        found: String,
        /// What this host serves.
        served: String,
    },
    /// Nothing of the contract is exported.
    #[error(
        "exports no interface of jackfield:plugin, so the host would never call it: export at least one, \
         e.g. jackfield:plugin/handler@0.1.0 (it exports: {exports})"
    )]
    NoHooks {
        /// What it exports instead.
        exports: String,
    },
    /// Exports or imports that do not fit, all of them.
    #[error("{}", list(problems))]
    Mismatched {
        /// Each with what the contract says and what the component has.
        problems: Vec<Mismatch>,
    },
    /// An import of WASI in a form that this host does not have.
    #[error(
        "imports something that this host has only in another form: {0}; build it for WASI 0.2 of an earlier release"
    )]
    Link(String),
    /// Has more memory at its start than any instance may have.
    #[error(
        "needs {needed} bytes of memory at its start, and an instance may have {limit}: raise memory_bytes_max, or build \
         the plugin with a smaller stack and heap"
    )]
    TooMuchMemory {
        /// Bytes that its largest memory begins with.
        needed: u64,
        /// The engine's limit.
        limit: u64,
    },
    /// A component that the engine will not compile: damaged inside, or in need of something it does not do.
    #[error("the engine does not accept it: {0}")]
    Compile(String),
}

/// One thing about a component that does not fit the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
pub struct Mismatch {
    /// The interface, function or import.
    pub what: String,
    /// The signature in the contract, or what to do.
    pub expected: String,
    /// What the component has instead.
    pub found: String,
}

/// What was found in place of a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAComponent {
    /// Nothing at all.
    #[error("the file is empty; build the plugin again")]
    Empty,
    /// A core module.
    #[error(
        "this is a core module; build for the target wasm32-wasip2, or run `wasm-tools component new` on it"
    )]
    CoreModule,
    /// Text, most likely WAT.
    #[error("this is text; a plugin is the binary form (for WAT: `wasm-tools parse`)")]
    Text,
    /// Something else.
    #[error("this is no WebAssembly; a plugin is a .wasm file built as a component")]
    Garbage,
    /// The beginning of a component.
    #[error(
        "the file ends in the middle (at byte {at}); it was probably still being written: build or copy it again"
    )]
    Truncated {
        /// Where the rest is missing.
        at: usize,
    },
    /// A component that breaks the rules of the format.
    #[error("the file is damaged or of a newer format: {0}; build it again")]
    Invalid(String),
}

/// Why a call did not come back with an answer. The instance is of no more use after any of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The guest trapped.
    #[error("{hook} trapped: {message}")]
    Trap {
        /// The function that was called.
        hook: &'static str,
        /// The trap's reason.
        message: String,
        /// One frame a line, innermost first, with names when the component has them.
        backtrace: Vec<String>,
        /// What the guest wrote to stderr during the call, the end of it: a panic's message, for one.
        stderr: String,
    },
    /// The guest computed for too long.
    #[error("{hook} was stopped: it used up its {budget:?} of guest time ({key})")]
    TimeBudget {
        /// The function that was called.
        hook: &'static str,
        /// What it was allowed.
        budget: Duration,
        /// The limit's configuration key.
        key: &'static str,
    },
    /// The guest waited for too long.
    #[error("{hook} was stopped: it waited for more than {limit:?} (wait_time)")]
    WaitLimit {
        /// The function that was called.
        hook: &'static str,
        /// What it was allowed.
        limit: Duration,
    },
    /// The guest trapped because it got no more memory.
    #[error("{hook} was stopped at its memory limit of {limit} bytes (memory_bytes): {message}")]
    MemoryLimit {
        /// The function that was called.
        hook: &'static str,
        /// The limit in bytes.
        limit: usize,
        /// What the guest made of it.
        message: String,
        /// As in [`CallError::Trap`].
        stderr: String,
    },
    /// The guest trapped because its tables could not grow.
    #[error(
        "{hook} was stopped at its limit of {limit} table elements (table_elements): {message}"
    )]
    TableLimit {
        /// The function that was called.
        hook: &'static str,
        /// The limit in elements.
        limit: usize,
        /// What the guest made of it.
        message: String,
        /// As in [`CallError::Trap`].
        stderr: String,
    },
    /// The guest passed the host more than may cross at once.
    #[error(
        "{hook} was stopped: more than {limit} bytes in one crossing to the host (hostcall_bytes)"
    )]
    HostcallLimit {
        /// The function that was called.
        hook: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// No room for another instance.
    #[error("no room for another instance: the engine's pool is used up (max_instances)")]
    PoolExhausted,
    /// The instance could not be made, for another reason.
    #[error("the plugin cannot be instantiated: {0}")]
    Instantiate(String),
    /// An earlier call of this instance failed.
    #[error(
        "{hook} was not called: an earlier call failed, and its instance cannot be used any more"
    )]
    Poisoned {
        /// The function that was to be called.
        hook: &'static str,
    },
}

impl CallError {
    /// What the guest wrote to stderr during the call, the last KiB or two of it. Not vetted: control characters and all.
    pub fn stderr(&self) -> &str {
        match self {
            CallError::Trap { stderr, .. }
            | CallError::MemoryLimit { stderr, .. }
            | CallError::TableLimit { stderr, .. } => stderr,
            _ => "",
        }
    }
}

fn list(problems: &[Mismatch]) -> String {
    let mut text = String::from("does not fit this host:");
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    text
}
