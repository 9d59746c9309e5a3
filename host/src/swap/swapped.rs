//! What a swap did, in one line.

use std::fmt;
use std::time::Duration;

use super::version::Version;

/// A swap that happened, or that was not needed. Displays as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// The plugin.
    pub plugin: String,
    /// Digest of the version that served.
    pub from: String,
    /// Digest of the version that serves now, or has a share. The same as `from`: nothing was changed.
    pub to: String,
    /// `live`, `drain`, `canary`, `promoted`, `rollback`, `rollback: ` with a reason, `settings` (no new version, but
    /// other settings for the next one) or `unchanged`.
    pub how: String,
    /// Workers that switched.
    pub workers: usize,
    /// The longest that a worker held calls back.
    pub pause: Duration,
    /// From the first byte read to the last worker.
    pub duration: Duration,
}

impl Swapped {
    const UNCHANGED: &str = "unchanged";
    /// Only `swap`, `build` or `file` of the configuration changed.
    pub(super) const SETTINGS: &str = "settings";

    pub(super) fn unchanged(name: &str, version: &Version, duration: Duration) -> Self {
        let digest = version.plugin.digest().to_string();
        Swapped {
            plugin: name.to_owned(),
            from: digest.clone(),
            to: digest,
            how: Swapped::UNCHANGED.into(),
            workers: 0,
            pause: Duration::ZERO,
            duration,
        }
    }

    /// Whether anything changed.
    pub fn changed(&self) -> bool {
        self.how != Swapped::UNCHANGED
    }
}

impl fmt::Display for Swapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |digest: &str| digest.get(..12).unwrap_or_default().to_owned();
        let (plugin, from, to) = (&self.plugin, short(&self.from), short(&self.to));
        match self.how.as_str() {
            Swapped::UNCHANGED => {
                return write!(f, "{plugin}: {to} serves already, nothing changed");
            }
            Swapped::SETTINGS => {
                return write!(
                    f,
                    "{plugin}: {to} serves already; how it is built and replaced changed"
                );
            }
            how => write!(f, "{plugin}: {from} → {to} ({how}) on ")?,
        }
        match self.workers {
            1 => write!(f, "1 worker")?,
            count => write!(f, "{count} workers")?,
        }
        if self.pause.is_zero() {
            write!(f, ", no call held back")?;
        } else {
            write!(f, ", longest pause {:.1?}", self.pause)?;
        }
        write!(f, ", {:.1?} in all", self.duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_people() {
        let swapped = |how: &str, workers, micros| Swapped {
            plugin: "echo".into(),
            from: "baa90f3e7117".repeat(5),
            to: "e4cf9cb2d976".repeat(5),
            how: how.into(),
            workers,
            pause: Duration::from_micros(micros),
            duration: Duration::from_micros(94_230),
        };
        let rows = [
            (
                swapped("live", 2, 41),
                "echo: baa90f3e7117 → e4cf9cb2d976 (live) on 2 workers, longest pause 41.0µs, 94.2ms in all",
            ),
            (
                swapped("rollback: 8 of 9 calls failed", 1, 0),
                "echo: baa90f3e7117 → e4cf9cb2d976 (rollback: 8 of 9 calls failed) on 1 worker, no call held back, 94.2ms in all",
            ),
            (
                swapped("unchanged", 0, 0),
                "echo: e4cf9cb2d976 serves already, nothing changed",
            ),
            (
                swapped("settings", 0, 0),
                "echo: e4cf9cb2d976 serves already; how it is built and replaced changed",
            ),
        ];
        for (swapped, line) in rows {
            assert_eq!(swapped.to_string(), line);
        }
    }
}
