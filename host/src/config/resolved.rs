//! The configuration as the server uses it: every value checked, every default filled in, units in
//! the types. Nothing in here can be wrong; what could be was refused by `resolve`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use serde::Serialize;

pub use super::admin::{Admin, TokenSource};
pub use super::listener::{Address, ClientCertificates, Forwarded, Listener, Tls};
use super::shown;

/// The whole configuration of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Where else.
    pub listeners: Vec<Listener>,
    /// Limits that hold for the whole server.
    pub limits: Limits,
    /// When a connection counts as unhealthy.
    pub health: Health,
    /// When a version of a plugin counts as failing.
    pub swap: SwapLimits,
    /// The admin API, unless there is none.
    pub admin: Option<Admin>,
    /// Whether `GET /` shows the playground page.
    pub playground: bool,
    /// The routes by exact path.
    pub routes: BTreeMap<String, Route>,
    /// The plugins by name.
    pub plugins: BTreeMap<String, Plugin>,
}

impl Default for Config {
    /// Every key at its default; no routes, no plugins.
    fn default() -> Self {
        Config {
            listen: Listen::default(),
            listeners: Vec::new(),
            limits: Limits::default(),
            health: Health::default(),
            swap: SwapLimits::default(),
            admin: None,
            playground: true,
            routes: BTreeMap::new(),
            plugins: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Whether everything but the plugins, and which plugins there are, is as in `other`.
    pub fn only_plugins_differ(&self, other: &Config) -> bool {
        self.listen == other.listen
            && self.listeners == other.listeners
            && self.limits == other.limits
            && self.health == other.health
            && self.swap == other.swap
            && self.admin == other.admin
            && self.playground == other.playground
            && self.routes == other.routes
            && self.plugins.keys().eq(other.plugins.keys())
    }
}

/// `[listen]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// The first listener.
    #[serde(flatten)]
    pub listener: Listener,
    /// Worker threads, 1 to 256. Default: one per core.
    pub workers: usize,
}

/// `[limits]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Open sockets in all, upgraded or not; one more is answered 503. Default 100,000.
    pub connections: usize,
    /// Open sockets of one address; one more is answered 429. An IPv6 address is its first 64 bits. Default 1000.
    #[serde(serialize_with = "shown::or_false")]
    pub connections_per_address: Option<u32>,
    /// Upgrade requests a second of one address, of which five seconds' worth may come at once; then 429. Default 50.
    #[serde(serialize_with = "shown::or_false")]
    pub upgrades_per_second: Option<u32>,
    /// Networks that the two limits by address do not hold for. Default this machine: what comes from there is a proxy,
    /// whose clients are counted instead, or somebody at work on the server.
    pub unlimited_addresses: Vec<IpNet>,
    /// Sockets that are not upgraded yet; one more is answered 503. Default 10,000.
    pub handshakes: usize,
    /// From acceptance to a complete upgrade request; then 408. Default 10 s.
    #[serde(serialize_with = "shown::duration")]
    pub handshake_timeout: Duration,
    /// From our close frame to the peer's; then the socket is dropped. Default 5 s.
    #[serde(serialize_with = "shown::duration")]
    pub close_timeout: Duration,
    /// How long input is read and discarded after both close frames, waiting for the peer's FIN. Default 2 s.
    #[serde(serialize_with = "shown::duration")]
    pub linger_timeout: Duration,
    /// Bytes of an upgrade request's head; then 431. Default 16 KiB.
    pub head_bytes: usize,
    /// Field lines of an upgrade request; then 431. Default 100.
    pub head_fields: usize,
    /// Bytes of the request target; then 414. Default 8 KiB.
    pub target_bytes: usize,
    /// From the first byte of a message to its last; then 1008. Default 60 s.
    #[serde(serialize_with = "shown::duration")]
    pub message_timeout: Duration,
    /// Messages a second of one connection. More are read later. Default 10,000.
    #[serde(serialize_with = "shown::or_false")]
    pub messages_per_second: Option<NonZeroU64>,
    /// Bytes a second of one connection, as they come or as they are inflated, whichever is more. More are read later.
    /// Default 32 MiB.
    #[serde(serialize_with = "shown::or_false")]
    pub bytes_per_second: Option<NonZeroU64>,
    /// Control frames a second of one connection. More are read later. Default 1000.
    #[serde(serialize_with = "shown::or_false")]
    pub control_per_second: Option<NonZeroU64>,
    /// Bytes waiting to be written to one connection. Default 4 MiB.
    pub backlog_bytes: usize,
    /// Names and values of one connection's attributes. Default 16 KiB.
    pub attribute_bytes: usize,
    /// Messages waiting for one worker from the others. Default 4096.
    pub mailbox: usize,
    /// How long a stop lets the server go on, from the signal: new upgrades are refused, and open connections are closed
    /// one after another. Default 0: all at once.
    #[serde(serialize_with = "shown::duration")]
    pub drain_window: Duration,
    /// The close code of a stop, 1001 or 1012. Default 1001.
    pub drain_code: u16,
    /// How long a stop may take, from the end of the drain window to the exit. Default 10 s.
    #[serde(serialize_with = "shown::duration")]
    pub shutdown_timeout: Duration,
}

