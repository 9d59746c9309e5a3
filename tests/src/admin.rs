//! The admin API as its callers see it. Every answer is held against the OpenAPI document that the server itself hands
//! out: a status or a body that is not in there fails the test that caused it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;

use serde_json::Value;

use crate::{Client, Request, Response, Server, Setup, schema};

/// The token of every server that a test starts.
pub const TOKEN: &str = "a-token-for-the-tests-only";

/// The admin API of a server.
pub struct Admin {
    address: SocketAddr,
    document: Value,
    seen: Mutex<BTreeSet<(String, String, u16)>>,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole response.
    pub response: Response,
    /// Its body; null without one.
    pub body: Value,
}

/// An admin API on a port of the system's choice, with [`TOKEN`].
pub fn with_admin(setup: Setup) -> Setup {
    setup
        .set("admin", "listen", "\"127.0.0.1:0\"")
        .variable("JACKFIELD_ADMIN_TOKEN", TOKEN)
}

impl Admin {
    /// The API of a running server.
    ///
    /// # Panics
    /// When the server has none.
    #[track_caller]
    pub fn of(server: &Server) -> Admin {
        let address = server.log().wait_for("where the admin API is", |line| {
            let (url, _) = line.trim().split_once("  jackfield plugin ls")?;
            url.strip_prefix("http://")?.parse().ok()
        });
        let mut admin = Admin {
            address,
            document: Value::Null,
            seen: Mutex::default(),
        };
        let response = Client::ask(address, admin.request("GET", "/v1/openapi.json").bytes());
        admin.document = serde_json::from_slice(&response.body).expect("an OpenAPI document");
        admin
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As `--admin` wants it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the server says about itself.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The paths, methods and statuses of all answers so far.
    pub fn seen(&self) -> BTreeSet<(String, String, u16)> {
        self.seen.lock().expect("the answers so far").clone()
    }

    /// A request with the token, to be bent by the test.
    pub fn request(&self, method: &str, target: &str) -> Request {
        Request::get(target)
            .line(format!("{method} {target} HTTP/1.1"))
            .with("Host", self.address.to_string())
            .and("Authorization", format!("Bearer {TOKEN}"))
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the answer is not what the document says, or does not come.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Answer {
        self.exchange(request, &[])
    }

    /// `GET`.
    ///
    /// # Panics
    /// As [`Admin::send`].
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.send(&self.request("GET", target))
    }

    /// `POST`, without a body.
    ///
    /// # Panics
    /// As [`Admin::send`].
    #[track_caller]
    pub fn post(&self, target: &str) -> Answer {
        self.send(&self.request("POST", target))
    }

    /// `DELETE`.
    ///
    /// # Panics
    /// As [`Admin::send`].
    #[track_caller]
    pub fn delete(&self, target: &str) -> Answer {
        self.send(&self.request("DELETE", target))
    }

    /// `PUT` with a body of this length.
    ///
    /// # Panics
    /// As [`Admin::send`].
    #[track_caller]
    pub fn put(&self, target: &str, body: &[u8]) -> Answer {
        self.exchange(&self.put_request(target, body.len()), body)
    }

    /// The head of a `PUT` with a body of this length.
    pub fn put_request(&self, target: &str, length: usize) -> Request {
        self.request("PUT", target)
            .and("Content-Length", length.to_string())
    }

    /// The digests that a plugin's versions have, by role.
    ///
    /// # Panics
    /// When there is no such plugin.
    #[track_caller]
    pub fn versions(&self, plugin: &str) -> Vec<(String, String)> {
        let list = self.get("/v1/plugins").expect(200).clone();
        let plugins = list["plugins"].as_array().expect("plugins");
        let found = plugins.iter().find(|found| found["name"] == plugin);
        let versions = &found.expect("the plugin")["versions"];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let versions = versions.as_array().expect("versions").iter();
        versions
            .map(|version| (text(&version["role"]), text(&version["digest"])))
            .collect()
    }

    #[track_caller]
    fn exchange(&self, request: &Request, body: &[u8]) -> Answer {
        let mut client = Client::tcp(self.address);
        client.write(&request.bytes());
        // A server may answer before it has read everything, and then read no more of it.
        let _ = client.try_write(body);
        let response = client.response();
        client.expect_fin();
        self.judge(request, response)
    }

    /// Holds an answer against the document.
    ///
    /// # Panics
    /// When it is not what the document says.
    #[track_caller]
    pub fn judge(&self, request: &Request, response: Response) -> Answer {
        let bytes = request.bytes();
        let line = String::from_utf8_lossy(bytes.split(|b| *b == b'\r').next().unwrap_or_default());
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_ascii_lowercase();
        let target = words.next().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let status = response.status;
        let body = match response.field("content-type") {
            _ if response.body.is_empty() => Value::Null,
            Some(text) if text.starts_with("text/plain") => Value::String(response.text()),
            _ => serde_json::from_slice(&response.body).expect("a body of JSON"),
        };
        let answer = Answer { response, body };
        let Some(template) = self.template(path) else {
            // Not in the document: nobody may be told anything but that it is not there.
            assert!(
                [401, 404].contains(&status),
                "{line} is not documented: {answer:?}"
            );
            answer.expect_problem(status);
            return answer;
        };
        let operation = &self.document["paths"][&template][&method];
        if operation.is_null() {
            assert!(
                [401, 405].contains(&status),
                "{line} is not documented: {answer:?}"
            );
            answer.expect_problem(status);
            return answer;
        }
        let documented = self.resolved(&operation["responses"][status.to_string()]);
        assert!(
            !documented.is_null(),
            "{line}: {status} is not documented: {answer:?}"
        );
        let media_type = answer.response.field("content-type");
        match (documented["content"].as_object(), media_type) {
            (None, None) => assert!(answer.body.is_null(), "{line}: a body"),
            (Some(content), Some(media_type)) => {
                let schema = content.get(media_type).map(|content| &content["schema"]);
                let schema = schema.unwrap_or_else(|| panic!("{line}: {media_type}: {answer:?}"));
                if let Err(why) = schema::check(&self.document, schema, &answer.body) {
                    panic!("{line}: {status}: {why}: {answer:?}");
                }
            }
            other => panic!("{line}: {other:?}: {answer:?}"),
        }
        if status >= 400 {
            answer.expect_problem(status);
        }
        let mut seen = self.seen.lock().expect("the answers so far");
        seen.insert((template, method, status));
        answer
    }

    /// The path of the document that a path of a request has.
    fn template(&self, path: &str) -> Option<String> {
        let paths = self.document["paths"].as_object()?;
        let parts: Vec<_> = path.split('/').collect();
        let matches = |template: &&String| {
            let template: Vec<_> = template.split('/').collect();
            template.len() == parts.len()
                && template
                    .iter()
                    .zip(&parts)
                    .all(|(t, part)| t == part || (t.starts_with('{') && !part.is_empty()))
        };
        paths.keys().find(matches).cloned()
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        schema::resolved(&self.document, value)
    }
}

impl Answer {
    /// The body of an answer with this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Value {
        assert_eq!(self.response.status, status, "{self:?}");
        &self.body
    }

    /// The detail of a problem (RFC 9457) with this status.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn expect_problem(&self, status: u16) -> &str {
        let media_type = self.response.field("content-type");
        assert_eq!(media_type, Some("application/problem+json"), "{self:?}");
        let body = self.expect(status);
        assert_eq!(body["status"], status, "{self:?}");
        for key in ["type", "title"] {
            assert!(
                body[key].as_str().is_some_and(|text| !text.is_empty()),
                "{self:?}"
            );
        }
        body["detail"].as_str().expect("a detail")
    }
}
