//! From the parsed tree to the resolved configuration: which keys there are, their bounds, and what must
//! hold between them. Every default is in `resolved`; every problem goes to the report, and the walk
//! goes on.

mod limits;
mod parts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jackfield_proto::OriginPattern;
use toml::de::DeTable;

use super::field::{Field, Section};
use super::report::{Problems, Report, nearest, quoted};
use super::resolved::{
    Address, Build, Config, Health, Instances, Listen, Listener, Origins, Plugin, PluginLimits,
    Route,
};
use super::{admin, listener};
use parts::{compression, grants, recycle, swap_limits, swap_policy};

/// Deadlines: long enough to be one, short enough to be a mistake beyond.
pub(super) const DEADLINE: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(3600);
const INTERVAL: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(7 * 86_400);
const MIB: usize = 1 << 20;

/// Checks a configuration's text.
pub(super) fn resolve(text: &str, directory: &Path) -> Result<Config, Problems> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let report = Report::new(text);
    let config = read(Section::root(&report, document.get_ref()), directory);
    let syntax: Vec<_> = errors
        .iter()
        .map(|error| (error.span(), error.message().to_owned()))
        .collect();
    report.finish(&syntax)?;
    Ok(config)
}

/// One plugin on `/`.
pub(super) fn for_plugin(file: PathBuf, address: SocketAddr) -> Config {
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let name = stem
        .filter(|stem| is_name(stem))
        .unwrap_or_else(|| "plugin".to_owned());
    let route = Route {
        plugins: vec![name.clone()],
        ..Route::default()
    };
    let plugin = Plugin {
        file,
        ..Plugin::default()
    };
    Config {
        listen: Listen {
            listener: Listener {
                address: Address::Tcp(address),
                ..Listener::default()
            },
            ..Listen::default()
        },
        routes: BTreeMap::from([("/".to_owned(), route)]),
        plugins: BTreeMap::from([(name, plugin)]),
        ..Config::default()
    }
}

fn read(mut root: Section<'_, '_>, directory: &Path) -> Config {
    let listen = root.section("listen");
    let listen = listen.map(|section| listen_of(section, directory));
    let listen = listen.unwrap_or_default();
    let listeners = root.field("listener");
    let listeners =
        listeners.map(|field| listener::more(&field, &listen.listener.address, directory));
    let limits = root
        .section("limits")
        .map(limits::limits)
        .unwrap_or_default();
    let health = root.section("health").map(health).unwrap_or_default();
    let swap = root.section("swap").map(swap_limits).unwrap_or_default();
    let admin = root.section("admin");
    let admin = admin.map(|section| admin::read(section, directory));
    let playground = root.field("playground").and_then(|field| field.boolean());
    let plugins = match root.section("plugins") {
        Some(section) => plugins(&section, directory),
        None => BTreeMap::new(),
    };
    let routes = match root.field("routes") {
        Some(field) => field.section().map(|section| routes(&section, &plugins)),
        None => Some(BTreeMap::new()),
    };
    if routes.as_ref().is_some_and(BTreeMap::is_empty) {
        root.absent("no routes; add a table such as [routes.\"/echo\"] with plugins = [\"echo\"]");
    }
    root.finish();
    Config {
        listen,
        listeners: listeners.unwrap_or_default(),
        limits,
        health,
        swap,
        admin,
        playground: playground.unwrap_or(true),
        routes: routes.unwrap_or_default(),
        // A plugin with a problem of its own is known by name, and has no value.
        plugins: plugins
            .into_iter()
            .filter_map(|(name, plugin)| Some((name, plugin?)))
            .collect(),
    }
}

fn listen_of(mut section: Section<'_, '_>, directory: &Path) -> Listen {
    let listen = Listen {
        listener: listener::keys(&mut section, directory),
        workers: section.count("workers", Listen::default().workers, 1..=256),
    };
    section.finish();
    listen
}

fn health(mut section: Section<'_, '_>) -> Health {
    let defaults = Health::default();
    let interval = section.duration("interval", defaults.interval, INTERVAL);
    let ping = match section.field("ping") {
        None => defaults.ping,
        Some(field) => match field.as_bool() {
            Some(true) => defaults.ping,
            Some(false) => None,
            None => field.duration(DEADLINE),
        },
    };
    section.finish();
    Health { interval, ping }
}

