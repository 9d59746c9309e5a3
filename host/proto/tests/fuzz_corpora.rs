//! Replays the corpora of the fuzz targets (`fuzz/corpus`): what a fuzzer once found stays found.

#[path = "support/client.rs"]
mod client;
#[path = "support/deflate.rs"]
mod deflate;
#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/request.rs"]
mod request;

use std::path::Path;

fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files = 0;
    for file in std::fs::read_dir(&folder).expect("a corpus") {
        let path = file.expect("a file").path();
        // Shown only when the test fails, and then the last is the one.
        println!("{}", path.display());
        check(&std::fs::read(&path).expect("a file that can be read"));
        files += 1;
    }
    assert!(files > 0, "{} is empty", folder.display());
}

#[test]
fn request_heads() {
    replay("request", oracle::request);
}

#[test]
fn frame_streams() {
    replay("frames", oracle::frames);
}

#[test]
fn compressed_payloads() {
    replay("inflate", oracle::inflate);
}

#[test]
fn offers() {
    replay("negotiation", oracle::negotiation);
}
