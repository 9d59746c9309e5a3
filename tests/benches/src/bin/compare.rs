//! `cargo run --release -p benches --bin compare`: Jackfield against other servers, in one table. See
//! `benches::compare`.

use std::process::ExitCode;

use benches::compare::{Options, run};
use clap::Parser;

/// Builds and measures Jackfield and other WebSocket servers, in turn, on two cores of this machine
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  compare                                      everything: about twelve minutes
  compare --repeat 1 --seconds 1 --scenarios small,large
  compare --servers 'jackfield worker,fastwebsockets' --system-calls")]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}
