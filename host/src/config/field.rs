//! A typed walk over a parsed TOML tree. serde stops at the first error of a file; this notes every one,
//! with its place, and goes on. A table remembers which keys it was asked for, so that the list of known
//! keys cannot drift from the code that reads them.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Kind, Report, nearest, quoted};
use super::unit;

/// One value of the tree, and where it is.
pub(super) struct Field<'r, 'i> {
    report: &'r Report<'r>,
    value: &'r DeValue<'i>,
    /// Full path, for messages.
    pub(super) key: String,
    offset: usize,
}

/// One table of the tree.
pub(super) struct Section<'r, 'i> {
    report: &'r Report<'r>,
    table: &'r DeTable<'i>,
    key: String,
    offset: usize,
    asked: Vec<&'static str>,
}

impl<'r, 'i> Section<'r, 'i> {
    /// The whole document.
    pub(super) fn root(report: &'r Report<'r>, table: &'r DeTable<'i>) -> Section<'r, 'i> {
        Section {
            report,
            table,
            key: String::new(),
            offset: 0,
            asked: Vec::new(),
        }
    }

    /// The value of an optional key.
    pub(super) fn field(&mut self, name: &'static str) -> Option<Field<'r, 'i>> {
        self.asked.push(name);
        let (key, value) = self.table.get_key_value(name)?;
        Some(self.entry(key, value))
    }

    /// The value of a key that must be there.
    pub(super) fn required(&mut self, name: &'static str, example: &str) -> Option<Field<'r, 'i>> {
        let field = self.field(name);
        if field.is_none() {
            let message = format!("missing key '{name}', such as {example}");
            self.report
                .add(Kind::Absent, self.offset, &self.key, message);
        }
        field
    }

    /// A table that is a section by itself; an absent one has no keys.
    pub(super) fn section(&mut self, name: &'static str) -> Option<Section<'r, 'i>> {
        self.field(name)?.section()
    }

    /// Every entry, for tables whose keys are names that the user chose.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'r str, Field<'r, 'i>)> {
        self.table
            .iter()
            .map(|(key, value)| (&**key.get_ref(), self.entry(key, value)))
    }

    /// A duration within bounds, or the default.
    pub(super) fn duration(
        &mut self,
        name: &'static str,
        default: Duration,
        bounds: RangeInclusive<Duration>,
    ) -> Duration {
        let field = self.field(name);
        field
            .and_then(|field| field.duration(bounds))
            .unwrap_or(default)
    }

    /// A size in bytes within bounds, or the default.
    pub(super) fn size(
        &mut self,
        name: &'static str,
        default: usize,
        bounds: RangeInclusive<usize>,
    ) -> usize {
        let field = self.field(name);
        field
            .and_then(|field| field.size(bounds))
            .unwrap_or(default)
    }

    /// A whole number within bounds, or the default.
    pub(super) fn count(
        &mut self,
        name: &'static str,
        default: usize,
        bounds: RangeInclusive<usize>,
    ) -> usize {
        let field = self.field(name);
        field
            .and_then(|field| field.count(bounds))
            .unwrap_or(default)
    }

    /// What `read` makes of a value, none for `false`, or the default.
    pub(super) fn or_false<T>(
        &mut self,
        name: &'static str,
        default: Option<T>,
        read: impl FnOnce(&Field<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        match self.field(name) {
            None => default,
            Some(field) if field.as_bool() == Some(false) => None,
            Some(field) => read(&field),
        }
    }

    /// Notes a key that is not there.
    pub(super) fn absent(&self, message: impl Into<String>) {
        self.report
            .add(Kind::Absent, self.offset, &self.key, message);
    }

    /// Notes every key that nothing asked for.
    pub(super) fn finish(mut self) {
        self.asked.sort_unstable();
        self.asked.dedup();
        for (key, value) in self.table {
            let name = &**key.get_ref();
            if !self.asked.contains(&name) {
                let hint = nearest(name, &self.asked, "known here");
                let field = self.entry(key, value);
                field.problem(format!("unknown key{hint}"));
            }
        }
    }

    fn entry(
        &self,
        key: &Spanned<std::borrow::Cow<'i, str>>,
        value: &'r Spanned<DeValue<'i>>,
    ) -> Field<'r, 'i> {
        let name = as_key(key.get_ref());
        Field {
            report: self.report,
            value: value.get_ref(),
            key: match self.key.as_str() {
                "" => name,
                parent => format!("{parent}.{name}"),
            },
            offset: key.span().start,
        }
    }
}

