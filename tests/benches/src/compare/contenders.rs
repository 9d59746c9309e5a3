//! Who is compared: Jackfield in each instance mode, the Rust peers, and those of other runtimes that are installed.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::artefacts::{self, Artefacts};
use super::{Options, text_file};

/// The peer that everyone knows; a column compares with it.
pub(super) const REFERENCE: &str = "tokio-tungstenite";

/// Each instance takes a few mappings of the process, of which Linux allows 65,530 (`vm.max_map_count`).
const INSTANCES: usize = 6_000;

/// One server.
pub(super) struct Contender {
    /// Its row.
    pub(super) name: String,
    pub(super) family: Family,
    /// Whether its system calls are counted: once for each kind of server is enough.
    pub(super) traced: bool,
    /// Connections that it can have; a scenario with more is run with these.
    pub(super) most: usize,
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
            program: program.to_owned(),
            arguments: arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect(),
            environment: Vec::new(),
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
    if let Some(arguments) = &options.native_echo {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let name = "jackfield native echo";
        all.push(Contender::new(
            name,
            Family::Jackfield,
            &artefacts.jackfield,
            &arguments,
        ));
    }
    for (mode, instances) in [
        ("worker", "\"worker\""),
        ("connection", "\"connection\""),
        ("single", "\"single\""),
        ("pool", "{ pool = 4 }"),
    ] {
        let text = configuration(&artefacts.echo, instances);
        let file = text_file(&artefacts.output, &format!("jackfield-{mode}.toml"), &text)?;
        let file = file.to_string_lossy();
        let arguments = ["up", "--no-build", "--config", &file];
        let name = format!("jackfield {mode}");
        let mut row = Contender::new(&name, Family::Jackfield, &artefacts.jackfield, &arguments);
        row.traced = mode == "worker";
        if mode == "connection" {
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

fn configuration(echo: &Path, instances: &str) -> String {
    format!(
        "[listen]\naddress = \"127.0.0.1:0\"\nworkers = 1\n\n\
         [limits]\nmessages_per_second = false\nbytes_per_second = false\n\n\
         [routes.\"/\"]\nplugins = [\"echo\"]\n\n\
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
    Some(Contender::new(
        "Python websockets",
        Family::Runtime,
        &program,
        &[&script],
    ))
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
