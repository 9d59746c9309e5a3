//! Replays the corpus of the fuzz target (`fuzz/corpus`): what a fuzzer once found stays found.

#[path = "support/oracle.rs"]
mod oracle;

use jackfield::config;

#[test]
fn configurations() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/configuration");
    let mut files = 0;
    for file in std::fs::read_dir(folder).expect("a corpus") {
        let path = file.expect("a file").path();
        // Shown only when the test fails, and then the last is the one.
        println!("{}", path.display());
        oracle::configuration(&std::fs::read(&path).expect("a file that can be read"));
        files += 1;
    }
    assert!(files > 0, "{folder} is empty");
}
