//! The real server as a child process: started with a generated configuration on a port of the system's
//! choice, listened to, and ended by its process id.

use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::log::Log;
use crate::temp::TempDir;
use crate::{PATIENCE, Setup, artefacts, eventually, process};

/// How long a server may take to stop when its test is over before it is killed.
const STOPPING: Duration = Duration::from_secs(5);

/// How many lines of its log are shown when a test fails.
const SHOWN: usize = 60;

/// A running server; stopped on drop.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Log,
    folder: TempDir,
}

impl Server {
    /// Starts `jackfield up --no-build` with a configuration and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up within five times [`PATIENCE`], with everything that it printed.
    #[track_caller]
    pub fn start(setup: &Setup) -> Server {
        let folder = TempDir::new("server");
        let config = folder.path().join("jackfield.toml");
        setup.write_to(&config);
        let mut command = command();
        command.args(["up", "--no-build", "--config"]).arg(&config);
        command.envs(setup.variables().iter().map(|(name, value)| (name, value)));
        Server::spawn(command, folder)
    }

    /// Starts any command that becomes a server, and waits until it listens.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[track_caller]
    pub fn spawn(mut command: Command, folder: TempDir) -> Server {
        let mut child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Log::default();
        if let Some(stdout) = child.stdout.take() {
            log.collect(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            log.collect(stderr);
        }
        // Made before the wait, so that a server that never listens is ended as well.
        let mut server = Server {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            log,
            folder,
        };
        // Until then it compiles, interpreters too; one that gives up says nothing more, and is not waited for.
        server.address = server
            .log
            .wait_within(PATIENCE * 5, 0, "where it listens", listening);
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everywhere where it listens, as it says itself: the address of `[listen]` first.
    ///
    /// # Panics
    /// When it does not say so.
    #[track_caller]
    pub fn addresses(&self) -> Vec<String> {
        self.log.wait_for("where it listens", |line| {
            let (_, all) = line.split_once(" is listening on ")?;
            let all = all.split(", ").map(|one| one.trim_end_matches(" (TLS)"));
            Some(all.map(str::to_owned).collect())
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many descriptors it has open once everything that it opens at the start is open: the number is read
    /// until it stays the same.
    ///
    /// # Panics
    /// When it does not settle within [`PATIENCE`].
    #[track_caller]
    pub fn settled_descriptors(&self) -> usize {
        let (mut before, mut same) = (0, 0);
        eventually("a stable number of descriptors", || {
            let now = process::descriptors(self.pid());
            same = if now == before { same + 1 } else { 0 };
            before = now;
            same >= 30
        });
        before
    }

    /// What it printed.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &TempDir {
        &self.folder
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is not there any more.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        process::signal(self.pid(), name);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within [`PATIENCE`].
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        match process::wait(&mut self.child, PATIENCE) {
            Some(status) => status,
            None => panic!(
                "the server did not end within {PATIENCE:?}; it printed:\n{}",
                self.log.text()
            ),
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() {
            process::signal(self.pid(), "TERM");
            if process::wait(&mut self.child, STOPPING).is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        if std::thread::panicking() {
            let text = self.log.text();
            let skipped = text.lines().count().saturating_sub(SHOWN);
            let end: Vec<&str> = text.lines().skip(skipped).collect();
            eprintln!(
                "--- the server printed, behind {skipped} lines:\n{}\n---",
                end.join("\n")
            );
        }
    }
}

/// The binary, with an environment that no developer's settings leak into.
pub fn command() -> Command {
    let mut command = Command::new(artefacts::jackfield());
    command
        .env_remove("RUST_BACKTRACE")
        .env_remove("NO_COLOR")
        .env("RUST_LOG", "info,jackfield=debug");
    command
}

/// The address in a line such as `listening on ws://127.0.0.1:40213`, when it has one.
fn listening(line: &str) -> Option<SocketAddr> {
    let schemes = ["wss://", "ws://", "http://"];
    let rest = schemes
        .iter()
        .find_map(|scheme| line.split_once(scheme).map(|(_, rest)| rest))?;
    let end = rest
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')))
        .unwrap_or(rest.len());
    let address: SocketAddr = rest[..end].trim_end_matches(['.', ':']).parse().ok()?;
    (address.port() != 0).then_some(address)
}
