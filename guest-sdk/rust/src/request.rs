//! Convenience on the handshake's records: reading an upgrade request, writing a header or a rejection.

use crate::{Connection, Header, Rejection, UpgradeRequest};

impl UpgradeRequest {
    /// The connection that asks; it keeps its id when the upgrade succeeds. Attributes can be set on it now.
    pub fn connection(&self) -> Connection {
        Connection::from_id(self.connection)
    }

    /// The value of the first field of this name, in whatever case; none when there is no such field, or when
    /// the value is not UTF-8.
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// let request = testing::request("/", &[("origin", "https://example.com")]);
    /// assert_eq!(request.header("Origin"), Some("https://example.com"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields(name).next()?.text()
    }

    /// The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1); none also when there are several
    /// Authorization fields, of which nobody can say which one counts.
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// let request = testing::request("/", &[("authorization", "Bearer mF_9.B5f-4.1JqM")]);
    /// assert_eq!(request.bearer_token(), Some("mF_9.B5f-4.1JqM"));
    /// ```
    pub fn bearer_token(&self) -> Option<&str> {
        let mut fields = self.fields("authorization");
        let (field, another) = (fields.next()?, fields.next());
        if another.is_some() {
            return None;
        }
        let (scheme, token) = field.text()?.split_once(' ')?;
        // RFC 9110 section 11.1: the scheme is case-insensitive.
        (scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim_start_matches(' '))
    }

    /// The value of a cookie (RFC 6265 section 4.2.1), as it was sent; of several of the same name, the first.
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// let request = testing::request("/", &[("cookie", "theme=dark; session=31d4d96e")]);
    /// assert_eq!(request.cookie("session"), Some("31d4d96e"));
    /// ```
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.fields("cookie")
            .filter_map(Header::text)
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The value of a parameter of the query, decoded as a form's is: `+` is a space, `%41` is `A`, bytes that
    /// are not UTF-8 become U+FFFD. Of several of the same name, the first.
    ///
    /// Queries end up in the logs of whatever stands between the client and here: no place for secrets.
    ///
    /// ```
    /// # use jackfield_guest::testing;
    /// let request = testing::request("/?room=caf%C3%A9+noir&lang=fr", &[]);
    /// assert_eq!(request.query_parameter("room").as_deref(), Some("café noir"));
    /// ```
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        self.query.as_deref()?.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decode(key) == name).then(|| form_decode(value))
        })
    }

    fn fields<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Header> + use<'a, 'n> {
        self.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
    }
}

impl Header {
    /// A field for a response. The host sends the name in lower case.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }

    /// The value as text; none when it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(&self.value).ok()
    }
}

impl Rejection {
    /// A refusal with this HTTP status, 400 to 599, and a body that is sent as plain text.
    ///
    /// ```
    /// # use jackfield_guest::Rejection;
    /// let rejection = Rejection::new(429, "slow down\n").header("retry-after", "30");
    /// # assert_eq!((rejection.status, rejection.headers.len()), (429, 1));
    /// ```
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// Adds a field to the response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }
}

/// application/x-www-form-urlencoded, one name or value. What is no escape stays as it is.
fn form_decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => match escaped(bytes.as_slice()) {
                Some(value) => {
                    decoded.push(value);
                    bytes.nth(1);
                }
                None => decoded.push(b'%'),
            },
            other => decoded.push(other),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The byte that two hexadecimal digits at the beginning of `rest` stand for.
fn escaped(rest: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (high, low) = (digit(rest.first()?)?, digit(rest.get(1)?)?);
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::request;

    #[test]
    fn a_bearer_token_is_read_in_any_case_and_spacing() {
        let token = |value| {
            request("/", &[("Authorization", value)])
                .bearer_token()
                .map(str::to_owned)
        };
        assert_eq!(token("bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("BEARER   abc").as_deref(), Some("abc"));
        assert_eq!(token("Basic abc"), None);
        assert_eq!(token("Bearer"), None);
    }

    #[test]
    fn two_authorization_fields_are_no_token() {
        let request = request(
            "/",
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
        );
        assert_eq!(request.bearer_token(), None);
    }

    #[test]
    fn cookies_are_found_in_every_field_by_their_exact_name() {
        let request = request(
            "/",
            &[
                ("cookie", "a=1;b=2"),
                ("cookie", "xtoken=no; token=k=v; token=second"),
            ],
        );
        assert_eq!(request.cookie("b"), Some("2"));
        assert_eq!(request.cookie("token"), Some("k=v"));
        assert_eq!(request.cookie("Token"), None);
    }

    #[test]
    fn a_field_that_is_not_utf8_has_no_text() {
        let mut request = request("/", &[]);
        request.headers.push(Header::new("x", vec![0xff]));
        assert_eq!(request.header("x"), None);
    }

    #[test]
    fn a_query_is_decoded_as_a_form_and_broken_escapes_stay() {
        let request = request("/?a=1&b&c=%zz%4&%64=%ff&e=x=y", &[]);
        let parameter = |name| request.query_parameter(name);
        assert_eq!(parameter("a").as_deref(), Some("1"));
        assert_eq!(parameter("b").as_deref(), Some(""));
        assert_eq!(parameter("c").as_deref(), Some("%zz%4"));
        assert_eq!(parameter("d").as_deref(), Some("\u{fffd}"));
        assert_eq!(parameter("e").as_deref(), Some("x=y"));
        assert_eq!(parameter("f"), None);
    }
}
