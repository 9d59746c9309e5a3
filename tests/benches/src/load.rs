//! The load generator. One thread, raw bytes, frames built before the clock runs; every byte that comes back is
//! compared with what an echo must be, so that a server cannot be fast by being wrong.
//!
//! | mode | what it does | what it is good for |
//! |---|---|---|
//! | closed | each connection has one burst of messages in flight | throughput, CPU per message |
//! | open | messages are due at a fixed rate, whatever the server does | latency: counted from when each was due |
//! | idle | connects, sends one message each, and waits | memory per connection |

mod closed;
mod connect;
mod frames;
mod idle;
mod meter;
mod open;
mod socket;

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use connect::Target;
use frames::Frames;

/// How the load is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A connection sends again when it was answered.
    Closed,
    /// A fixed rate over all connections.
    Open,
    /// Open connections without traffic.
    Idle,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Text frames (of ASCII).
    Text,
    /// Binary frames.
    Binary,
}

/// The whole task of one run.
#[derive(Clone, Debug, clap::Args)]
pub struct Plan {
    /// Where the server listens
    #[arg(long)]
    pub address: SocketAddr,
    /// Path of the upgrade request
    #[arg(long, default_value = "/")]
    pub path: String,
    /// closed, open or idle
    #[arg(long, value_enum, default_value = "closed")]
    pub mode: Mode,
    /// Connections
    #[arg(long, default_value_t = 100)]
    pub connections: usize,
    /// Bytes of a message
    #[arg(long, default_value_t = 20)]
    pub size: usize,
    /// Text or binary
    #[arg(long, value_enum, default_value = "binary")]
    pub kind: Kind,
    /// Messages in one write of a connection (closed)
    #[arg(long, default_value_t = 1)]
    pub burst: usize,
    /// Messages a second over all connections (open)
    #[arg(long, default_value_t = 10_000)]
    pub rate: u64,
    /// Measured seconds
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Seconds before the measurement
    #[arg(long, default_value_t = 0.5)]
    pub warmup: f64,
    /// Stop after so many messages, if that is earlier (closed)
    #[arg(long)]
    pub messages: Option<u64>,
    /// The server's process id: its CPU time and memory are reported
    #[arg(long)]
    pub pid: Option<u32>,
    /// Sleep until there is an answer instead of spinning (closed): the server's core pays for waking this one
    #[arg(long)]
    pub sleep: bool,
    /// Run on this core
    #[arg(long)]
    pub core: Option<usize>,
}

/// What a run found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Connections that took part.
    pub connections: usize,
    /// Length of the measurement.
    pub seconds: f64,
    /// Messages that came back during it.
    pub messages: u64,
    /// Messages that were sent and had no answer when the run ended; more than a moment's worth is an overload.
    pub unanswered: u64,
    /// Messages that were due but not sent any more, because too many were unanswered (open).
    pub withheld: u64,
    /// CPU time of the server in nanoseconds.
    pub server_cpu: u64,
    /// The part of it in user mode, 0 to 1.
    pub server_user: f64,
    /// CPU time of the generator in nanoseconds.
    pub generator_cpu: u64,
    /// From when a message was due (open) or sent (closed) to the last byte of its answer, in nanoseconds.
    pub latency: Latency,
    /// Anonymous memory of the server for each connection, in bytes (idle).
    pub memory_per_connection: u64,
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the messages were faster.
    pub p50: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1000.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A socket, or `/proc`.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The answer to the upgrade request.
    #[error("the server did not upgrade: {0}")]
    Handshake(String),
    /// Other bytes than the echo: a close frame, perhaps, or a keep-alive ping in a run that took too long.
    #[error("the server sent something else than the echo")]
    WrongEcho,
    /// Its end of a connection.
    #[error("the server ended a connection")]
    Ended,
    /// A number that makes no sense.
    #[error("{0}")]
    Plan(&'static str),
}

/// Connects, makes the load, and says what came of it. Bounded: by the plan's seconds, and by
/// a patience of some seconds for each step of the set-up.
///
/// # Errors
/// See [`LoadError`]; a run is all or nothing.
pub fn run(plan: &Plan) -> Result<Report, LoadError> {
    if plan.connections == 0 || plan.burst == 0 || plan.rate == 0 {
        return Err(LoadError::Plan(
            "connections, burst and rate are at least 1",
        ));
    }
    if !(plan.seconds.is_finite() && plan.warmup.is_finite())
        || plan.seconds <= 0.0
        || plan.warmup < 0.0
    {
        return Err(LoadError::Plan("seconds must be positive"));
    }
    if let Some(core) = plan.core {
        crate::system::pin(core)?;
    }
    crate::system::allow_descriptors(plan.connections as u64 + 64);
    let burst = if plan.mode == Mode::Closed {
        plan.burst
    } else {
        1
    };
    let frames = Frames::new(plan.kind, plan.size, burst);
    let target = Target {
        address: plan.address,
        path: &plan.path,
    };
    match plan.mode {
        Mode::Closed => closed::run(plan, &target, &frames),
        Mode::Open => open::run(plan, &target, &frames),
        Mode::Idle => idle::run(plan, &target, &frames),
    }
}

impl Plan {
    fn measured(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.min(600.0))
    }

    fn warmed(&self) -> Duration {
        Duration::from_secs_f64(self.warmup.min(60.0))
    }
}
