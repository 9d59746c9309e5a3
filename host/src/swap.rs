//! Changing the logic under open connections: [`Plugins`] loads new versions, has every worker switch to them, and
//! goes back when they do not do well.
//!
//! The first load and every swap go the same way: read, digest, check, compile, one instance to see that there can
//! be one, then the workers. A refusal at any step leaves the version that serves where it is.

mod error;
mod monitor;
mod nobody;
mod slot;
mod steps;
mod swapped;
mod version;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_plugin::{Digest, Engine, Plugin};

pub use error::SwapError;
pub use slot::{PluginStatus, SideKind, VersionStatus};
pub use swapped::Swapped;
pub use version::Tally;

pub(crate) use nobody::Nobody;
pub(crate) use version::Version;

use crate::config::resolved::{self, SwapPolicy};
use crate::instances::Step;
use crate::server::{PluginIndex, Site};
use crate::worker::Mailbox;
use slot::{Seat, SideVersion, Slot, Turn};

/// Bytes of the largest component that is looked at, at the start and at a swap. The largest toolchains make some
/// 20 MiB.
pub const COMPONENT_BYTES: usize = 64 * 1024 * 1024;

/// For how long a plugin may be looked at before that counts as a swap under way.
const A_MOMENT: Duration = Duration::from_millis(250);
/// For how long a changed file waits for a swap under way: longer than one can take.
const A_SWAP: Duration = Duration::from_secs(120);

/// The plugins of a running server. Cheap to clone; every method may be called from any runtime.
#[derive(Clone)]
pub struct Plugins {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    site: Arc<Site>,
    mailboxes: Vec<Mailbox>,
    /// By [`PluginIndex`].
    seats: Vec<Seat>,
    stopping: tokio::sync::watch::Receiver<Option<Instant>>,
}

impl Plugins {
    pub(crate) fn new(
        engine: Engine,
        site: Arc<Site>,
        mailboxes: Vec<Mailbox>,
        versions: Vec<Arc<Version>>,
        stopping: tokio::sync::watch::Receiver<Option<Instant>>,
    ) -> Self {
        let seats = versions.into_iter().map(Seat::new).collect();
        Plugins {
            shared: Arc::new(Shared {
                engine,
                site,
                mailboxes,
                seats,
                stopping,
            }),
        }
    }

