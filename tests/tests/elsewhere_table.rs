//! The tables in docs/security.md and docs/swap.md against the tests: whoever reads there that something is tested must
//! find the test.

use e2e::artefacts::root;
use e2e::guards::read;

#[test]
fn every_test_of_the_table_is_there() {
    every_test_is_there("security.md", "| attack |", 20);
}

#[test]
fn every_promise_of_a_swap_is_tested() {
    every_test_is_there("swap.md", "| promise |", 14);
}

/// The table of a page that begins with this row, and has as many others at least.
#[track_caller]
fn every_test_is_there(page: &str, first: &str, least: usize) {
    let text = read(&root().join("docs").join(page));
    let lines = text.lines().skip_while(|line| !line.starts_with(first));
    let rows: Vec<&str> = lines
        .take_while(|line| line.starts_with('|'))
        .filter(|line| line.starts_with("| "))
        .collect();
    assert!(rows.len() > least, "{} rows", rows.len());
    let mut missing = Vec::new();
    // The first names the columns.
    for row in &rows[1..] {
        let mut cells = row.trim_matches(['|', ' ']).split(" | ");
        let tests = cells.nth(2).unwrap_or_default();
        let mut named = 0;
        for (file, name) in tests.split('`').filter_map(|word| word.split_once("::")) {
            named += 1;
            let there = ["tests/tests", "host/proto/tests"].iter().any(|folder| {
                let path = root().join(folder).join(format!("{file}.rs"));
                path.exists() && read(&path).contains(&format!("fn {name}()"))
            });
            if !there {
                missing.push(format!("{file}::{name}"));
            }
        }
        assert!(named > 0 || tests.starts_with("unit"), "no test: {row}");
    }
    assert!(missing.is_empty(), "not there: {missing:?}");
}
