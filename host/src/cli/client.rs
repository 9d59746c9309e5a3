//! Asks the admin API of a running server: one request, one answer, every wait bounded. What is asked and how the answer
//! is shown is the commands' business.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use axum::http::{Method, Request, StatusCode, Uri, header};
use clap::Args;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::console::Console;
use super::exit::Exit;
use crate::admin::{Secret, model};
use crate::config::resolved::TokenSource;
use crate::config::{TOKEN_VARIABLE, escaped};

/// How long to wait for the connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for the answer: a push takes as long as the server allows it to.
const ANSWER_LIMIT: Duration = Duration::from_secs(11 * 60);
/// The largest answer that is read.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Where the server is, and what opens it.
#[derive(Debug, Args)]
pub(super) struct AdminArgs {
    /// Where the admin API of the server listens (`[admin] listen`)
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9001",
        global = true
    )]
    admin: String,

    /// The file with the token of the admin API; without it, the variable JACKFIELD_ADMIN_TOKEN has the token
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,

    /// Print what the server answers, as JSON
    #[arg(long, global = true)]
    json: bool,
}

/// A server that can be asked.
pub(super) struct Client {
    /// Host and port.
    authority: String,
    token: Secret,
    pub(super) json: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The command line or the environment is wrong.
    #[error("{0}")]
    Usage(String),
    /// What is to be sent is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The server says why not.
    #[error("{}", .0.detail)]
    Refused(model::Problem),
    /// No server, or one that does not answer as it should.
    #[error("{0}")]
    Failed(String),
}

impl ClientError {
    /// Says it, and which exit code it is.
    fn tell(&self, console: &Console) -> Exit {
        let text = self.to_string();
        // The server's words may have a plugin's in them.
        let lines: Vec<String> = text.lines().map(escaped).collect();
        console.error(&lines.join("\n"));
        match self {
            ClientError::Usage(_) => Exit::Usage,
            ClientError::Wrong(_) | ClientError::Refused(_) => Exit::Refused,
            ClientError::Failed(_) => Exit::Failed,
        }
    }
}

impl Client {
    /// Does `act` with a client, and says what went wrong.
    pub(super) fn run(
        arguments: &AdminArgs,
        console: &Console,
        act: impl FnOnce(&Client) -> Result<(), ClientError>,
    ) -> Exit {
        match Client::new(arguments).and_then(|client| act(&client)) {
            Ok(()) => Exit::Ok,
            Err(error) => error.tell(console),
        }
    }

    /// Finds out where to ask, and reads the token.
    fn new(arguments: &AdminArgs) -> Result<Client, ClientError> {
        Ok(Client {
            authority: authority(&arguments.admin)?,
            token: token(arguments.token_file.clone())?,
            json: arguments.json,
        })
    }

