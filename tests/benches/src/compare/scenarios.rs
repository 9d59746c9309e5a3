//! What is asked of every server.

use std::io;

use super::Options;
use crate::load::Mode;

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
    let optional = ["kib", "mib"];
    let mut all = vec![
        Scenario::closed("small", 100, 20, 1),
        Scenario::closed("kib", 100, 1024, 1),
        Scenario::closed("large", 100, 16 * 1024, 1),
        Scenario::closed("mib", 10, 1024 * 1024, 1),
        Scenario::closed("pipelined", 100, 20, 16),
        Scenario::closed("many", 10_000, 20, 1),
        Scenario {
            key: "open",
            mode: Mode::Open,
            connections: 100,
            size: 20,
            burst: 1,
            rate: options.rate,
        },
        Scenario {
            key: "idle",
            mode: Mode::Idle,
            connections: options.idle,
            size: 20,
            burst: 1,
            rate: 1,
        },
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
    all.retain(|scenario| match options.scenarios.is_empty() {
        true => !optional.contains(&scenario.key),
        false => options
            .scenarios
            .iter()
            .any(|wanted| wanted == scenario.key),
    });
    Ok(all)
}
