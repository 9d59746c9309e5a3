//! What must hold for any configuration file: the property of the fuzz target (`fuzz/`) and of its corpus, which
//! `tests/fuzz_corpora.rs` replays.

use std::path::Path;

use crate::config::{Config, ConfigError, Problem, Problems, parse};

/// A key that no configuration has.
const UNKNOWN: &str = "unknown-to-all";

/// A configuration that can be used, or problems that can be shown, and never a panic; and a mistake is found
/// whatever else the file holds.
pub(crate) fn configuration(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let result = resolved(text);
    match &result {
        Ok(config) => sound(config),
        Err(problems) => shown(text, problems),
    }
    // A byte order mark belongs to the beginning, and a second key of that name is another mistake.
    if text.starts_with('\u{feff}') || text.contains(UNKNOWN) {
        return;
    }
    let more = resolved(&format!("{UNKNOWN} = 1\n{text}")).expect_err("a file with an unknown key");
    let before = result.err().map_or(Vec::new(), |problems| problems.list);
    let (unknown, mut after): (Vec<Problem>, Vec<Problem>) =
        (more.list.into_iter()).partition(|problem| problem.key == UNKNOWN);
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert_eq!(unknown[0].line, 1);
    // Everything else is a line further down, but for what is missing in the file as a whole: that is line 1.
    for problem in &mut after {
        problem.line = (problem.line - 1).max(1);
    }
    assert_eq!(sorted(after), sorted(before));
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| (a.line, &a.key, &a.message).cmp(&(b.line, &b.key, &b.message)));
    problems
}

fn resolved(text: &str) -> Result<Config, Problems> {
    match parse(text, "f", Path::new("/srv")) {
        Ok(config) => Ok(config),
        Err(ConfigError::Invalid(problems)) => Err(problems),
        Err(error) => panic!("no file was read, but: {error}"),
    }
}

/// What the rest of the host takes for granted.
fn sound(config: &Config) {
    assert!(!config.routes.is_empty());
    for (path, route) in &config.routes {
        assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!route.plugins.is_empty() || route.native_echo, "{path}");
        for plugin in &route.plugins {
            assert!(config.plugins.contains_key(plugin), "{path}: {plugin}");
        }
        assert!(route.message_bytes > 0);
    }
    for (name, plugin) in &config.plugins {
        assert!(!name.is_empty());
        assert!(plugin.file.is_absolute(), "{name}");
        assert!(!plugin.limits.call_time.is_zero() && plugin.limits.memory_bytes > 0);
    }
    assert!((1..=256).contains(&config.listen.workers));
    let limits = &config.limits;
    for time in [
        limits.handshake_timeout,
        limits.close_timeout,
        limits.linger_timeout,
        limits.message_timeout,
        limits.shutdown_timeout,
        config.health.interval,
        config.health.ping.unwrap_or(config.health.interval),
    ] {
        assert!(!time.is_zero());
    }
    assert!([1001, 1012].contains(&limits.drain_code));
    for listener in std::iter::once(&config.listen.listener).chain(&config.listeners) {
        assert!(
            listener
                .handshake_timeout
                .is_none_or(|time| !time.is_zero())
        );
        assert!(listener.mode <= 0o777 && listener.backlog > 0);
    }
    serde_json::to_string(config).expect("a configuration can be shown");
}

/// Whatever is in the file, its problems are lines that a terminal shows, in the file's order.
fn shown(text: &str, problems: &Problems) {
    let lines = 1 + text.bytes().filter(|byte| *byte == b'\n').count();
    assert!(!problems.list.is_empty());
    assert!(problems.list.is_sorted_by_key(|problem| problem.line));
    for problem in &problems.list {
        assert!((1..=lines).contains(&problem.line), "{problem:?}");
        assert!(!problem.message.is_empty());
        for said in [&problem.key, &problem.message] {
            assert!(!said.contains(char::is_control), "{problem:?}");
        }
    }
}
