//! The parts of the configuration about versions of plugins, what they may reach, and compression: each a small table
//! that reads itself.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::{INTERVAL, MIB};
use crate::config::field::{Field, Section};
use crate::config::resolved::{Compression, Directory, Grants, Recycle, SwapLimits, SwapPolicy};

pub(super) fn swap_limits(mut section: Section<'_, '_>) -> SwapLimits {
    let d = SwapLimits::default();
    let limits = SwapLimits {
        probation: section.duration("probation", d.probation, INTERVAL),
        failures: section.count("failures", d.failures as usize, 1..=1_000_000) as u32,
        failure_percent: section.count("failure_percent", d.failure_percent as usize, 1..=100)
            as u32,
    };
    section.finish();
    limits
}

pub(super) fn recycle(mut section: Section<'_, '_>) -> Recycle {
    let calls = section.field("calls");
    let memory = section.field("memory_bytes");
    let recycle = Recycle {
        calls: calls
            .and_then(|field| field.count(1..=usize::MAX))
            .map(|count| count as u64),
        memory_bytes: memory.and_then(|field| field.size(64 * 1024..=4096 * MIB)),
    };
    section.finish();
    recycle
}

pub(super) fn grants(mut section: Section<'_, '_>, directory: &Path) -> Grants {
    const NAMES: &str = "a list of names, such as [\"API_KEY\"]";
    const HOSTS: &str = "a list of hosts, such as [\"api.example.org\"]";
    const PATH: &str = "the path of a folder, such as \"data\"";
    let mut grants = Grants::default();
    if let Some(field) = section.field("environment") {
        for field in field.list(NAMES).unwrap_or_default() {
            match field.as_text() {
                Some(name) if !name.is_empty() && !name.contains(['=', '\0']) => {
                    grants.environment.push(name.to_owned());
                }
                _ => field.expected("the name of an environment variable"),
            }
        }
    }
    if let Some(field) = section.field("hosts") {
        for field in field.list(HOSTS).unwrap_or_default() {
            match field.as_text() {
                Some(host) if is_host(host) => grants.hosts.push(host.to_owned()),
                _ => field.expected(
                    "a host such as \"api.example.org\", \"*.example.org\" or \"10.0.0.7:8443\"",
                ),
            }
        }
    }
    let directories = section.section("directories");
    for (guest, field) in directories.iter().flat_map(Section::entries) {
        if !guest.starts_with('/') {
            field.problem("a plugin's name of a directory begins with '/'");
        }
        let Some(mut section) = field.section() else {
            continue;
        };
        let path = section.required("path", "path = \"data\"");
        let path = path.and_then(|field| super::path(&field, PATH, directory));
        let writable = section.field("writable").and_then(|field| field.boolean());
        section.finish();
        if let Some(path) = path {
            let writable = writable.unwrap_or_default();
            let granted = Directory { path, writable };
            grants.directories.insert(guest.to_owned(), granted);
        }
    }
    section.finish();
    grants
}

/// A name, a name with `*.` for what is below it, or an address, each with a port if only that one is meant.
fn is_host(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok() {
        return true;
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, port.parse::<u16>().ok()),
        None => (text, Some(0)),
    };
    let name = name.strip_prefix("*.").unwrap_or(name);
    // RFC 1123 section 2.1. Four numbers that are no address are a mistake, not a name.
    let label = |label: &str| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    port.is_some()
        && name.len() <= 253
        && name.split('.').all(label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn swap_policy(field: Field<'_, '_>) -> Option<SwapPolicy> {
    const EXPECTED: &str = "\"live\", { drain = \"10 min\" } or { canary = 10 } (percent)";
    if field.is_table() {
        let mut section = field.section()?;
        let drain = section.field("drain");
        let canary = section.field("canary");
        let policy = match (drain, canary) {
            (Some(limit), None) => limit
                .duration(INTERVAL)
                .map(|limit| SwapPolicy::Drain { limit }),
            (None, Some(share)) => share.count(1..=100).map(|share| SwapPolicy::Canary {
                share: share as u32 * 10_000,
            }),
            _ => {
                section.absent(format!("expected {EXPECTED}"));
                None
            }
        };
        section.finish();
        return policy;
    }
    if field.as_text() == Some("live") {
        return Some(SwapPolicy::Live);
    }
    field.expected(EXPECTED);
    None
}

pub(super) fn compression(field: Field<'_, '_>) -> Option<Compression> {
    let defaults = Compression::default();
    if !field.is_table() {
        if field.as_bool().is_none() {
            field.expected("true, false or a table such as { level = 6, threshold = \"256 B\" }");
        }
        return (field.as_bool() == Some(true)).then_some(defaults);
    }
    let mut section = field.section()?;
    let flag =
        |field: Option<Field<'_, '_>>| field.and_then(|field| field.boolean()).unwrap_or(true);
    let compression = Compression {
        level: section.count("level", defaults.level as usize, 1..=9) as u32,
        threshold: section.size("threshold", defaults.threshold, 0..=1024 * MIB),
        server_window_bits: section.count("server_window_bits", 15, 8..=15) as u8,
        client_window_bits: section.count("client_window_bits", 15, 8..=15) as u8,
        server_context_takeover: flag(section.field("server_context_takeover")),
        client_context_takeover: flag(section.field("client_context_takeover")),
    };
    section.finish();
    Some(compression)
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn hosts_that_can_be_meant() {
        for good in [
            "localhost",
            "api.example.org",
            "*.example.org",
            "api.example.org:8443",
            "10.0.0.7",
            "10.0.0.7:80",
            "::1",
            "[::1]:443",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "a..b",
            "-a.org",
            "https://example.org",
            "example.org/path",
            "example.org:",
            "example.org:99999",
            "10.0.0.300",
            "a b",
            "ex*mple.org",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
