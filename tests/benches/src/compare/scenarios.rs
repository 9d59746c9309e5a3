//! What is asked of every server.

use std::io;

use super::Options;
use crate::load::Mode;
use crate::system;

/// Descriptors that a process needs beside its connections.
const SPARE: usize = 200;

/// One kind of load.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) key: &'static str,
    pub(super) mode: Mode,
    pub(super) connections: usize,
    /// Bytes of a message.
    pub(super) size: usize,
    /// Messages in one write.
    pub(super) burst: usize,
    /// Messages a second, when the rate is fixed.
    pub(super) rate: u64,
    /// Measured once, however often the others are: it takes long, and its figure hardly varies.
    pub(super) once: bool,
}

/// What [`Scenario::key`] may be, for rows that are not measured everywhere.
pub(super) mod keys {
    pub(in super::super) const SMALL: &str = "small";
    pub(in super::super) const KIB: &str = "kib";
    pub(in super::super) const LARGE: &str = "large";
    pub(in super::super) const MIB: &str = "mib";
    pub(in super::super) const PIPELINED: &str = "pipelined";
    pub(in super::super) const MANY: &str = "many";
    pub(in super::super) const OPEN: &str = "open";
    pub(in super::super) const IDLE: &str = "idle";
    pub(in super::super) const IDLE_MORE: &str = "idle-more";
}

impl Scenario {
    fn closed(key: &'static str, connections: usize, size: usize, burst: usize) -> Scenario {
        Scenario {
            key,
            mode: Mode::Closed,
            connections,
            size,
            burst,
            rate: 1,
            once: false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.mode == Mode::Closed
    }

    /// What the load is, in words.
    pub(super) fn title(&self) -> String {
        let size = match self.size {
            bytes if bytes < 1024 => format!("{bytes} B"),
            bytes if bytes < 1024 * 1024 => format!("{} KiB", bytes / 1024),
            bytes => format!("{} MiB", bytes / 1024 / 1024),
        };
        let connections = self.connections;
        match self.mode {
            Mode::Closed if self.burst > 1 => format!(
                "{connections} connections, {size}, {} messages in one write",
                self.burst
            ),
            Mode::Closed => {
                format!("{connections} connections, {size}, one message in flight each")
            }
            Mode::Open => format!(
                "{connections} connections, {size}, {} messages a second, whatever the server does",
                self.rate
            ),
            Mode::Idle => format!("{connections} idle connections"),
        }
    }
}

/// The scenarios that the options ask for.
pub(super) fn all(options: &Options) -> io::Result<Vec<Scenario>> {
    let idle = |key, connections, once| Scenario {
        key,
        mode: Mode::Idle,
        connections,
        size: 20,
        burst: 1,
        rate: 1,
        once,
    };
    let mut all = vec![
        Scenario::closed(keys::SMALL, 100, 20, 1),
        Scenario::closed(keys::KIB, 100, 1024, 1),
        Scenario::closed(keys::LARGE, 100, 16 * 1024, 1),
        Scenario::closed(keys::MIB, 10, 1024 * 1024, 1),
        Scenario::closed(keys::PIPELINED, 100, 20, 16),
        Scenario::closed(keys::MANY, 10_000, 20, 1),
        Scenario {
            key: keys::OPEN,
            mode: Mode::Open,
            connections: 100,
            size: 20,
            burst: 1,
            rate: options.rate,
            once: false,
        },
        idle(keys::IDLE, options.idle, false),
        idle(keys::IDLE_MORE, 5 * options.idle, true),
    ];
    for wanted in &options.scenarios {
        if !all.iter().any(|scenario| scenario.key == wanted) {
            let keys: Vec<&str> = all.iter().map(|scenario| scenario.key).collect();
            let known = keys.join(", ");
            return Err(io::Error::other(format!(
                "no scenario is called '{wanted}'; there are: {known}"
            )));
        }
    }
    // As many as there may be sockets in one process.
    let most = system::descriptors().saturating_sub(SPARE);
    for scenario in &mut all {
        scenario.connections = scenario.connections.min(most);
    }
    let wanted = |key: &str| options.scenarios.iter().any(|wanted| wanted == key);
    all.retain(|scenario| options.scenarios.is_empty() || wanted(scenario.key));
    Ok(all)
}
