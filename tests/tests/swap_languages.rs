//! Swaps from a component in one language to one in another, on open connections: what the connection has, its
//! attributes, is the host's, and stays.

use std::io::Write as _;
use std::path::PathBuf;

use e2e::artefacts::root;
use e2e::versions::{Answer, PluginFile, handwritten, stamped, stateless};
use e2e::{Client, table};

fn wat(generation: u32) -> Vec<u8> {
    wat::parse_str(handwritten(generation)).expect("a component in text form")
}

#[test]
fn from_rust_to_handwritten_and_back() {
    type Component = fn(u32, &str) -> Vec<u8>;
    let modes = ["\"worker\"", "\"connection\"", "\"single\"", "{ pool = 2 }"];
    table(
        &modes,
        |mode| mode,
        |mode| {
            let rust: [Component; 2] = [stamped, stateless];
            for rust in rust {
                let file = PluginFile::new("stamped", &rust(0, ""));
                let server = file.setup_with(file.plugin().instances(mode)).start();
                let mut clients: Vec<_> = (0..8).map(|_| Client::open(&server, "/")).collect();
                let mut ask_all = |generation, count| {
                    for client in &mut clients {
                        let answer = Answer::parse(&client.ask_text("hello"));
                        assert_eq!((answer.generation, answer.count), (generation, count));
                        assert_eq!(answer.text, "hello");
                    }
                };
                ask_all(0, 1);
                file.swap(&server, &wat(1));
                ask_all(1, 2);
                file.swap(&server, &rust(2, ""));
                ask_all(2, 3);
                file.swap(&server, &wat(3));
                file.swap(&server, &wat(4));
                ask_all(4, 4);
                // What only the other language exports is asked again: the end is heard of by whoever has ears.
                file.swap(&server, &rust(5, ""));
                ask_all(5, 5);
                for client in clients {
                    client.close(1000, "");
                }
                assert_eq!(server.log().count(&["a plugin's call failed"]), 0);
            }
        },
    );
}

/// The samples in other languages that were built here; that needs toolchains which not every machine has.
fn samples() -> Vec<(&'static str, PathBuf)> {
    let echoes = [
        "echo-js",
        "echo-ts",
        "echo-python",
        "echo-c",
        "echo-cpp",
        "echo-go",
    ];
    let (built, missing): (Vec<_>, Vec<_>) = echoes
        .into_iter()
        .map(|name| {
            (
                name,
                root().join(format!("plugins/{name}/dist/{name}.wasm")),
            )
        })
        .partition(|(_, file)| file.exists());
    for (name, _) in missing {
        // Not `eprintln!`: the test harness keeps that to itself when a test passes.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: the sample {name} is not built here, see plugins/{name}/README.md"
        );
    }
    built
}

/// One connection lives through every language that is there, and has its attributes in the end.
#[test]
fn through_every_language_on_one_connection() {
    let file = PluginFile::new("stamped", &stateless(0, ""));
    // Interpreters are larger and take longer to start.
    let plugin = file
        .plugin()
        .limit("memory_bytes", "\"256 MiB\"")
        .limit("call_time", "\"20 s\"");
    let server = file.setup_with(plugin).start();
    let mut clients: Vec<_> = (0..8).map(|_| Client::open(&server, "/")).collect();
    let ask_all = |clients: &mut [Client], generation, count| {
        for client in clients {
            let answer = Answer::parse(&client.ask_text("hello"));
            assert_eq!((answer.generation, answer.count), (generation, count));
        }
    };
    ask_all(&mut clients, 0, 1);
    for (count, (name, path)) in (2..).zip(samples()) {
        file.swap(&server, &std::fs::read(&path).expect("a sample"));
        for client in &mut clients {
            assert_eq!(
                client.ask_text("from Rust to you"),
                "from Rust to you",
                "{name}"
            );
            client.binary(&[0, 255, 128]);
            assert_eq!(client.expect_binary(), [0, 255, 128], "{name}");
        }
        let generation = count as u32;
        // Without state: what another language has saved is not for it.
        file.swap(&server, &stateless(generation, ""));
        ask_all(&mut clients, generation, count);
    }
    for client in clients {
        client.close(1000, "");
    }
    assert_eq!(server.log().count(&["a plugin's call failed"]), 0);
}
