//! Decides who may connect, by a token, and remembers the user for the plugins behind it on the route.
//!
//! It looks at the handshake only. Who the tokens belong to is `accounts`, the part to replace.

mod accounts;

use accounts::Standing;
use jackfield_guest::{Connection, Handshake, Header, Rejection, UpgradeRequest};

/// The attribute that holds the user's name, for every plugin of the route to read.
const USER: &str = "user";

/// The cookie that may hold the token.
const COOKIE: &str = "token";

/// What a token begins with that is offered as a subprotocol, the one thing that a page can put into the
/// handshake by itself: `new WebSocket(url, ["chat.v1", "token.let-me-in"])`.
const TOKEN_PROTOCOL: &str = "token.";

#[derive(Default)]
struct Auth;

impl Handshake for Auth {
    fn check_custom_header(&mut self, request: &UpgradeRequest) -> Result<Vec<Header>, Rejection> {
        // RFC 6750 section 3: without a token, the challenge carries no error code.
        let token = token(request)
            .ok_or_else(|| unauthorized(r#"Bearer realm="jackfield""#, "a token is needed"))?;
        let user = match accounts::find(token) {
            Some((user, Standing::Welcome)) => user,
            Some((_, Standing::Barred)) => {
                return Err(Rejection::new(403, "this account may not connect\n"));
            }
            None => {
                let challenge = r#"Bearer realm="jackfield", error="invalid_token""#;
                return Err(unauthorized(challenge, "nobody has this token"));
            }
        };
        // Whoever relies on the attribute must find it: without it, nobody comes in.
        request
            .connection()
            .set_attribute(USER, user)
            .map_err(|error| {
                eprintln!("the user could not be remembered: {error}");
                Rejection::new(503, "try again\n")
            })?;
        Ok(Vec::new())
    }

    /// The client's favourite among the real protocols. The token is never echoed: a response header ends up
    /// in places where a secret has no business.
    fn select_protocol(&mut self, _: Connection, offered: Vec<String>) -> Option<String> {
        offered
            .into_iter()
            .find(|protocol| !protocol.starts_with(TOKEN_PROTOCOL))
    }
}

jackfield_guest::export!(Auth: Handshake);

/// The token of a request: of the Authorization field, else of the cookie, else of a subprotocol. One that is
/// there decides; a wrong one is not made good by another.
fn token(request: &UpgradeRequest) -> Option<&str> {
    if request
        .headers
        .iter()
        .any(|field| field.name == "authorization")
    {
        return request.bearer_token();
    }
    let offered = || {
        request
            .protocols
            .iter()
            .find_map(|name| name.strip_prefix(TOKEN_PROTOCOL))
    };
    request.cookie(COOKIE).or_else(offered)
}

/// RFC 9110 section 15.5.2: a 401 "MUST send a WWW-Authenticate header field".
fn unauthorized(challenge: &str, reason: &str) -> Rejection {
    let body = format!(
        "{reason}: as 'Authorization: Bearer <token>', as cookie '{COOKIE}', or as subprotocol \
         '{TOKEN_PROTOCOL}<token>'\n"
    );
    Rejection::new(401, body).header("www-authenticate", challenge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_guest::testing;

    fn check(headers: &[(&str, &str)]) -> Result<Option<String>, (u16, String)> {
        let request = testing::request("/private", headers);
        match Auth.check_custom_header(&request) {
            Ok(fields) => {
                assert_eq!(fields, []);
                let user = request
                    .connection()
                    .attribute(USER)
                    .expect("an open connection");
                Ok(user.map(|name| String::from_utf8(name).expect("a name")))
            }
            Err(rejection) => {
                let field = rejection
                    .headers
                    .iter()
                    .find(|field| field.name == "www-authenticate");
                let challenge = field.and_then(Header::text).unwrap_or_default().to_owned();
                assert!(!rejection.body.is_empty());
                assert_eq!(request.connection().attribute(USER), Ok(None));
                Err((rejection.status, challenge))
            }
        }
    }

    #[test]
    fn a_token_is_found_in_all_three_places() {
        let ada = Ok(Some("ada".to_owned()));
        assert_eq!(check(&[("authorization", "Bearer let-me-in")]), ada);
        assert_eq!(check(&[("cookie", "theme=dark; token=let-me-in")]), ada);
        assert_eq!(
            check(&[("sec-websocket-protocol", "chat.v1, token.let-me-in")]),
            ada
        );
    }

    #[test]
    fn no_token_is_401_with_a_plain_challenge() {
        let plain = Err((401, r#"Bearer realm="jackfield""#.to_owned()));
        assert_eq!(check(&[]), plain);
        assert_eq!(check(&[("authorization", "Basic bGV0LW1lLWlu")]), plain);
        assert_eq!(check(&[("sec-websocket-protocol", "let-me-in")]), plain);
    }

    #[test]
    fn a_wrong_token_is_401_and_says_so() {
        let invalid = Err((
            401,
            r#"Bearer realm="jackfield", error="invalid_token""#.to_owned(),
        ));
        for token in ["let-me-i", "let-me-in-", "Let-me-in", "", "let-me-on"] {
            assert_eq!(
                check(&[("authorization", &format!("Bearer {token}"))]),
                invalid,
                "{token:?}"
            );
        }
    }

    #[test]
    fn a_known_user_who_is_barred_is_403() {
        assert_eq!(
            check(&[("cookie", "token=keep-me-out")]),
            Err((403, String::new()))
        );
    }

    #[test]
    fn a_good_cookie_does_not_repair_a_bad_authorization() {
        let fields = [
            ("authorization", "Bearer wrong"),
            ("cookie", "token=let-me-in"),
        ];
        assert!(check(&fields).is_err());
        let fields = [("authorization", "Basic x"), ("cookie", "token=let-me-in")];
        assert!(check(&fields).is_err());
    }

    #[test]
    fn the_first_real_protocol_is_chosen_and_the_token_never() {
        let choose = |offered: &[&str]| {
            let offered = offered.iter().map(|name| (*name).to_owned()).collect();
            Auth.select_protocol(testing::connect(), offered)
        };
        assert_eq!(
            choose(&["token.let-me-in", "chat.v2", "chat.v1"]).as_deref(),
            Some("chat.v2")
        );
        assert_eq!(choose(&["chat.v1"]).as_deref(), Some("chat.v1"));
        assert_eq!(choose(&["token.let-me-in", "token.keep-me-out"]), None);
    }
}
