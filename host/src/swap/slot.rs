//! What is known of one plugin's versions, and how that is told.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jackfield_plugin::Digest;
use tokio::time::timeout;

use super::version::{Tally, Version};
use crate::config::resolved;
use crate::instances::Census;

/// The place of one plugin.
pub(super) struct Seat {
    /// Held for the whole of a swap: one at a time.
    slot: tokio::sync::Mutex<Slot>,
    /// As whoever held it last left it, for those who only look and must not wait for a swap.
    shown: Mutex<Slot>,
}

/// The right to change what is in a seat. What was done is shown when it ends.
pub(super) struct Turn<'s> {
    slot: tokio::sync::MutexGuard<'s, Slot>,
    shown: &'s Mutex<Slot>,
}

impl Seat {
    pub(super) fn new(version: Arc<Version>) -> Self {
        let slot = Slot::new(version);
        Seat {
            shown: Mutex::new(slot.clone()),
            slot: tokio::sync::Mutex::new(slot),
        }
    }

    /// Waits so long at most for whoever has the turn.
    pub(super) async fn turn(&self, patience: Duration) -> Option<Turn<'_>> {
        let slot = timeout(patience, self.slot.lock()).await.ok()?;
        Some(Turn {
            slot,
            shown: &self.shown,
        })
    }

    /// Does not wait.
    pub(super) fn try_turn(&self) -> Option<Turn<'_>> {
        Some(Turn {
            slot: self.slot.try_lock().ok()?,
            shown: &self.shown,
        })
    }

    /// The versions as they were when nobody changed them.
    pub(super) fn shown(&self) -> Slot {
        let shown = self.shown.lock();
        shown.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Deref for Turn<'_> {
    type Target = Slot;

    fn deref(&self) -> &Slot {
        &self.slot
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Slot {
        &mut self.slot
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.clone_from(&self.slot);
    }
}

/// The versions of one plugin.
#[derive(Clone)]
pub(super) struct Slot {
    /// Serves all connections that `side` does not.
    pub(super) main: Arc<Version>,
    pub(super) side: Option<SideVersion>,
    /// The one that `main` replaced.
    pub(super) previous: Option<Arc<Version>>,
    /// Whether `main` replaced it as the newer one: nobody goes back by itself to what was left.
    forward: bool,
    /// The configuration as it was read last. `swap`, `build` and `file` hold at once, the rest with the version that
    /// came with it.
    pub(super) read: resolved::Plugin,
    /// While the newest version is watched: since when, and how it stood at the last look.
    pub(super) watched: Option<Watched>,
    /// How often in a row the version was taken out.
    pub(super) strikes: u32,
    /// How the main version stood at the last look.
    pub(super) looked: Tally,
}

/// A version on probation.
#[derive(Clone, Copy)]
pub(super) struct Watched {
    pub(super) since: Instant,
}

/// A second version, for some of the connections.
#[derive(Clone)]
pub(super) struct SideVersion {
    pub(super) version: Arc<Version>,
    pub(super) kind: SideKind,
    /// How it stood at the last look.
    pub(super) looked: Tally,
}

impl SideVersion {
    pub(super) fn new(version: &Arc<Version>, kind: SideKind) -> Self {
        SideVersion {
            version: version.clone(),
            kind,
            looked: Tally::default(),
        }
    }
}

/// Why there is a second version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideKind {
    /// The old version keeps its connections, until they end or until then.
    Draining {
        /// When they go over to the new version.
        until: Instant,
    },
    /// The new version has a share of the connections.
    Canary {
        /// In parts of a million.
        share: u32,
    },
}

impl Slot {
    pub(super) fn new(version: Arc<Version>) -> Self {
        Slot {
            read: version.config.clone(),
            main: version,
            side: None,
            previous: None,
            forward: false,
            watched: None,
            strikes: 0,
            looked: Tally::default(),
        }
    }

    /// The newest version begins its probation.
    pub(super) fn watch_from_now(&mut self) {
        self.watched = Some(Watched {
            since: Instant::now(),
        });
        self.strikes = 0;
        self.looked = self.main.tally();
    }

