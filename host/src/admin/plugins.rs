//! `/v1/plugins`: how they do, and new versions of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, HttpBody};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::time::timeout;

use super::model::{Plugin, PluginList, Swap};
use super::problem::Problem;
use super::{Context, path};
use crate::config::duration;
use crate::config::resolved::SwapPolicy;
use crate::swap::{COMPONENT_BYTES, SwapError, Swapped};

/// How long to wait for the next piece of a component.
const STALL: Duration = Duration::from_secs(30);
/// A canary's share when none is given, in percent.
const SHARE: u32 = 10;
/// A drain's limit when none is given.
const DRAIN: Duration = Duration::from_secs(600);
/// The longest.
const DRAIN_MAX: Duration = Duration::from_secs(7 * 86_400);

/// What a push may say besides the component.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushQuery {
    policy: Option<String>,
    share: Option<u32>,
    limit: Option<String>,
}

/// `GET /v1/plugins`
pub(super) async fn list(State(context): State<Arc<Context>>) -> Json<PluginList> {
    let plugins = context.plugins.status().await;
    Json(PluginList {
        plugins: plugins.into_iter().map(Plugin::from).collect(),
    })
}

/// `PUT /v1/plugins/{name}`
pub(super) async fn push(
    State(context): State<Arc<Context>>,
    name: Result<Path<String>, PathRejection>,
    query: Result<Query<PushQuery>, QueryRejection>,
    body: Body,
) -> Result<Json<Swap>, Problem> {
    let name = path(name)?;
    context.check_plugin(&name)?;
    if context.is_stopping() {
        return Err(Problem::stopping());
    }
    let Query(query) = query.map_err(|error| Problem::malformed(error.body_text()))?;
    let policy = query.policy()?;
    // Before the component is read: the second of two pushes is told at once.
    let turn = context.pushes.begin(&name)?;
    let component = read(body).await?;
    let plugins = context.plugins.clone();
    let swap = async move {
        let _turn = turn;
        plugins.push(&name, component, policy).await
    };
    to_its_end(&context, swap).await
}

/// `POST /v1/plugins/{name}/rollback`
pub(super) async fn rollback(
    State(context): State<Arc<Context>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Swap>, Problem> {
    let name = path(name)?;
    context.check_plugin(&name)?;
    let plugins = context.plugins.clone();
    to_its_end(&context, async move { plugins.rollback(&name).await }).await
}

/// `POST /v1/plugins/{name}/promote`
pub(super) async fn promote(
    State(context): State<Arc<Context>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Swap>, Problem> {
    let name = path(name)?;
    context.check_plugin(&name)?;
    let plugins = context.plugins.clone();
    to_its_end(&context, async move { plugins.promote(&name).await }).await
}

/// Runs a swap to its end, also when whoever asked for it hangs up: one that is dropped half way would leave workers
/// waiting. The task ends with the runtime, which the server owns.
async fn to_its_end(
    context: &Context,
    swap: impl Future<Output = Result<Swapped, SwapError>> + Send + 'static,
) -> Result<Json<Swap>, Problem> {
    let swapped = context.runtime.spawn(swap).await;
    // A task that is not awaited to its end was dropped with the runtime, or has a bug of ours.
    let swapped = swapped.map_err(|error| {
        if error.is_cancelled() {
            return Problem::stopping();
        }
        Problem::internal("the swap ended with a panic; this is a bug of the host")
    })?;
    Ok(Json(Swap::from(swapped?)))
}

impl PushQuery {
    /// The policy asked for; none: as the plugin's configuration says.
    fn policy(&self) -> Result<Option<SwapPolicy>, Problem> {
        let policy = match self.policy.as_deref() {
            None => None,
            Some("live") => Some(SwapPolicy::Live),
            Some("drain") => Some(SwapPolicy::Drain {
                limit: self.limit()?,
            }),
            Some("canary") => Some(SwapPolicy::Canary {
                share: self.share()?,
            }),
            Some(_) => return Err(Problem::malformed("policy is live, drain or canary")),
        };
        if self.share.is_some() && !matches!(policy, Some(SwapPolicy::Canary { .. })) {
            return Err(Problem::malformed("share goes with policy=canary only"));
        }
        if self.limit.is_some() && !matches!(policy, Some(SwapPolicy::Drain { .. })) {
            return Err(Problem::malformed("limit goes with policy=drain only"));
        }
        Ok(policy)
    }

    fn limit(&self) -> Result<Duration, Problem> {
        let Some(text) = &self.limit else {
            return Ok(DRAIN);
        };
        duration(text)
            .filter(|limit| *limit <= DRAIN_MAX)
            .ok_or_else(|| {
                Problem::malformed(
                    "limit is a duration such as 30s or 10min (units ms, s, min, h), at most 168h",
                )
            })
    }

    /// In parts of a million.
    fn share(&self) -> Result<u32, Problem> {
        match self.share.unwrap_or(SHARE) {
            percent @ 1..=100 => Ok(percent * 10_000),
            _ => Err(Problem::malformed("share is a whole number from 1 to 100")),
        }
    }
}

/// Reads a component, within the limits of size and patience.
async fn read(mut body: Body) -> Result<Vec<u8>, Problem> {
    let announced = body.size_hint().lower();
    if announced > COMPONENT_BYTES as u64 {
        return Err(Problem::too_large(COMPONENT_BYTES));
    }
    // What is announced may never come, so that there is no room made for it beforehand.
    let mut component = Vec::new();
    loop {
        let frame = timeout(STALL, body.frame())
            .await
            .map_err(|_| Problem::slow())?;
        match frame {
            None => return Ok(component),
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if component.len() + data.len() > COMPONENT_BYTES {
                    return Err(Problem::too_large(COMPONENT_BYTES));
                }
                component.extend_from_slice(&data);
            }
            Some(Err(_)) => return Err(Problem::malformed("the body ended before its end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_a_push() {
        let policy = |policy: &str, share: Option<u32>, limit: &str| {
            let query = PushQuery {
                policy: Some(policy.to_owned()).filter(|text| !text.is_empty()),
                share,
                limit: Some(limit.to_owned()).filter(|text| !text.is_empty()),
            };
            query.policy().map_err(|_| ())
        };
        let drain = |secs| SwapPolicy::Drain {
            limit: Duration::from_secs(secs),
        };
        assert_eq!(policy("", None, ""), Ok(None));
        assert_eq!(policy("live", None, ""), Ok(Some(SwapPolicy::Live)));
        assert_eq!(policy("drain", None, ""), Ok(Some(drain(600))));
        assert_eq!(policy("drain", None, "90 s"), Ok(Some(drain(90))));
        let share = SwapPolicy::Canary { share: 250_000 };
        assert_eq!(policy("canary", Some(25), ""), Ok(Some(share)));
        for (name, share, limit) in [
            ("red-green", None, ""),
            ("live", Some(10), ""),
            ("live", None, "1 s"),
            ("", Some(10), ""),
            ("", None, "1 s"),
            ("canary", Some(0), ""),
            ("canary", Some(101), ""),
            ("canary", Some(10), "1 s"),
            ("drain", Some(10), "1 s"),
            ("drain", None, "soon"),
            ("drain", None, "169 h"),
        ] {
            assert_eq!(
                policy(name, share, limit),
                Err(()),
                "{name} {share:?} {limit}"
            );
        }
    }
}
