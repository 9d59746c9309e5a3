//! What is known of one plugin's versions, and how that is told.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::version::{Tally, Version};
use crate::instances::Census;

/// The versions of one plugin.
pub(super) struct Slot {
    /// Serves all connections that `side` does not.
    pub(super) main: Arc<Version>,
    pub(super) side: Option<SideVersion>,
    /// The one that `main` replaced.
    pub(super) previous: Option<Arc<Version>>,
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
pub(super) struct SideVersion {
    pub(super) version: Arc<Version>,
    pub(super) kind: SideKind,
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
            main: version,
            side: None,
            previous: None,
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

/// A swap that happened, or that was not needed. Displays as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// The plugin.
    pub plugin: String,
    /// Digest of the version that served.
    pub from: String,
    /// Digest of the version that serves now, or has a share. The same as `from`: nothing was changed.
    pub to: String,
    /// `live`, `drain`, `canary`, `promoted`, `rollback (…)` or `unchanged`.
    pub how: String,
    /// Workers that switched.
    pub workers: usize,
    /// The longest that a worker held calls back.
    pub pause: Duration,
    /// From the first byte read to the last worker.
    pub duration: Duration,
}

impl Swapped {
    pub(super) fn unchanged(name: &str, version: &Version, duration: Duration) -> Self {
        let digest = version.plugin.digest().to_string();
        Swapped {
            plugin: name.to_owned(),
            from: digest.clone(),
            to: digest,
            how: "unchanged".into(),
            workers: 0,
            pause: Duration::ZERO,
            duration,
        }
    }

    /// Whether anything changed.
    pub fn changed(&self) -> bool {
        self.how != "unchanged"
    }
}

impl fmt::Display for Swapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |digest: &str| digest.get(..12).unwrap_or_default().to_owned();
        if !self.changed() {
            return write!(
                f,
                "{}: {} serves already, nothing changed",
                self.plugin,
                short(&self.to)
            );
        }
        write!(
            f,
            "{}: {} → {} ({}) on {} workers, longest pause {:.1?}, {:.1?} in all",
            self.plugin,
            short(&self.from),
            short(&self.to),
            self.how,
            self.workers,
            self.pause,
            self.duration
        )
    }
}
