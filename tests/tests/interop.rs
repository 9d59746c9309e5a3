//! Clients that nobody here wrote: Python `websockets`, Node `ws` and Chromium, each exchanging text, binary,
//! fragments (where the client can), ping and close with the real server; Chromium uses the playground page
//! too. What is not installed is skipped with a line that says how to install it (see `e2e::tools`).

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use e2e::{Plugin, Server, Setup, artefacts, process, tools};

/// How long one of these clients may take; a browser starts slowly on a busy machine.
const BOUND: Duration = Duration::from_secs(90);

fn script(name: &str) -> PathBuf {
    artefacts::root().join("tests/interop").join(name)
}

fn url(server: &Server, path: &str) -> String {
    format!("ws://{}{path}", server.address())
}

/// The echo, with permessage-deflate or without; these clients all offer it.
fn echo(compression: &str) -> Setup {
    Setup::echo().on_route("/echo", "compression", compression)
}

/// Runs a client to its end; it must say that all went well.
#[track_caller]
fn passes(command: &mut Command) {
    let output = process::run(command, BOUND);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && stdout.contains("interop: ok"),
        "{command:?}: {}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn python_websockets() {
    let Some(python) = tools::python() else {
        return;
    };
    for compression in ["false", "true"] {
        let server = echo(compression).start();
        passes(
            Command::new(&python)
                .arg(script("python_client.py"))
                .arg(url(&server, "/echo"))
                .arg(compression),
        );
    }
}

#[test]
fn node_ws() {
    let Some((node, modules)) = tools::node_ws() else {
        return;
    };
    for compression in ["false", "true"] {
        let server = echo(compression).start();
        passes(
            Command::new(&node)
                .env("NODE_PATH", &modules)
                .arg(script("node_client.cjs"))
                .arg(url(&server, "/echo"))
                .arg(compression),
        );
    }
}

#[test]
fn chromium_and_the_playground() {
    let Some((node, modules, browser)) = tools::chromium() else {
        return;
    };
    let server = Setup::echo()
        .plugin(Plugin::guest("auth"))
        .route("/private", &["auth", "echo"])
        .start();
    passes(
        Command::new(node)
            .env("NODE_PATH", modules)
            .arg(script("chromium_client.cjs"))
            .arg(server.address().to_string())
            .arg(browser)
            .arg(server.folder().path()),
    );
    let screenshot = server.folder().path().join("playground.png");
    let size = screenshot.metadata().expect("a screenshot").len();
    assert!(size > 5_000, "the screenshot is {size} bytes");
}
