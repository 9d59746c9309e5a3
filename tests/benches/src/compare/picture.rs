//! The picture of the README: messages for each second of server CPU time, which stays true also where the
//! generator, and not the server, was the bottleneck.

use std::fmt::Write;

use super::contenders::{Contender, Family};
use super::results::Results;
use super::scenarios::Scenario;

const WIDTH: u32 = 760;
const LEFT: u32 = 180;
const BAR: u32 = 18;
const GAP: u32 = 6;
/// The scenarios that are shown.
const SHOWN: [&str; 3] = ["small", "large", "pipelined"];

/// Readable on a light and on a dark page.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:13px}\
.jackfield{fill:#7a9a01}.native{fill:#8c959f}.runtime{fill:#c8ccd1}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.native{fill:#6e7681}.runtime{fill:#484f58}}";

/// One group of bars a scenario.
pub(super) fn svg(results: &Results, contenders: &[Contender], scenarios: &[Scenario]) -> String {
    let mut body = String::new();
    let mut y = 10;
    for scenario in scenarios
        .iter()
        .filter(|scenario| SHOWN.contains(&scenario.key))
    {
        y = group(&mut body, y, results, contenders, scenario);
    }
    let height = y + 4;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<title>Echoed messages per second of server CPU time</title>\n\
         <style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn group(
    body: &mut String,
    top: u32,
    results: &Results,
    contenders: &[Contender],
    scenario: &Scenario,
) -> u32 {
    let mut bars: Vec<(&Contender, f64)> = contenders
        .iter()
        .filter_map(|contender| {
            let runs = results.runs(scenario.key, &contender.name)?;
            Some((contender, 1e6 / runs.cpu()))
        })
        .collect();
    bars.sort_by(|a, b| b.1.total_cmp(&a.1));
    let longest = bars.first().map_or(1.0, |bar| bar.1);
    let mut y = top + 14;
    let title = escaped(&scenario.title());
    let _ = writeln!(
        body,
        "<text class=\"title\" x=\"0\" y=\"{y}\">Messages per second of server CPU time: {title}</text>"
    );
    y += 10;
    for (contender, value) in bars {
        let class = match contender.family {
            Family::Jackfield => "jackfield",
            Family::Native => "native",
            Family::Runtime => "runtime",
        };
        // Room for the figure behind the longest bar.
        let width = value / longest * f64::from(WIDTH - LEFT - 80);
        let (name, text) = (escaped(&contender.name), y + 13);
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{:.0} k</text>",
            LEFT - 8,
            f64::from(LEFT) + width + 6.0,
            value / 1000.0,
        );
        y += BAR + GAP;
    }
    y + 14
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
