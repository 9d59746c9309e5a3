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
        // Without what is there: it may be the token itself, by mistake.
        field.problem(format!("expected {EXPECTED}"));
        return None;
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn admin(section: &str) -> Result<Option<Admin>, String> {
        let rest = "[plugins.a]\nfile = \"a\"\n[routes.\"/\"]\nplugins = [\"a\"]\n";
        parse(&format!("{section}\n{rest}"), "f", Path::new("/srv"))
            .map(|config| config.admin)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn without_the_section_there_is_no_api_and_with_it_every_default() {
        assert_eq!(admin(""), Ok(None));
        let defaults = admin("[admin]").unwrap().unwrap();
        assert_eq!(defaults, Admin::default());
        assert_eq!(defaults.listen.to_string(), "127.0.0.1:9001");
        assert_eq!(defaults.token, TokenSource::Env(TOKEN_VARIABLE.to_owned()));
        let given = admin(
            "[admin]\nlisten = \"192.0.2.1:1\"\nallow_remote = true\ntoken_file = \"t\"\nhosts = [\"Admin.Example.org\"]",
        );
        let expected = Admin {
            listen: SocketAddr::from(([192, 0, 2, 1], 1)),
            allow_remote: true,
            hosts: vec!["admin.example.org".to_owned()],
            token: TokenSource::File("/srv/t".into()),
        };
        assert_eq!(given, Ok(Some(expected)));
    }

    #[test]
    fn addresses_of_this_machine_alone_unless_more_is_meant() {
        for (address, allowed) in [
            ("127.0.0.1:1", true),
            ("127.1.2.3:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("[::ffff:192.0.2.1]:1", false),
            ("192.168.0.1:1", false),
        ] {
            let listen = format!("[admin]\nlisten = \"{address}\"");
            assert_eq!(admin(&listen).is_ok(), allowed, "{address}");
            assert!(admin(&format!("{listen}\nallow_remote = true")).is_ok());
        }
    }

    #[test]
    fn problems_word_for_word() {
        for (keys, said) in [
            (
                "listen = \"localhost:1\"",
                "f:2: admin.listen: 'localhost:1' is not an address and a port; write it in numbers, such as \
                 \"127.0.0.1:9001\"",
            ),
            (
                "listen = \"0.0.0.0:7\"",
                "f:2: admin.listen: other machines reach 0.0.0.0:7, and the API speaks plain HTTP, so that whoever \
                 listens on the way has the token; listen on \"127.0.0.1:7\", or set allow_remote = true and put TLS \
                 in front",
            ),
            (
                "token = \"secret\"",
                "f:2: admin.token: unknown key; did you mean 'token_env'?",
            ),
            (
                "token_env = \"secret!\"",
                "f:2: admin.token_env: expected the name of an environment variable, such as \
                 \"JACKFIELD_ADMIN_TOKEN\"",
            ),
            (
                "hosts = [\"http://a\"]",
                "f:2: admin.hosts[0]: 'http://a' is not a host name; write it without scheme and port",
            ),
            (
                "hosts = \"a\"",
                "f:2: admin.hosts: expected a list of host names, such as [\"admin.example.org\"], found 'a'",
            ),
        ] {
            assert_eq!(admin(&format!("[admin]\n{keys}")), Err(said.to_owned()));
        }
    }
}
