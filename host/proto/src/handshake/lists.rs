//! Tokens and lists of them in field values (RFC 9110 sections 5.6.1 and 5.6.2).
//!
//! Several field lines with one name make one list. Empty elements are skipped: RFC 9110 section 5.6.1.2, "A
//! recipient MUST parse and ignore a reasonable number of empty list elements", which the limit of the head
//! makes reasonable.

use std::collections::HashSet;

/// RFC 9110 section 5.6.2: `tchar`.
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The text as a token, if it is one.
pub(super) fn token(bytes: &[u8]) -> Option<&str> {
    if bytes.is_empty() || !bytes.iter().copied().all(is_tchar) {
        return None;
    }
    str::from_utf8(bytes).ok()
}

/// Whether a list has an element that equals `token`, in any case. What else is in the list does not matter.
pub(super) fn has_token<'v>(mut values: impl Iterator<Item = &'v [u8]>, token: &str) -> bool {
    values
        .any(|value| elements(value).any(|element| element.eq_ignore_ascii_case(token.as_bytes())))
}

/// A list that consists of tokens, all different, and of at least one. `None`: something else. No field at
/// all: an empty list.
pub(super) fn distinct_tokens<'v>(
    values: impl Iterator<Item = &'v [u8]> + Clone,
) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let mut tokens = Vec::new();
    let mut absent = true;
    for value in values {
        absent = false;
        for element in elements(value) {
            let element = token(element)?;
            if !seen.insert(element) {
                return None;
            }
            tokens.push(element.to_owned());
        }
    }
    (absent || !tokens.is_empty()).then_some(tokens)
}

/// The elements of a list that are not empty, without the space around them.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}
