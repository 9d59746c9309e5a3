//! Children: a server on its core, which is ended with its value, and a run of the load generator on the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Options;
use super::contenders::Contender;
use super::scenarios::Scenario;
use crate::load::{Mode, Report};
use crate::system;

/// For a server to listen; long, because the first start may compile a component.
const STARTING: Duration = Duration::from_secs(60);
/// For a run of the generator, beyond its measurement: its connections, its warm-up.
const LOADING: Duration = Duration::from_secs(120);

/// Who runs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    pub(super) server: Option<usize>,
    pub(super) generator: Option<usize>,
    /// Before everything else that runs there.
    pub(super) first: bool,
}

impl Cores {
    /// The first two cores that may be used; with one, nothing is pinned (and the figures say little).
    pub(super) fn choose(first: bool) -> Cores {
        match system::cores()[..] {
            [server, generator, ..] => Cores {
                server: Some(server),
                generator: Some(generator),
                first,
            },
            _ => {
                eprintln!("only one core: server and generator share it");
                Cores {
                    server: None,
                    generator: None,
                    first,
                }
            }
        }
    }

    /// The same command in real time, when that is wanted: nice values do not reach beyond a session.
    pub(super) fn prefer(self, command: Command) -> Command {
        if !self.first {
            return command;
        }
        let mut preferred = Command::new("chrt");
        preferred
            .args(["--rr", "1"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => preferred.env(name, value),
                None => preferred.env_remove(name),
            };
        }
        preferred
    }
}

/// A server that listens; killed on drop.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    /// From its start to the line that says where it listens.
    pub(super) started_in: Duration,
}

impl Running {
    /// Starts a server on its core. What it writes to stderr goes to a file in `logs`.
    pub(super) fn start(contender: &Contender, logs: &Path, cores: Cores) -> io::Result<Running> {
        let log = File::create(logs.join(format!("{}.log", contender.name.replace(' ', "-"))))?;
        let mut command = cores.prefer(contender.command());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let start = Instant::now();
        let core = cores.server.filter(|_| !contender.spread);
        let mut child = system::pinned(core, || command.spawn())?;
        let output = child.stdout.take();
        // Made before the wait, so that a server that never listens is ended as well.
        let mut running = Running {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            started_in: Duration::ZERO,
        };
        let (send, urls) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let Some(output) = output else { return };
            // To the end: a server whose output nobody reads would stop.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = listening(&line) {
                    let _ = send.try_send(address);
                }
            }
        });
        running.address = urls
            .recv_timeout(STARTING)
            .map_err(|_| io::Error::other("it did not say where it listens; see its log"))?;
        running.started_in = start.elapsed();
        Ok(running)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the generator on its core against a server.
pub(super) fn load(
    program: &Path,
    server: &Running,
    scenario: &Scenario,
    options: &Options,
    cores: Cores,
) -> io::Result<Report> {
    let seconds = options.seconds;
    let mut command = command(program, server, scenario, cores);
    command.args(["--seconds", &seconds.to_string()]);
    if options.sleep {
        command.arg("--sleep");
    }
    run(
        &mut cores.prefer(command),
        LOADING + Duration::from_secs_f64(seconds.clamp(0.0, 600.0)),
    )
}

/// The generator's command line, without its end.
pub(super) fn command(
    program: &Path,
    server: &Running,
    scenario: &Scenario,
    cores: Cores,
) -> Command {
    let mut command = Command::new(program);
    let mode = match scenario.mode {
        Mode::Closed => "closed",
        Mode::Open => "open",
        Mode::Idle => "idle",
    };
    command.args(["--address", &server.address.to_string(), "--mode", mode]);
    for (name, value) in [
        ("--connections", scenario.connections),
        ("--size", scenario.size),
        ("--burst", scenario.burst),
        ("--pid", server.pid() as usize),
    ] {
        command.args([name, &value.to_string()]);
    }
    command.args(["--rate", &scenario.rate.to_string()]);
    if let Some(core) = cores.generator {
        command.args(["--core", &core.to_string()]);
    }
    command
}

/// Runs a generator to its end and reads its report.
pub(super) fn run(command: &mut Command, bound: Duration) -> io::Result<Report> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let deadline = Instant::now() + bound;
    // It prints a line at its end, which a pipe holds.
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(io::Error::other("the generator did not end in time"));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let (mut out, mut err) = (String::new(), String::new());
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut out)?;
    }
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_string(&mut err)?;
    }
    if !status.success() {
        return Err(io::Error::other(err.trim().to_owned()));
    }
    Ok(serde_json::from_str(&out)?)
}

/// The address in a line with `ws://127.0.0.1:40213/`, when it has one.
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("ws://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')));
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_banner() {
        let address = listening("  ws://127.0.0.1:40213/echo  echo").map(|a| a.port());
        assert_eq!(address, Some(40213));
        assert_eq!(listening("Jackfield is listening on 127.0.0.1:1"), None);
    }
}
