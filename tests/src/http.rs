//! The HTTP half of the raw client: upgrade requests that can be bent in every direction, and responses
//! read as RFC 9112 says. Knows nothing of the server's code.

/// The key of RFC 6455 section 1.3 …
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// … and the accept value that belongs to it, from the same section.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An upgrade request, correct until a test bends it.
#[derive(Clone, Debug)]
pub struct Request {
    line: Vec<u8>,
    fields: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// A correct upgrade request for a target.
    pub fn upgrade(target: &str) -> Request {
        let fields = [
            ("Host", "jackfield.test"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Version", "13"),
        ];
        Request {
            line: format!("GET {target} HTTP/1.1").into_bytes(),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into(),
        }
    }

    /// A plain request with nothing but a Host.
    pub fn get(target: &str) -> Request {
        Request {
            line: format!("GET {target} HTTP/1.1").into_bytes(),
            fields: vec![("Host".to_owned(), b"jackfield.test".to_vec())],
        }
    }

    /// With this request line instead.
    pub fn line(mut self, line: impl Into<Vec<u8>>) -> Request {
        self.line = line.into();
        self
    }

    /// Without the fields of this name.
    pub fn without(mut self, name: &str) -> Request {
        self.fields
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        self
    }

    /// With one more field line; same names add up.
    pub fn and(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With this value instead of the field's.
    pub fn with(self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.without(name).and(name, value)
    }

    /// The bytes, CRLF after each line and an empty line at the end.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.line.clone();
        out.extend_from_slice(b"\r\n");
        for (name, value) in &self.fields {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// A response's head, and its body when it has one.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Field lines in order, names in lower case.
    pub fields: Vec<(String, String)>,
    /// Body; empty for 101.
    pub body: Vec<u8>,
}

impl Response {
    /// Reads the head at the front of `buffer` and removes it; none when it is not complete.
    ///
    /// # Panics
    /// When it is not what RFC 9112 calls a response: a bad status line, a bare LF, a field without colon.
    #[track_caller]
    pub fn take_head(buffer: &mut Vec<u8>) -> Option<Response> {
        let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")?;
        // Bytes above ASCII are obs-text (RFC 9110 section 5.5), legal in a value and nowhere else.
        let head: String = buffer[..end].iter().copied().map(char::from).collect();
        buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_else(|| panic!("not a status line: {first:?}"));
        let fields = lines
            .map(|line| {
                assert!(
                    !line.contains(['\r', '\n', '\0']),
                    "control bytes in {line:?}"
                );
                let (name, value) = line.split_once(':').expect("a field with a colon");
                let odd = |c: char| !c.is_ascii_graphic();
                assert!(!name.is_empty() && !name.contains(odd), "field {line:?}");
                (name.to_ascii_lowercase(), value.trim().to_owned())
            })
            .collect();
        Some(Response {
            status,
            fields,
            body: Vec::new(),
        })
    }

    /// The value of a field.
    ///
    /// # Panics
    /// When the field is there more than once.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(field, _)| field == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice in {self:?}");
        first
    }

    /// Length of the body as declared; 0 when not declared.
    ///
    /// # Panics
    /// When Content-Length is not a number.
    #[track_caller]
    pub fn content_length(&self) -> usize {
        self.field("content-length")
            .map_or(0, |value| value.parse().expect("a Content-Length"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
