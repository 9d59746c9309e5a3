//! The results as Markdown, one table a scenario.

use std::fmt::Write;

use super::contenders::{Contender, Family, NATIVE, REFERENCE};
use super::results::{Results, Runs};
use super::scenarios::Scenario;
use crate::load::Mode;

/// Everything that was measured, for a terminal and for a page.
pub(super) fn markdown(
    results: &Results,
    contenders: &[Contender],
    scenarios: &[Scenario],
) -> String {
    let machine = &results.machine;
    let pinned = match machine.cores {
        Some((server, generator)) => {
            format!("server on core {server}, generator on core {generator}")
        }
        None => "not pinned".to_owned(),
    };
    let realtime = match machine.realtime {
        true => " in real time, for which Linux keeps 95 % of a core;",
        false => "",
    };
    let mut text = format!(
        "{}, Linux {}, commit {}; {pinned};{realtime} {} repetitions of {} s, medians.\n",
        machine.processor, machine.kernel, machine.commit, machine.repetitions, machine.seconds
    );
    for scenario in scenarios {
        let _ = write!(text, "\n**{}: {}**\n\n", scenario.key, scenario.title());
        match scenario.mode {
            Mode::Closed => throughput(&mut text, results, contenders, scenario),
            Mode::Open => latency(&mut text, results, contenders, scenario),
            Mode::Idle => memory(&mut text, results, contenders, scenario),
        }
        for contender in contenders {
            let runs = results
                .runs
                .get(scenario.key)
                .and_then(|rows| rows.get(&contender.name));
            for error in runs.iter().flat_map(|runs| &runs.errors) {
                let _ = writeln!(text, "\n{} failed: {error}", contender.name);
            }
        }
    }
    system_calls(&mut text, results, contenders, scenarios);
    text
}

fn throughput(text: &mut String, results: &Results, contenders: &[Contender], of: &Scenario) {
    let reference = results.runs(of.key, REFERENCE).map(Runs::cpu);
    let native = results.runs(of.key, NATIVE).map(Runs::cpu);
    let natives = contenders
        .iter()
        .filter(|contender| contender.family == Family::Native);
    let best = natives
        .filter_map(|contender| results.runs(of.key, &contender.name))
        .map(Runs::cpu)
        .min_by(f64::total_cmp);
    let _ = writeln!(
        text,
        "| server | msg/s | CPU µs/msg | of it user | × {REFERENCE} | × best native | × {NATIVE} | server core | \
         generator core | p50 µs | p99 µs | p99.9 µs |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    for contender in contenders {
        let Some(runs) = results.runs(of.key, &contender.name) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {} | {} | {} | {:.0} % | {:.0} % | {} |",
            contender.name,
            thousands(runs.rate()),
            runs.cpu(),
            runs.user(),
            ratio(runs.cpu(), reference),
            ratio(runs.cpu(), best),
            ratio(
                runs.cpu(),
                native.filter(|_| contender.family == Family::Jackfield)
            ),
            runs.server_busy() * 100.0,
            runs.generator_busy() * 100.0,
            percentiles(runs),
        );
    }
}

fn latency(text: &mut String, results: &Results, contenders: &[Contender], of: &Scenario) {
    text.push_str(
        "| server | answered/s | CPU µs/msg | p50 µs | p99 µs | p99.9 µs | max ms | note |\n\
         |---|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for contender in contenders {
        let Some(runs) = results.runs(of.key, &contender.name) else {
            continue;
        };
        // One pause of a busy machine, or what is under way when the clock stops, is no sign of anything.
        let late = runs.median(|report| (report.unanswered + report.withheld) as f64);
        let behind = runs.rate() < 0.9 * of.rate as f64 || late > of.rate as f64 / 20.0;
        let note = if behind { "cannot keep up" } else { "" };
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {} | {:.1} | {note} |",
            contender.name,
            thousands(runs.rate()),
            runs.cpu(),
            percentiles(runs),
            runs.median(|report| report.latency.max as f64) / 1e6,
        );
    }
}

fn memory(text: &mut String, results: &Results, contenders: &[Contender], of: &Scenario) {
    text.push_str("| server | connections | bytes per connection | start to listening, ms |\n|---|--:|--:|--:|\n");
    for contender in contenders {
        let Some(runs) = results.runs(of.key, &contender.name) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.0} |",
            contender.name,
            thousands(runs.median(|report| report.connections as f64)),
            thousands(runs.median(|report| report.memory_per_connection as f64)),
            runs.start(),
        );
    }
}

fn system_calls(
    text: &mut String,
    results: &Results,
    contenders: &[Contender],
    scenarios: &[Scenario],
) {
    let mut rows = String::new();
    for scenario in scenarios {
        for contender in contenders {
            let runs = results
                .runs
                .get(scenario.key)
                .and_then(|rows| rows.get(&contender.name));
            let Some(runs) = runs.filter(|runs| !runs.system_calls.is_empty()) else {
                continue;
            };
            let mut calls: Vec<_> = runs.system_calls.iter().collect();
            calls.sort_by(|a, b| b.1.total_cmp(a.1));
            let calls: Vec<_> = calls
                .iter()
                .map(|(name, each)| format!("{name} {each:.2}"))
                .collect();
            let _ = writeln!(
                rows,
                "| {} | {} | {} |",
                scenario.key,
                contender.name,
                calls.join(", ")
            );
        }
    }
    if !rows.is_empty() {
        let _ = write!(
            text,
            "\n**System calls a message** (50 connections, strace)\n\n\
             | scenario | server | calls |\n|---|---|---|\n{rows}"
        );
    }
}

fn percentiles(runs: &Runs) -> String {
    let micros = |figure: fn(&crate::load::Latency) -> u64| {
        thousands(runs.median(|report| figure(&report.latency) as f64) / 1000.0)
    };
    let (p50, p99, p999) = (micros(|l| l.p50), micros(|l| l.p99), micros(|l| l.p999));
    format!("{p50} | {p99} | {p999}")
}

fn ratio(value: f64, of: Option<f64>) -> String {
    of.map_or("–".to_owned(), |of| format!("{:.2}", value / of))
}

/// A whole number with commas.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown: Vec<String> = [7.4, 999.0, 1000.0, 1234567.0].map(thousands).into();
        assert_eq!(shown, ["7", "999", "1,000", "1,234,567"]);
    }
}
