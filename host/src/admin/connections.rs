//! `/v1/connections`: who is connected, page by page, and closing one. The workers own the connections; they are asked
//! one after the other.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jackfield_hub::ConnectionId;
use jackfield_proto::close;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::model::ConnectionPage;
use super::problem::Problem;
use super::{Context, path};
use crate::server::PluginIndex;
use crate::worker::{Filter, Letter, Question};

/// Connections on a page when no limit is given.
const PAGE: usize = 100;
/// The most.
const PAGE_MAX: usize = 500;
/// How long a worker may take to answer: it does so between two calls of its plugins.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Which connections, and which page of them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    plugin: Option<String>,
    route: Option<String>,
    peer: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// What the close frame says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseQuery {
    code: Option<u16>,
    reason: Option<String>,
}

/// Where a page begins: a worker, and a place in its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    worker: usize,
    place: usize,
}

/// `GET /v1/connections`
pub(super) async fn list(
    State(context): State<Arc<Context>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<ConnectionPage>, Problem> {
    let Query(query) = query.map_err(|error| Problem::malformed(error.body_text()))?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        let detail = format!("limit is a whole number from 1 to {PAGE_MAX}");
        return Err(Problem::malformed(detail));
    }
    let mut at = match &query.cursor {
        None => Cursor::default(),
        Some(text) => Cursor::parse(text)
            .ok_or_else(|| Problem::malformed("cursor is what `next` of another page said"))?,
    };
    let filter = Arc::new(query.filter(&context)?);
    let mut page = ConnectionPage::default();
    while let Some(mailbox) = context.mailboxes.get(at.worker) {
        let left = limit - page.connections.len();
        if left == 0 {
            page.next = Some(at.text());
            break;
        }
        let part = ask(mailbox, |reply| Question::Connections {
            filter: filter.clone(),
            from: at.place,
            limit: left,
            reply,
        })
        .await?;
        page.connections.extend(part.connections);
        at = match part.next {
            Some(place) => Cursor { place, ..at },
            None => Cursor {
                worker: at.worker + 1,
                place: 0,
            },
        };
    }
    Ok(Json(page))
}

/// `DELETE /v1/connections/{id}`
pub(super) async fn close(
    State(context): State<Arc<Context>>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<CloseQuery>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let id = path(id)?;
    let Query(query) = query.map_err(|error| Problem::malformed(error.body_text()))?;
    let id = id
        .parse()
        .map(ConnectionId::from_u64)
        .map_err(|_| Problem::malformed("a connection's id is a number"))?;
    let code = query.code.unwrap_or(close::NORMAL);
    if !close::may_send(code) {
        return Err(Problem::malformed(
            "code is one that a server may send (RFC 6455 section 7.4): 1000 to 1003, 1007 to 1009, 1011 to 1014, or \
             3000 to 4999",
        ));
    }
    let reason = query.reason.unwrap_or_default();
    if reason.len() > close::MAX_REASON_BYTES {
        let limit = close::MAX_REASON_BYTES;
        let detail = format!("reason has at most {limit} bytes (RFC 6455 section 5.5.1)");
        return Err(Problem::malformed(detail));
    }
    let unknown = || Problem::not_found("there is no connection with this id (any more)");
    let worker = usize::from(id.worker());
    let mailbox = context.mailboxes.get(worker).ok_or_else(unknown)?;
    ask(mailbox, |reply| Question::Close {
        id,
        code,
        reason,
        reply,
    })
    .await??;
    tracing::info!(connection = %id, code, "closed over the admin API");
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a worker and waits for its answer.
async fn ask<T>(
    mailbox: &crate::worker::Mailbox,
    question: impl FnOnce(oneshot::Sender<T>) -> Question,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    let letter = Letter::Question(question(reply));
    let answered = timeout(ANSWER_LIMIT, async {
        if !mailbox.send(letter).await {
            return None;
        }
        answer.await.ok()
    });
    answered
        .await
        .map_err(|_| Problem::overloaded("a worker has not answered in time"))?
        // A worker ends only with the server.
        .ok_or_else(Problem::stopping)
}

impl ListQuery {
    fn filter(&self, context: &Context) -> Result<Filter, Problem> {
        let site = &context.site;
        let plugin = self.plugin.as_deref().map(|name| {
            let index = context.plugins.names().position(|other| other == name);
            index
                .map(PluginIndex)
                .ok_or_else(|| context.unknown_plugin(name))
        });
        let route = self.route.as_deref().map(|wanted| {
            site.route(wanted).ok_or_else(|| {
                let known: Vec<&str> = site.routes.iter().map(|route| &*route.path).collect();
                Problem::unknown_name("route", wanted, &known)
            })
        });
        Ok(Filter {
            plugin: plugin.transpose()?,
            route: route.transpose()?,
            peer: self.peer.clone(),
        })
    }
}

impl Cursor {
    fn text(self) -> String {
        format!("{}.{}", self.worker, self.place)
    }

    fn parse(text: &str) -> Option<Self> {
        let (worker, place) = text.split_once('.')?;
        Some(Cursor {
            worker: worker.parse().ok()?,
            place: place.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let cursor = Cursor {
            worker: 3,
            place: 70_000,
        };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for text in [
            "",
            "1",
            ".",
            "1.",
            ".1",
            "1.2.3",
            "-1.2",
            "1.99999999999999999999",
        ] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
