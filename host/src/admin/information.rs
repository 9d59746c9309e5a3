//! `/v1/health`, `/v1/ready`, `/v1/config` and `/v1/openapi.json`: what the server says about itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Context;
use super::model::Health;
use super::problem::Problem;

/// Describes this API; a test holds the two together.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// `GET /v1/health`: the process answers.
pub(super) async fn health() -> Json<Health> {
    Json(Health {
        status: "alive".to_owned(),
    })
}

/// `GET /v1/ready`: new connections are taken.
pub(super) async fn ready(State(context): State<Arc<Context>>) -> Result<Json<Health>, Problem> {
    if context.is_stopping() {
        return Err(Problem::stopping());
    }
    Ok(Json(Health {
        status: "ready".to_owned(),
    }))
}

/// `GET /v1/config`: the configuration that is in force, every default filled in. It holds no secrets.
pub(super) async fn config(State(context): State<Arc<Context>>) -> Result<Json<Value>, Problem> {
    let mut config = context.site.config.clone();
    // A plugin's part may have changed since the start.
    config.plugins.extend(context.plugins.configurations());
    serde_json::to_value(&config)
        .map(Json)
        .map_err(|error| Problem::internal(error.to_string()))
}

/// `GET /v1/openapi.json`
pub(super) async fn openapi() -> Response {
    let media_type = [(header::CONTENT_TYPE, "application/json")];
    (media_type, OPENAPI).into_response()
}
