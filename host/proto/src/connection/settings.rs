//! The limits and times of a connection, shared by all connections that live by the same ones.

use std::time::Duration;

/// Limits and times of a connection. Every growth and every wait has its bound here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Largest message in bytes, over all its fragments and after inflation. Above: 1009.
    pub message_bytes: usize,
    /// How long to wait for the answer to our close frame.
    pub close_timeout: Duration,
    /// How long a connection may be without traffic before it is pinged or, without [`ping`](Self::ping),
    /// unhealthy.
    pub health_interval: Duration,
    /// Ping a quiet connection, and wait this long for anything from the peer before it is unhealthy.
    pub ping: Option<Duration>,
    /// Pongs are not appended while this many bytes wait to be written, only the latest ping is remembered
    /// (RFC 6455 section 5.5.3). Bounds what a flood of pings costs.
    pub control_backlog: usize,
}

impl Default for Settings {
    /// 1 MiB messages, 5 s for the close frame's answer, a health check every 300 s without pings, pongs held
    /// back above 4 KiB.
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            close_timeout: Duration::from_secs(5),
            health_interval: Duration::from_secs(300),
            ping: None,
            control_backlog: 4 << 10,
        }
    }
}
