//! What a plugin may import beside the contract's own interfaces, and what to tell the author of one that
//! imports something else.

use super::component::Item;
use crate::error::Mismatch;

/// The packages of WASI 0.2 that are linked, with nothing granted.
const LINKED: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];

/// Why this import cannot be had; none: it can.
pub(super) fn refusal(name: &str, item: &Item) -> Option<Mismatch> {
    let Item::Instance(functions) = item else {
        return Some(unknown(
            name,
            &format!("{} of a world of its own", item.in_words()),
        ));
    };
    // An interface of types only asks for nothing.
    if functions.is_empty() {
        return None;
    }
    let Some(rest) = name.strip_prefix("wasi:") else {
        return Some(unknown(name, "an interface of another host"));
    };
    let (path, version) = rest.split_once('@').unwrap_or((rest, ""));
    let (package, _) = path.split_once('/').unwrap_or((path, ""));
    if !LINKED.contains(&package) {
        return Some(Mismatch {
            what: format!("import {name}"),
            expected: format!(
                "no import of wasi:{package}, which is not granted ({})",
                hint(package)
            ),
            found: "a function of it is used".into(),
        });
    }
    if !version.starts_with("0.2.") {
        return Some(Mismatch {
            what: format!("import {name}"),
            expected: "WASI 0.2 (build for it, e.g. the target wasm32-wasip2)".into(),
            found: if version.is_empty() {
                "no version".into()
            } else {
                format!("WASI {version}")
            },
        });
    }
    None
}

fn hint(package: &str) -> &'static str {
    match package {
        "http" => "plugins cannot make or take HTTP requests yet; leave out what needs them",
        "keyvalue" | "config" | "blobstore" | "messaging" => {
            "not there yet; keep state in guest memory or in connection attributes"
        }
        _ => "leave out the library that needs it",
    }
}

fn unknown(name: &str, found: &str) -> Mismatch {
    Mismatch {
        what: format!("import {name}"),
        expected: "only jackfield:plugin/connections and WASI 0.2, the host has nothing else (leave out the library that \
                   needs it, or stub it when building)"
            .into(),
        found: found.into(),
    }
}
