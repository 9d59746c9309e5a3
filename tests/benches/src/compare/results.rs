//! The figures of a comparison: every run as it was, and medians.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::Serialize;

use super::contenders::Contender;
use super::machine::Machine;
use super::scenarios::Scenario;
use crate::load::Report;

/// One run.
pub(super) struct Outcome {
    pub(super) report: Report,
    /// From the server's start to listening.
    pub(super) started_in: Duration,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Results {
    pub(super) machine: Machine,
    /// By scenario, then by server.
    pub(super) runs: BTreeMap<&'static str, BTreeMap<String, Runs>>,
}

/// The runs of one server in one scenario.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Runs {
    pub(super) reports: Vec<Report>,
    /// From the server's start to listening, in milliseconds.
    pub(super) start: Vec<f64>,
    pub(super) errors: Vec<String>,
    /// System calls a message, by name.
    pub(super) system_calls: BTreeMap<String, f64>,
}

impl Results {
    pub(super) fn new(machine: Machine) -> Results {
        Results {
            machine,
            runs: BTreeMap::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        contender: &Contender,
        scenario: &Scenario,
        outcome: io::Result<Outcome>,
    ) {
        let runs = self.place(contender, scenario);
        match outcome {
            Ok(outcome) => {
                runs.reports.push(outcome.report);
                runs.start.push(outcome.started_in.as_secs_f64() * 1000.0);
            }
            Err(error) => {
                eprintln!("  {error}");
                runs.errors.push(error.to_string());
            }
        }
    }

    pub(super) fn add_system_calls(
        &mut self,
        contender: &Contender,
        scenario: &Scenario,
        counted: io::Result<BTreeMap<String, f64>>,
    ) {
        let runs = self.place(contender, scenario);
        match counted {
            Ok(calls) => runs.system_calls = calls,
            Err(error) => eprintln!("  {error}"),
        }
    }

    /// The runs of a server in a scenario, when there was at least one that succeeded.
    pub(super) fn runs(&self, scenario: &str, contender: &str) -> Option<&Runs> {
        let runs = self.runs.get(scenario)?.get(contender)?;
        (!runs.reports.is_empty()).then_some(runs)
    }

    pub(super) fn json(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    fn place(&mut self, contender: &Contender, scenario: &Scenario) -> &mut Runs {
        let servers = self.runs.entry(scenario.key).or_default();
        servers.entry(contender.name.clone()).or_default()
    }
}

impl Runs {
    /// Messages a second.
    pub(super) fn rate(&self) -> f64 {
        self.median(|report| report.messages as f64 / report.seconds)
    }

    /// Server CPU a message in microseconds.
    pub(super) fn cpu(&self) -> f64 {
        self.median(cpu)
    }

    /// The part of [`Runs::cpu`] in user mode.
    pub(super) fn user(&self) -> f64 {
        self.median(|report| cpu(report) * report.server_user)
    }

    /// How much of its core the server used, 0 to 1.
    pub(super) fn server_busy(&self) -> f64 {
        self.median(|report| report.server_cpu as f64 / 1e9 / report.seconds)
    }

    /// How much of its core the generator used, 0 to 1.
    pub(super) fn generator_busy(&self) -> f64 {
        self.median(|report| report.generator_cpu as f64 / 1e9 / report.seconds)
    }

    /// The median over the runs of one figure.
    pub(super) fn median(&self, figure: impl Fn(&Report) -> f64) -> f64 {
        median(self.reports.iter().map(figure).collect())
    }

    /// From start to listening, in milliseconds.
    pub(super) fn start(&self) -> f64 {
        median(self.start.clone())
    }
}

fn cpu(report: &Report) -> f64 {
    report.server_cpu as f64 / 1000.0 / report.messages.max(1) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values.get(middle).copied().unwrap_or(f64::NAN),
        _ => match values.get(middle.wrapping_sub(1)..=middle) {
            Some([low, high]) => (low + high) / 2.0,
            _ => f64::NAN,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }
}
