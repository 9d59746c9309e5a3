//! The field `Sec-WebSocket-Extensions` (RFC 6455 section 9.1): syntax only.
//!
//! One pass over the bytes, whatever they are; what an extension means is its own room's business.

use super::lists;

/// An extension that the client offers, with its parameters in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionOffer {
    /// The extension's name.
    pub name: String,
    /// Its parameters; a name may come more than once.
    pub parameters: Vec<ExtensionParameter>,
}

/// A parameter of an offered extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionParameter {
    /// The parameter's name.
    pub name: String,
    /// Its value, without quotes.
    pub value: Option<String>,
}

/// Parses all fields of a request. `None`: bad syntax. No field at all: no offers.
pub(super) fn parse<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<Vec<ExtensionOffer>> {
    let mut offers = Vec::new();
    let mut absent = true;
    for value in values {
        absent = false;
        let mut cursor = Cursor(value);
        loop {
            cursor.skip_space();
            if cursor.0.is_empty() {
                break;
            }
            if cursor.take(b',') {
                continue;
            }
            offers.push(offer(&mut cursor)?);
            if !cursor.take(b',') && !cursor.0.is_empty() {
                return None;
            }
        }
    }
    // `extension-list = 1#extension`: a field without any is bad syntax.
    (absent || !offers.is_empty()).then_some(offers)
}

/// `extension = extension-token *( ";" extension-param )`
fn offer(cursor: &mut Cursor<'_>) -> Option<ExtensionOffer> {
    let name = cursor.token()?.to_owned();
    let mut parameters = Vec::new();
    cursor.skip_space();
    while cursor.take(b';') {
        cursor.skip_space();
        let name = cursor.token()?.to_owned();
        cursor.skip_space();
        let value = if cursor.take(b'=') {
            cursor.skip_space();
            Some(cursor.value()?)
        } else {
            None
        };
        parameters.push(ExtensionParameter { name, value });
        cursor.skip_space();
    }
    Some(ExtensionOffer { name, parameters })
}

/// What is left of a field value.
struct Cursor<'v>(&'v [u8]);

impl<'v> Cursor<'v> {
    /// RFC 6455 uses the grammar of RFC 2616, in which space may stand between any two tokens.
    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        found
    }

    fn token(&mut self) -> Option<&'v str> {
        let end = self
            .0
            .iter()
            .position(|&byte| !lists::is_tchar(byte))
            .unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        lists::token(token)
    }

    /// `token | quoted-string`. "When using the quoted-string syntax variant, the value after quoted-string
    /// unescaping MUST conform to the 'token' ABNF."
    fn value(&mut self) -> Option<String> {
        if !self.take(b'"') {
            return self.token().map(str::to_owned);
        }
        let mut value = Vec::new();
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => break,
                b'\\' => {
                    let (&escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    value.push(escaped);
                }
                byte => value.push(byte),
            }
        }
        lists::token(&value).map(str::to_owned)
    }
}
