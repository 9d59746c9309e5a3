//! The page on `/`: there by default, gone when it is turned off, and no way around a route on the same path.

use e2e::{Client, Plugin, Request, Setup};

#[test]
fn a_plain_get_shows_the_page() {
    let server = Setup::echo().start();
    let response = Client::ask(server.address(), Request::get("/").bytes());
    assert_eq!(response.status, 200);
    let kind = response.field("content-type").expect("a Content-Type");
    assert!(kind.starts_with("text/html"), "{kind}");
    assert_eq!(response.field("connection"), Some("close"));
    let policy = response.field("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(response.field("x-content-type-options"), Some("nosniff"));
    let page = response.text();
    assert!(page.contains("<!doctype html>") && page.contains("\"/echo\""));
    // Nothing from elsewhere is loaded.
    for outside in ["src=\"http", "href=\"http", "url(http", "import "] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn it_can_be_turned_off() {
    let server = Setup::echo().set("", "playground", "false").start();
    let response = Client::ask(server.address(), Request::get("/").bytes());
    assert_eq!(response.status, 404);
    assert_eq!(Client::open(&server, "/echo").ask_text("x"), "x");
}

/// A route on `/` and the page share the path: the upgrade goes to one, the plain GET to the other.
#[test]
fn a_route_on_the_same_path_is_served() {
    let setup = Setup::new()
        .plugin(Plugin::guest("echo"))
        .route("/", &["echo"]);
    let server = setup.start();
    assert_eq!(Client::open(&server, "/").ask_text("x"), "x");
    let response = Client::ask(server.address(), Request::get("/").bytes());
    assert_eq!(response.status, 200);
}
