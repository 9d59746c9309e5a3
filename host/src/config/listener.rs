//! `[listen]` and `[[listener]]`: where the server listens, whose word about the client is believed there, and which
//! certificate it shows. Files that a listener names are not opened here.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde::{Serialize, Serializer};

use super::field::{Field, Section};
use super::report::{nearest, quoted};
use super::resolve::DEADLINE;
use super::shown;

/// More listeners are a mistake.
const LISTENERS: usize = 64;
const BACKLOG: RangeInclusive<usize> = 1..=65_535;
const EXAMPLE: &str = "\"127.0.0.1:9000\"";

/// One place to listen on: `[listen]` is the first, each `[[listener]]` one more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// Where. Default 127.0.0.1:9000; a `[[listener]]` has no default.
    pub address: Address,
    /// Who may connect to a Unix socket, as the mode of its file. Default 660.
    #[serde(serialize_with = "octal")]
    pub mode: u32,
    /// Connections that the kernel may hold before they are accepted. Default 1024.
    pub backlog: u32,
    /// Whether another process of the same user may listen on the same port at the same time (`SO_REUSEPORT`).
    /// Default false.
    pub reuse_port: bool,
    /// Open sockets that came in here; one more is answered 503. Default: only `limits.connections` counts.
    pub connections: Option<usize>,
    /// From acceptance to a complete upgrade request, with whatever a proxy sends and TLS does before it. Default:
    /// `limits.handshake_timeout`.
    #[serde(serialize_with = "optional_duration")]
    pub handshake_timeout: Option<Duration>,
    /// TLS, unless there is none.
    pub tls: Option<Tls>,
    /// Whether trusted proxies begin each connection with a PROXY protocol header. They must, then. Default false.
    pub proxy_protocol: bool,
    /// The field in which trusted proxies name the client. Default: none is believed.
    pub forwarded: Option<Forwarded>,
    /// The networks whose word about the client is believed. Default none. On a Unix socket everybody is believed,
    /// because its mode says who that can be.
    pub trusted_proxies: Vec<IpNet>,
}

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `"127.0.0.1:9000"`; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// `"unix:/run/jackfield.sock"`, absolute.
    Unix(PathBuf),
    /// `"systemd:NAME"`: the socket that systemd hands over under this name (`FileDescriptorName=`), or under this
    /// number, counted from 0.
    Systemd(String),
}

/// `tls = { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// The certificate and those that lead to its root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM, not encrypted.
    pub key: PathBuf,
    /// The roots of clients' certificates, PEM. Without it clients are not asked for one.
    pub client_ca: Option<PathBuf>,
    /// Whether a client may have none. Default `required`.
    pub client_certificates: ClientCertificates,
}

/// `client_certificates = …`, where there is a `client_ca`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// A client without one is refused.
    #[default]
    Required,
    /// A client may have none; one that cannot be verified is refused all the same.
    Optional,
}

/// `forwarded = …`: the one field that the proxies in front set. Only one, because a proxy passes on what it does not
/// know, and that is the client's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forwarded {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto` for whether the client came encrypted.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Default for Listener {
    fn default() -> Self {
        Listener {
            address: Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 9000))),
            mode: 0o660,
            backlog: 1024,
            reuse_port: false,
            connections: None,
            handshake_timeout: None,
            tls: None,
            proxy_protocol: false,
            forwarded: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Reads the keys that a listener has; the caller asks for its own, and ends the section.