    /// The names of the plugins.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shared
            .site
            .plugins
            .iter()
            .map(|(name, _)| name.as_str())
    }

    /// Replaces a plugin's component by another, with the policy of its configuration unless another is given.
    ///
    /// # Errors
    /// Says why the new component was refused; the old version goes on serving then.
    pub async fn push(
        &self,
        name: &str,
        component: Vec<u8>,
        policy: Option<SwapPolicy>,
    ) -> Result<Swapped, SwapError> {
        let (index, mut slot) = self.turn(name, A_MOMENT).await?;
        let config = slot.configuration();
        let policy = policy.unwrap_or(config.swap);
        self.replace(index, &mut slot, component, config, policy)
            .await
    }

    /// Replaces a plugin's component and configuration. A change of limits alone is a new version too; one of `swap`,
    /// `build` or `file` alone is taken over without one. Waits for a swap under way.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn reconfigure(
        &self,
        name: &str,
        component: Vec<u8>,
        config: resolved::Plugin,
    ) -> Result<Swapped, SwapError> {
        let (index, mut slot) = self.turn(name, A_SWAP).await?;
        let policy = config.swap;
        let mut swapped = self
            .replace(index, &mut slot, component, config.clone(), policy)
            .await?;
        if !swapped.changed() && slot.configuration() != config {
            swapped.how = Swapped::SETTINGS.into();
            tracing::info!("{swapped}");
        }
        slot.read = config;
        Ok(swapped)
    }

    /// Goes back to the version before: of a canary or a drain under way, or the one that was replaced last.
    ///
    /// # Errors
    /// When there is no version to go back to, or the workers could not switch.
    pub async fn rollback(&self, name: &str) -> Result<Swapped, SwapError> {
        let (index, mut slot) = self.turn(name, A_MOMENT).await?;
        self.roll_back(index, &mut slot, None).await
    }

    /// Makes a canary the version of all connections.
    ///
    /// # Errors
    /// When no canary is under way.
    pub async fn promote(&self, name: &str) -> Result<Swapped, SwapError> {
        let (index, mut slot) = self.turn(name, A_MOMENT).await?;
        let began = Instant::now();
        let side = match slot.side.take() {
            Some(side) if matches!(side.kind, SideKind::Canary { .. }) => side,
            other => {
                slot.side = other;
                return Err(SwapError::NoCanary(name.to_owned()));
            }
        };
        let pause = self
            .home_first(index, |reply| Step::Promote { reply })
            .await?
            .into_iter()
            .max();
        let old = slot.go_forward(side.version);
        Ok(self.report(
            index,
            &old,
            &slot.main,
            "promoted",
            began,
            pause.unwrap_or_default(),
        ))
    }

    /// How every plugin does. Waits for no swap: until one is done, this is how it was before.
    pub async fn status(&self) -> Vec<PluginStatus> {
        let mut all = Vec::new();
        for (index, seat) in self.shared.seats.iter().enumerate() {
            let census = self.census(PluginIndex(index)).await;
            let name = self.name(PluginIndex(index)).to_owned();
            all.push(seat.shown().status(name, census));
        }
        all
    }

    /// The configuration that is in force for each plugin, by name.
    pub(crate) fn configurations(&self) -> Vec<(String, resolved::Plugin)> {
        let seats = self.shared.seats.iter().enumerate();
        seats
            .map(|(index, seat)| {
                let name = self.name(PluginIndex(index)).to_owned();
                (name, seat.shown().configuration())
            })
            .collect()
    }

    async fn replace(
        &self,
        index: PluginIndex,
        slot: &mut Slot,
        component: Vec<u8>,
        config: resolved::Plugin,
        policy: SwapPolicy,
    ) -> Result<Swapped, SwapError> {
        let began = Instant::now();
        let name = self.name(index).to_owned();
        let (digest, component) = self.look_at(component).await?;
        if let Some(version) = slot.version_of(&digest, &config) {
            return Ok(Swapped::unchanged(&name, version, began.elapsed()));
        }
        if slot.canary().is_some() {
            return Err(SwapError::CanaryUnderWay(name));
        }
        self.check_limits(&config)?;
        let plugin = self.load(&name, component).await?;
        self.smoke_test(&plugin, &config).await?;
        let workers = self.shared.mailboxes.len();
        let new = Version::new(plugin, config, workers);
        let carry = policy == SwapPolicy::Live;
        self.prepare(index, &new, carry).await?;
        let (pause, how) = match policy {
            SwapPolicy::Live => {
                let pause = self.all(index, |reply| Step::Commit { reply }).await?;
                if slot.side.take().is_some() {
                    // The connections that still drain go over too.
                    self.all(index, |reply| Step::DropSide { reply }).await?;
                }
                (pause, "live")
            }
            SwapPolicy::Drain { .. } => {
                let step = |reply| Step::CommitDraining { reply };
                (self.home_last(index, step).await?, "drain")
            }
            SwapPolicy::Canary { share } => (
                self.all(index, |reply| Step::CommitShare { share, reply })
                    .await?,
                "canary",
            ),
        };
        let old = slot.main.clone();
        match policy {
            SwapPolicy::Live => {
                slot.go_forward(new.clone());
            }
            SwapPolicy::Drain { limit } => {
                slot.go_forward(new.clone());
                let until = Instant::now() + limit;
                slot.side = Some(SideVersion::new(&old, SideKind::Draining { until }));
            }
            SwapPolicy::Canary { share } => {
                slot.side = Some(SideVersion::new(&new, SideKind::Canary { share }));
                slot.watch_from_now();
            }
        }
        let pause = pause.into_iter().max().unwrap_or_default();
        Ok(self.report(index, &old, &new, how, began, pause))
    }

    /// Goes back; `why` when nobody asked for it.
    async fn roll_back(
        &self,
        index: PluginIndex,
        slot: &mut Slot,
        why: Option<&str>,
    ) -> Result<Swapped, SwapError> {
        let began = Instant::now();
        let how = why.map_or("rollback".to_owned(), |why| format!("rollback: {why}"));
        if let Some(side) = slot
            .side
            .take_if(|side| matches!(side.kind, SideKind::Canary { .. }))
        {
            self.all(index, |reply| Step::DropSide { reply }).await?;
            slot.stop_watching();
            let main = slot.main.clone();
            return Ok(self.report(index, &side.version, &main, &how, began, Duration::ZERO));
        }
        let Some(previous) = slot.previous.clone() else {
            return Err(SwapError::NothingBefore(self.name(index).to_owned()));
        };
        let pause = if slot.side.take().is_some() {
            // It drains, so that it is still there, with all that it remembers.
            self.home_first(index, |reply| Step::Promote { reply })
                .await?
        } else {
            // The version that is left may be too broken to say what it remembers.
            if let Err(error) = self.prepare(index, &previous, true).await {
                tracing::warn!(plugin = self.name(index), %error, "the rollback goes on without the memory of the version that is left");
                self.prepare(index, &previous, false).await?;
            }
            self.all(index, |reply| Step::Commit { reply }).await?
        };
        let left = slot.go_back(previous.clone());
        let pause = pause.into_iter().max().unwrap_or_default();
        Ok(self.report(index, &left, &previous, &how, began, pause))
    }

    /// What a changed configuration may ask for is bounded by what the engine was started with.
    fn check_limits(&self, config: &resolved::Plugin) -> Result<(), SwapError> {
        let engine = &self.shared.engine;
        let rows = [
            (
                "memory_bytes",
                config.limits.memory_bytes,
                engine.memory_bytes_max(),
            ),
            (
                "table_elements",
                config.limits.table_elements,
                engine.table_elements_max(),
            ),
        ];
        match rows.into_iter().find(|(_, wanted, most)| wanted > most) {
            None => Ok(()),
            Some((key, wanted, most)) => Err(SwapError::NeedsRestart { key, wanted, most }),
        }
    }

    /// The digest of a component, off every runtime's threads.
    async fn look_at(&self, component: Vec<u8>) -> Result<(Digest, Vec<u8>), SwapError> {
        if component.len() > COMPONENT_BYTES {
            return Err(SwapError::TooLarge {
                bytes: component.len(),
                limit: COMPONENT_BYTES,
            });
        }
        tokio::task::spawn_blocking(move || (Digest::of(&component), component))
            .await
            .map_err(|_| SwapError::Stopping)
    }

    /// Checks and compiles off every runtime's threads.
    async fn load(&self, name: &str, component: Vec<u8>) -> Result<Plugin, SwapError> {
        let engine = self.shared.engine.clone();
        let name = name.to_owned();
        tokio::task::spawn_blocking(move || engine.load(&name, &component))
            .await
            .map_err(|_| SwapError::Stopping)?
            .map_err(SwapError::from)
    }

    /// Whether the server is ending: nothing new is worth making ready.
    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stopping.borrow().is_some()
    }

    /// The turn to swap a plugin, within a time.
    async fn turn(
        &self,
        name: &str,
        patience: Duration,
    ) -> Result<(PluginIndex, Turn<'_>), SwapError> {
        if self.is_stopping() {
            return Err(SwapError::Stopping);
        }
        let index = self
            .names()
            .position(|other| other == name)
            .ok_or_else(|| SwapError::unknown(name, self.names()))?;
        let seat = self
            .shared
            .seats
            .get(index)
            .ok_or_else(|| SwapError::unknown(name, self.names()))?;
        // Whoever only looks holds it for a moment; a swap holds it for as long as it takes.
        let turn = seat.turn(patience).await;
        let turn = turn.ok_or_else(|| SwapError::Busy(name.to_owned()))?;
        Ok((PluginIndex(index), turn))
    }

    fn name(&self, index: PluginIndex) -> &str {
        self.shared
            .site
            .plugins
            .get(index.0)
            .map_or("", |(name, _)| name)
    }

    /// One line for each swap, in the log and so on the terminal.
    fn report(
        &self,
        index: PluginIndex,
        from: &Version,
        to: &Version,
        how: &str,
        began: Instant,
        pause: Duration,
    ) -> Swapped {
        let swapped = Swapped {
            plugin: self.name(index).to_owned(),
            from: from.plugin.digest().to_string(),
            to: to.plugin.digest().to_string(),
            how: how.to_owned(),
            workers: self.shared.mailboxes.len(),
            pause,
            duration: began.elapsed(),
        };
        tracing::info!("{swapped}");
        swapped
    }
}
