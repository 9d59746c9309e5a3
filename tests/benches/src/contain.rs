//! What a plugin that misbehaves costs the connections beside it: a hundred connections to the echo plugin at a fixed
//! rate, alone and then beside each kind of harm on another route, on the same worker. Latencies count from when a
//! message was due, and every echo is checked byte by byte.
//!
//! Taking out versions that fail (`swap.failures`) is switched off: it would end most harm within a second, and what the
//! harm itself costs would not be seen. `--take-out` leaves it as it is by default, to see what a server really suffers.

mod harm;
mod site;
mod villain;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::load::{self, Kind, Mode, Plan, Report};
use crate::system;
use harm::{HARMS, Harm};
use site::{Artefacts, Site};

/// What is measured, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Runs of everything, in turn; medians are shown
    #[arg(long, default_value_t = 3)]
    pub repeat: usize,
    /// Measured seconds of a run
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Well-behaved connections
    #[arg(long, default_value_t = 100)]
    pub connections: usize,
    /// Their messages a second, over all of them
    #[arg(long, default_value_t = 2000)]
    pub rate: u64,
    /// Bytes of a message
    #[arg(long, default_value_t = 128)]
    pub size: usize,
    /// Connections to the plugin that misbehaves
    #[arg(long, default_value_t = 4)]
    pub villains: usize,
    /// Worker threads, all on one core
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// Take out versions that fail, as a server does by default
    #[arg(long)]
    pub take_out: bool,
    /// Only these kinds of harm (a comma between them)
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Another binary instead of the one that is built
    #[arg(long)]
    pub jackfield: Option<PathBuf>,
    /// Folder for the configuration and the server's log (default: TARGET/benches)
    #[arg(long)]
    pub output: Option<PathBuf>,
}

/// Builds, measures, prints the table.
///
/// # Errors
/// When something cannot be built or started, no harm has that name, or a well-behaved connection got anything but its
/// echo.
pub fn run(options: &Options) -> io::Result<()> {
    for name in &options.only {
        if !HARMS.iter().any(|harm| harm.name == name) {
            let known: Vec<&str> = HARMS.iter().map(|harm| harm.name).collect();
            return Err(io::Error::other(format!(
                "no harm is called '{name}'; there are: {}",
                known.join(", ")
            )));
        }
    }
    let wanted =
        |harm: &&Harm| options.only.is_empty() || options.only.iter().any(|n| n == harm.name);
    let harms: Vec<&Harm> = HARMS.iter().filter(wanted).collect();
    let artefacts = Artefacts::build(options)?;
    let mut alone = Vec::new();
    let mut beside: Vec<Vec<(Report, u64)>> = harms.iter().map(|_| Vec::new()).collect();
    for round in 1..=options.repeat.max(1) {
        eprintln!("round {round} of {}: undisturbed", options.repeat.max(1));
        alone.push(measure(options, &artefacts, None)?.0);
        for (harm, reports) in harms.iter().zip(&mut beside) {
            eprintln!("round {round}: {}", harm.name);
            reports.push(measure(options, &artefacts, Some(harm))?);
        }
    }
    print(options, &alone, &harms, &beside);
    Ok(())
}

/// One run on a fresh server. Gives what the load found, and how often the harm was done.
fn measure(
    options: &Options,
    artefacts: &Artefacts,
    harm: Option<&Harm>,
) -> io::Result<(Report, u64)> {
    let cores = system::cores();
    let (server_core, load_core) = match cores[..] {
        [server, load, ..] => (Some(server), Some(load)),
        _ => (None, None),
    };
    let site = Site::start(options, artefacts, harm, server_core)?;
    let plan = Plan {
        address: site.address,
        path: "/".to_owned(),
        mode: Mode::Open,
        connections: options.connections,
        size: options.size,
        kind: Kind::Binary,
        burst: 1,
        rate: options.rate,
        seconds: options.seconds,
        warmup: 1.0,
        messages: None,
        pid: Some(site.pid()),
        sleep: true,
        core: load_core,
    };
    let (stop, times) = (AtomicBool::new(false), AtomicU64::new(0));
    let report = std::thread::scope(|scope| {
        for number in 0..harm.map_or(0, |harm| harm.villains(options.villains)) {
            let (site, stop, times) = (&site, &stop, &times);
            scope.spawn(move || {
                if let Some(core) = load_core {
                    // Where it is not allowed, it runs anywhere.
                    let _ = system::pin(core);
                }
                if let Some(harm) = harm {
                    harm.go_on(site, number, stop, times);
                }
            });
        }
        let report = scope.spawn(|| load::run(&plan)).join();
        stop.store(true, Ordering::Relaxed);
        report
    });
    let report = report.map_err(|_| io::Error::other("the load generator panicked"))?;
    let report = report.map_err(|error| {
        let name = harm.map_or("nobody", |harm| harm.name);
        io::Error::other(format!("beside {name}: {error}"))
    })?;
    Ok((report, times.load(Ordering::Relaxed)))
}

fn print(options: &Options, alone: &[Report], harms: &[&Harm], beside: &[Vec<(Report, u64)>]) {
    println!(
        "{} connections, {} messages a second of {} bytes in all, {} worker(s) on one core, {}; medians of {} x {} s, in ms",
        options.connections,
        options.rate,
        options.size,
        options.workers,
        if options.take_out {
            "versions that fail are taken out"
        } else {
            "versions that fail stay"
        },
        alone.len(),
        options.seconds
    );
    println!("| beside | p50 | p99 | p99.9 | slowest | p99 x | unanswered | harm done |");
    println!("|---|---|---|---|---|---|---|---|");
    let undisturbed = median(alone.iter().map(|report| report.latency.p99));
    let row = |name: &str, reports: &[&Report], times: Option<u64>| {
        let column = |of: fn(&Report) -> u64| median(reports.iter().map(|report| of(report)));
        let ms = |nanoseconds: u64| format!("{:.2}", nanoseconds as f64 / 1e6);
        println!(
            "| {name} | {} | {} | {} | {} | {:.1} | {} | {} |",
            ms(column(|report| report.latency.p50)),
            ms(column(|report| report.latency.p99)),
            ms(column(|report| report.latency.p999)),
            ms(column(|report| report.latency.max)),
            column(|report| report.latency.p99) as f64 / undisturbed.max(1) as f64,
            column(|report| report.unanswered + report.withheld),
            times.map_or("-".to_owned(), |times| times.to_string()),
        );
    };
    row("nobody", &alone.iter().collect::<Vec<_>>(), None);
    for (harm, reports) in harms.iter().zip(beside) {
        let times = median(reports.iter().map(|(_, times)| *times));
        let reports: Vec<&Report> = reports.iter().map(|(report, _)| report).collect();
        row(harm.what, &reports, Some(times));
    }
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