pub(super) fn keys(section: &mut Section<'_, '_>, directory: &Path) -> Listener {
    let d = Listener::default();
    let address = section.field("address");
    let address = address
        .and_then(|field| address_of(&field, directory))
        .unwrap_or(d.address);
    let mode = section.field("mode");
    if let Some(field) = &mode
        && !matches!(address, Address::Unix(_))
    {
        field.problem(
            "only the socket of an address such as \"unix:/run/jackfield.sock\" has a mode",
        );
    }
    let backlog = section.count("backlog", d.backlog as usize, BACKLOG) as u32;
    let reuse_port = section.field("reuse_port");
    if let Some(field) = &reuse_port
        && !matches!(address, Address::Tcp(_))
    {
        field.problem("only an address and a port can be shared");
    }
    let connections = section.field("connections");
    let timeout = section.field("handshake_timeout");
    let tls = section.section("tls");
    let proxy_protocol = section.field("proxy_protocol");
    let forwarded = section.field("forwarded");
    let trusted = section.field("trusted_proxies");
    let claims = proxy_protocol
        .as_ref()
        .is_some_and(|field| field.as_bool() == Some(true))
        || forwarded.is_some();
    check_trust(section, &address, claims, trusted.as_ref());
    Listener {
        address,
        mode: mode.and_then(|field| mode_of(&field)).unwrap_or(d.mode),
        backlog,
        reuse_port: boolean(reuse_port),
        connections: connections.and_then(|field| field.count(1..=16_000_000)),
        handshake_timeout: timeout.and_then(|field| field.duration(DEADLINE)),
        tls: tls.and_then(|section| tls_of(section, directory)),
        proxy_protocol: boolean(proxy_protocol),
        forwarded: forwarded.and_then(|field| forwarded_of(&field)),
        trusted_proxies: trusted
            .and_then(|field| networks(&field))
            .unwrap_or_default(),
    }
}

/// Reads `[[listener]]`.
pub(super) fn more(field: &Field<'_, '_>, first: &Address, directory: &Path) -> Vec<Listener> {
    const EXPECTED: &str = "tables such as [[listener]] with address = \"0.0.0.0:9443\"";
    let mut listeners: Vec<Listener> = Vec::new();
    for (index, field) in field.list(EXPECTED).into_iter().flatten().enumerate() {
        if index == LISTENERS {
            field.problem(format!("more than {LISTENERS} listeners"));
            break;
        }
        let Some(mut section) = field.section() else {
            continue;
        };
        let named = section.required("address", "address = \"0.0.0.0:9443\"");
        let listener = keys(&mut section, directory);
        section.finish();
        let Some(named) = named else { continue };
        let taken = std::iter::once(first).chain(listeners.iter().map(|other| &other.address));
        let free_port = matches!(listener.address, Address::Tcp(address) if address.port() == 0);
        if !free_port && taken.into_iter().any(|other| *other == listener.address) {
            named.problem(format!("another listener has {} already", listener.address));
        }
        listeners.push(listener);
    }
    listeners
}

fn address_of(field: &Field<'_, '_>, directory: &Path) -> Option<Address> {
    let text = field.text(&format!("an address and a port, such as {EXAMPLE}"))?;
    if let Some(path) = text.strip_prefix("unix:") {
        // sockaddr_un has room for 108 bytes with a zero behind the path.
        let path = directory.join(path);
        let length = path.as_os_str().len();
        if text == "unix:" || text.contains('\0') || length > 107 {
            field.problem(
                "a Unix socket is \"unix:\" and a path of at most 107 bytes, such as \"unix:/run/jackfield.sock\"",
            );
            return None;
        }
        return Some(Address::Unix(path));
    }
    if let Some(name) = text.strip_prefix("systemd:") {
        let known = |c: char| c.is_ascii_graphic() && c != ':';
        if name.is_empty() || name.len() > 255 || !name.chars().all(known) {
            field.problem(
                "a socket of systemd's is \"systemd:\" and its FileDescriptorName or number, such as \"systemd:0\"",
            );
            return None;
        }
        return Some(Address::Systemd(name.to_owned()));
    }
    let address = text.parse().ok().map(Address::Tcp);
    if address.is_none() {
        field.problem(format!(
            "{} is not an address and a port; write it in numbers, such as {EXAMPLE}, \"[::1]:9000\", or \
             \"0.0.0.0:9000\" for every interface",
            quoted(text)
        ));
    }
    address
}

