//! Transcripts: what clients say and what they are to hear, in a file, played against plugins in the real engine, with
//! the real handshake, protocol and policy, but without a network and without waiting. Time stands still on a stage, and
//! passes only where the transcript says so. The format is described in docs/testing.md.

mod client;
mod difference;
mod line;
mod parked;
mod parse;
mod play;

use std::time::{Duration, Instant};

use jackfield_plugin::Plugin;
use tokio::runtime::{Builder, LocalOptions};

pub use parse::{Problem, Transcript, parse};

use crate::config::Config;
use crate::server::LoadedPlugin;
use parked::Parked;
use play::Player;

/// The plugins that transcripts are played against, and under which configuration.
#[derive(Clone)]
pub struct Stage {
    config: Config,
    plugins: Vec<Plugin>,
}

/// A transcript was met to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its steps.
    pub steps: usize,
    /// How long it took, in real time.
    pub time: Duration,
}

/// Where a transcript was not met. Displays as a few lines: what was expected, what was heard, and where they differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {text}\n{what}")]
pub struct NotMet {
    /// The transcript's file.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What the line says.
    pub text: String,
    /// The difference, in indented lines.
    pub what: String,
}

/// Why a transcript could not be played, or was not met.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// Plugin and transcript do not agree.
    #[error(transparent)]
    NotMet(#[from] NotMet),
    /// A plugin's first instance could not be made.
    #[error("plugin '{plugin}' does not start: {reason}")]
    Start {
        /// Its name.
        plugin: String,
        /// What went wrong.
        reason: String,
    },
    /// A plugin of the configuration was not given.
    #[error("plugin '{0}' is configured, but was not loaded")]
    NotLoaded(String),
    /// The system refused a thread or a runtime.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread ended by itself.
    #[error("the stage broke down; this is a bug of the host")]
    Broken,
}

impl Stage {
    /// A stage with one worker. Listeners and the admin API of the configuration play no part; everything else does.
    ///
    /// # Errors
    /// [`PlayError::NotLoaded`] when a plugin of the configuration is not among those given.
    pub fn new(mut config: Config, plugins: &[LoadedPlugin]) -> Result<Stage, PlayError> {
        config.listen.workers = 1;
        config.listen.listener.tls = None;
        config.listen.listener.proxy_protocol = false;
        config.listeners.clear();
        config.admin = None;
        let find = |name: &String| {
            let found = plugins.iter().find(|loaded| loaded.name == *name);
            found
                .map(|loaded| loaded.plugin.clone())
                .ok_or_else(|| PlayError::NotLoaded(name.clone()))
        };
        let plugins = config.plugins.keys().map(find).collect::<Result<_, _>>()?;
        Ok(Stage { config, plugins })
    }

    /// Plays one transcript on fresh instances, in a thread of its own. Blocks until it is over.
    ///
    /// # Errors
    /// [`PlayError::NotMet`] at the first step that does not come true; the others when it could not be played.
    pub fn play(&self, transcript: &Transcript) -> Result<Played, PlayError> {
        let thread = std::thread::Builder::new().name("stage".to_owned());
        std::thread::scope(|scope| {
            let playing = thread.spawn_scoped(scope, || self.play_here(transcript))?;
            playing.join().unwrap_or(Err(PlayError::Broken))
        })
    }

    fn play_here(&self, transcript: &Transcript) -> Result<Played, PlayError> {
        let start = Instant::now();
        crate::clock::stop();
        let parked = Parked::new();
        let at_rest = parked.clone();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || at_rest.rest())
            .build_local(LocalOptions::default())?;
        runtime.block_on(async {
            let player = Player::new(self.config.clone(), &self.plugins, parked).await?;
            player.play(transcript).await?;
            Ok::<_, PlayError>(())
        })?;
        Ok(Played {
            steps: transcript.steps.len(),
            time: start.elapsed(),
        })
    }
}
