//! Errors as the API tells them: RFC 9457 problem details. Which mistake has which status is decided here and nowhere
//! else.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::model;
use crate::config;
use crate::swap::SwapError;
use crate::worker::NotClosed;

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// What kind of problem; the end of its `type`.
    kind: &'static str,
    title: &'static str,
    detail: String,
    /// One more field, by its name in lower case.
    field: Option<(&'static str, &'static str)>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Problem {
            status,
            kind,
            title,
            detail: detail.into(),
            field: None,
        }
    }

    /// The request cannot be understood.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        let title = "The request is malformed";
        Problem::new(StatusCode::BAD_REQUEST, "malformed", title, detail)
    }

    /// RFC 6750 section 3: "the resource server MUST include the HTTP WWW-Authenticate response header field"; with
    /// `invalid_token` only when there was a token.
    pub(super) fn unauthorized(with_token: bool) -> Self {
        let (challenge, detail) = if with_token {
            (
                "Bearer realm=\"jackfield\", error=\"invalid_token\"",
                "this is not the token that the server was started with",
            )
        } else {
            (
                "Bearer realm=\"jackfield\"",
                "send the token that the server was started with: Authorization: Bearer TOKEN",
            )
        };
        let title = "The token is missing or wrong";
        let mut problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", title, detail);
        problem.field = Some(("www-authenticate", challenge));
        problem
    }

    /// A page from elsewhere asks.
    pub(super) fn foreign_origin() -> Self {
        Problem::new(
            StatusCode::FORBIDDEN,
            "foreign-origin",
            "Pages from elsewhere may not ask",
            "the Origin of the request is not this server's own",
        )
    }

    /// Sent to a name that is not known to mean this server (RFC 9110 section 15.5.20).
    pub(super) fn foreign_host() -> Self {
        Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign-host",
            "The request was sent to another name",
            "the Host of a request is an address, localhost, or a name from [admin] hosts; anything else could be a \
             page that had its name moved to this server",
        )
    }

    /// No such resource.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            detail,
        )
    }

    /// A name that nothing has, with the nearest that something has.
    pub(super) fn unknown_name(what: &str, name: &str, known: &[&str]) -> Self {
        let hint = config::nearest(name, known, "known");
        let name = config::shown(name);
        Problem::not_found(format!("there is no {what} '{name}'{hint}"))
    }

    /// The resource is there, and cannot be asked this way. Which ways there are is in `Allow`, which the router adds.
    pub(super) fn method_not_allowed() -> Self {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "This cannot be done with this resource",
            "the field Allow says what can; /v1/openapi.json describes it",
        )
    }

    /// The peer sends nothing for too long.
    pub(super) fn slow() -> Self {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow",
            "The request did not arrive in time",
            "nothing more of the body came for 30 s",
        )
    }

    /// Another one is at it.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Problem::new(
            StatusCode::CONFLICT,
            "busy",
            "The plugin is being swapped already",
            detail,
        )
    }

    /// The body is larger than a component can be.
    pub(super) fn too_large(limit: usize) -> Self {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The component is too large",
            format!(
                "the body is larger than a component may be, {limit} bytes, and was not looked at"
            ),
        )
    }

    /// The server stops.
    pub(super) fn stopping() -> Self {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "The server is stopping",
            "the server is stopping",
        )
    }

    /// Not now.
    pub(super) fn overloaded(detail: impl Into<String>) -> Self {
        let title = "The server is too busy";
        let mut problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", title, detail);
        problem.field = Some(("retry-after", "5"));
        problem
    }

    /// A bug of the host.
    pub(super) fn internal(detail: impl Into<String>) -> Self {
        let title = "The server made a mistake";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title, detail)
    }
}

impl From<SwapError> for Problem {
    fn from(error: SwapError) -> Self {
        let detail = error.to_string();
        match error {
            SwapError::Unknown { .. } => Problem::not_found(detail),
            SwapError::Busy(_) => Problem::busy(detail),
            SwapError::TooLarge { limit, .. } => Problem::too_large(limit),
            SwapError::Load(_) => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "component-refused",
                "The component is refused",
                detail,
            ),
            SwapError::DoesNotStart(_) | SwapError::NeedsRestart { .. } => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "does-not-start",
                "The new version does not start",
                detail,
            ),
            SwapError::CanaryUnderWay(_) => Problem::new(
                StatusCode::CONFLICT,
                "canary-under-way",
                "A canary is under way",
                detail,
            ),
            SwapError::NoCanary(_) => Problem::new(
                StatusCode::CONFLICT,
                "no-canary",
                "No canary is under way",
                detail,
            ),
            SwapError::NothingBefore(_) => Problem::new(
                StatusCode::CONFLICT,
                "nothing-before",
                "There is no version to go back to",
                detail,
            ),
            SwapError::Stopping => Problem::stopping(),
        }
    }
}

impl From<NotClosed> for Problem {
    fn from(error: NotClosed) -> Self {
        match error {
            NotClosed::Unknown => {
                Problem::not_found("there is no connection with this id (any more)")
            }
            NotClosed::Handshaking => Problem::new(
                StatusCode::CONFLICT,
                "not-open",
                "The connection is not open",
                "its upgrade request is not answered yet, so that it cannot be closed with a code",
            ),
            NotClosed::Closing => Problem::new(
                StatusCode::CONFLICT,
                "not-open",
                "The connection is not open",
                "it is being closed already",
            ),
            NotClosed::InvalidCode => {
                Problem::malformed("this code must not be sent (RFC 6455 section 7.4)")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let problem = model::Problem {
            kind: format!("urn:jackfield:problem:{}", self.kind),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        // RFC 9457 section 3: "application/problem+json".
        let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, media_type, body).into_response();
        if let Some((name, value)) = self.field {
            response.headers_mut().insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        response
    }
}
