//! Who is compared: Jackfield in each instance mode, the Rust peers, and those of other runtimes that are installed.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::artefacts::{self, Artefacts};
use super::scenarios::keys;
use super::{Options, text_file};

/// The peer that everyone knows; a column compares with it.
pub(super) const REFERENCE: &str = "tokio-tungstenite";
/// The same host without the sandbox (`native_echo` of a route); a column compares with it.
pub(super) const NATIVE: &str = "jackfield native echo";

/// The way a plugin is served by default.
const WORKER: &str = "jackfield worker";
const TWO_WORKERS: &str = "jackfield 2 workers";

/// Each instance takes a few mappings of the process, of which Linux allows 65,530 (`vm.max_map_count`).
const INSTANCES: usize = 6_000;
/// Where the other ways to share instances are measured; between them lies only who shares memory.
const MODES: &[&str] = &[keys::SMALL, keys::IDLE];
/// Where servers in a language with a runtime are measured.
const RUNTIMES: &[&str] = &[
    keys::SMALL,
    keys::LARGE,
    keys::PIPELINED,
    keys::OPEN,
    keys::IDLE,
];

/// One server.
pub(super) struct Contender {
    /// Its row.
    pub(super) name: String,
    pub(super) family: Family,
    /// Whether its system calls are counted: once for each kind of server is enough.
    pub(super) traced: bool,
    /// Connections that it can have; a scenario with more is run with these.
    pub(super) most: usize,
    /// The scenarios that it is measured in; none: in all but [`keys::IDLE_MORE`].
    only: &'static [&'static str],
    /// On every core, with the generator among its threads: several workers need several.
    pub(super) spread: bool,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, PathBuf)>,
}

/// What kind of server a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// This project.
    Jackfield,
    /// A Rust server without a sandbox.
    Native,
    /// A server in a language with a runtime.
    Runtime,
}

impl Contender {
    fn new(name: &str, family: Family, program: &Path, arguments: &[&str]) -> Contender {
        Contender {
            name: name.to_owned(),
            family,
            traced: true,
            most: usize::MAX,
            only: &[],
            spread: false,
            program: program.to_owned(),
            arguments: arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect(),
            environment: Vec::new(),
        }
    }

    /// Whether it takes part in a scenario.
    pub(super) fn runs_in(&self, scenario: &str) -> bool {
        match self.only {
            [] => scenario != keys::IDLE_MORE || self.name == WORKER,
            only => only.contains(&scenario),
        }
    }

    /// The command that becomes the server.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_remove("RUST_LOG");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The servers that the options ask for and this machine has.
pub(super) fn all(artefacts: &Artefacts, options: &Options) -> io::Result<Vec<Contender>> {
    let mut all = Vec::new();
    for (name, workers, native, instances) in [
        (NATIVE, 1, true, "\"worker\""),
        (WORKER, 1, false, "\"worker\""),
        ("jackfield connection", 1, false, "\"connection\""),
        ("jackfield single", 1, false, "\"single\""),
        ("jackfield pool", 1, false, "{ pool = 4 }"),
        (TWO_WORKERS, 2, false, "\"worker\""),
    ] {
        let text = configuration(&artefacts.echo, workers, native, instances);
        let file = format!("{}.toml", name.replace(' ', "-"));
        let file = text_file(&artefacts.output, &file, &text)?;
        let file = file.to_string_lossy();
        let arguments = ["up", "--no-build", "--config", &file];
        let mut row = Contender::new(name, Family::Jackfield, &artefacts.jackfield, &arguments);
        row.traced = matches!(name, NATIVE | WORKER);
        if name == TWO_WORKERS {
            row.only = &[keys::SMALL, keys::MANY];
            row.spread = true;
        } else if !row.traced {
            row.only = MODES;
        }
        if instances == "\"connection\"" {
            row.most = INSTANCES;
        }
        all.push(row);
    }
    for (name, library) in [
        ("fastwebsockets", "fastwebsockets"),
        ("tokio-websockets", "tokio-websockets"),
        (REFERENCE, "tungstenite"),
    ] {
        all.push(Contender::new(
            name,
            Family::Native,
            &artefacts.peer,
            &[library],
        ));
    }
    all.extend(node());
    all.extend(python());

    let wanted = |name: &str| options.servers.iter().any(|wanted| wanted == name);
    for name in &options.servers {
        if !all.iter().any(|contender| contender.name == *name) {
            let names: Vec<&str> = all.iter().map(|contender| &*contender.name).collect();
            let known = names.join(", ");
            return Err(io::Error::other(format!(
                "no server is called '{name}'; there are: {known}"
            )));
        }
    }
    all.retain(|contender| options.servers.is_empty() || wanted(&contender.name));
    Ok(all)
}

fn configuration(echo: &Path, workers: usize, native: bool, instances: &str) -> String {
    format!(
        "[listen]\naddress = \"127.0.0.1:0\"\nworkers = {workers}\n\n\
         [limits]\nconnections = 100000\nmessages_per_second = false\nbytes_per_second = false\n\n\
         [routes.\"/\"]\nplugins = [\"echo\"]\nnative_echo = {native}\nmessage_bytes = \"2 MiB\"\n\n\
         [plugins.echo]\nfile = {:?}\ninstances = {instances}\n",
        echo.to_string_lossy()
    )
}

fn node() -> Option<Contender> {
    let modules = tools().join("node_modules");
    let script = artefacts::folder().join("peers/ws.cjs");
    if !modules.join("ws").exists() || !runs(Path::new("node"), &["--version"]) {
        eprintln!(
            "Node ws is not there: npm install --prefix {} ws",
            tools().display()
        );
        return None;
    }
    let script = script.to_string_lossy();
    let mut row = Contender::new("Node ws", Family::Runtime, Path::new("node"), &[&script]);
    row.environment.push(("NODE_PATH", modules));
    row.only = RUNTIMES;
    Some(row)
}

fn python() -> Option<Contender> {
    let program = tools().join("python/bin/python");
    if !runs(&program, &["-c", "import websockets"]) {
        let folder = tools().join("python");
        eprintln!(
            "Python websockets is not there: a venv in {} with it",
            folder.display()
        );
        return None;
    }
    let script = artefacts::folder().join("peers/websockets_echo.py");
    let script = script.to_string_lossy();
    let name = "Python websockets";
    let mut row = Contender::new(name, Family::Runtime, &program, &[&script]);
    row.only = RUNTIMES;
    Some(row)
}

/// Where the tools of other languages are: `JACKFIELD_TOOLS`, or `jackfield-tools` in the user's cache.
fn tools() -> PathBuf {
    if let Some(folder) = std::env::var_os("JACKFIELD_TOOLS") {
        return folder.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("jackfield-tools")
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}
