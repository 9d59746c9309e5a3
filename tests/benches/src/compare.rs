//! The runner: builds and starts Jackfield and the peers, loads them in turn with the same generator, and puts the
//! results side by side.
//!
//! The server has one core and the generator another. In each repetition every server is started anew for every
//! scenario, and the servers take turns, so that a machine that slows down for a while slows all of them. What is
//! printed are medians over the repetitions, and ratios.

mod artefacts;
mod contenders;
mod machine;
mod picture;
mod process;
mod results;
mod scenarios;
mod system_calls;
mod table;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::system;
use artefacts::Artefacts;
use contenders::Contender;
use process::{Cores, Running};
use results::{Outcome, Results};
use scenarios::Scenario;

/// What is compared, and how thoroughly.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Repetitions; what is printed are medians
    #[arg(long, default_value_t = 3)]
    pub repeat: usize,
    /// Measured seconds of each run
    #[arg(long, default_value_t = 1.5)]
    pub seconds: f64,
    /// Only these servers, by the names in the first column
    #[arg(long, value_delimiter = ',')]
    pub servers: Vec<String>,
    /// Only these scenarios, by the words before the colons
    #[arg(long, value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// Connections of the idle scenario; idle-more has five times as many
    #[arg(long, default_value_t = 10_000)]
    pub idle: usize,
    /// Messages a second of the open scenario
    #[arg(long, default_value_t = 30_000)]
    pub rate: u64,
    /// A binary to measure instead of building one
    #[arg(long, value_name = "FILE")]
    pub jackfield: Option<PathBuf>,
    /// Run servers and generator in real time (chrt), before everything else on a machine that is not quiet; for root
    #[arg(long)]
    pub priority: bool,
    /// Have the generator sleep while it waits, so that waking it counts as the server's work
    #[arg(long)]
    pub sleep: bool,
    /// Count system calls too (needs strace)
    #[arg(long)]
    pub system_calls: bool,
    /// Where results.json, the table and the picture go [default: benches/ in the target directory]
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

/// Measures everything and prints the table.
///
/// # Errors
/// What cannot be built, started or written. A server that fails in one scenario is noted and does not end the run.
pub fn run(options: &Options) -> io::Result<()> {
    let artefacts = Artefacts::build(options)?;
    let contenders = contenders::all(&artefacts, options)?;
    // For the servers, which inherit it: both ends of a connection are on this machine.
    system::allow_descriptors(5 * options.idle as u64 + 20_000);
    let scenarios = scenarios::all(options)?;
    let cores = Cores::choose(options.priority);

    let mut results = Results::new(machine::describe(options, cores));
    for repetition in 1..=options.repeat.max(1) {
        for scenario in &scenarios {
            if scenario.once && repetition > 1 {
                continue;
            }
            for contender in &contenders {
                if !contender.runs_in(scenario.key) {
                    continue;
                }
                eprintln!(
                    "{repetition}/{}  {}: {}",
                    options.repeat, scenario.key, contender.name
                );
                let outcome = measure(contender, scenario, options, &artefacts, cores);
                results.add(contender, scenario, outcome);
            }
        }
    }
    if options.system_calls {
        for scenario in scenarios.iter().filter(|scenario| scenario.is_closed()) {
            let traced =
                |contender: &&Contender| contender.traced && contender.runs_in(scenario.key);
            for contender in contenders.iter().filter(traced) {
                eprintln!("system calls  {}: {}", scenario.key, contender.name);
                let counted = system_calls::count(contender, scenario, &artefacts, cores);
                results.add_system_calls(contender, scenario, counted);
            }
        }
    }

    let table = table::markdown(&results, &contenders, &scenarios);
    print!("{table}");
    let folder = &artefacts.output;
    fs::write(folder.join("table.md"), table)?;
    fs::write(folder.join("results.json"), results.json()?)?;
    fs::write(
        folder.join("echo.svg"),
        picture::svg(&results, &contenders, &scenarios),
    )?;
    eprintln!("written: {}", folder.display());
    Ok(())
}

fn measure(
    contender: &Contender,
    scenario: &Scenario,
    options: &Options,
    artefacts: &Artefacts,
    cores: Cores,
) -> io::Result<Outcome> {
    let server = Running::start(contender, &artefacts.output, cores)?;
    let connections = scenario.connections.min(contender.most);
    let scenario = Scenario {
        connections,
        ..scenario.clone()
    };
    let report = process::load(&artefacts.load, &server, &scenario, options, cores)?;
    Ok(Outcome {
        report,
        started_in: server.started_in,
    })
}

fn text_file(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let file = folder.join(name);
    fs::write(&file, text)?;
    Ok(file)
}
