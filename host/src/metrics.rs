//! What the server counts. One set of counters for each worker and one for the thread in front of them, so that nobody
//! waits for anybody; they are added up when they are asked for. A limit that is met is counted here, and said in the
//! log now and then, however often it happens.
//!
//! This room must never know what a connection or a plugin is.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the same limit is worth a line in the log.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// The limits of `[limits]`, of routes and of plugins, as far as a peer can meet them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Connections,
    ConnectionsPerAddress,
    Handshakes,
    HandshakeTimeout,
    UpgradesPerSecond,
    HeadBytes,
    MessageBytes,
    MessageTimeout,
    MessagesPerSecond,
    BytesPerSecond,
    ControlPerSecond,
    BacklogClosed,
    BacklogDroppedOldest,
    BacklogDroppedNewest,
    ConcurrentCalls,
}

/// Each limit in its place, with its label and what follows from meeting it.
const LIMITS: [(Limit, &str, &str); 15] = [
    (
        Limit::Connections,
        "connections",
        "a socket is answered 503 or dropped",
    ),
    (
        Limit::ConnectionsPerAddress,
        "connections_per_address",
        "a socket is answered 429 or dropped",
    ),
    (
        Limit::Handshakes,
        "handshakes",
        "a socket is answered 503 or dropped",
    ),
    (
        Limit::HandshakeTimeout,
        "handshake_timeout",
        "a socket without an upgrade request is answered 408",
    ),
    (
        Limit::UpgradesPerSecond,
        "upgrades_per_second",
        "a request is answered 429",
    ),
    (
        Limit::HeadBytes,
        "head_bytes",
        "a request is answered 414 or 431",
    ),
    (
        Limit::MessageBytes,
        "message_bytes",
        "a connection is closed with 1009",
    ),
    (
        Limit::MessageTimeout,
        "message_timeout",
        "a connection is closed with 1008",
    ),
    (
        Limit::MessagesPerSecond,
        "messages_per_second",
        "a connection is read more slowly",
    ),
    (
        Limit::BytesPerSecond,
        "bytes_per_second",
        "a connection is read more slowly",
    ),
    (
        Limit::ControlPerSecond,
        "control_per_second",
        "a connection is read more slowly",
    ),
    (
        Limit::BacklogClosed,
        "backlog_close",
        "a slow reader is closed with 1013",
    ),
    (
        Limit::BacklogDroppedOldest,
        "backlog_drop_oldest",
        "old messages to a slow reader are dropped",
    ),
    (
        Limit::BacklogDroppedNewest,
        "backlog_drop_newest",
        "a new message to a slow reader is refused",
    ),
    (
        Limit::ConcurrentCalls,
        "concurrent_calls",
        "a plugin's call waits until another one of its calls has ended",
    ),
];

/// The statuses of refused requests that are counted by themselves; the others together.
const STATUSES: [u16; 13] = [
    400, 401, 403, 404, 405, 408, 414, 426, 429, 431, 500, 503, 505,
];

/// The counters of one thread, alone in their cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    /// Sockets taken in.
    pub(crate) accepted: Counter,
    /// Upgrades answered 101.
    pub(crate) upgraded: Counter,
    /// Messages from clients that were handled.
    pub(crate) messages: Counter,
    /// By [`STATUSES`], and one for the others.
    refused: [Counter; STATUSES.len() + 1],
    met: [Counter; LIMITS.len()],
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds on the one thread that the counter belongs to: no other adds to it, so this need not be one operation.
    pub(crate) fn add(&self, count: u64) {
        let value = self.0.load(Ordering::Relaxed);
        self.0.store(value.wrapping_add(count), Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// Counts a refused request.
    pub(crate) fn refused(&self, status: u16) {
        let place = STATUSES.iter().position(|known| *known == status);
        if let Some(counter) = self.refused.get(place.unwrap_or(STATUSES.len())) {
            counter.add(1);
        }
    }
}

/// When a limit was told last.
#[derive(Debug, Default)]
struct Told {
    /// Milliseconds since the start, plus one; 0 is never.
    at: AtomicU64,
    /// How often it had been met then.
    times: AtomicU64,
}

/// All of a server's counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    start: Instant,
    workers: Vec<Counters>,
    /// Of the control thread, which accepts.
    front: Counters,
    told: [Told; LIMITS.len()],
}

impl Metrics {
    pub(crate) fn new(workers: usize) -> Self {
        Metrics {
            start: Instant::now(),
            workers: (0..workers).map(|_| Counters::default()).collect(),
            front: Counters::default(),
            told: Default::default(),
        }
    }