    /// Asks and reads the answer, which is JSON.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
    ) -> Result<T, ClientError> {
        let answer = self.bytes(method, target, body)?;
        serde_json::from_slice(&answer).map_err(|error| {
            let place = &self.authority;
            ClientError::Failed(format!(
                "what answers on {place} is not the admin API of this version: {error}"
            ))
        })
    }

    /// Asks, for a request that is answered with nothing.
    pub(super) fn order(&self, method: Method, target: &str) -> Result<(), ClientError> {
        self.bytes(method, target, Vec::new()).map(drop)
    }

    fn bytes(&self, method: Method, target: &str, body: Vec<u8>) -> Result<Bytes, ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ClientError::Failed(format!("cannot start: {error}")))?;
        let (status, body) = runtime.block_on(async {
            timeout(ANSWER_LIMIT, self.exchange(method, target, body))
                .await
                .unwrap_or_else(|_| {
                    let place = &self.authority;
                    Err(ClientError::Failed(format!(
                        "{place} did not answer in time"
                    )))
                })
        })?;
        if status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice(&body) {
            Ok(problem) => Err(ClientError::Refused(problem)),
            Err(_) => {
                let place = &self.authority;
                Err(ClientError::Failed(format!(
                    "what answers on {place} is not the admin API: it says {status}"
                )))
            }
        }
    }

    async fn exchange(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let place = &self.authority;
        let failed = |error: &dyn std::fmt::Display| {
            ClientError::Failed(format!("the admin API on {place} did not answer: {error}"))
        };
        let stream = match timeout(CONNECT_LIMIT, TcpStream::connect(place.as_str())).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(unreachable(place, &error.to_string())),
            Err(_) => return Err(unreachable(place, "no answer")),
        };
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, place.as_str())
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.token.reveal()),
            )
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| failed(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        let exchange = async move {
            let response = sender
                .send_request(request)
                .await
                .map_err(|e| e.to_string())?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES);
            let body = body.collect().await.map_err(|e| e.to_string())?;
            Ok((status, body.to_bytes()))
        };
        let mut exchange = pin!(exchange);
        let answer = tokio::select! {
            biased;
            answer = &mut exchange => answer,
            // Over before the answer was read to its end: what has arrived is still there.
            _ = connection => exchange.await,
        };
        answer.map_err(|error: String| failed(&error))
    }
}

/// A value for a path or a query: everything but unreserved characters is percent-encoded (RFC 3986 section 2.3).
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unreachable(place: &str, why: &str) -> ClientError {
    ClientError::Failed(format!(
        "no admin API on {place}: {why}\n  does the server's configuration have [admin]? give its address with --admin URL"
    ))
}

/// Host and port of `http://HOST:PORT`.
fn authority(url: &str) -> Result<String, ClientError> {
    let wrong = |why: &str| ClientError::Usage(format!("--admin {url}: {why}"));
    let uri: Uri = url
        .parse()
        .map_err(|_| wrong("write it as http://HOST:PORT"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => {
            return Err(wrong(
                "this program speaks plain HTTP; ask through a tunnel, such as ssh -L 9001:127.0.0.1:9001 HOST",
            ));
        }
        _ => return Err(wrong("write it as http://HOST:PORT")),
    }
    let authority = uri
        .authority()
        .filter(|authority| !authority.as_str().contains('@'))
        .filter(|_| matches!(uri.path(), "" | "/") && uri.query().is_none())
        .ok_or_else(|| wrong("write it as http://HOST:PORT"))?;
    Ok(match authority.port() {
        Some(_) => authority.as_str().to_owned(),
        None => format!("{}:80", authority.host()),
    })
}

fn token(file: Option<PathBuf>) -> Result<Secret, ClientError> {
    let source = match file {
        Some(path) => TokenSource::File(path),
        None if std::env::var_os(TOKEN_VARIABLE).is_some() => {
            TokenSource::Env(TOKEN_VARIABLE.to_owned())
        }
        None => {
            return Err(ClientError::Usage(format!(
                "no token: name its file with --token-file FILE, or put it into the variable {TOKEN_VARIABLE}"
            )));
        }
    };
    Secret::read(&source).map_err(|error| ClientError::Usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_port() {
        let read = |url: &str| authority(url).ok();
        assert_eq!(
            read("http://127.0.0.1:9001").as_deref(),
            Some("127.0.0.1:9001")
        );
        assert_eq!(read("http://[::1]:9001/").as_deref(), Some("[::1]:9001"));
        assert_eq!(read("http://localhost").as_deref(), Some("localhost:80"));
        for url in [
            "",
            "localhost:9001",
            "127.0.0.1:9001",
            "https://localhost:9001",
            "http://",
            "http://user@localhost:9001",
            "http://localhost:9001/v1",
            "http://localhost:9001/?x",
            "ws://localhost:9001",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }

    #[test]
    fn values_are_encoded() {
        assert_eq!(encoded("a-b_c.d~9"), "a-b_c.d~9");
        assert_eq!(encoded("/10 min&ö"), "%2F10%20min%26%C3%B6");
    }
}
