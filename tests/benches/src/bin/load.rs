//! The load generator as a program: a plan on the command line, one line of JSON on stdout. See `benches::load`.

use std::process::ExitCode;

use benches::load::{Plan, run};
use clap::Parser;

/// Loads a WebSocket echo server and says, as one line of JSON, what came of it
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    plan: Plan,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let report = run(&arguments.plan).map_err(|error| error.to_string());
    match report.and_then(|report| serde_json::to_string(&report).map_err(|e| e.to_string())) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
