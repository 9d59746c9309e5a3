//! The page on `/`: one HTML document without outside resources, from which a browser can talk to the
//! server's routes. Made once from the names of the routes; it knows nothing else of the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The document, with a place for the routes.
const PAGE: &str = include_str!("playground/page.html");
/// That place: a JSON array inside a script element that is data.
const ROUTES: &str = "__ROUTES__";

/// The page for these routes, and the response fields that belong to it (not Content-Length).
///
/// The policy allows exactly the style and the script in the page, by their digests (CSP level 3,
/// section 2.3.1), and connections to this server; nothing that a message brings can become either.
pub fn page(routes: &[&str]) -> (String, Vec<(String, Vec<u8>)>) {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self' ws: wss:; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        digest(between(PAGE, "<style>", "</style>")),
        digest(between(PAGE, "<script>", "</script>")),
    );
    let fields = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", &policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    (PAGE.replacen(ROUTES, &json(routes), 1), fields.into())
}

/// A JSON array of strings that may stand inside a script element: no character in it can end the
/// element or begin a comment (HTML section 4.12.1.3), so `<`, `>` and `&` are escaped, and everything
/// outside ASCII, too.
fn json(texts: &[&str]) -> String {
    let mut out = String::from("[");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        for unit in text.encode_utf16() {
            match u8::try_from(unit).map(char::from) {
                Ok(c) if c.is_ascii_graphic() && !"\"\\<>&'".contains(c) => out.push(c),
                Ok(' ') => out.push(' '),
                _ => out.push_str(&format!("\\u{unit:04x}")),
            }
        }
        out.push('"');
    }
    out.push(']');
    out
}

/// A source expression for exactly this text.
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// The text between the first `open` and the `close` behind it.
fn between<'t>(text: &'t str, open: &str, close: &str) -> &'t str {
    let from = text.split_once(open).map_or("", |(_, rest)| rest);
    from.split_once(close).map_or("", |(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_cannot_leave_their_element() {
        let (body, _) = page(&[
            "/echo",
            "/</script><script>alert(1)</script>",
            "/\"\\&\u{2028}é𝄞",
        ]);
        assert!(body.contains(
            r#"["/echo","/\u003c/script\u003e\u003cscript\u003ealert(1)\u003c/script\u003e","#
        ));
        assert!(body.contains(r#""/\u0022\u005c\u0026\u2028\u00e9\ud834\udd1e"]"#));
        assert_eq!(
            body.matches("</script>").count(),
            PAGE.matches("</script>").count()
        );
        assert!(!body.contains(ROUTES));
    }

    #[test]
    fn the_policy_covers_the_page_and_nothing_else() {
        assert_eq!(PAGE.matches("<style>").count(), 1);
        assert_eq!(PAGE.matches("<script>").count(), 1);
        // Inline handlers and styles would be refused by the policy, outside resources too.
        for word in [
            " onclick",
            " style=",
            "src=",
            "@import",
            "url(",
            "innerHTML",
            "eval(",
        ] {
            assert!(!PAGE.contains(word), "{word}");
        }
        let (body, fields) = page(&["/"]);
        let policy = fields
            .iter()
            .find(|(name, _)| name == "content-security-policy");
        let policy = String::from_utf8(policy.unwrap().1.clone()).unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
            let inline = between(&body, open, close);
            assert!(
                inline.len() > 100 && policy.contains(&digest(inline)),
                "{open}"
            );
        }
    }

    #[test]
    fn every_control_has_a_label() {
        for id in ["route", "protocols", "text", "file", "code", "reason"] {
            assert!(PAGE.contains(&format!("<label for=\"{id}\">")), "{id}");
            assert!(PAGE.contains(&format!(" id=\"{id}\"")), "{id}");
        }
    }
}
