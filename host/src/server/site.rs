//! What all workers know and none changes: routes, plugins by number, limits.

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_hub::Overflow;
use jackfield_plugin::Plugin;
use jackfield_proto::{
    DeflateSettings, OriginPattern, OriginPolicy, RequestLimits, Settings, plain_response,
};

use super::{Admission, LoadedPlugin, StartError};
use crate::config::resolved::{self, Backlog, Compression, Config, Origins};
use crate::metrics::Metrics;
use crate::playground;
use crate::swap::Version;

/// A plugin by its place in [`Site::plugins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PluginIndex(pub(crate) usize);

/// A route.
pub(crate) struct Route {
    pub(crate) path: String,
    /// In the order in which their hooks run.
    pub(crate) plugins: Vec<PluginIndex>,
    pub(crate) origins: OriginPolicy,
    /// None: not offered.
    pub(crate) compression: Option<DeflateSettings>,
    pub(crate) native_echo: bool,
    pub(crate) overflow: Overflow,
    pub(crate) settings: Arc<Settings>,
}

/// The configuration in the shape in which workers use it.
pub(crate) struct Site {
    pub(crate) config: Config,
    /// By the number that an entry of the hub keeps.
    pub(crate) routes: Vec<Route>,
    by_path: HashMap<String, u16>,
    /// By [`PluginIndex`].
    pub(crate) plugins: Vec<(String, resolved::Plugin)>,
    pub(crate) all_plugins: Vec<PluginIndex>,
    /// The whole response of `GET /`, when it is not turned off.
    pub(crate) playground: Option<Vec<u8>>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) metrics: Metrics,
}

impl Site {
    pub(crate) fn new(config: Config) -> Self {
        let plugins: Vec<_> = config
            .plugins
            .iter()
            .map(|(name, plugin)| (name.clone(), plugin.clone()))
            .collect();
        let index = |name: &String| plugins.iter().position(|(other, _)| other == name);
        let mut routes = Vec::new();
        let mut by_path = HashMap::new();
        for (number, (path, route)) in (0..u16::MAX).zip(&config.routes) {
            by_path.insert(path.clone(), number);
            routes.push(Route {
                path: path.clone(),
                // The configuration has checked that routes name plugins that exist.
                plugins: route
                    .plugins
                    .iter()
                    .filter_map(index)
                    .map(PluginIndex)
                    .collect(),
                origins: policy(&route.origins),
                compression: route
                    .compression
                    .as_ref()
                    .map(|compression| deflate(compression, route.backlog)),
                native_echo: route.native_echo,
                overflow: overflow(route.backlog),
                settings: Arc::new(Settings {
                    message_bytes: route.message_bytes,
                    message_timeout: Some(config.limits.message_timeout),
                    messages_per_second: config.limits.messages_per_second,
                    bytes_per_second: config.limits.bytes_per_second,
                    control_per_second: config.limits.control_per_second,
                    close_timeout: config.limits.close_timeout,
                    health_interval: config.health.interval,
                    ping: config.health.ping,
                    ..Settings::default()
                }),
            });
        }
        let paths: Vec<&str> = config.routes.keys().map(String::as_str).collect();
        let playground = config.playground.then(|| playground_response(&paths));
        Site {
            all_plugins: (0..plugins.len()).map(PluginIndex).collect(),
            routes,
            by_path,
            plugins,
            playground,
            admission: Admission::new(&config.limits),
            metrics: Metrics::new(config.listen.workers.clamp(1, 256)),
            config,
        }
    }

    /// The number of the route with exactly this path.
    pub(crate) fn route(&self, path: &str) -> Option<u16> {
        self.by_path.get(path).copied()
    }

    pub(crate) fn request_limits(&self) -> RequestLimits {
        RequestLimits {
            head_bytes: self.config.limits.head_bytes,
            head_fields: self.config.limits.head_fields,
            target_bytes: self.config.limits.target_bytes,
        }
    }

    /// The loaded plugins by [`PluginIndex`].
    pub(super) fn in_order(&self, loaded: Vec<LoadedPlugin>) -> Result<Vec<Plugin>, StartError> {
        self.plugins
            .iter()
            .map(|(name, _)| {
                loaded
                    .iter()
                    .find(|loaded| loaded.name == *name)
                    .map(|loaded| loaded.plugin.clone())
                    .ok_or_else(|| StartError::NotLoaded(name.clone()))
            })
            .collect()
    }

    /// The first versions, by [`PluginIndex`].
    pub(crate) fn versions(&self, plugins: Vec<Plugin>) -> Vec<Arc<Version>> {
        let workers = self.config.listen.workers.clamp(1, 256);
        plugins
            .into_iter()
            .zip(&self.plugins)
            .map(|(plugin, (_, config))| Version::new(plugin, config.clone(), workers))
            .collect()
    }

    /// Says what is allowed but probably not meant.
    pub(super) fn warn_about(&self, plugins: &[Plugin]) {
        for route in &self.routes {
            let handled = route
                .plugins
                .iter()
                .any(|plugin| plugins.get(plugin.0).is_some_and(|p| p.exports().handler));
            if !handled {
                tracing::warn!(
                    route = route.path,
                    "no plugin of this route exports `handler`: messages from its clients are ignored"
                );
            }
        }
    }
}

/// The whole response of `GET /`.
fn playground_response(paths: &[&str]) -> Vec<u8> {
    let (body, fields) = playground::page(paths);
    let (mut media_type, mut extra) = ("text/html", Vec::new());
    for (name, value) in &fields {
        let value = str::from_utf8(value).unwrap_or_default();
        match name.as_str() {
            "content-type" => media_type = value,
            name => extra.push((name, value)),
        }
    }
    plain_response(200, media_type, body.as_bytes(), &extra)
}

fn deflate(compression: &Compression, backlog: Backlog) -> DeflateSettings {
    // A message on which the next is built cannot be left out. RFC 7692 section 7.1.1.1: a server may say
    // "server_no_context_takeover" unasked.
    let stand_alone = backlog == Backlog::DropOldest;
    DeflateSettings {
        level: compression.level,
        threshold: compression.threshold,
        server_window_bits: compression.server_window_bits,
        client_window_bits: compression.client_window_bits,
        server_no_context_takeover: stand_alone || !compression.server_context_takeover,
        client_no_context_takeover: !compression.client_context_takeover,
    }
}

fn overflow(backlog: Backlog) -> Overflow {
    match backlog {
        Backlog::Close => Overflow::Close,
        Backlog::DropOldest => Overflow::DropOldest,
        Backlog::DropNewest => Overflow::DropNewest,
    }
}

fn policy(origins: &Origins) -> OriginPolicy {
    match origins {
        Origins::Same => OriginPolicy::Same,
        Origins::Any => OriginPolicy::Any,
        // The configuration has checked the patterns.
        Origins::List(patterns) => OriginPolicy::List(
            patterns
                .iter()
                .filter_map(|pattern| OriginPattern::parse(pattern).ok())
                .collect(),
        ),
    }
}
