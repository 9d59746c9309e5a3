//! Who may ask: the name that the request was sent to, the page that it comes from, and the token, in this order and
//! before anything else of the request is looked at.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Context;
use super::problem::Problem;

/// What may be asked without a token: probes have none.
const OPEN: [&str; 2] = ["/v1/health", "/v1/ready"];

/// Lets a request through or answers it.
pub(super) async fn gate(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match check(&context, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (CORP, "same-origin"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn check(context: &Context, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let authority = authority(request.uri(), headers)?;
    if !is_ours(&authority, &context.hosts) {
        return Err(Problem::foreign_host());
    }
    check_origin(headers, &authority)?;
    if OPEN.contains(&request.uri().path()) {
        return Ok(());
    }
    match bearer(headers) {
        Some(token) if context.token.is(token) => Ok(()),
        Some(_) => {
            context.note_wrong_token();
            Err(Problem::unauthorized(true))
        }
        None => Err(Problem::unauthorized(false)),
    }
}

/// Where the request was sent to. RFC 9112 section 3.2.2: a target in absolute form wins over `Host`; section 3.2:
/// none, or more than one `Host`, is a bad request.
fn authority(target: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, more) = (hosts.next(), hosts.next());
    let host = match (host, more) {
        (Some(host), None) => host,
        _ => return Err(Problem::malformed("a request has exactly one Host")),
    };
    if let Some(authority) = target.authority() {
        return Ok(authority.clone());
    }
    Authority::try_from(host.as_bytes())
        .map_err(|_| Problem::malformed("the Host is not a host and a port"))
}

/// Against DNS rebinding: a page whose name was moved to this server sends that name. An address cannot be moved.
fn is_ours(authority: &Authority, hosts: &[String]) -> bool {
    let host = authority.host();
    let address = host.trim_matches(['[', ']']);
    !authority.as_str().contains('@')
        && (address.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || hosts.iter().any(|known| host.eq_ignore_ascii_case(known)))
}

/// Browsers say which page asks (RFC 6454 section 7). Only a page of this very server may: same host, same port. The
/// scheme may be https when TLS was ended in front of the server.
fn check_origin(headers: &HeaderMap, authority: &Authority) -> Result<(), Problem> {
    for origin in headers.get_all(header::ORIGIN) {
        let text = origin.to_str().unwrap_or_default();
        let host = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"));
        if !host.is_some_and(|host| host.eq_ignore_ascii_case(authority.as_str())) {
            return Err(Problem::foreign_origin());
        }
    }
    Ok(())
}

/// RFC 6750 section 2.1: `Authorization: Bearer TOKEN`; the scheme's case does not matter (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_known_names_are_ours() {
        let hosts = ["admin.example.org".to_owned()];
        for (text, ours) in [
            ("127.0.0.1:9001", true),
            ("127.0.0.1", true),
            ("[::1]:9001", true),
            ("localhost:9001", true),
            ("LOCALHOST", true),
            ("Admin.Example.org:443", true),
            ("admin.example.org.", false),
            ("example.org", false),
            ("localhost.example.org:9001", false),
            ("127.0.0.1.example.org:9001", false),
            ("localhost@example.org", false),
            ("user@localhost", false),
        ] {
            let authority = Authority::try_from(text).unwrap();
            assert_eq!(is_ours(&authority, &hosts), ours, "{text}");
        }
    }

    #[test]
    fn only_pages_of_this_server_may_ask() {
        let authority = Authority::from_static("localhost:9001");
        for (origin, allowed) in [
            (None, true),
            (Some("http://localhost:9001"), true),
            (Some("https://LOCALHOST:9001"), true),
            (Some("http://localhost:3000"), false),
            (Some("http://localhost"), false),
            (Some("http://127.0.0.1:9001"), false),
            (Some("https://example.org"), false),
            (Some("null"), false),
            (Some(""), false),
            (Some("ws://localhost:9001"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.append(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(
                check_origin(&headers, &authority).is_ok(),
                allowed,
                "{origin:?}"
            );
            headers.append(
                header::ORIGIN,
                HeaderValue::from_static("https://example.org"),
            );
            assert!(check_origin(&headers, &authority).is_err(), "a second one");
        }
    }

    #[test]
    fn a_token_comes_with_its_scheme() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("BEARER   abc ", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic abc", None),
            ("abc", None),
            ("", None),
        ] {
            let headers =
                HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            assert_eq!(bearer(&headers), token.map(str::as_bytes), "{value}");
        }
    }
}
