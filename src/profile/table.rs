//! Rows as text.

use std::fmt;
use std::io::{self, Write};

use super::rows::Row;
use crate::report::figures::{percent, si};

/// Rows as a table: those with most time above their floors first, as far as there is room.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// What to show.
    pub rows: &'a [Row],
    /// Over how many steps times and calls are averaged.
    pub steps: usize,
    /// How many rows to show; the rest is one line.
    pub most: usize,
}

const HEAD: [&str; 11] =
    ["scope", "operation", "type", "sizes", "calls", "time", "share", "B/s", "FLOP/s", "bound", "above floor"];
/// Columns that are words; numbers go to the right.
const WORDS: usize = 4;

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, rest) = self.rows.split_at(self.most.min(self.rows.len()));
        let steps = self.steps.max(1) as f64;
        let whole: f64 = self.rows.iter().map(|row| row.seconds).sum();
        let mut lines = vec![HEAD.map(str::to_owned)];
        lines.extend(shown.iter().map(|row| cells(row, steps, whole)));
        // A column in which nothing stands is left out.
        let columns: Vec<usize> =
            (0..HEAD.len()).filter(|&column| lines[1..].iter().any(|cells| !cells[column].is_empty())).collect();
        let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = columns.iter().map(|&column| width(column)).collect();
        for line in &lines {
            let mut text = String::new();
            for (&column, &width) in columns.iter().zip(&widths) {
                let cell = &line[column];
                text += &if column < WORDS { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        if !rest.is_empty() {
            let seconds: f64 = rest.iter().map(|row| row.seconds).sum();
            writeln!(f, "and {} more, {} of the time", rest.len(), percent(seconds / whole))?;
        }
        Ok(())
    }
}

fn cells(row: &Row, steps: f64, whole: f64) -> [String; 11] {
    let rate = |amount: u64| if amount == 0 { "-".to_owned() } else { si(amount as f64 / row.seconds, "") };
    [
        row.label.clone(),
        row.operation.clone(),
        row.dtype.clone(),
        row.sizes.clone(),
        format!("{:.0}", row.calls as f64 / steps),
        si(row.seconds / steps, "s"),
        percent(row.seconds / whole),
        rate(row.work.bytes()),
        rate(row.work.flops),
        row.bound.name().to_owned(),
        si(row.above_floor() / steps, "s"),
    ]
}

/// Writes rows as comma-separated values, with a line of names.
///
/// # Errors
/// Those of the writer.
pub fn write_csv(rows: &[Row], writer: impl Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(writer);
    table.write_record([
        "scope",
        "operation",
        "dtype",
        "sizes",
        "calls",
        "read",
        "written",
        "flops",
        "seconds",
        "host_seconds",
        "floor_seconds",
        "bound",
    ])?;
    for row in rows {
        let numbers = [row.calls, row.work.read, row.work.written, row.work.flops].map(|number| number.to_string());
        let times = [row.seconds, row.host_seconds, row.floor_seconds].map(|time| format!("{time:e}"));
        let words = [&row.label, &row.operation, &row.dtype, &row.sizes].map(String::as_str);
        let cells = words.into_iter().chain(numbers.iter().chain(&times).map(String::as_str));
        table.write_record(cells.chain([row.bound.name()]))?;
    }
    table.flush()
}
