//! How what was heard differs from what was expected, in lines that a person can compare.

use super::client::Heard;
use super::line::quoted;
use super::parse::{Expected, Payload};

/// Characters that a line shows of a text, around the place that matters.
const SHOWN: usize = 60;
/// Bytes that a line shows.
const SHOWN_BYTES: usize = 20;

/// Whether this is what was expected; otherwise the difference in indented lines.
pub(super) fn compare(expected: &Expected, heard: &Heard) -> Result<(), String> {
    match (expected, heard) {
        (Expected::Message(Payload::Text(expected)), Heard::Text(heard)) => texts(expected, heard),
        (Expected::Message(Payload::Bytes(expected)), Heard::Bytes(heard)) => {
            bytes(expected, heard)
        }
        (Expected::Like(pattern), Heard::Text(heard)) if is_like(pattern, heard) => Ok(()),
        (Expected::Json(expected), Heard::Text(text)) => match serde_json::from_str(text) {
            Ok(serde_json::Value::Null) if expected.is_null() => Ok(()),
            Ok(value) if value == *expected => Ok(()),
            Ok(value) => texts(&expected.to_string(), &value.to_string()),
            Err(error) => Err(lines(
                &what(&Expected::Json(expected.clone())),
                &format!("{}, which is no JSON: {error}", short(text)),
            )),
        },
        (Expected::Ping(expected), Heard::Ping(heard))
        | (Expected::Pong(expected), Heard::Pong(heard)) => match expected {
            None => Ok(()),
            Some(expected) => bytes(expected.bytes(), heard),
        },
        _ => Err(lines(&what(expected), &heard.to_string())),
    }
}

/// The two lines of a difference.
pub(super) fn lines(expected: &str, heard: &str) -> String {
    format!("  expected  {expected}\n  heard     {heard}")
}

/// What was expected, in words.
pub(super) fn what(expected: &Expected) -> String {
    match expected {
        Expected::Message(Payload::Text(text)) => short(text),
        Expected::Message(Payload::Bytes(bytes)) => short_bytes(bytes),
        Expected::Like(pattern) => format!("a text like {}", quoted(pattern)),
        Expected::Json(value) => format!("the JSON {value}"),
        Expected::Ping(_) => "a ping".to_owned(),
        Expected::Pong(_) => "a pong".to_owned(),
    }
}

/// A text, or its beginning and its length.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => quoted(text),
        Some((at, _)) => {
            let beginning = quoted(text.get(..at).unwrap_or_default());
            format!("{beginning}… ({} bytes)", text.len())
        }
    }
}

/// Bytes, or the first of them and how many there are.
pub(super) fn short_bytes(bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    let text = Payload::Bytes(shown.to_vec()).to_string();
    if shown.len() == bytes.len() {
        text
    } else {
        format!("{text} … ({} bytes)", bytes.len())
    }
}

/// Whether a text is a pattern in which `*` stands for anything, also for nothing.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.split_once(part) {
            Some((_, behind)) => text = behind,
            None => return false,
        }
    }
    text.ends_with(last)
}

fn texts(expected: &str, heard: &str) -> Result<(), String> {
    if expected == heard {
        return Ok(());
    }
    let same = expected
        .chars()
        .zip(heard.chars())
        .take_while(|(a, b)| a == b)
        .count();
    // From a little before the place where they part.
    let from = if same < SHOWN { 0 } else { same - SHOWN / 3 };
    let part = |text: &str| {
        let mut rest = text.chars().skip(from);
        let shown: String = rest.by_ref().take(SHOWN).collect();
        let (before, behind) = (
            if from > 0 { "…" } else { "" },
            if rest.next().is_some() { "…" } else { "" },
        );
        format!("{before}{}{behind}", quoted(&shown))
    };
    let common: String = expected.chars().skip(from).take(same - from).collect();
    // The quotes as they are shown, without the closing one.
    let indent = quoted(&common).chars().count() - 1 + usize::from(from > 0);
    let place = if from > 0 || expected.len().max(heard.len()) > SHOWN {
        format!(
            " (character {}; {} and {} bytes)",
            same + 1,
            expected.len(),
            heard.len()
        )
    } else {
        String::new()
    };
    Err(format!(
        "{}\n            {}^ they differ here{place}",
        lines(&part(expected), &part(heard)),
        " ".repeat(indent)
    ))
}

fn bytes(expected: &[u8], heard: &[u8]) -> Result<(), String> {
    if expected == heard {
        return Ok(());
    }
    let same = expected
        .iter()
        .zip(heard)
        .take_while(|(a, b)| a == b)
        .count();
    let from = if same < SHOWN_BYTES {
        0
    } else {
        same - SHOWN_BYTES / 3
    };
    let part = |bytes: &[u8]| {
        let shown = short_bytes(bytes.get(from..).unwrap_or_default());
        if from > 0 {
            shown.replacen("bytes", "bytes …", 1)
        } else {
            shown
        }
    };
    let indent = "bytes".len() + 3 * (same - from) + if from > 0 { 3 } else { 1 };
    Err(format!(
        "{}\n            {}^ they differ here (byte {}; {} and {} bytes)",
        lines(&part(expected), &part(heard)),
        " ".repeat(indent),
        same + 1,
        expected.len(),
        heard.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Expected {
        Expected::Message(Payload::Text(text.to_owned()))
    }

    #[test]
    fn patterns() {
        for (pattern, text, like) in [
            ("a", "a", true),
            ("a", "b", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("a*a", "a", false),
            ("id * of *!", "id 7 of 9!", true),
        ] {
            assert_eq!(is_like(pattern, text), like, "{pattern} {text}");
        }
    }

    #[test]
    fn a_difference_points_at_its_place() {
        let said = compare(&text("hello, world"), &Heard::Text("hello, World".into())).unwrap_err();
        assert_eq!(
            said,
            "  expected  \"hello, world\"\n  heard     \"hello, World\"\n                    ^ they differ here"
        );
        let long = "x".repeat(5000);
        let said =
            compare(&text(&format!("{long}a")), &Heard::Text(format!("{long}b"))).unwrap_err();
        assert!(
            said.contains("character 5001; 5001 and 5001 bytes") && said.len() < 300,
            "{said}"
        );
        let expected = Expected::Message(Payload::Bytes(vec![0, 1, 2]));
        let said = compare(&expected, &Heard::Bytes(vec![0, 9, 2])).unwrap_err();
        assert_eq!(
            said,
            "  expected  bytes 00 01 02\n  heard     bytes 00 09 02\n                     ^ they differ here (byte 2; 3 and 3 bytes)"
        );
        let said = compare(&text("a"), &Heard::Bytes(vec![97])).unwrap_err();
        assert_eq!(said, "  expected  \"a\"\n  heard     bytes 61");
    }

    #[test]
    fn json_is_compared_as_json() {
        let json = Expected::Json(serde_json::json!({"a": 1, "b": [true]}));
        assert!(compare(&json, &Heard::Text("{ \"b\": [true], \"a\": 1 }".into())).is_ok());
        assert!(compare(&json, &Heard::Text("{}".into())).is_err());
        let said = compare(&json, &Heard::Text("hello".into())).unwrap_err();
        assert!(said.contains("no JSON"), "{said}");
    }
}
