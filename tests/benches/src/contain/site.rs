//! The server that is measured: the release binary with the echo plugin on `/` and the misbehaving one on `/hostile`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::Options;
use super::harm::Harm;
use crate::system;

/// For a server to listen; long, because the first start compiles.
const STARTING: Duration = Duration::from_secs(120);

/// What is needed.
pub(super) struct Artefacts {
    jackfield: PathBuf,
    guests: PathBuf,
    output: PathBuf,
}

impl Artefacts {
    pub(super) fn build(options: &Options) -> io::Result<Artefacts> {
        if cfg!(debug_assertions) {
            return Err(io::Error::other(
                "a debug build measures nothing: cargo run --release …",
            ));
        }
        let here = std::env::current_exe()?;
        // TARGET/release/contain
        let profile = here.parent().unwrap_or(Path::new("."));
        let target = profile.parent().unwrap_or(Path::new("."));
        let output = options.output.clone();
        let output = output.unwrap_or_else(|| target.join("benches"));
        std::fs::create_dir_all(&output)?;
        let guests = "build --profile guest --target wasm32-wasip2 -p echo -p hostile";
        cargo(target, guests)?;
        let jackfield = match &options.jackfield {
            Some(file) => file.canonicalize()?,
            None => {
                cargo(target, "build --release -p jackfield")?;
                profile.join("jackfield")
            }
        };
        Ok(Artefacts {
            jackfield,
            guests: target.join("wasm32-wasip2/guest"),
            output: output.canonicalize()?,
        })
    }
}

fn cargo(target: &Path, arguments: &str) -> io::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments.split(' '))
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("cargo {arguments} failed")))
}

/// A running server; killed on drop.
pub(super) struct Site {
    child: Child,
    pub(super) address: SocketAddr,
    /// The misbehaving component, as it was built.
    component: Vec<u8>,
    /// Where the server looks for it.
    file: PathBuf,
}

impl Site {
    pub(super) fn start(
        options: &Options,
        artefacts: &Artefacts,
        harm: Option<&Harm>,
        core: Option<usize>,
    ) -> io::Result<Site> {
        let component = std::fs::read(artefacts.guests.join("hostile.wasm"))?;
        let file = artefacts.output.join("contain-hostile.wasm");
        std::fs::write(&file, &component)?;
        let text = format!(
            "[listen]\naddress = \"127.0.0.1:0\"\nworkers = {}\n\
             [limits]\nclose_timeout = \"500 ms\"\n\
             {}[routes.\"/\"]\nplugins = [\"echo\"]\n\
             [routes.\"/hostile\"]\nplugins = [\"hostile\"]\n\
             [plugins.echo]\nfile = {:?}\n\
             [plugins.hostile]\nfile = {:?}\n\
             [plugins.hostile.limits]\n{}",
            options.workers,
            if options.take_out {
                ""
            } else {
                "[swap]\nfailures = 1_000_000\n"
            },
            artefacts.guests.join("echo.wasm").to_string_lossy(),
            file.to_string_lossy(),
            harm.map_or("", |harm| harm.limits),
        );
        let config = artefacts.output.join("contain.toml");
        std::fs::write(&config, text)?;
        let name = harm.map_or("nobody", |harm| harm.name);
        let log = File::create(artefacts.output.join(format!("contain-{name}.log")))?;
        let mut command = Command::new(&artefacts.jackfield);
        command
            .args(["up", "--no-build", "--config"])
            .arg(&config)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = system::pinned(core, || command.spawn())?;
        let output = child.stdout.take();
        // Made before the wait, so that a server that never listens is ended as well.
        let mut site = Site {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            component,
            file,
        };
        let (send, addresses) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let Some(output) = output else { return };
            // To the end: a server whose output nobody reads would stop.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = listening(&line) {
                    let _ = send.try_send(address);
                }
            }
        });
        site.address = addresses
            .recv_timeout(STARTING)
            .map_err(|_| io::Error::other("it did not say where it listens; see its log"))?;
        Ok(site)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Puts another version of the misbehaving component in its place: the same, with a custom section of its own.
    pub(super) fn replace(&self, version: u8) -> io::Result<()> {
        // Section 0, three bytes: a name of one, and the version.
        let mut component = self.component.clone();
        component.extend([0, 3, 1, b'v', version]);
        let new = self.file.with_extension("part");
        std::fs::write(&new, component)?;
        std::fs::rename(new, &self.file)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in a line with `ws://127.0.0.1:40213/`, when it has one.
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("ws://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')));
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}
