//! `[limits]` and what else bounds a connection: a table that reads itself.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{DEADLINE, MIB};
use crate::config::field::{Field, Section};
use crate::config::listener::networks;
use crate::config::report::{nearest, quoted};
use crate::config::resolved::{Backlog, Limits};

/// Rates: so many that more cannot be meant.
const RATE: RangeInclusive<usize> = 1..=1_000_000_000;
const WINDOW: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

pub(super) fn limits(mut section: Section<'_, '_>) -> Limits {
    let d = Limits::default();
    let small = |field: &Field<'_, '_>| field.count(1..=16_000_000).map(|count| count as u32);
    let rate = |field: &Field<'_, '_>| NonZeroU64::new(field.count(RATE)? as u64);
    let bytes = |field: &Field<'_, '_>| NonZeroU64::new(field.size(1024..=1 << 40)? as u64);
    let limits = Limits {
        connections: section.count("connections", d.connections, 1..=16_000_000),
        connections_per_address: section.or_false(
            "connections_per_address",
            d.connections_per_address,
            small,
        ),
        upgrades_per_second: section.or_false("upgrades_per_second", d.upgrades_per_second, small),
        unlimited_addresses: section
            .field("unlimited_addresses")
            .and_then(|field| networks(&field))
            .unwrap_or(d.unlimited_addresses),
        handshakes: section.count("handshakes", d.handshakes, 1..=16_000_000),
        handshake_timeout: section.duration("handshake_timeout", d.handshake_timeout, DEADLINE),
        close_timeout: section.duration("close_timeout", d.close_timeout, DEADLINE),
        linger_timeout: section.duration("linger_timeout", d.linger_timeout, DEADLINE),
        head_bytes: section.size("head_bytes", d.head_bytes, 256..=MIB),
        head_fields: section.count("head_fields", d.head_fields, 8..=1000),
        target_bytes: section.size("target_bytes", d.target_bytes, 16..=MIB),
        message_timeout: section.duration("message_timeout", d.message_timeout, DEADLINE),
        messages_per_second: section.or_false("messages_per_second", d.messages_per_second, rate),
        bytes_per_second: section.or_false("bytes_per_second", d.bytes_per_second, bytes),
        control_per_second: section.or_false("control_per_second", d.control_per_second, rate),
        backlog_bytes: section.size("backlog_bytes", d.backlog_bytes, 1024..=1024 * MIB),
        attribute_bytes: section.size("attribute_bytes", d.attribute_bytes, 0..=16 * MIB),
        mailbox: section.count("mailbox", d.mailbox, 16..=1_000_000),
        drain_window: section.duration("drain_window", d.drain_window, WINDOW),
        drain_code: section
            .field("drain_code")
            .and_then(drain_code)
            .unwrap_or(d.drain_code),
        shutdown_timeout: section.duration("shutdown_timeout", d.shutdown_timeout, DEADLINE),
    };
    section.finish();
    limits
}

/// `backlog = …` of a route.
pub(super) fn backlog(field: Field<'_, '_>) -> Option<Backlog> {
    const KNOWN: [&str; 3] = ["close", "drop-oldest", "drop-newest"];
    match field.as_text() {
        Some("close") => return Some(Backlog::Close),
        Some("drop-oldest") => return Some(Backlog::DropOldest),
        Some("drop-newest") => return Some(Backlog::DropNewest),
        Some(other) if !other.is_empty() => {
            let hint = nearest(other, &KNOWN, "known policies");
            field.problem(format!("unknown policy {}{hint}", quoted(other)));
        }
        _ => field.expected("\"close\", \"drop-oldest\" or \"drop-newest\""),
    }
    None
}

/// RFC 6455 section 7.4.1: 1001, going away. 1012 is "Service Restart" in IANA's registry: come back after a moment.
fn drain_code(field: Field<'_, '_>) -> Option<u16> {
    match field.count(1001..=1012)? {
        1001 => Some(1001),
        1012 => Some(1012),
        _ => {
            field.expected("1001 (going away) or 1012 (service restart)");
            None
        }
    }
}
