//! RFC 7692 sections 5 and 7.1: what comes of the offers for permessage-deflate.

#[path = "support/client.rs"]
mod client;
#[path = "support/deflate.rs"]
mod deflate;
#[path = "support/request.rs"]
mod request;

use deflate::negotiated;
use jackfield_proto::DeflateSettings;

/// The parameters of the response; `None` when declined.
#[track_caller]
fn answer(offers: &[&str], settings: &DeflateSettings) -> Option<String> {
    let (negotiated, response) = negotiated(offers, settings)?;
    // What is agreed is what is said.
    let value = |name: &str| {
        response.split("; ").find_map(|parameter| {
            parameter
                .strip_prefix(name)?
                .strip_prefix('=')?
                .parse()
                .ok()
        })
    };
    let server_bits = value("server_max_window_bits").unwrap_or(15);
    let client_bits = value("client_max_window_bits").unwrap_or(15);
    assert_eq!(negotiated.server_max_window_bits, server_bits);
    assert_eq!(negotiated.client_max_window_bits, client_bits);
    assert_eq!(
        negotiated.server_no_context_takeover,
        response.contains("server_no_context_takeover")
    );
    assert_eq!(
        negotiated.client_no_context_takeover,
        response.contains("client_no_context_takeover")
    );
    let parameters = response
        .strip_prefix("permessage-deflate")
        .expect("the extension's name");
    Some(
        parameters
            .strip_prefix("; ")
            .unwrap_or(parameters)
            .to_owned(),
    )
}

#[track_caller]
fn accepted(offer: &str, expected: &str) {
    let answer = answer(&[offer], &DeflateSettings::default());
    assert_eq!(answer.as_deref(), Some(expected), "{offer}");
}

#[track_caller]
fn declined(offer: &str) {
    assert_eq!(
        answer(&[offer], &DeflateSettings::default()),
        None,
        "{offer}"
    );
}

#[test]
fn offers_that_browsers_and_libraries_make() {
    accepted("permessage-deflate", "");
    accepted("permessage-deflate; client_max_window_bits", "");
    accepted(
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "server_no_context_takeover; client_no_context_takeover",
    );
    accepted(
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        "server_max_window_bits=12; client_max_window_bits=12",
    );
    accepted(
        "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
        "server_max_window_bits=10",
    );
}

#[test]
fn each_parameter_alone() {
    accepted(
        "permessage-deflate; server_no_context_takeover",
        "server_no_context_takeover",
    );
    accepted(
        "permessage-deflate; client_no_context_takeover",
        "client_no_context_takeover",
    );
    for bits in 8..=15 {
        let server = format!("server_max_window_bits={bits}");
        accepted(&format!("permessage-deflate; {server}"), &server);
        let client = format!("client_max_window_bits={bits}");
        accepted(&format!("permessage-deflate; {client}"), &client);
    }
    accepted(
        "permessage-deflate; server_max_window_bits=\"9\"",
        "server_max_window_bits=9",
    );
    accepted(
        "permessage-deflate; client_max_window_bits=\"1\\1\"",
        "client_max_window_bits=11",
    );
}

#[test]
fn unknown_parameters_are_declined() {
    declined("permessage-deflate; foo");
    declined("permessage-deflate; foo=1; server_no_context_takeover");
    declined("permessage-deflate; Server_No_Context_Takeover");
    declined("permessage-deflate; server-max-window-bits=10");
}

#[test]
fn duplicate_parameters_are_declined() {
    for parameter in [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits",
        "client_max_window_bits=10",
    ] {
        declined(&format!("permessage-deflate; {parameter}; {parameter}"));
    }
    declined("permessage-deflate; client_max_window_bits; client_max_window_bits=10");
    declined("permessage-deflate; server_max_window_bits=10; server_max_window_bits=11");
}