impl<'r, 'i> Field<'r, 'i> {
    /// Notes that something about this value is wrong.
    pub(super) fn problem(&self, message: impl Into<String>) {
        self.report
            .add(Kind::Present, self.offset, &self.key, message);
    }

    /// Notes that this value names something that is not there.
    pub(super) fn dangling(&self, message: impl Into<String>) {
        self.report
            .add(Kind::Absent, self.offset, &self.key, message);
    }

    /// Notes a value of the wrong type or shape.
    pub(super) fn expected(&self, what: &str) {
        self.problem(format!("expected {what}, found {}", self.found()));
    }

    /// As a string, whatever it is; nothing is noted when it is something else.
    pub(super) fn as_text(&self) -> Option<&'r str> {
        self.value.as_str()
    }

    /// As a boolean; nothing is noted when it is something else.
    pub(super) fn as_bool(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// Whether it is an array.
    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// A string that is not empty.
    pub(super) fn text(&self, what: &str) -> Option<&'r str> {
        let text = self.as_text().filter(|text| !text.is_empty());
        if text.is_none() {
            self.expected(what);
        }
        text
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        let value = self.as_bool();
        if value.is_none() {
            self.expected("true or false");
        }
        value
    }

    /// A whole number within bounds.
    pub(super) fn count(&self, bounds: RangeInclusive<usize>) -> Option<usize> {
        let (least, most) = (bounds.start(), bounds.end());
        let value = self.integer();
        let count = value.and_then(|value| usize::try_from(value).ok());
        let count = count.filter(|count| bounds.contains(count));
        if count.is_none() {
            self.expected(&format!("a whole number from {least} to {most}"));
        }
        count
    }

    /// A duration within bounds.
    pub(super) fn duration(&self, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        let Some(value) = self.as_text().and_then(unit::duration) else {
            self.expected(unit::DURATION);
            return None;
        };
        if bounds.contains(&value) {
            return Some(value);
        }
        let (least, most) = (
            unit::show_duration(*bounds.start()),
            unit::show_duration(*bounds.end()),
        );
        self.expected(&format!("a duration from {least} to {most}"));
        None
    }

    /// A size in bytes within bounds: an integer, or a string with a unit.
    pub(super) fn size(&self, bounds: RangeInclusive<usize>) -> Option<usize> {
        let value = match self.as_text() {
            Some(text) => unit::size(text),
            None => self.integer().and_then(|value| u64::try_from(value).ok()),
        };
        let Some(value) = value else {
            self.expected(unit::SIZE);
            return None;
        };
        let size = usize::try_from(value)
            .ok()
            .filter(|size| bounds.contains(size));
        if size.is_none() {
            let (least, most) = (*bounds.start() as u64, *bounds.end() as u64);
            let (least, most) = (unit::show_size(least), unit::show_size(most));
            self.expected(&format!("a size from {least} to {most}"));
        }
        size
    }

    /// The elements of an array.
    pub(super) fn list(&self, what: &str) -> Option<Vec<Field<'r, 'i>>> {
        let Some(array) = self.value.as_array() else {
            self.expected(what);
            return None;
        };
        let elements = array.iter().enumerate().map(|(index, value)| Field {
            report: self.report,
            value: value.get_ref(),
            key: format!("{}[{index}]", self.key),
            offset: value.span().start,
        });
        Some(elements.collect())
    }

    /// A table.
    pub(super) fn section(self) -> Option<Section<'r, 'i>> {
        let Some(table) = self.value.as_table() else {
            self.expected("a table");
            return None;
        };
        Some(Section {
            report: self.report,
            table,
            key: self.key,
            offset: self.offset,
            asked: Vec::new(),
        })
    }

    fn integer(&self) -> Option<i128> {
        let integer = self.value.as_integer()?;
        i128::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// What is there instead, in words.
    fn found(&self) -> String {
        match self.value {
            DeValue::String(text) if text.is_empty() => "an empty string".to_owned(),
            DeValue::String(text) => quoted(text),
            DeValue::Integer(integer) => quoted_bare(&integer.to_string()),
            DeValue::Float(float) => quoted_bare(float.as_str()),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(array) if array.is_empty() => "an empty array".to_owned(),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }
}

fn quoted_bare(text: &str) -> String {
    super::report::shown(text)
}

/// A key as it is written in a path: bare where TOML allows it, quoted elsewhere.
fn as_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        return super::report::shown(name);
    }
    format!(
        "\"{}\"",
        super::report::shown(&name.replace('\\', "\\\\").replace('"', "\\\""))
    )
}