/// `[health]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// A connection without traffic from its peer for this long is checked. Default 300 s.
    #[serde(serialize_with = "shown::duration")]
    pub interval: Duration,
    /// With a deadline: a silent connection is sent a ping and is unhealthy when nothing comes back in
    /// time (default 20 s). Without (`ping = false`): it is unhealthy at once.
    #[serde(serialize_with = "shown::duration_or_false")]
    pub ping: Option<Duration>,
}

/// `[routes."/path"]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Names of the plugins, in the order in which their hooks run; at least one.
    pub plugins: Vec<String>,
    /// Whose pages may connect.
    pub origins: Origins,
    /// Whether and how messages are compressed with permessage-deflate (RFC 7692). Default: not.
    pub compression: Option<Compression>,
    /// Messages are echoed by the host itself and reach no plugin: for measuring, what the sandbox costs. Default
    /// false.
    pub native_echo: bool,
    /// Bytes of one message from a client, over all its fragments; then 1009. Default 1 MiB.
    pub message_bytes: usize,
    /// What is done when `limits.backlog_bytes` wait for a client that reads too slowly. Default `close`.
    pub backlog: Backlog,
}

/// `backlog = …` of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backlog {
    /// The connection is closed with 1013.
    #[default]
    Close,
    /// Older messages are dropped. Messages are compressed without context takeover then.
    DropOldest,
    /// The message is not sent.
    DropNewest,
}

/// `compression = …` of a route: what the server wants of permessage-deflate (RFC 7692 section 7.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compression {
    /// How hard to compress, 1 to 9. Default 6.
    pub level: u32,
    /// Messages below this many bytes are sent as they are. Default 256.
    pub threshold: usize,
    /// The largest window that the server compresses with, in bits, 8 to 15. Default 15.
    pub server_window_bits: u8,
    /// The largest window that clients may compress with, in bits, 8 to 15. Default 15.
    pub client_window_bits: u8,
    /// Whether the server's window is kept from message to message. Default true; false costs compression and
    /// saves memory between messages.
    pub server_context_takeover: bool,
    /// Whether clients may keep theirs. Default true.
    pub client_context_takeover: bool,
}

/// `origins = …` of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// The Origin must be the Host's (default). A request without Origin is allowed: not a browser.
    Same,
    /// `"any"`.
    Any,
    /// Exactly these (`https://example.org`, `https://*.example.org`), or none sent.
    List(Vec<String>),
}

/// `[plugins.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plugin {
    /// The component's file, absolute.
    pub file: PathBuf,
    /// Who shares an instance's memory.
    pub instances: Instances,
    /// How `up` builds the file.
    pub build: Option<Build>,
    /// What one instance may use.
    pub limits: PluginLimits,
    /// How a new version takes over.
    pub swap: SwapPolicy,
    /// When an instance is replaced by a fresh one of the same version.
    pub recycle: Recycle,
    /// What the plugin may reach beyond its connections.
    pub grants: Grants,
}

/// `[plugins.NAME.grants]`: nothing that is not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// Names of environment variables of the server that the plugin sees; one that is not set is not seen.
    pub environment: Vec<String>,
    /// Directories, as the plugin calls them.
    pub directories: BTreeMap<String, Directory>,
    /// Hosts that the plugin may call: `name`, `name:port`, `*.name` or an address. Nothing uses them yet: there is no
    /// import to call anybody with.
    pub hosts: Vec<String>,
}

/// `directories."/name" = …`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Directory {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Whether the plugin may change anything in it. Default false.
    pub writable: bool,
}

/// `[plugins.NAME.recycle]`: an instance that has done so much is replaced between two calls; what it remembers is
/// carried over with `save` and `restore` when it exports `state`, and lost otherwise. For languages whose
/// memory only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recycle {
    /// After this many calls. Default: never for this reason.
    pub calls: Option<u64>,
    /// When its linear memory has grown to this. Default: never for this reason; three quarters of
    /// `limits.memory_bytes` when the plugin exports `state`.
    pub memory_bytes: Option<usize>,
}

/// `swap = …`: which connections a new version of a plugin gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SwapPolicy {
    /// `"live"`: all, between two calls; guest memory is carried over with `save` and `restore` (default).
    #[default]
    Live,
    /// `{ drain = "10 min" }`: new ones; open ones stay on the old version until they end, for so long at most.
    Drain {
        /// After this the open ones go over too.
        limit: Duration,
    },
    /// `{ canary = 10 }`: that many in a hundred, until it is promoted or rolled back.
    Canary {
        /// In parts of a million.
        share: u32,
    },
}

