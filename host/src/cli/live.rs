//! New versions while the server runs: a file changes, a source is saved, or SIGHUP asks to look again. All of them
//! end in the same swap; a build or a component that fails is told and changes nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::console::Console;
use super::loading;
use crate::config::resolved::Plugin;
use crate::config::{self, Config, ConfigError};
use crate::server::Server;
use crate::swap::Plugins;
use crate::watching::{Watched, Watching};

/// Where the running configuration came from.
pub(super) struct Source {
    /// The file, unless there is none (`run`).
    pub(super) config: Option<PathBuf>,
    /// Whether files are watched.
    pub(super) watch: bool,
}

/// What is watched. It begins before what is watched is read for the first time, so that no change is missed.
#[derive(Default)]
pub(super) struct Watches {
    /// Components, by the plugin's name.
    files: Vec<(String, Watching)>,
    /// Folders of sources, by the plugin's name.
    sources: Vec<(String, Watching)>,
    /// Why something is not watched.
    problem: Option<notify::Error>,
}

impl Watches {
    /// Watches the sources of what is built.
    pub(super) fn add_sources(&mut self, config: &Config) {
        for (name, plugin) in &config.plugins {
            let Some(build) = &plugin.build else { continue };
            match Watching::new(Watched::Sources(build.directory.clone())) {
                Ok(watching) => self.sources.push((name.clone(), watching)),
                Err(error) => self.problem = Some(error),
            }
        }
    }

    /// Watches the components. Their folders must be there, so that this comes behind the builds that make them.
    pub(super) fn add_files(&mut self, config: &Config) {
        for (name, plugin) in &config.plugins {
            match Watching::new(Watched::File(plugin.file.clone())) {
                Ok(watching) => self.files.push((name.clone(), watching)),
                Err(error) => self.problem = Some(error),
            }
        }
    }
}

/// What changes while the server runs.
pub(super) struct Live {
    source: Source,
    /// As it was read last.
    config: Mutex<Config>,
    console: Console,
}

impl Live {
    pub(super) fn new(source: Source, config: Config, console: Console) -> Arc<Live> {
        Arc::new(Live {
            source,
            config: Mutex::new(config),
            console,
        })
    }

    /// Starts looking, on the server's background runtime and for as long as that runs.
    ///
    /// # Errors
    /// When something cannot be watched; the rest is.
    pub(super) fn start(self: Arc<Self>, server: &Server, watches: Watches) -> notify::Result<()> {
        let background = server.background();
        let entered = background.enter();
        let hangup = signal(SignalKind::hangup()).map_err(notify::Error::io)?;
        drop(entered);
        let (live, plugins) = (self.clone(), server.plugins());
        background.spawn(async move { live.reload_on_hangup(hangup, &plugins).await });
        for (name, file) in watches.files {
            background.spawn(self.clone().follow_file(server.plugins(), name, file));
        }
        for (name, sources) in watches.sources {
            background.spawn(self.clone().follow_sources(server.plugins(), name, sources));
        }
        watches.problem.map_or(Ok(()), Err)
    }

    fn config(&self) -> Config {
        self.config
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn plugin(&self, name: &str) -> Option<Plugin> {
        self.config().plugins.remove(name)
    }

    async fn follow_file(self: Arc<Self>, plugins: Plugins, name: String, mut file: Watching) {
        while file.changed().await.is_some() {
            if let Some(plugin) = self.plugin(&name) {
                self.offer(&plugins, &name, plugin).await;
            }
        }
    }

    /// Builds when a source is saved. The file that the build makes is watched, so that is all.
    async fn follow_sources(
        self: Arc<Self>,
        plugins: Plugins,
        name: String,
        mut sources: Watching,
    ) {
        while sources.changed().await.is_some() {
            let Some(build) = self.plugin(&name).and_then(|plugin| plugin.build) else {
                continue;
            };
            let (console, named, server) = (self.console, name.clone(), plugins.clone());
            // A build takes seconds.
            let built = tokio::task::spawn_blocking(move || {
                loading::build_one(&named, &build, &console, &|| server.is_stopping())
            })
            .await;
            if !matches!(built, Ok(Ok(()))) {
                self.console
                    .say(&format!("{name}: the old version goes on serving"));
            }
        }
    }

    async fn reload_on_hangup(&self, mut hangup: Signal, plugins: &Plugins) {
        while hangup.recv().await.is_some() {
            self.reload(plugins).await;
        }
    }

    /// Reads the configuration and every component again.
    async fn reload(&self, plugins: &Plugins) {
        tracing::info!("SIGHUP: looking at the configuration and the plugins again");
        let new = match &self.source.config {
            None => self.config(),
            Some(file) => match config::load(file) {
                Ok(new) => new,
                Err(error) => {
                    if let ConfigError::Invalid(problems) = &error {
                        self.console.say(&problems.to_string());
                    }
                    self.console.error(&error.to_string());
                    return self
                        .console
                        .say("the configuration was not taken over; the old one goes on");
                }
            },
        };
        let old = self.config();
        if !new.only_plugins_differ(&old) {
            self.console.say(
                "only changes of plugins are taken over while the server runs; everything else needs a restart",
            );
        }
        for (name, plugin) in &new.plugins {
            if old.plugins.contains_key(name) {
                self.offer(plugins, name, plugin.clone()).await;
            }
        }
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        config.plugins = new
            .plugins
            .into_iter()
            .filter(|(name, _)| old.plugins.contains_key(name))
            .collect();
    }

    /// Offers a plugin's file as it is now. A swap says its own line.
    async fn offer(&self, plugins: &Plugins, name: &str, plugin: Plugin) {
        let file = plugin.file.clone();
        let read = tokio::task::spawn_blocking(move || loading::read(&file)).await;
        let refused = match read {
            Ok(Ok(bytes)) => match plugins.reconfigure(name, bytes, plugin.clone()).await {
                Ok(swapped) => {
                    if !swapped.changed() {
                        tracing::debug!("{swapped}");
                    }
                    return;
                }
                Err(error) => error.to_string(),
            },
            Ok(Err(why)) => format!("{}: {why}", loading::short(&plugin.file).display()),
            Err(_) => return,
        };
        self.console.error(&format!(
            "plugin '{name}': {refused}\n  the old version goes on serving"
        ));
        tracing::debug!(plugin = name, %refused, "swap refused");
    }
}