    /// The counters of a worker, for its own thread.
    pub(crate) fn worker(&self, worker: u8) -> &Counters {
        self.workers.get(usize::from(worker)).unwrap_or(&self.front)
    }

    /// The counters of the control thread.
    pub(crate) fn front(&self) -> &Counters {
        &self.front
    }

    /// Counts a limit that was met on the thread that these counters belong to, and says so unless that was said just
    /// now.
    pub(crate) fn met(&self, counters: &Counters, limit: Limit, times: u64) {
        // A test holds the table to this order.
        let place = limit as usize;
        let (Some(counter), Some(told), Some((_, name, consequence))) = (
            counters.met.get(place),
            self.told.get(place),
            LIMITS.get(place),
        ) else {
            return;
        };
        if times == 0 {
            return;
        }
        counter.add(times);
        let order = Ordering::Relaxed;
        let now = self.start.elapsed().as_millis() as u64 + 1;
        let last = told.at.load(order);
        if last != 0 && now.saturating_sub(last) < TOLD_EVERY.as_millis() as u64 {
            return;
        }
        // Whoever loses leaves the line to another thread.
        if told.at.compare_exchange(last, now, order, order).is_ok() {
            let all = self.sum(|counters| counters.met.get(place));
            let times = all.saturating_sub(told.times.swap(all, order));
            tracing::warn!(limit = name, times, "a limit was met: {consequence}");
        }
    }

    /// Every counter in the text format of Prometheus.
    pub(crate) fn text(&self, connections: u64) -> String {
        let mut text = String::with_capacity(4096);
        head(
            &mut text,
            "connections",
            "gauge",
            "Open sockets, upgraded or not.",
        );
        line(&mut text, "connections", "", connections);
        let plain = [
            (
                "accepted_total",
                "Sockets taken in.",
                self.sum(|c| Some(&c.accepted)),
            ),
            (
                "upgrades_total",
                "Upgrades answered 101.",
                self.sum(|c| Some(&c.upgraded)),
            ),
            (
                "messages_received_total",
                "Messages from clients.",
                self.sum(|c| Some(&c.messages)),
            ),
        ];
        for (name, help, value) in plain {
            head(&mut text, name, "counter", help);
            line(&mut text, name, "", value);
        }
        head(
            &mut text,
            "refused_total",
            "counter",
            "Refused requests, by status.",
        );
        for place in 0..=STATUSES.len() {
            let status = STATUSES
                .get(place)
                .map_or("other".to_owned(), u16::to_string);
            let value = self.sum(|counters| counters.refused.get(place));
            line(
                &mut text,
                "refused_total",
                &format!("{{status=\"{status}\"}}"),
                value,
            );
        }
        head(
            &mut text,
            "limit_met_total",
            "counter",
            "How often a limit was met, by its name.",
        );
        for (place, (_, name, _)) in LIMITS.iter().enumerate() {
            let value = self.sum(|counters| counters.met.get(place));
            line(
                &mut text,
                "limit_met_total",
                &format!("{{limit=\"{name}\"}}"),
                value,
            );
        }
        text
    }

    fn sum<'m>(&'m self, counter: impl Fn(&'m Counters) -> Option<&'m Counter>) -> u64 {
        let all = self.workers.iter().chain(std::iter::once(&self.front));
        all.filter_map(counter).map(Counter::value).sum()
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "# HELP jackfield_{name} {help}\n# TYPE jackfield_{name} {kind}"
    );
}

fn line(text: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(text, "jackfield_{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_in_its_place() {
        for (place, (limit, ..)) in LIMITS.iter().enumerate() {
            assert_eq!(*limit as usize, place);
        }
        let mut names: Vec<_> = LIMITS.iter().map(|(_, name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), LIMITS.len());
    }

    #[test]
    fn what_all_threads_count_is_added_up() {
        let metrics = Metrics::new(2);
        metrics.worker(0).upgraded.add(3);
        metrics.worker(1).upgraded.add(4);
        metrics.worker(1).refused(429);
        metrics.front().refused(418);
        metrics.met(metrics.worker(0), Limit::Handshakes, 2);
        metrics.met(metrics.front(), Limit::Handshakes, 5);
        metrics.met(metrics.front(), Limit::Connections, 0);
        let text = metrics.text(9);
        for line in [
            "jackfield_connections 9",
            "jackfield_upgrades_total 7",
            "jackfield_refused_total{status=\"429\"} 1",
            "jackfield_refused_total{status=\"other\"} 1",
            "jackfield_refused_total{status=\"503\"} 0",
            "jackfield_limit_met_total{limit=\"handshakes\"} 7",
            "jackfield_limit_met_total{limit=\"connections\"} 0",
            "# TYPE jackfield_limit_met_total counter",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