/// `[swap]`: when a version of a plugin counts as failing. In its first minutes it is rolled back then; later it
/// is taken out for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SwapLimits {
    /// For how long a new version is on probation. Default 2 min.
    #[serde(serialize_with = "shown::duration")]
    pub probation: Duration,
    /// Failed calls, at least. Default 10.
    pub failures: u32,
    /// Failed calls in a hundred, at least. Default 10.
    pub failure_percent: u32,
}

/// `instances = …`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Instances {
    /// One per worker (default).
    #[default]
    Worker,
    /// One per connection.
    Connection,
    /// One for the whole server.
    Single,
    /// `{ pool = N }`: up to N per worker.
    Pool(usize),
}

/// `build = …`: what is run before the plugin is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// Program and arguments. Empty: the commands of the project's language, as `jackfield build` runs them.
    pub command: Vec<String>,
    /// Where it runs, absolute.
    pub directory: PathBuf,
}

/// `[plugins.NAME.limits]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginLimits {
    /// Linear memory of one instance. Default 64 MiB.
    pub memory_bytes: usize,
    /// Elements of one instance's tables. Default 100,000.
    pub table_elements: usize,
    /// Guest time of one call; waiting for the host does not count. Default 500 ms.
    #[serde(serialize_with = "shown::duration")]
    pub call_time: Duration,
    /// Guest time of `on-shutdown`. Default 2 s.
    #[serde(serialize_with = "shown::duration")]
    pub shutdown_time: Duration,
    /// How long one call may wait, in sum, for what is outside the guest (a clock, another worker). Default 5 s.
    #[serde(serialize_with = "shown::duration")]
    pub wait_time: Duration,
    /// Calls that run, or wait for the host, at a time on one worker; more wait for their turn. Default 1000.
    pub concurrent_calls: usize,
    /// Lines a second from stdout and stderr that reach the log; the rest is counted. Default 100.
    pub log_lines: u32,
}

impl Default for Listen {
    fn default() -> Self {
        let cores = std::thread::available_parallelism();
        Listen {
            listener: Listener::default(),
            workers: cores.map_or(1, |cores| cores.get().min(256)),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 100_000,
            connections_per_address: Some(1000),
            upgrades_per_second: Some(50),
            unlimited_addresses: this_machine(),
            handshakes: 10_000,
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            linger_timeout: Duration::from_secs(2),
            head_bytes: 16 * 1024,
            head_fields: 100,
            target_bytes: 8 * 1024,
            message_timeout: Duration::from_secs(60),
            messages_per_second: NonZeroU64::new(10_000),
            bytes_per_second: NonZeroU64::new(32 * 1024 * 1024),
            control_per_second: NonZeroU64::new(1000),
            backlog_bytes: 4 * 1024 * 1024,
            attribute_bytes: 16 * 1024,
            mailbox: 4096,
            drain_window: Duration::ZERO,
            drain_code: 1001,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

/// 127.0.0.0/8 and ::1.
fn this_machine() -> Vec<IpNet> {
    const LOOPBACK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    vec![
        IpNet::V4(LOOPBACK),
        IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]
}

impl Default for SwapLimits {
    fn default() -> Self {
        SwapLimits {
            probation: Duration::from_secs(120),
            failures: 10,
            failure_percent: 10,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Health {
            interval: Duration::from_secs(300),
            ping: Some(Duration::from_secs(20)),
        }
    }
}

impl Default for Route {
    /// No plugins, which no resolved configuration has; everything else at its default.
    fn default() -> Self {
        Route {
            plugins: Vec::new(),
            origins: Origins::Same,
            compression: None,
            native_echo: false,
            message_bytes: 1024 * 1024,
            backlog: Backlog::default(),
        }
    }
}

impl Default for Plugin {
    /// No file, which every plugin of a configuration file has; everything else at its default.
    fn default() -> Self {
        Plugin {
            file: PathBuf::new(),
            instances: Instances::default(),
            build: None,
            limits: PluginLimits::default(),
            swap: SwapPolicy::default(),
            recycle: Recycle::default(),
            grants: Grants::default(),
        }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Compression {
            level: 6,
            threshold: 256,
            server_window_bits: 15,
            client_window_bits: 15,
            server_context_takeover: true,
            client_context_takeover: true,
        }
    }
}

impl Default for PluginLimits {
    fn default() -> Self {
        PluginLimits {
            memory_bytes: 64 * 1024 * 1024,
            table_elements: 100_000,
            call_time: Duration::from_millis(500),
            shutdown_time: Duration::from_secs(2),
            wait_time: Duration::from_secs(5),
            concurrent_calls: 1000,
            log_lines: 100,
        }
    }
}