/// CVE-2026-2229: window bits that zlib does not take must not reach it.
#[test]
fn invalid_window_bits_are_declined() {
    for bits in [
        "0",
        "1",
        "7",
        "16",
        "17",
        "08",
        "010",
        "015",
        "+10",
        "-10",
        "10.0",
        "0x0a",
        "ten",
        "255",
        "256",
        "1000",
        "99999999999999999999",
    ] {
        declined(&format!(
            "permessage-deflate; server_max_window_bits={bits}"
        ));
        declined(&format!(
            "permessage-deflate; client_max_window_bits={bits}"
        ));
        declined(&format!(
            "permessage-deflate; client_max_window_bits=\"{bits}\""
        ));
    }
    declined("permessage-deflate; server_max_window_bits");
}

#[test]
fn values_where_none_belong_are_declined() {
    declined("permessage-deflate; server_no_context_takeover=1");
    declined("permessage-deflate; client_no_context_takeover=true");
    declined("permessage-deflate; client_no_context_takeover=\"x\"");
}

#[test]
fn other_extensions_are_not_meant() {
    declined("x-webkit-deflate-frame");
    declined("permessage-bzip2");
    declined("Permessage-Deflate");
    assert_eq!(answer(&[], &DeflateSettings::default()), None);
}

#[test]
fn the_first_good_offer_of_several_wins() {
    for (offers, expected) in [
        (vec!["permessage-deflate; foo, permessage-deflate"], ""),
        (
            vec!["permessage-deflate; server_max_window_bits=10, permessage-deflate"],
            "server_max_window_bits=10",
        ),
        (
            vec![
                "permessage-deflate",
                "permessage-deflate; server_max_window_bits=10",
            ],
            "",
        ),
        (
            vec![
                "permessage-deflate; server_max_window_bits=7",
                "foo, permessage-deflate; server_max_window_bits=9",
            ],
            "server_max_window_bits=9",
        ),
        (
            vec!["foo; bar=1, permessage-deflate; client_no_context_takeover"],
            "client_no_context_takeover",
        ),
    ] {
        assert_eq!(
            answer(&offers, &DeflateSettings::default()).as_deref(),
            Some(expected),
            "{offers:?}"
        );
    }
}

#[test]
fn what_the_server_wants_narrows_what_is_offered() {
    let settings = DeflateSettings {
        server_window_bits: 12,
        client_window_bits: 11,
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        ..DeflateSettings::default()
    };
    let both = "server_no_context_takeover; client_no_context_takeover";
    for (offer, expected) in [
        // The server may say more than was asked, but for client_max_window_bits.
        (
            "permessage-deflate",
            format!("{both}; server_max_window_bits=12"),
        ),
        (
            "permessage-deflate; client_max_window_bits",
            format!("{both}; server_max_window_bits=12; client_max_window_bits=11"),
        ),
        (
            "permessage-deflate; client_max_window_bits=15",
            format!("{both}; server_max_window_bits=12; client_max_window_bits=11"),
        ),
        (
            "permessage-deflate; client_max_window_bits=9",
            format!("{both}; server_max_window_bits=12; client_max_window_bits=9"),
        ),
        (
            "permessage-deflate; server_max_window_bits=15",
            format!("{both}; server_max_window_bits=12"),
        ),
        (
            "permessage-deflate; server_max_window_bits=8",
            format!("{both}; server_max_window_bits=8"),
        ),
    ] {
        assert_eq!(answer(&[offer], &settings), Some(expected), "{offer}");
    }
}

#[test]
fn settings_out_of_range_count_as_the_nearest() {
    let settings = DeflateSettings {
        server_window_bits: 0,
        client_window_bits: 99,
        level: 99,
        ..DeflateSettings::default()
    };
    let answer = answer(&["permessage-deflate; client_max_window_bits"], &settings);
    assert_eq!(answer.as_deref(), Some("server_max_window_bits=8"));
}

#[test]
fn without_negotiation_nothing_is_said() {
    let upgrade = request::upgraded(&request::with(
        "Sec-WebSocket-Extensions: permessage-deflate",
    ))
    .unwrap();
    let response = String::from_utf8(upgrade.accept(None, &[]).unwrap()).unwrap();
    assert_eq!(request::field(&response, "Sec-WebSocket-Extensions"), None);
}
