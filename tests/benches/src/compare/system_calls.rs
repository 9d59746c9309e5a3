//! System calls of a server for each message, counted by `strace`. Under it the server is many times slower, so
//! nothing else is taken from such a run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::artefacts::Artefacts;
use super::contenders::Contender;
use super::process::{self, Cores, Running};
use super::scenarios::Scenario;

/// Enough that the calls of the connections' set-up do not show, and few enough for every server to be done before
/// the first keep-alive ping, which is no echo.
const MESSAGES: u64 = 30_000;
const CONNECTIONS: usize = 50;
const BOUND: Duration = Duration::from_secs(90);

/// Calls a message, by name, without those that are too rare to matter.
pub(super) fn count(
    contender: &Contender,
    scenario: &Scenario,
    artefacts: &Artefacts,
    cores: Cores,
) -> io::Result<BTreeMap<String, f64>> {
    let server = Running::start(contender, &artefacts.output, cores)?;
    let file = artefacts.output.join("strace.txt");
    let mut strace = Command::new("strace");
    strace
        .args(["-q", "-c", "-f", "-p", &server.pid().to_string(), "-o"])
        .arg(&file);
    let mut tracer = strace.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // It has no sign of being attached but the state of the traced.
    let traced = || tracer_of(server.pid()) != 0;
    let deadline = Instant::now() + Duration::from_secs(5);
    while !traced() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }

    let fewer = Scenario {
        connections: CONNECTIONS.min(scenario.connections),
        ..scenario.clone()
    };
    let mut load = process::command(&artefacts.load, &server, &fewer, cores);
    load.args([
        "--warmup",
        "0",
        "--seconds",
        "60",
        "--messages",
        &MESSAGES.to_string(),
    ]);
    let report = process::run(&mut load, BOUND);

    // Interrupted, it detaches and writes its summary.
    if let Some(pid) = i32::try_from(tracer.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::INT);
    }
    tracer.wait()?;
    let messages = report?.messages.max(1) as f64;
    let mut calls = BTreeMap::new();
    for line in fs::read_to_string(&file)?.lines() {
        if let Some((name, count)) = row(line) {
            let each = count / messages;
            if each >= 0.005 {
                calls.insert(name.to_owned(), each);
            }
        }
    }
    Ok(calls)
}

/// Name and calls of a line `% time, seconds, usecs/call, calls, [errors,] syscall`.
fn row(line: &str) -> Option<(&str, f64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (name, count) = (fields.last()?, fields.get(3)?.parse().ok()?);
    (fields.len() >= 5 && *name != "total").then_some((*name, count))
}

fn tracer_of(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    line.and_then(|pid| pid.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_strace_is_read() {
        let line = " 62.91    0.010420           8      1200           recvfrom";
        assert_eq!(row(line), Some(("recvfrom", 1200.0)));
        let line = "  1.00    0.000100           8      12        3 futex";
        assert_eq!(row(line), Some(("futex", 12.0)));
        assert_eq!(
            row("100.00    0.016564           9      1801         3 total"),
            None
        );
        assert_eq!(
            row("------ ----------- ----------- --------- --------- ------"),
            None
        );
    }
}
