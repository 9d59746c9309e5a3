//! What a person sees while a command works: lines, errors and progress on stderr, results on stdout.
//! Colours and moving lines only on a terminal; elsewhere every step is one plain line when it is done.

use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Erases the line that the cursor is on.
const ERASE: &[u8] = b"\r\x1b[K";

/// The two streams and what they can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// stderr is a terminal that can move its cursor.
    live: bool,
    colour_out: bool,
    colour_err: bool,
}

/// How a piece of text is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Bold,
    Dim,
    Red,
    Green,
    Cyan,
}

/// One step that takes a while, about one thing.
pub(super) struct Step<'a> {
    console: &'a Console,
    name: &'a str,
}

impl Console {
    /// Looks at the streams and the environment: `NO_COLOR` (any value but an empty one) and `TERM=dumb`
    /// turn colours off.
    pub fn detect() -> Console {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        let live = std::io::stderr().is_terminal() && !dumb;
        Console {
            live,
            colour_out: std::io::stdout().is_terminal() && !dumb && !plain,
            colour_err: live && !plain,
        }
    }

    /// Whether stderr shows colours.
    pub(super) fn colour(&self) -> bool {
        self.colour_err
    }

    /// A writer for log lines, which must not be appended to a moving line.
    pub(super) fn log_writer(&self) -> impl Fn() -> std::io::Stderr + use<> {
        let live = self.live;
        move || {
            let mut stderr = std::io::stderr();
            if live {
                let _ = stderr.write_all(ERASE);
            }
            stderr
        }
    }

    /// Writes results to stdout. Whoever closed it does not want them.
    pub(super) fn print(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes());
        let _ = stdout.flush();
    }

    /// One line about the work to stderr.
    pub(super) fn say(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// An error; further lines of it are indented already.
    pub(super) fn error(&self, text: &str) {
        let label = paint(self.colour_err, Style::Red, "error:");
        self.say(&format!("{label} {text}"));
    }

    /// Bytes for stderr as they are.
    pub(super) fn raw(&self, bytes: &[u8]) {
        self.write(bytes);
    }

    /// Begins a step.
    pub(super) fn step<'a>(&'a self, name: &'a str) -> Step<'a> {
        Step {
            console: self,
            name,
        }
    }

    /// Text for stdout in a style.
    pub(super) fn out(&self, style: Style, text: &str) -> String {
        paint(self.colour_out, style, text)
    }

    /// Text for stderr in a style.
    pub(super) fn err(&self, style: Style, text: &str) -> String {
        paint(self.colour_err, style, text)
    }

    fn write(&self, bytes: &[u8]) {
        // stderr may be closed, and then there is nobody to tell.
        let _ = std::io::stderr().lock().write_all(bytes);
    }
}

impl Step<'_> {
    /// What the step does now. Seen on a terminal only, where it replaces what was said before.
    pub(super) fn doing(&self, what: &str) {
        if self.console.live {
            let line = self.line(Style::Cyan, &fitting(what, 76 - self.name.len().min(40)));
            self.console.write(&[ERASE, line.as_bytes()].concat());
        }
    }

    /// Something about the step that stays.
    pub(super) fn note(&self, what: &str) {
        self.stay(Style::Cyan, what);
    }

    /// The step is over.
    pub(super) fn done(self, what: &str) {
        self.stay(Style::Green, what);
    }

    /// The step is over, and failed; the error itself is said elsewhere.
    pub(super) fn failed(self, what: &str) {
        self.stay(Style::Red, what);
    }

    fn stay(&self, style: Style, what: &str) {
        let line = self.line(style, what);
        let erase = if self.console.live { ERASE } else { b"" };
        self.console
            .write(&[erase, line.as_bytes(), b"\n"].concat());
    }

    fn line(&self, style: Style, what: &str) -> String {
        let name = paint(self.console.colour_err, style, self.name);
        format!("{name}: {what}")
    }
}

/// A duration for people: two or three digits.
pub(super) fn elapsed(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "less than 1 ms".to_owned(),
        ms @ 1..1000 => format!("{ms} ms"),
        ms @ 1000..100_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20),
    }
}

fn paint(colour: bool, style: Style, text: &str) -> String {
    let code = match style {
        Style::Bold => "1",
        Style::Dim => "2",
        Style::Red => "1;31",
        Style::Green => "32",
        Style::Cyan => "36",
    };
    if colour {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Cut to fit on one line: a line that wraps cannot be erased.
fn fitting(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        let ms = Duration::from_millis;
        assert_eq!(elapsed(ms(0)), "less than 1 ms");
        assert_eq!(elapsed(ms(32)), "32 ms");
        assert_eq!(elapsed(ms(1234)), "1.2 s");
        assert_eq!(elapsed(ms(61_000)), "61.0 s");
        assert_eq!(elapsed(ms(125_000)), "2 min 5 s");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(46_000), "45 KiB");
        assert_eq!(size(1_572_864), "1.5 MiB");
    }

    #[test]
    fn a_moving_line_never_wraps() {
        assert_eq!(fitting("short", 10), "short");
        assert_eq!(fitting("exactly ten", 10), "exactly t…");
        assert_eq!(fitting("ééééé", 3), "éé…");
    }
}
