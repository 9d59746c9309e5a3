//! `[admin]`: where the admin API listens, and where its token is. The token itself is not read here: a configuration
//! holds no secrets, so it can be shown as it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::field::{Field, Section};
use super::report::quoted;

/// Where the token is when the configuration does not say.
pub const TOKEN_VARIABLE: &str = "JACKFIELD_ADMIN_TOKEN";

/// `[admin]`. Without the section there is no admin API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Admin {
    /// Address and port; port 0 lets the system choose. Default 127.0.0.1:9001.
    pub listen: SocketAddr,
    /// Whether the address may be one that other machines reach. Default false: the API speaks plain HTTP, and its
    /// token opens everything.
    pub allow_remote: bool,
    /// Names, besides `localhost` and addresses, that requests may be sent to (`Host`). Default none.
    pub hosts: Vec<String>,
    /// Where the token is. Default: the variable [`TOKEN_VARIABLE`].
    pub token: TokenSource,
}

/// Where the admin API's token is read from, once, at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// `token_file`: the file's text without white space around it.
    File(PathBuf),
    /// `token_env`: the variable of this name.
    Env(String),
}

impl Default for Admin {
    fn default() -> Self {
        Admin {
            listen: SocketAddr::from(([127, 0, 0, 1], 9001)),
            allow_remote: false,
            hosts: Vec::new(),
            token: TokenSource::Env(TOKEN_VARIABLE.to_owned()),
        }
    }
}

/// Reads the section.
pub(super) fn read(mut section: Section<'_, '_>, directory: &Path) -> Admin {
    let defaults = Admin::default();
    let listen = section.field("listen");
    let allow_remote = section
        .field("allow_remote")
        .and_then(|field| field.boolean())
        .unwrap_or(defaults.allow_remote);
    let listen = listen.and_then(|field| address(&field, allow_remote));
    let hosts = section.field("hosts").and_then(|field| hosts(&field));
    let file = section.field("token_file");
    let variable = section.field("token_env");
    let token = match (file, variable) {
        (Some(file), None) => file_name(&file, directory).map(TokenSource::File),
        (None, Some(variable)) => variable_name(&variable).map(TokenSource::Env),
        (None, None) => None,
        (Some(_), Some(variable)) => {
            variable.problem("there is a token_file too; keep one of them");
            None
        }
    };
    section.finish();
    Admin {
        listen: listen.unwrap_or(defaults.listen),
        allow_remote,
        hosts: hosts.unwrap_or_default(),
        token: token.unwrap_or(defaults.token),
    }
}

fn address(field: &Field<'_, '_>, allow_remote: bool) -> Option<SocketAddr> {
    const EXPECTED: &str = "an address and a port, such as \"127.0.0.1:9001\"";
    let text = field.text(EXPECTED)?;
    let Ok(address) = text.parse::<SocketAddr>() else {
        field.problem(format!(
            "{} is not an address and a port; write it in numbers, such as \"127.0.0.1:9001\"",
            quoted(text)
        ));
        return None;
    };
    if !is_loopback(address.ip()) && !allow_remote {
        field.problem(format!(
            "other machines reach {address}, and the API speaks plain HTTP, so that whoever listens on the way has the \
             token; listen on \"127.0.0.1:{}\", or set allow_remote = true and put TLS in front",
            address.port()
        ));
    }
    Some(address)
}

/// 127.0.0.0/8 and ::1, the former also as an IPv6 address.
fn is_loopback(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip
                    .to_ipv4_mapped()
                    .is_some_and(|ip: Ipv4Addr| ip.is_loopback())
        }
    }
}

fn hosts(field: &Field<'_, '_>) -> Option<Vec<String>> {
    let mut hosts = Vec::new();
    for field in field.list("a list of host names, such as [\"admin.example.org\"]")? {
        let Some(name) = field.text("a host name such as \"admin.example.org\"") else {
            continue;
        };
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.chars().all(known) {
            hosts.push(name.to_ascii_lowercase());
        } else {
            field.problem(format!(
                "{} is not a host name; write it without scheme and port",
                quoted(name)
            ));
        }
    }
    Some(hosts)
}

fn file_name(field: &Field<'_, '_>, directory: &Path) -> Option<PathBuf> {
    const EXPECTED: &str = "the path of a file with the token";
    let text = field.text(EXPECTED)?;
    if text.contains('\0') {
        field.expected(EXPECTED);
        return None;
    }
    Some(directory.join(text))
}

fn variable_name(field: &Field<'_, '_>) -> Option<String> {
    const EXPECTED: &str = "the name of an environment variable, such as \"JACKFIELD_ADMIN_TOKEN\"";
    let text = field.text(EXPECTED)?;
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !text.chars().all(known) || text.starts_with(|c: char| c.is_ascii_digit()) {
        field.expected(EXPECTED);
        return None;
    }
    Some(text.to_owned())
}
