//! What the admin API says, as data: written by the server, read by `jackfield plugin` and `jackfield connections`.
//! `openapi.json` describes the same; a test compares the two.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::swap::{PluginStatus, Swapped, VersionStatus};

/// `GET /v1/plugins`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PluginList {
    /// In the order of their names.
    pub plugins: Vec<Plugin>,
}

/// A plugin and its versions.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plugin {
    /// Its name in the configuration.
    pub name: String,
    /// The version that serves, then the second one if there is one, then the one before.
    pub versions: Vec<Version>,
}

/// A version of a plugin and how it has fared.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Version {
    /// SHA-256 of the component, 64 hexadecimal digits.
    pub digest: String,
    /// `serving`, `draining`, `canary` or `previous`.
    pub role: String,
    /// When it was loaded, RFC 3339 in UTC.
    pub since: String,
    /// Open connections that it serves.
    pub connections: u64,
    /// Instances of it that are alive.
    pub instances: u64,
    /// Calls of its hooks so far.
    pub calls: u64,
    /// Of these, how many trapped.
    pub traps: u64,
    /// Of these, how many ran out of time.
    pub timeouts: u64,
    /// What the last failed call said.
    pub last_error: Option<String>,
    /// Milliseconds for which its routes still refuse upgrades, because it failed too often.
    pub out_for_ms: Option<u64>,
}

/// What a push, a rollback or a promotion did.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Swap {
    /// The plugin.
    pub plugin: String,
    /// Digest of the version that served.
    pub from: String,
    /// Digest of the version that serves now, or has a share.
    pub to: String,
    /// `live`, `drain`, `canary`, `promoted`, `rollback`, `rollback: ` with a reason, or `unchanged`.
    pub how: String,
    /// Whether anything changed.
    pub changed: bool,
    /// Workers that switched.
    pub workers: u64,
    /// The longest that a worker held calls back, in milliseconds.
    pub pause_ms: f64,
    /// From the first byte read to the last worker, in milliseconds.
    pub duration_ms: f64,
}

/// `GET /v1/connections`: one page.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ConnectionPage {
    /// At most `limit`.
    pub connections: Vec<Connection>,
    /// Where the next page begins; none behind the last.
    pub next: Option<String>,
}

/// A socket, from its acceptance to its end.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Connection {
    /// Its id, as plugins and the log know it; below 2^53, never used twice.
    pub id: u64,
    /// Address and port of the peer.
    pub peer: String,
    /// `handshaking`, `open` or `closing`.
    pub state: String,
    /// The worker that owns it, from 0.
    pub worker: u8,
    /// The path of its route, once its request named one.
    pub route: Option<String>,
    /// The subprotocol agreed on.
    pub protocol: Option<String>,
    /// The plugins of its route in their order, each with the version that serves this connection.
    pub plugins: Vec<Served>,
    /// Milliseconds since it was accepted.
    pub age_ms: u64,
    /// Milliseconds since its peer was last heard of.
    pub idle_ms: u64,
    /// Bytes that wait to be written to it.
    pub backlog_bytes: u64,
    /// Names of its attributes; their values stay with the plugins.
    pub attributes: Vec<String>,
}

/// A plugin on a connection.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Served {
    /// The plugin.
    pub plugin: String,
    /// Digest of its version.
    pub version: String,
}

/// `GET /v1/health` and `GET /v1/ready`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Health {
    /// `alive`, or `ready`.
    pub status: String,
}

/// An error, RFC 9457.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Problem {
    /// Which kind of problem, `urn:jackfield:problem:…`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
}

impl From<PluginStatus> for Plugin {
    fn from(status: PluginStatus) -> Self {
        Plugin {
            name: status.name,
            versions: status.versions.into_iter().map(Version::from).collect(),
        }
    }
}

impl From<VersionStatus> for Version {
    fn from(status: VersionStatus) -> Self {
        Version {
            digest: status.digest,
            role: status.role.to_owned(),
            since: humantime::format_rfc3339_seconds(status.since).to_string(),
            connections: status.connections as u64,
            instances: status.instances as u64,
            calls: status.tally.calls,
            traps: status.tally.traps,
            timeouts: status.tally.timeouts,
            last_error: status.last_error,
            out_for_ms: status.out_for.map(|left| left.as_millis() as u64),
        }
    }
}

impl From<Swapped> for Swap {
    fn from(swapped: Swapped) -> Self {
        Swap {
            changed: swapped.changed(),
            plugin: swapped.plugin,
            from: swapped.from,
            to: swapped.to,
            how: swapped.how,
            workers: swapped.workers as u64,
            pause_ms: milliseconds(swapped.pause),
            duration_ms: milliseconds(swapped.duration),
        }
    }
}

impl From<Swap> for Swapped {
    fn from(swap: Swap) -> Self {
        let duration = |ms: f64| Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
        Swapped {
            plugin: swap.plugin,
            from: swap.from,
            to: swap.to,
            how: swap.how,
            workers: usize::try_from(swap.workers).unwrap_or(usize::MAX),
            pause: duration(swap.pause_ms),
            duration: duration(swap.duration_ms),
        }
    }
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
