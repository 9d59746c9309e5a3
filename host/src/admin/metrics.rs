//! `/v1/metrics`: the server's counters for a Prometheus server.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Context;

/// The text format of Prometheus, version 0.0.4.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /v1/metrics`
pub(super) async fn metrics(State(context): State<Arc<Context>>) -> Response {
    let loads = context.mailboxes.iter().map(|mailbox| mailbox.load());
    let connections = loads.sum::<usize>() as u64;
    let text = context.site.metrics.text(connections);
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response()
}