fn mode_of(field: &Field<'_, '_>) -> Option<u32> {
    let text = field.as_text().unwrap_or_default();
    let digits = (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let mode = u32::from_str_radix(text, 8).ok();
    let mode = mode.filter(|mode| digits && *mode <= 0o777);
    if mode.is_none() {
        field.expected("a mode of three octal digits in quotes, such as \"660\"");
    }
    mode
}

fn tls_of(mut section: Section<'_, '_>, directory: &Path) -> Option<Tls> {
    let file = |field: Field<'_, '_>| {
        super::resolve::path(
            &field,
            "the path of a PEM file, such as \"cert.pem\"",
            directory,
        )
    };
    let certificate = section.required("certificate", "certificate = \"cert.pem\"");
    let key = section.required("key", "key = \"key.pem\"");
    let client_ca = section.field("client_ca");
    let asked = section.field("client_certificates");
    if let Some(field) = &asked
        && client_ca.is_none()
    {
        field.problem("clients are asked for certificates only with a client_ca to verify them");
    }
    let asked = asked.and_then(|field| match field.as_text() {
        Some("required") => Some(ClientCertificates::Required),
        Some("optional") => Some(ClientCertificates::Optional),
        _ => {
            field.expected("\"required\" or \"optional\"");
            None
        }
    });
    section.finish();
    Some(Tls {
        certificate: file(certificate?)?,
        key: file(key?)?,
        client_ca: client_ca.and_then(file),
        client_certificates: asked.unwrap_or_default(),
    })
}

fn forwarded_of(field: &Field<'_, '_>) -> Option<Forwarded> {
    const KNOWN: [&str; 2] = ["x-forwarded-for", "forwarded"];
    let text = field.text("\"x-forwarded-for\" or \"forwarded\"")?;
    match text.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => return Some(Forwarded::XForwardedFor),
        "forwarded" => return Some(Forwarded::Forwarded),
        _ => {}
    }
    let hint = nearest(text, &KNOWN, "known fields");
    field.problem(format!("unknown field {}{hint}", quoted(text)));
    None
}

/// Whoever is believed must be named, and whoever is named must have something to say.
fn check_trust(
    section: &Section<'_, '_>,
    address: &Address,
    claims: bool,
    trusted: Option<&Field<'_, '_>>,
) {
    match (address, trusted) {
        (Address::Unix(_), Some(field)) => field.problem(
            "everybody who may connect to a Unix socket is trusted there; its mode says who that is",
        ),
        (_, Some(field)) if !claims => field.problem(
            "nothing is believed from them yet: set proxy_protocol = true or forwarded = \"x-forwarded-for\"",
        ),
        (Address::Tcp(_), None) if claims => section.absent(
            "proxy_protocol and forwarded need trusted_proxies, such as [\"10.0.0.0/8\"]: who else would be believed?",
        ),
        _ => {}
    }
}

/// A list of networks.
pub(super) fn networks(field: &Field<'_, '_>) -> Option<Vec<IpNet>> {
    let mut networks = Vec::new();
    for field in field.list("a list of networks, such as [\"10.0.0.0/8\"]")? {
        let Some(text) = field.text("a network such as \"10.0.0.0/8\"") else {
            continue;
        };
        let host = text.parse::<IpAddr>().map(IpNet::from);
        match host.or_else(|_| text.parse::<IpNet>()) {
            Ok(network) if network.trunc() == network => networks.push(network),
            Ok(network) => field.problem(format!(
                "{} has bits behind its prefix; did you mean '{}'?",
                quoted(text),
                network.trunc()
            )),
            Err(_) => field.problem(format!(
                "{} is not a network; write it in numbers, such as \"10.0.0.0/8\", \"fd00::/8\" or \"192.0.2.1\"",
                quoted(text)
            )),
        }
    }
    Some(networks)
}

fn boolean(field: Option<Field<'_, '_>>) -> bool {
    field.and_then(|field| field.boolean()).unwrap_or_default()
}

fn octal<S: Serializer>(mode: &u32, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{mode:o}"))
}

fn optional_duration<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => shown::duration(value, to),
        None => to.serialize_none(),
    }
}
