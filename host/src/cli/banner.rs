//! What a started server says about itself: where it listens, its routes and plugins, and what to try next.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use jackfield_plugin::Exports;

use super::console::{Console, Style};
use crate::config::Config;
use crate::config::resolved::Address;
use crate::server::{Listening, LoadedPlugin};

/// What is said, gathered before the server takes the configuration.
pub(super) struct Summary {
    playground: bool,
    /// Path and plugins.
    routes: Vec<(String, String)>,
    plugins: Vec<PluginLine>,
}

struct PluginLine {
    name: String,
    digest: String,
    contract: String,
    hooks: String,
}

impl Summary {
    pub(super) fn new(config: &Config, plugins: &[LoadedPlugin]) -> Summary {
        let routes = config.routes.iter();
        let plugins = plugins
            .iter()
            .map(|LoadedPlugin { name, plugin }| PluginLine {
                name: name.clone(),
                digest: plugin.digest().short(),
                contract: plugin.contract_version().to_owned(),
                hooks: hooks(plugin.exports()).join(", "),
            });
        Summary {
            playground: config.playground,
            routes: routes
                .map(|(path, route)| (path.clone(), route.plugins.join(", then ")))
                .collect(),
            plugins: plugins.collect(),
        }
    }

    /// The text, with the addresses that the server really got.
    pub(super) fn text(
        &self,
        listening: &[Listening],
        admin: Option<SocketAddr>,
        console: &Console,
    ) -> String {
        let places: Vec<String> = listening.iter().map(Listening::to_string).collect();
        // What a browser can reach; a Unix socket is for other programs.
        let reached = listening
            .iter()
            .find_map(|listening| match &listening.address {
                Address::Tcp(address) => Some((listening.secure, reachable(*address))),
                Address::Unix(_) | Address::Systemd(_) => None,
            });
        let s = if reached.is_some_and(|(secure, _)| secure) {
            "s"
        } else {
            ""
        };
        let host = reached.map(|(_, address)| address.to_string());
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let title = |text: &str| format!("\n{}\n", console.out(Style::Bold, text));
        let mut text = format!(
            "Jackfield {} is listening on {}\n",
            env!("CARGO_PKG_VERSION"),
            places.join(", ")
        );

        text.push_str(&title("Routes"));
        let urls: Vec<String> = self
            .routes
            .iter()
            .map(|(path, _)| format!("ws{s}://{host}{path}"))
            .collect();
        let wide = width(urls.iter());
        for (url, (_, plugins)) in urls.iter().zip(&self.routes) {
            let shown = console.out(Style::Cyan, url);
            text.push_str(&format!("  {shown}{}  {plugins}\n", pad(url, wide)));
        }

        text.push_str(&title("Plugins"));
        let wide = width(self.plugins.iter().map(|plugin| &plugin.name));
        for plugin in &self.plugins {
            let (name, hooks) = (&plugin.name, &plugin.hooks);
            let version = format!("sha256:{}  contract {}", plugin.digest, plugin.contract);
            let version = console.out(Style::Dim, &version);
            text.push_str(&format!(
                "  {name}{}  {version}  {hooks}\n",
                pad(name, wide)
            ));
        }

        if let Some(admin) = admin {
            let url = format!("http://{}", reachable(admin));
            text.push_str(&title("Admin"));
            let shown = console.out(Style::Cyan, &url);
            text.push_str(&format!("  {shown}  jackfield plugin ls --admin {url}\n"));
        }

        text.push_str(&title("Try"));
        if self.playground {
            let page = console.out(Style::Cyan, &format!("http{s}://{host}/"));
            text.push_str(&format!("  {page}  in a browser: the playground\n"));
        }
        if let Some(url) = urls.first() {
            text.push_str(&format!(
                "  python3 -m websockets {url}\n  websocat {url}\n"
            ));
        }
        text.push_str("\nStop with Ctrl-C.\n");
        text
    }
}

/// The names of the interfaces that a plugin exports.
pub(super) fn hooks(exports: Exports) -> Vec<&'static str> {
    let all = [
        (exports.handshake, "handshake"),
        (exports.handler, "handler"),
        (exports.connection_events, "connection-events"),
        (exports.socket_events, "socket-events"),
        (exports.health_events, "health-events"),
        (exports.server_events, "server-events"),
        (exports.state, "state"),
    ];
    all.into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect()
}

/// An address that a client on this machine can use: one that means "every interface" is no destination.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn width<'a>(texts: impl Iterator<Item = &'a String>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

fn pad(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_is_reached_by_loopback() {
        let shown = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(shown("0.0.0.0:9000"), "127.0.0.1:9000");
        assert_eq!(shown("[::]:9000"), "[::1]:9000");
        assert_eq!(shown("192.0.2.1:80"), "192.0.2.1:80");
    }
}
