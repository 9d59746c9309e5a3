//! RFC 6455 section 9.1: the syntax of extension offers. What is well-formed is never refused; it may be
//! declined.

#[path = "support/request.rs"]
mod request;

use jackfield_proto::handshake::Malformed;
use request::*;

/// The offers, written back in one spelling.
fn offers(values: &[&str]) -> Result<Vec<String>, Malformed> {
    let lines: Vec<String> = values
        .iter()
        .map(|value| format!("Sec-WebSocket-Extensions: {value}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    match upgraded(&head(&[GOOD, &lines].concat())) {
        Ok(upgrade) => Ok(upgrade
            .extensions
            .iter()
            .map(|offer| {
                let parameters = offer
                    .parameters
                    .iter()
                    .map(|parameter| match &parameter.value {
                        Some(value) => format!(";{}={value}", parameter.name),
                        None => format!(";{}", parameter.name),
                    });
                format!("{}{}", offer.name, parameters.collect::<String>())
            })
            .collect()),
        Err(refusal) => {
            assert_eq!(
                (refusal.status, refusal.reason),
                (400, Malformed::Extensions.into())
            );
            Err(Malformed::Extensions)
        }
    }
}

#[test]
fn good_syntax() {
    for (values, expected) in [
        (vec![], vec![]),
        (vec!["foo"], vec!["foo"]),
        (vec!["foo, bar; baz=2"], vec!["foo", "bar;baz=2"]),
        (vec!["foo;a;b=c;a", "bar"], vec!["foo;a;b=c;a", "bar"]),
        (vec!["foo ; a = b ,\tbar"], vec!["foo;a=b", "bar"]),
        (vec![", foo,, bar,"], vec!["foo", "bar"]),
        (vec!["foo; a=\"b\""], vec!["foo;a=b"]),
        (vec!["foo; a=\"b\\c\""], vec!["foo;a=bc"]),
        (vec!["foo, foo"], vec!["foo", "foo"]),
        (vec!["", "foo"], vec!["foo"]),
        (
            vec!["x-webkit-deflate-frame"],
            vec!["x-webkit-deflate-frame"],
        ),
        (
            vec![
                "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate",
            ],
            vec![
                "permessage-deflate;client_max_window_bits;server_max_window_bits=10",
                "permessage-deflate",
            ],
        ),
    ] {
        assert_eq!(
            offers(&values).as_deref(),
            Ok(expected.map_to_owned().as_slice()),
            "{values:?}"
        );
    }
}

trait MapToOwned {
    fn map_to_owned(self) -> Vec<String>;
}

impl MapToOwned for Vec<&str> {
    fn map_to_owned(self) -> Vec<String> {
        self.into_iter().map(str::to_owned).collect()
    }
}

#[test]
fn bad_syntax() {
    for value in [
        "",
        ",",
        ";",
        "foo;",
        "foo;;a",
        "foo; =b",
        "foo; a=",
        "foo; a==b",
        "foo; a=b c",
        "foo bar",
        "foo; a b",
        "foo=bar",
        "\"foo\"",
        "foo; \"a\"",
        "foo; a=\"",
        "foo; a=\"b",
        "foo; a=\"b\\\"",
        "foo; a=\"b\\",
        "foo; a=\"\"",
        "foo; a=\"b c\"",
        "foo; a=\"b\\\"c\"",
        "foo; a=\"b\"c",
        "foo; a=b\"c\"",
        "foo; a=\"b,c\"",
        "foo/bar",
        "caf\u{e9}",
        "foo; a=\u{e9}",
        "foo, ;",
    ] {
        assert_eq!(offers(&[value]), Err(Malformed::Extensions), "{value:?}");
    }
    // A quoted string does not go on in the next field.
    assert_eq!(offers(&["foo; a=\"b", "c\""]), Err(Malformed::Extensions));
}

/// CVE-2021-32640: the header that made a regular expression think for minutes. One pass, whatever it is.
#[test]
fn hostile_syntax_is_read_in_one_pass() {
    let filled = |text: &str| text.repeat(15_000 / text.len());
    for value in [
        format!("foo; a=\"{}", filled("\\\"")),
        format!("foo; a=\"{}\"", filled("\\a")),
        format!("foo;{}a", filled(" ")),
        format!("foo; a{}", filled(" ")),
        format!("foo{}", filled(";a")),
        format!("foo{}", filled(", a")),
        filled(","),
        filled(";"),
        filled("a;b=\"c\","),
    ] {
        // Good or bad, it is decided; the test's time is the proof.
        let _ = offers(&[&value]);
    }
}

#[test]
fn an_unknown_extension_is_declined_and_its_bits_stay_reserved() {
    let upgrade = upgraded(&with("Sec-WebSocket-Extensions: foo; bar=1")).unwrap();
    let response = String::from_utf8(upgrade.accept(None, &[]).unwrap()).unwrap();
    assert_eq!(field(&response, "Sec-WebSocket-Extensions"), None);
}
