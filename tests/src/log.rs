//! What the server printed: collected line by line, searchable while it still runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::PATIENCE;

/// Every line of standard output and standard error, in the order of arrival.
#[derive(Clone, Default)]
pub struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lines: Mutex<Lines>,
    grew: Condvar,
}

#[derive(Default)]
struct Lines {
    all: Vec<String>,
    open_streams: usize,
}

impl Log {
    /// Collects the lines of a stream on a thread of its own until it ends.
    pub fn collect(&self, stream: impl Read + Send + 'static) {
        self.lines().open_streams += 1;
        let log = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0) {
                let text = String::from_utf8_lossy(&line);
                log.lines()
                    .all
                    .push(text.trim_end_matches(['\r', '\n']).to_owned());
                log.0.grew.notify_all();
                line.clear();
            }
            log.lines().open_streams -= 1;
            log.0.grew.notify_all();
        });
    }

    /// Waits for a line of which `pick` makes something.
    ///
    /// # Panics
    /// When none comes within [`PATIENCE`] or before the process closed its output, with the whole log.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        self.wait_since(0, what, pick)
    }

    /// Waits for a line behind a place of which `pick` makes something.
    ///
    /// # Panics
    /// As [`Log::wait_for`].
    #[track_caller]
    pub fn wait_since<T>(&self, mark: usize, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        self.wait_within(PATIENCE, mark, what, pick)
    }

    /// The same with another bound.
    ///
    /// # Panics
    /// As [`Log::wait_for`].
    #[track_caller]
    pub fn wait_within<T>(
        &self,
        bound: Duration,
        mark: usize,
        what: &str,
        pick: impl Fn(&str) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + bound;
        let mut seen = mark;
        let mut lines = self.lines();
        loop {
            if let Some(found) = lines.all[seen..].iter().find_map(|line| pick(line)) {
                return found;
            }
            seen = lines.all.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || lines.open_streams == 0 {
                let text = lines.all.join("\n");
                drop(lines);
                panic!("the server never printed {what}; it printed:\n{text}");
            }
            lines = match self.0.grew.wait_timeout(lines, left) {
                Ok((lines, _)) => lines,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Waits for a line that contains every one of `parts`, whatever their case.
    ///
    /// # Panics
    /// As [`Log::wait_for`].
    #[track_caller]
    pub fn wait_for_parts(&self, parts: &[&str]) -> String {
        self.wait_for(&format!("a line with {parts:?}"), |line| {
            has(line, parts).then(|| line.to_owned())
        })
    }

    /// How many lines there are: a place for [`Log::wait_since`].
    pub fn mark(&self) -> usize {
        self.lines().all.len()
    }

    /// Everything from a place on, as one text.
    pub fn text_since(&self, mark: usize) -> String {
        let lines = self.lines();
        lines.all.get(mark..).unwrap_or_default().join("\n")
    }

    /// How many lines contain every one of `parts` so far, whatever their case.
    pub fn count(&self, parts: &[&str]) -> usize {
        self.lines()
            .all
            .iter()
            .filter(|line| has(line, parts))
            .count()
    }

    /// Everything so far, as one text.
    pub fn text(&self) -> String {
        self.lines().all.join("\n")
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0
            .lines
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn has(line: &str, parts: &[&str]) -> bool {
    let line = line.to_lowercase();
    parts.iter().all(|part| line.contains(&part.to_lowercase()))
}
