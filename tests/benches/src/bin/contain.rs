//! `cargo run --release -p benches --bin contain`: what a plugin that misbehaves costs the connections beside it. See
//! `benches::contain`.

use std::process::ExitCode;

use benches::contain::{Options, run};
use clap::Parser;

/// Measures a hundred well-behaved connections alone, and beside every kind of plugin that misbehaves
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  contain                                      everything: about three minutes
  contain --repeat 1 --only loops,traps")]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("contain: {error}");
            ExitCode::FAILURE
        }
    }
}