/// The plugins by name; no value for one that has a problem, so that a route may name it all the same.
fn plugins(section: &Section<'_, '_>, directory: &Path) -> BTreeMap<String, Option<Plugin>> {
    let mut plugins = BTreeMap::new();
    for (name, field) in section.entries() {
        if !is_name(name) {
            field.problem("a plugin's name is 1 to 64 letters, digits, '-' and '_'");
        }
        let plugin = field
            .section()
            .and_then(|section| plugin(section, directory));
        plugins.insert(name.to_owned(), plugin);
    }
    plugins
}

fn plugin(mut section: Section<'_, '_>, directory: &Path) -> Option<Plugin> {
    const FILE: &str = "the path of a component, such as \"plugins/echo.wasm\"";
    let file = section.required("file", "file = \"plugins/echo.wasm\"");
    let file = file.and_then(|field| path(&field, FILE, directory));
    let instances = section.field("instances").and_then(instances);
    let build = section
        .section("build")
        .and_then(|section| build(section, directory));
    let limits = section.section("limits").map(plugin_limits);
    let swap = section.field("swap").and_then(swap_policy);
    let recycle = section.section("recycle").map(recycle);
    let grants = section
        .section("grants")
        .map(|section| grants(section, directory));
    section.finish();
    Some(Plugin {
        file: file?,
        instances: instances.unwrap_or_default(),
        build,
        limits: limits.unwrap_or_default(),
        swap: swap.unwrap_or_default(),
        recycle: recycle.unwrap_or_default(),
        grants: grants.unwrap_or_default(),
    })
}

fn instances(field: Field<'_, '_>) -> Option<Instances> {
    const MODES: [&str; 3] = ["worker", "connection", "single"];
    const EXPECTED: &str = "\"worker\", \"connection\", \"single\" or { pool = N }";
    if field.is_table() {
        let mut section = field.section()?;
        let pool = section.required("pool", "pool = 4");
        let pool = pool.and_then(|field| field.count(1..=1024));
        section.finish();
        return pool.map(Instances::Pool);
    }
    match field.as_text() {
        Some("worker") => return Some(Instances::Worker),
        Some("connection") => return Some(Instances::Connection),
        Some("single") => return Some(Instances::Single),
        Some("pool") => field.problem("a pool needs its size: instances = { pool = 4 }"),
        Some(other) if !other.is_empty() => {
            let hint = nearest(other, &MODES, "known modes");
            field.problem(format!("unknown mode {}{hint}", quoted(other)));
        }
        _ => field.expected(EXPECTED),
    }
    None
}

fn build(mut section: Section<'_, '_>, directory: &Path) -> Option<Build> {
    const COMMAND: &str = "a program and its arguments, such as [\"cargo\", \"build\"]";
    const DIRECTORY: &str = "the folder in which the command runs, such as \"plugins/echo\"";
    let command = section.field("command");
    // Without one, the project's language says how it is built.
    let command = command.map_or(Some(Vec::new()), |field| {
        let words = field.list(COMMAND)?;
        if words.is_empty() {
            field.expected(COMMAND);
        }
        let words: Vec<String> = words
            .iter()
            .enumerate()
            .filter_map(|(index, word)| {
                let text = word.as_text().filter(|text| {
                    let named = index > 0 || !text.is_empty();
                    named && !text.contains('\0')
                });
                if text.is_none() {
                    word.expected(if index == 0 {
                        "a program"
                    } else {
                        "an argument, as a string"
                    });
                }
                text.map(str::to_owned)
            })
            .collect();
        (!words.is_empty()).then_some(words)
    });
    let at = section.field("directory");
    let at = match at {
        Some(field) => path(&field, DIRECTORY, directory),
        None => Some(directory.to_owned()),
    };
    section.finish();
    Some(Build {
        command: command?,
        directory: at?,
    })
}

fn plugin_limits(mut section: Section<'_, '_>) -> PluginLimits {
    let d = PluginLimits::default();
    let limits = PluginLimits {
        memory_bytes: section.size("memory_bytes", d.memory_bytes, 64 * 1024..=4096 * MIB),
        table_elements: section.count("table_elements", d.table_elements, 1..=10_000_000),
        call_time: section.duration("call_time", d.call_time, DEADLINE),
        shutdown_time: section.duration("shutdown_time", d.shutdown_time, DEADLINE),
        wait_time: section.duration("wait_time", d.wait_time, DEADLINE),
        concurrent_calls: section.count("concurrent_calls", d.concurrent_calls, 1..=1_000_000),
        log_lines: section.count("log_lines", d.log_lines as usize, 0..=1_000_000) as u32,
    };
    section.finish();
    limits
}

