//! A `jackfield.toml` for a test: two workers on a port of the system's choice, and what the test adds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::{Server, artefacts};

/// A configuration in the making.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    sections: BTreeMap<String, BTreeMap<String, String>>,
    variables: Vec<(String, String)>,
}

/// A plugin of a [`Setup`].
#[derive(Clone, Debug)]
pub struct Plugin {
    name: String,
    file: PathBuf,
    keys: Vec<(String, String)>,
    limits: Vec<(String, String)>,
}

impl Plugin {
    /// A guest that the harness builds, under its own name.
    ///
    /// # Panics
    /// When it cannot be built.
    #[track_caller]
    pub fn guest(name: &str) -> Plugin {
        Plugin::file(name, artefacts::guest(name))
    }

    /// Any file as a plugin.
    pub fn file(name: &str, file: impl Into<PathBuf>) -> Plugin {
        Plugin {
            name: name.to_owned(),
            file: file.into(),
            keys: Vec::new(),
            limits: Vec::new(),
        }
    }

    /// Under another name, so that one component can stand twice in a configuration.
    pub fn named(mut self, name: &str) -> Plugin {
        self.name = name.to_owned();
        self
    }

    /// With this `instances` mode, as TOML (`"single"` with its quotes, `{ pool = 2 }`).
    pub fn instances(mut self, mode: &str) -> Plugin {
        self.keys.push(("instances".to_owned(), mode.to_owned()));
        self
    }

    /// With any of its keys, as TOML.
    pub fn key(mut self, key: &str, value: &str) -> Plugin {
        self.keys.push((key.to_owned(), value.to_owned()));
        self
    }

    /// With one of its limits set, as TOML.
    pub fn limit(mut self, key: &str, value: &str) -> Plugin {
        self.limits.push((key.to_owned(), value.to_owned()));
        self
    }
}

impl Setup {
    /// Two workers, port 0, no route yet.
    pub fn new() -> Setup {
        Setup::default()
            .set("listen", "address", "\"127.0.0.1:0\"")
            .set("listen", "workers", "2")
    }

    /// The usual one: the echo plugin on `/echo`.
    ///
    /// # Panics
    /// When the guests cannot be built.
    #[track_caller]
    pub fn echo() -> Setup {
        Setup::new()
            .plugin(Plugin::guest("echo"))
            .route("/echo", &["echo"])
    }

    /// One guest on `/`.
    ///
    /// # Panics
    /// When the guests cannot be built.
    #[track_caller]
    pub fn guest(name: &str) -> Setup {
        Setup::new().plugin(Plugin::guest(name)).route("/", &[name])
    }

    /// Sets a key of a section, as TOML; a section without a name is the file's top level.
    pub fn set(mut self, section: &str, key: &str, value: &str) -> Setup {
        let keys = self.sections.entry(section.to_owned()).or_default();
        keys.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a plugin.
    pub fn plugin(mut self, plugin: Plugin) -> Setup {
        let section = format!("plugins.{}", plugin.name);
        let file = quoted(&plugin.file.to_string_lossy());
        self = self.set(&section, "file", &file);
        for (key, value) in &plugin.keys {
            self = self.set(&section, key, value);
        }
        for (key, value) in &plugin.limits {
            self = self.set(&format!("{section}.limits"), key, value);
        }
        self
    }

    /// Adds a route with these plugins in this order.
    pub fn route(self, path: &str, plugins: &[&str]) -> Setup {
        let names: Vec<_> = plugins.iter().map(|name| quoted(name)).collect();
        let section = format!("routes.{}", quoted(path));
        self.set(&section, "plugins", &format!("[{}]", names.join(", ")))
    }

    /// Sets a key of a route, as TOML.
    pub fn on_route(self, path: &str, key: &str, value: &str) -> Setup {
        self.set(&format!("routes.{}", quoted(path)), key, value)
    }

    /// With this many worker threads.
    pub fn workers(self, count: usize) -> Setup {
        self.set("listen", "workers", &count.to_string())
    }

    /// With an environment variable for the server.
    pub fn variable(mut self, name: &str, value: &str) -> Setup {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The environment variables asked for.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (section, keys) in &self.sections {
            if !section.is_empty() {
                let _ = writeln!(text, "[{section}]");
            }
            for (key, value) in keys {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        text
    }

    /// Writes the file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_to(&self, path: &Path) {
        std::fs::write(path, self.text()).expect("writing the configuration");
    }

    /// Starts the real server with it.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start(&self) -> Server {
        Server::start(self)
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
