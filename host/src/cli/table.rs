//! A table for people: columns as wide as they must be, numbers to the right, and nothing in a cell that a terminal
//! would act on.

use super::console::{Console, Style};
use crate::config::shown;

/// Rows under a heading.
pub(super) struct Table {
    heading: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column's name and side.
pub(super) enum Column {
    /// Text, to the left.
    Text(&'static str),
    /// A number, to the right.
    Number(&'static str),
}

impl Table {
    pub(super) fn new(heading: impl Into<Vec<Column>>) -> Table {
        Table {
            heading: heading.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, which has as many cells as the heading. An empty cell is shown as `-`.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let shown = cells.iter().map(|cell| match cell.as_str() {
            "" => "-".to_owned(),
            text => shown(text),
        });
        self.rows.push(shown.collect());
    }

    /// The text, with a line break at its end.
    pub(super) fn text(&self, console: &Console) -> String {
        let mut text = String::new();
        let names: Vec<String> = self.heading.iter().map(|c| c.name().to_owned()).collect();
        let widths: Vec<usize> = (0..names.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let cells = cells.chain(names.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &[String]| {
            let mut line = String::new();
            for ((cell, column), width) in cells.iter().zip(&self.heading).zip(&widths) {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                if !line.is_empty() {
                    line.push_str("  ");
                }
                match column {
                    Column::Text(_) => line.extend([cell.as_str(), &gap]),
                    Column::Number(_) => line.extend([&gap, cell.as_str()]),
                }
            }
            line.trim_end().to_owned()
        };
        text.push_str(&console.out(Style::Bold, &line(&names)));
        text.push('\n');
        for row in &self.rows {
            text.push_str(&line(row));
            text.push('\n');
        }
        text
    }
}

impl Column {
    fn name(&self) -> &'static str {
        match self {
            Column::Text(name) | Column::Number(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_terminals_come_to_no_harm() {
        let mut table = Table::new([
            Column::Text("NAME"),
            Column::Number("CALLS"),
            Column::Text("ERROR"),
        ]);
        table.row(["echo".into(), "7".into(), String::new()]);
        table.row(["a-long-name".into(), "123456".into(), "\u{1b}[2Jéé".into()]);
        let expected = "\
NAME          CALLS  ERROR
echo              7  -
a-long-name  123456  \\u{1b}[2Jéé
";
        assert_eq!(table.text(&Console::detect()), expected);
    }
}