fn routes(
    section: &Section<'_, '_>,
    plugins: &BTreeMap<String, Option<Plugin>>,
) -> BTreeMap<String, Route> {
    let mut routes = BTreeMap::new();
    for (path, field) in section.entries() {
        check_path(path, &field);
        if let Some(section) = field.section() {
            routes.insert(path.to_owned(), route(section, path, plugins));
        }
    }
    routes
}

/// A route is found by the path of the request target, compared byte by byte (RFC 9112 section 3.2.1,
/// RFC 3986 section 3.3), so a path that no request can have is a mistake.
fn check_path(path: &str, field: &Field<'_, '_>) {
    if !path.starts_with('/') {
        let hint = format!("/{}", path.trim_start_matches(['.', '/']));
        field.problem(format!(
            "a route begins with '/'; did you mean {}?",
            quoted(&hint)
        ));
    }
    if let Some(c) = path
        .chars()
        .find(|c| !c.is_ascii_graphic() || "?#\"<>\\^`{|}".contains(*c))
    {
        let c = quoted(&c.to_string());
        field.problem(format!(
            "a route is the path alone, percent-encoded where needed; {c} cannot be in one"
        ));
    }
}

fn route(
    mut section: Section<'_, '_>,
    path: &str,
    known: &BTreeMap<String, Option<Plugin>>,
) -> Route {
    const PLUGINS: &str = "a list of plugins, such as [\"echo\"]";
    let defaults = Route::default();
    let field = section.required("plugins", "plugins = [\"echo\"]");
    let mut plugins: Vec<String> = Vec::new();
    if let Some(field) = field
        && let Some(names) = field.list(PLUGINS)
    {
        if names.is_empty() {
            field.problem("a route needs at least one plugin");
        }
        for field in names {
            let Some(name) = field.text("a plugin's name") else {
                continue;
            };
            if plugins.iter().any(|other| other == name) {
                field.problem(format!("plugin {} is on this route twice", quoted(name)));
            } else if !known.contains_key(name) {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let hint = nearest(name, &names, "known plugins");
                let route = super::report::shown(path);
                let start = format!("route {route} names plugin {}", quoted(name));
                field.dangling(if hint.is_empty() {
                    format!(
                        "{start}, and there is no [plugins.{}] table",
                        super::report::shown(name)
                    )
                } else {
                    format!("{start}{hint}")
                });
            }
            plugins.push(name.to_owned());
        }
    }
    let origins = section
        .field("origins")
        .and_then(|field| origins_of(&field));
    let compression = section.field("compression").and_then(compression);
    let native_echo = section
        .field("native_echo")
        .and_then(|field| field.boolean());
    let message_bytes = section.size("message_bytes", defaults.message_bytes, 1..=1024 * MIB);
    let backlog = section.field("backlog").and_then(limits::backlog);
    section.finish();
    Route {
        plugins,
        origins: origins.unwrap_or(defaults.origins),
        compression,
        native_echo: native_echo.unwrap_or_default(),
        message_bytes,
        backlog: backlog.unwrap_or_default(),
    }
}

fn origins_of(field: &Field<'_, '_>) -> Option<Origins> {
    const EXPECTED: &str =
        "\"same\", \"any\" or a list of origins such as [\"https://example.org\"]";
    match field.as_text() {
        Some("same") => return Some(Origins::Same),
        Some("any") => return Some(Origins::Any),
        _ => {}
    }
    if !field.is_list() {
        field.expected(EXPECTED);
        return None;
    }
    let mut list = Vec::new();
    for field in field.list(EXPECTED)? {
        let Some(text) = field.text("an origin such as \"https://example.org\"") else {
            continue;
        };
        match OriginPattern::parse(text) {
            Ok(_) => list.push(text.to_owned()),
            Err(why) => field.problem(format!("{}: {why}", quoted(text))),
        }
    }
    Some(Origins::List(list))
}

pub(super) fn path(field: &Field<'_, '_>, what: &str, directory: &Path) -> Option<PathBuf> {
    let text = field.text(what)?;
    if text.contains('\0') {
        field.expected(what);
        return None;
    }
    Some(directory.join(text))
}

/// Names appear in logs and on command lines.
fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=64).contains(&text.len()) && text.chars().all(known)
}
