//! On what, when and how a comparison ran: figures without that mean nothing.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Options;
use super::artefacts;
use super::process::Cores;

/// The conditions of a comparison.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    /// The processor's name.
    pub(super) processor: String,
    /// The kernel's release.
    pub(super) kernel: String,
    /// The commit that was measured.
    pub(super) commit: String,
    /// Seconds since 1970.
    pub(super) taken: u64,
    /// The core of the server and of the generator, when they were pinned.
    pub(super) cores: Option<(usize, usize)>,
    /// Whether they went before everything else on the machine.
    pub(super) realtime: bool,
    /// Whether the generator slept while it waited.
    pub(super) sleep: bool,
    pub(super) repetitions: usize,
    /// Of each run.
    pub(super) seconds: f64,
}

/// Looks around.
pub(super) fn describe(options: &Options, cores: Cores) -> Machine {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut git = Command::new("git");
    git.current_dir(artefacts::folder())
        .args(["rev-parse", "--short", "HEAD"]);
    let commit = git.output().map(|output| output.stdout).unwrap_or_default();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Machine {
        processor: name.map_or("unknown", |(_, name)| name.trim()).to_owned(),
        kernel: kernel.trim().to_owned(),
        commit: String::from_utf8_lossy(&commit).trim().to_owned(),
        taken: since.map_or(0, |since| since.as_secs()),
        cores: cores.server.zip(cores.generator),
        realtime: options.priority,
        sleep: options.sleep,
        repetitions: options.repeat.max(1),
        seconds: options.seconds,
    }
}
