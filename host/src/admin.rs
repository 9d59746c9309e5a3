//! The admin API: a listener of its own for those who run the server. It looks at plugins and connections, pushes new
//! versions and closes connections, always through [`Plugins`] and the workers' mailboxes; it owns nothing of the
//! server and never touches a connection itself.
//!
//! Everything runs on the background runtime, so that a slow or hostile caller disturbs no worker.

mod connections;
mod gate;
mod information;
mod listener;
mod metrics;
pub mod model;
mod plugins;
mod problem;
mod token;

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};
use tokio::runtime::Handle;
use tokio::sync::watch;

pub use token::{Secret, TOKEN_BYTES_MIN, TokenError};

use crate::config::resolved::Admin;
use crate::server::Site;
use crate::swap::Plugins;
use crate::worker::Mailbox;
use problem::Problem;
use token::Token;

/// Components that are received at a time; each may be as large as
/// [`COMPONENT_BYTES`](crate::swap::COMPONENT_BYTES).
const UPLOADS: usize = 4;
/// How often a wrong token is worth a line in the log.
const WRONG_TOKENS_TOLD: Duration = Duration::from_secs(10);

/// Why the admin API could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Another process listens there.
    #[error(
        "{address} is already in use: choose another address for the admin API (`[admin] listen`)"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The system does not let us listen there.
    #[error("the admin API cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no usable token.
    #[error(
        "admin API: {0}\n  the token is in the file `[admin] token_file`, or in the variable `token_env` (default \
         JACKFIELD_ADMIN_TOKEN); make one: head -c 32 /dev/urandom | base64 > admin.token"
    )]
    Token(#[from] TokenError),
}

/// The listener before anything is served: whatever can be wrong with it is found out before workers start.
pub(crate) struct Opened {
    listener: TcpListener,
    address: SocketAddr,
    token: Token,
    hosts: Vec<String>,
}

/// What the handlers work with.
struct Context {
    runtime: Handle,
    site: Arc<Site>,
    plugins: Plugins,
    mailboxes: Vec<Mailbox>,
    stopping: watch::Receiver<Option<Instant>>,
    token: Token,
    hosts: Vec<String>,
    pushes: Pushes,
    wrong_tokens: Mutex<WrongTokens>,
}

/// The plugins of which a component is being received or swapped in.
#[derive(Default)]
struct Pushes {
    names: Arc<Mutex<HashSet<String>>>,
}

/// One push; over when it is dropped.
struct Turn {
    names: Arc<Mutex<HashSet<String>>>,
    name: String,
}

#[derive(Default)]
struct WrongTokens {
    told: Option<Instant>,
    since: u64,
}

impl Opened {
    /// Binds the address and reads the token.
    pub(crate) fn new(config: &Admin) -> Result<Opened, AdminError> {
        let token = Token::new(&Secret::read(&config.token)?);
        token::warn_about(&config.token);
        let address = config.listen;
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => AdminError::AddressInUse { address },
            _ => AdminError::Listen { address, source },
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Opened {
            listener,
            address,
            token,
            hosts: config.hosts.clone(),
        })
    }

    /// Serves for as long as the runtime lives: until the very end of the server, so that its stop can be watched.
    pub(crate) fn serve(
        self,
        runtime: &Handle,
        site: Arc<Site>,
        plugins: Plugins,
        mailboxes: Vec<Mailbox>,
        stopping: watch::Receiver<Option<Instant>>,
    ) -> SocketAddr {
        let context = Arc::new(Context {
            runtime: runtime.clone(),
            site,
            plugins,
            mailboxes,
            stopping,
            token: self.token,
            hosts: self.hosts,
            pushes: Pushes::default(),
            wrong_tokens: Mutex::default(),
        });
        runtime.spawn(listener::run(self.listener, router(context)));
        self.address
    }
}

/// Every endpoint, as `openapi.json` describes it.
fn router(context: Arc<Context>) -> Router {
    Router::new()
        .route("/v1/health", get(information::health))
        .route("/v1/ready", get(information::ready))
        .route("/v1/config", get(information::config))
        .route("/v1/metrics", get(metrics::metrics))
        .route("/v1/openapi.json", get(information::openapi))
        .route("/v1/plugins", get(plugins::list))
        .route("/v1/plugins/{name}", put(plugins::push))
        .route("/v1/plugins/{name}/rollback", post(plugins::rollback))
        .route("/v1/plugins/{name}/promote", post(plugins::promote))
        .route("/v1/connections", get(connections::list))
        .route("/v1/connections/{id}", delete(connections::close))
        .fallback(async || {
            Problem::not_found("there is no such path; /v1/openapi.json describes all of them")
        })
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn_with_state(context.clone(), gate::gate))
        .with_state(context)
}

/// A part of the path, decoded.
fn path(value: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    value
        .map(|Path(value)| value)
        .map_err(|error| Problem::malformed(error.body_text()))
}

impl Context {
    fn is_stopping(&self) -> bool {
        self.stopping.borrow().is_some()
    }

    fn check_plugin(&self, name: &str) -> Result<(), Problem> {
        if self.plugins.names().any(|other| other == name) {
            return Ok(());
        }
        Err(self.unknown_plugin(name))
    }

    fn unknown_plugin(&self, name: &str) -> Problem {
        let known: Vec<&str> = self.plugins.names().collect();
        Problem::unknown_name("plugin", name, &known)
    }

    /// Someone tries tokens, or has an old one. Told now and then, however often it happens.
    fn note_wrong_token(&self) {
        let mut wrong = self
            .wrong_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        wrong.since += 1;
        if wrong
            .told
            .is_none_or(|told| told.elapsed() >= WRONG_TOKENS_TOLD)
        {
            let times = std::mem::take(&mut wrong.since);
            wrong.told = Some(Instant::now());
            drop(wrong);
            tracing::warn!(times, "a wrong token was sent to the admin API");
        }
    }
}

impl Pushes {
    /// Begins a push of a plugin, unless one is under way, or too many of others are.
    fn begin(&self, name: &str) -> Result<Turn, Problem> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) {
            return Err(Problem::busy(format!(
                "another push of plugin `{name}` is under way; try again when that is done"
            )));
        }
        if names.len() >= UPLOADS {
            return Err(Problem::overloaded(format!(
                "{UPLOADS} other plugins are being pushed; try again when one is done"
            )));
        }
        names.insert(name.to_owned());
        Ok(Turn {
            names: self.names.clone(),
            name: name.to_owned(),
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_every_endpoint() {
        let guide = include_str!("../../docs/admin.md");
        let document: serde_json::Value = serde_json::from_str(information::OPENAPI).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                let row = format!("| `{}` | `{path}` |", method.to_ascii_uppercase());
                assert!(guide.contains(&row), "docs/admin.md lacks: {row}");
            }
        }
    }

    #[test]
    fn one_push_at_a_time_for_each_plugin_and_few_at_all() {
        let pushes = Pushes::default();
        let first = pushes.begin("a");
        assert!(first.is_ok());
        assert!(pushes.begin("a").is_err());
        let others: Vec<_> = ["b", "c", "d"].map(|name| pushes.begin(name)).into();
        assert!(others.iter().all(Result::is_ok));
        assert!(pushes.begin("e").is_err());
        drop(first);
        assert!(pushes.begin("e").is_ok_and(|turn| turn.name == "e"));
        assert!(pushes.begin("a").is_ok());
    }
}
