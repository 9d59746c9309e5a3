//! Changing the logic under open connections: [`Plugins`] loads new versions, has every worker switch to them, and
//! goes back when they do not do well.
//!
//! The first load and every swap go the same way: read, digest, check, compile, one instance to see that there can
//! be one, then the workers. A refusal at any step leaves the version that serves where it is.

mod error;
mod monitor;
mod slot;
mod steps;
mod version;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_plugin::{Engine, Plugin};
use tokio::sync::MutexGuard;
use tokio::time::timeout;

pub use error::SwapError;
pub use slot::{PluginStatus, SideKind, Swapped, VersionStatus};
pub use version::Tally;

pub(crate) use version::Version;

use crate::config::resolved::{self, SwapPolicy};
use crate::instances::Step;
use crate::server::{PluginIndex, Site};
use crate::worker::Mailbox;
use slot::{SideVersion, Slot};

/// Bytes of the largest component that is looked at.
pub const COMPONENT_BYTES: usize = 64 * 1024 * 1024;

/// For how long a plugin may be looked at before that counts as a swap under way.
const A_MOMENT: Duration = Duration::from_millis(250);

/// The plugins of a running server. Cheap to clone; every method may be called from any runtime.
#[derive(Clone)]
pub struct Plugins {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    site: Arc<Site>,
    mailboxes: Vec<Mailbox>,
    /// By [`PluginIndex`]. Held for the whole of a swap: one at a time for each plugin.
    slots: Vec<tokio::sync::Mutex<Slot>>,
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
        let slots = versions
            .into_iter()
            .map(|version| tokio::sync::Mutex::new(Slot::new(version)))
            .collect();
        Plugins {
            shared: Arc::new(Shared {
                engine,
                site,
                mailboxes,
                slots,
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
        let (index, mut slot) = self.slot(name).await?;
        let config = slot.main.config.clone();
        let policy = policy.unwrap_or(config.swap);
        self.replace(index, &mut slot, component, config, policy)
            .await
    }

    /// Replaces a plugin's component and configuration. A change of limits alone is a new version too.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn reconfigure(
        &self,
        name: &str,
        component: Vec<u8>,
        config: resolved::Plugin,
    ) -> Result<Swapped, SwapError> {
        let (index, mut slot) = self.slot(name).await?;
        let policy = config.swap;
        self.replace(index, &mut slot, component, config, policy)
            .await
    }

    /// Goes back to the version before: of a canary or a drain under way, or the one that was replaced last.
    ///
    /// # Errors
    /// When there is no version to go back to, or the workers could not switch.
    pub async fn rollback(&self, name: &str) -> Result<Swapped, SwapError> {
        let (index, mut slot) = self.slot(name).await?;
        self.roll_back(index, &mut slot, "asked for").await
    }

    /// Makes a canary the version of all connections.
    ///
    /// # Errors
    /// When no canary is under way.
    pub async fn promote(&self, name: &str) -> Result<Swapped, SwapError> {
        let (index, mut slot) = self.slot(name).await?;
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
        let old = std::mem::replace(&mut slot.main, side.version);
        slot.previous = Some(old.clone());
        slot.watch_from_now();
        Ok(self.report(
            index,
            &old,
            &slot.main,
            "promoted",
            began,
            pause.unwrap_or_default(),
        ))
    }

    /// How every plugin does.
    pub async fn status(&self) -> Vec<PluginStatus> {
        let mut all = Vec::new();
        for (index, slot) in self.shared.slots.iter().enumerate() {
            let census = self.census(PluginIndex(index)).await;
            let slot = slot.lock().await;
            let name = self.name(PluginIndex(index)).to_owned();
            all.push(slot.status(name, census));
        }
        all
    }

    /// The configuration that is in force for each plugin, by name.
    pub(crate) async fn configurations(&self) -> Vec<(String, resolved::Plugin)> {
        let mut all = Vec::new();
        for (index, slot) in self.shared.slots.iter().enumerate() {
            let name = self.name(PluginIndex(index)).to_owned();
            all.push((name, slot.lock().await.main.config.clone()));
        }
        all
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
        if matches!(&slot.side, Some(side) if matches!(side.kind, SideKind::Canary { .. })) {
            return Err(SwapError::CanaryUnderWay(name));
        }
        let plugin = self.load(&name, component).await?;
        if slot.main.is_same(&plugin, &config) {
            return Ok(Swapped::unchanged(&name, &slot.main, began.elapsed()));
        }
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
                slot.main = new.clone();
                slot.previous = Some(old.clone());
            }
            SwapPolicy::Drain { limit } => {
                slot.main = new.clone();
                slot.previous = Some(old.clone());
                slot.side = Some(SideVersion {
                    version: old.clone(),
                    kind: SideKind::Draining {
                        until: Instant::now() + limit,
                    },
                });
            }
            SwapPolicy::Canary { share } => {
                slot.side = Some(SideVersion {
                    version: new.clone(),
                    kind: SideKind::Canary { share },
                });
            }
        }
        slot.watch_from_now();
        let pause = pause.into_iter().max().unwrap_or_default();
        Ok(self.report(index, &old, &new, how, began, pause))
    }

    async fn roll_back(
        &self,
        index: PluginIndex,
        slot: &mut Slot,
        why: &str,
    ) -> Result<Swapped, SwapError> {
        let began = Instant::now();
        let how = format!("rollback ({why})");
        if let Some(side) = slot
            .side
            .take_if(|side| matches!(side.kind, SideKind::Canary { .. }))
        {
            self.all(index, |reply| Step::DropSide { reply }).await?;
            let main = slot.main.clone();
            return Ok(self.report(index, &side.version, &main, &how, began, Duration::ZERO));
        }
        let Some(previous) = slot.previous.clone() else {
            return Err(SwapError::NothingBefore(self.name(index).to_owned()));
        };
        // The version that is left may be too broken to say what it remembers.
        if let Err(error) = self.prepare(index, &previous, true).await {
            tracing::warn!(plugin = self.name(index), %error, "the rollback goes on without the memory of the version that is left");
            self.prepare(index, &previous, false).await?;
        }
        let pause = self.all(index, |reply| Step::Commit { reply }).await?;
        if slot.side.take().is_some() {
            self.all(index, |reply| Step::DropSide { reply }).await?;
        }
        let left = std::mem::replace(&mut slot.main, previous.clone());
        slot.previous = Some(left.clone());
        slot.stop_watching();
        let pause = pause.into_iter().max().unwrap_or_default();
        Ok(self.report(index, &left, &previous, &how, began, pause))
    }

    /// Checks and compiles off every runtime's threads.
    async fn load(&self, name: &str, component: Vec<u8>) -> Result<Plugin, SwapError> {
        if component.len() > COMPONENT_BYTES {
            return Err(SwapError::TooLarge {
                bytes: component.len(),
                limit: COMPONENT_BYTES,
            });
        }
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

    async fn slot(&self, name: &str) -> Result<(PluginIndex, MutexGuard<'_, Slot>), SwapError> {
        if self.is_stopping() {
            return Err(SwapError::Stopping);
        }
        let index = self
            .names()
            .position(|other| other == name)
            .ok_or_else(|| SwapError::unknown(name, self.names()))?;
        let slot = self
            .shared
            .slots
            .get(index)
            .ok_or_else(|| SwapError::unknown(name, self.names()))?;
        // Whoever only looks holds it for a moment; a swap holds it for as long as it takes.
        let slot = timeout(A_MOMENT, slot.lock())
            .await
            .map_err(|_| SwapError::Busy(name.to_owned()))?;
        Ok((PluginIndex(index), slot))
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
