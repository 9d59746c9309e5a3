//! The limits and times of a connection, shared by all connections that live by the same ones.

use std::{num::NonZeroU64, time::Duration};

/// Limits and times of a connection. Every growth and every wait has its bound here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Largest message in bytes, over all its fragments and after inflation. Above: 1009.
    pub message_bytes: usize,
    /// How long a message may take from its first byte to its last, while input is read. Longer: 1008. `None`:
    /// for ever.
    pub message_timeout: Option<Duration>,
    /// Messages a second that are read; see [`Connection::throttled`](super::Connection::throttled). `None`:
    /// any number.
    pub messages_per_second: Option<NonZeroU64>,
    /// Bytes a second that are read, as they come or as they are inflated, whichever is more. `None`: any number.
    pub bytes_per_second: Option<NonZeroU64>,
    /// Control frames a second that are read. `None`: any number.
    pub control_per_second: Option<NonZeroU64>,
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
    /// back above 4 KiB; no rates, and all the time in the world for a message.
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            message_timeout: None,
            messages_per_second: None,
            bytes_per_second: None,
            control_per_second: None,
            close_timeout: Duration::from_secs(5),
            health_interval: Duration::from_secs(300),
            ping: None,
            control_backlog: 4 << 10,
        }
    }
}
