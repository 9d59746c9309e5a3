//! Collects the problems of one file while it is walked, with their line and key, and puts them into
//! words. It knows nothing of what a configuration means.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// How many problems are shown; a file with more is shown that many and a count.
const SHOWN: usize = 40;

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// The key's full path (`routes."/echo".plugins`); empty when the problem belongs to none.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Everything that is wrong in a file, by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file, as the user wrote it.
    pub file: String,
    /// At least one.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().take(SHOWN).enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{}: ", self.file, problem.line)?;
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            write!(f, "{}", problem.message)?;
        }
        match self.list.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more", self.file),
        }
    }
}

/// Whether a problem is in what is written, or in what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something written is wrong.
    Present,
    /// Something that should be there is not (a key, a plugin that a route names).
    Absent,
}

/// The problems found so far in one text.
pub(super) struct Report<'t> {
    text: &'t str,
    /// Where the lines end: a file may have as many problems as lines.
    ends: Vec<usize>,
    found: RefCell<Vec<(Kind, Problem)>>,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Report<'t> {
        Report {
            text,
            ends: text.match_indices('\n').map(|(end, _)| end).collect(),
            found: RefCell::default(),
        }
    }

    /// Adds a problem at a byte offset of the text.
    pub(super) fn add(&self, kind: Kind, offset: usize, key: &str, message: impl Into<String>) {
        let problem = Problem {
            line: self.line(offset),
            key: key.to_owned(),
            message: message.into(),
        };
        self.found.borrow_mut().push((kind, problem));
    }

    /// The problems by line, or none. `syntax` is what the TOML parser said: with syntax errors, the walk
    /// saw a tree that the parser guessed at from the first of them on, so only problems of what is
    /// written above that line are certain; the others may vanish with the syntax error.
    pub(super) fn finish(self, syntax: &[(Option<Range<usize>>, String)]) -> Result<(), Problems> {
        let mut list = Vec::new();
        for (span, message) in syntax {
            let offset = span.as_ref().map_or(self.text.len(), |span| span.start);
            list.push(Problem {
                line: self.line(offset),
                key: String::new(),
                message: format!("not valid TOML: {}", shown(message)),
            });
        }
        let uncertain = list.iter().map(|problem| problem.line).min();
        let found = self.found.into_inner().into_iter();
        list.extend(found.filter_map(|(kind, problem)| match uncertain {
            Some(line) if kind == Kind::Absent || problem.line >= line => None,
            _ => Some(problem),
        }));
        // Stable: problems of one line stay in the order in which they were found.
        list.sort_by_key(|problem| problem.line);
        list.dedup();
        if list.is_empty() {
            return Ok(());
        }
        Err(Problems {
            file: String::new(),
            list,
        })
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|end| *end < offset)
    }
}

/// A piece of the file inside a message: quoted with `'`, control characters escaped, cut when long.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", shown(text))
}

/// Control characters escaped, cut when long.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => escaped(text.get(..end).unwrap_or_default()) + "…",
        None => escaped(text),
    }
}

/// Control characters escaped: the terminal of whoever reads it must come to no harm.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// `; did you mean 'x'?` with the nearest of `known`, or `; LABEL: a, b, c` when none is near.
pub(crate) fn nearest(word: &str, known: &[&str], label: &str) -> String {
    let folded = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let wanted = folded(word);
    let best = known
        .iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&wanted, &folded(candidate)),
                *candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((_, candidate)) => format!("; did you mean {}?", quoted(candidate)),
        None if known.is_empty() => String::new(),
        None => format!("; {label}: {}", known.join(", ")),
    }
}
