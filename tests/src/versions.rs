//! Versions of a plugin, for tests of swaps: components that differ in a stamp, files that are replaced under a
//! running server, and what the server says about it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::temp::TempDir;
use crate::{PATIENCE, Plugin, Server, Setup, artefacts, server};

/// What stands before the stamp in the guest `stamped`, and its length up to the bar behind it.
const MARK: &[u8] = b"jackfield-stamp:";
const STAMP: usize = 79;

/// The guest `stamped` as this generation, with these faults (see its source). Every pair of arguments gives a
/// component with a digest of its own.
///
/// # Panics
/// When the guest cannot be built, or the stamp is too long for it.
#[track_caller]
pub fn stamped(generation: u32, faults: &str) -> Vec<u8> {
    static BLANK: OnceLock<Vec<u8>> = OnceLock::new();
    let blank = BLANK.get_or_init(|| read(&artefacts::guest("stamped")));
    stamp(blank, generation, faults)
}

/// The same without `save` and `restore`.
///
/// # Panics
/// As [`stamped`].
#[track_caller]
pub fn stateless(generation: u32, faults: &str) -> Vec<u8> {
    static BLANK: OnceLock<Vec<u8>> = OnceLock::new();
    let blank = BLANK.get_or_init(|| read(&artefacts::guest_with("stamped", "stateless")));
    stamp(blank, generation, faults)
}

/// The text of a component without any toolchain's runtime that answers as `stamped` does (NUMBER is always 0): from
/// another language, and quick to compile. For the crate `wat`.
pub fn handwritten(generation: u32) -> String {
    include_str!("versions/handwritten.wat").replace("GENERATION)", &format!("{generation})"))
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).expect("a component that was built")
}

#[track_caller]
fn stamp(blank: &[u8], generation: u32, faults: &str) -> Vec<u8> {
    let mut places = blank.windows(MARK.len()).enumerate();
    let place = places.find_map(|(at, window)| (window == MARK).then_some(at + MARK.len()));
    let place = place.expect("a stamp in the guest stamped");
    let stamp = format!("{generation} {faults}");
    assert!(stamp.len() <= STAMP, "too long for a stamp: {stamp}");
    let mut bytes = blank.to_vec();
    let field = &mut bytes[place..place + STAMP];
    field.fill(b' ');
    field[..stamp.len()].copy_from_slice(stamp.as_bytes());
    bytes
}

/// What an answer of the guest `stamped` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which version answered.
    pub generation: u32,
    /// Messages of the connection over all versions.
    pub count: u64,
    /// Messages that the instance, or those before it whose memory it has, got.
    pub number: u64,
    /// The text of the message.
    pub text: String,
}

impl Answer {
    /// Takes an answer apart.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn parse(answer: &str) -> Answer {
        let mut parts = answer.splitn(4, ' ');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let (Some(generation), Some(count), Some(number)) = (number(), number(), number()) else {
            panic!("not an answer of stamped: {answer:?}");
        };
        Answer {
            generation: generation as u32,
            count,
            number,
            text: parts.next().unwrap_or_default().to_owned(),
        }
    }
}

/// The beginning of a component's digest as the server prints it.
pub fn digest(component: &[u8]) -> String {
    let digest = Sha256::digest(component);
    digest[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A component's file of a test's own, which is replaced the way compilers should: in one step.
#[derive(Debug)]
pub struct PluginFile {
    folder: TempDir,
    name: String,
    path: PathBuf,
}

impl PluginFile {
    /// A file for the plugin of this name.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn new(name: &str, component: &[u8]) -> PluginFile {
        let folder = TempDir::new("plugin");
        let path = folder.write(&format!("{name}.wasm"), component);
        PluginFile {
            folder,
            name: name.to_owned(),
            path,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The plugin, to be put into a [`Setup`].
    pub fn plugin(&self) -> Plugin {
        Plugin::file(&self.name, &self.path)
    }

    /// A server with this plugin alone, on `/`.
    pub fn setup(&self) -> Setup {
        self.setup_with(self.plugin())
    }

    /// The same, with keys of the plugin that the test has set.
    pub fn setup_with(&self, plugin: Plugin) -> Setup {
        // A cache of its own: so many versions would push everybody else's out.
        let cache = self.folder.path().join("cache");
        Setup::new()
            .variable("XDG_CACHE_HOME", &cache.to_string_lossy())
            .plugin(plugin)
            .route("/", &[&self.name])
    }

    /// Puts another component in its place, in one step.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn replace(&self, component: &[u8]) {
        let new = self.folder.write("new.part", component);
        std::fs::rename(new, &self.path).expect("renaming a component");
    }

    /// Replaces the component and waits until the watching server serves it. Gives the line that it said.
    ///
    /// # Panics
    /// When it does not swap in time.
    #[track_caller]
    pub fn swap(&self, server: &Server, component: &[u8]) -> String {
        let before = server.log().mark();
        self.replace(component);
        self.swapped(server, before, component)
    }

    /// Replaces the component and waits until the watching server has refused it. Gives what it said.
    ///
    /// # Panics
    /// When it is not refused in time.
    #[track_caller]
    pub fn refused(&self, server: &Server, component: &[u8]) -> String {
        let before = server.log().mark();
        self.replace(component);
        refusal(server, before)
    }

    /// Waits for the line of a swap to this component.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn swapped(&self, server: &Server, since: usize, component: &[u8]) -> String {
        let (name, to) = (
            format!("{}: ", self.name),
            format!("→ {}", digest(component)),
        );
        // An interpreter in a component takes as long to compile as it is large.
        let bound = PATIENCE * (1 + (component.len() >> 22) as u32);
        server
            .log()
            .wait_within(bound, since, "the line of a swap", |line| {
                (line.contains(&name) && line.contains(&to)).then(|| line.to_owned())
            })
    }
}

/// Waits for a refusal; gives what it said, from the error on.
///
/// # Panics
/// When none comes.
#[track_caller]
pub fn refusal(server: &Server, since: usize) -> String {
    let log = server.log();
    log.wait_since(since, "that the old version goes on", |line| {
        line.contains("the old version goes on serving")
            .then_some(())
    });
    log.text_since(since)
}

/// A server with a configuration of the test's own that watches nothing and builds nothing: new versions come by
/// SIGHUP. Its configuration is `jackfield.toml` in its folder.
///
/// # Panics
/// When it does not come up.
#[track_caller]
pub fn start_unwatched(setup: &Setup) -> Server {
    let folder = TempDir::new("server");
    let config = folder.path().join("jackfield.toml");
    setup.write_to(&config);
    let mut command = server::command();
    command
        .args(["up", "--no-build", "--no-watch", "--config"])
        .arg(&config)
        .envs(setup.variables().iter().map(|(name, value)| (name, value)));
    Server::spawn(command, folder)
}
