//! Swaps from a component in one language to one in another, on open connections: what the connection has, its
//! attributes, is the host's, and stays.

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