    /// A new version serves, on probation. Gives the one that it replaced.
    pub(super) fn go_forward(&mut self, new: Arc<Version>) -> Arc<Version> {
        let old = std::mem::replace(&mut self.main, new);
        self.previous = Some(old.clone());
        self.forward = true;
        self.watch_from_now();
        old
    }

    /// The version before serves again. Gives the one that was left.
    pub(super) fn go_back(&mut self, previous: Arc<Version>) -> Arc<Version> {
        let left = std::mem::replace(&mut self.main, previous);
        self.previous = Some(left.clone());
        self.forward = false;
        self.stop_watching();
        left
    }

    /// Whether there is an older version that served before this one.
    pub(super) fn has_older(&self) -> bool {
        self.forward && self.previous.is_some()
    }

    /// The canary, if one is under way.
    pub(super) fn canary(&self) -> Option<&SideVersion> {
        let is_canary = |side: &&SideVersion| matches!(side.kind, SideKind::Canary { .. });
        self.side.as_ref().filter(is_canary)
    }

    /// The version that a component under a configuration is already: the one that serves, or the canary.
    pub(super) fn version_of(
        &self,
        digest: &Digest,
        config: &resolved::Plugin,
    ) -> Option<&Version> {
        let canary = self.canary().map(|side| &side.version);
        let newest = canary.unwrap_or(&self.main);
        newest.is_same(digest, config).then_some(&**newest)
    }

    /// The configuration in force.
    pub(super) fn configuration(&self) -> resolved::Plugin {
        resolved::Plugin {
            file: self.read.file.clone(),
            build: self.read.build.clone(),
            swap: self.read.swap,
            ..self.main.config.clone()
        }
    }

    pub(super) fn stop_watching(&mut self) {
        self.watched = None;
        self.strikes = 0;
        self.looked = self.main.tally();
    }

    pub(super) fn status(&self, name: String, census: Census) -> PluginStatus {
        let mut versions = vec![VersionStatus::new(&self.main, "serving", census.main)];
        if let Some(side) = &self.side {
            let role = match side.kind {
                SideKind::Draining { .. } => "draining",
                SideKind::Canary { .. } => "canary",
            };
            versions.push(VersionStatus::new(&side.version, role, census.side));
        }
        let draining = self
            .side
            .as_ref()
            .is_some_and(|side| matches!(side.kind, SideKind::Draining { .. }));
        if let Some(previous) = &self.previous
            && !draining
        {
            versions.push(VersionStatus::new(previous, "previous", 0));
        }
        PluginStatus { name, versions }
    }
}

/// A plugin and its versions.
#[derive(Clone, Debug)]
pub struct PluginStatus {
    /// Its name in the configuration.
    pub name: String,
    /// The version that serves, then the second one if there is one, then the one before.
    pub versions: Vec<VersionStatus>,
}

/// A version and how it does.
#[derive(Clone, Debug)]
pub struct VersionStatus {
    /// SHA-256 of the component, 64 hexadecimal digits.
    pub digest: String,
    /// `serving`, `draining`, `canary` or `previous`.
    pub role: &'static str,
    /// When it was loaded.
    pub since: SystemTime,
    /// Open connections that it serves.
    pub connections: usize,
    /// Instances of it that are alive.
    pub instances: usize,
    /// Its calls so far.
    pub tally: Tally,
    /// What its last failed call said.
    pub last_error: Option<String>,
    /// For how much longer its routes refuse upgrades, when it has trapped too often.
    pub out_for: Option<Duration>,
}

impl VersionStatus {
    fn new(version: &Version, role: &'static str, connections: usize) -> Self {
        VersionStatus {
            digest: version.plugin.digest().to_string(),
            role,
            since: version.since,
            connections,
            instances: version.plugin.live_instances(),
            tally: version.tally(),
            last_error: version.last_error(),
            out_for: version.out_for(),
        }
    }
}
