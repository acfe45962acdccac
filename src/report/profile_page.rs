//! One page that shows a profile: nothing loaded from anywhere, and a few lines of script that sort its tables.

use std::fmt;

use super::document::Document;
use super::figures::{bytes, percent, si};
use super::memory_chart::MemoryChart;
use super::roofline::Roofline;
use super::sorted_table::{Cell, SortedTable, word};
use crate::profile::{Ceilings, Grouping, Profile, Row};

/// What the page shows; [`Display`](fmt::Display) writes the HTML.
#[derive(Debug, Clone, Copy)]
pub struct ProfilePage<'a> {
    /// What was run, in words.
    pub title: &'a str,
    /// What it was like.
    pub profile: &'a Profile,
    /// What the device can do at best.
    pub ceilings: &'a Ceilings,
}

/// More rows than anybody reads.
const MOST_ROWS: usize = 500;

impl fmt::Display for ProfilePage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lead = format!("{}: {}", self.profile.device, self.profile.hardware);
        Document { heading: (self.title, "profiled"), lead, tiles: self.tiles(), sorts: true }.write(f, |f| {
            self.operations(f)?;
            self.tables(f)?;
            write!(f, "<section>\n<h2>Memory</h2>\n{}\n</section>\n", MemoryChart(&self.profile.memory()))
        })
    }
}

impl ProfilePage<'_> {
    fn tiles(&self) -> Vec<(&'static str, String, String)> {
        let Self { profile, ceilings, .. } = *self;
        let (step, idle) = (profile.step_seconds(), profile.idle_seconds());
        let rows = profile.rows(ceilings, Grouping::Operation);
        let steps = profile.steps.max(1) as f64;
        let sum = |of: fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / steps;
        let (above, floor) = (si(sum(Row::above_floor), "s"), si(sum(|row| row.floor_seconds), "s"));
        let calls = profile.calls.len() as f64 / steps;
        vec![
            ("A step", si(step, "s"), format!("mean of {}", profile.steps)),
            ("In operations", percent(1.0 - idle / step), format!("{} between them", si(idle, "s"))),
            ("Above the floor", above, format!("{floor} at the hardware's limit")),
            ("Operations", format!("{calls:.0}"), "in a step".into()),
            ("Peak memory", bytes(profile.peak_bytes), "alive at once".into()),
        ]
    }

    fn operations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.profile.rows(self.ceilings, Grouping::Operation);
        write!(
            f,
            "<section>\n<h2>How far from the limit</h2>\n{}\n",
            Roofline { rows: &rows, ceilings: self.ceilings }
        )?;
        writeln!(f, "<p class=\"note\">{}</p>\n</section>", Roofline::ABOUT)
    }

    fn tables(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = [
            ("By layer", Grouping::Scope, "What is done for a layer, and for its gradient."),
            ("By operation", Grouping::Operation, "The same operation, wherever."),
            ("Everything", Grouping::Call, "The same operation on the same sizes for the same layer."),
        ];
        let steps = self.profile.steps.max(1) as f64;
        for (title, grouping, note) in tables {
            let rows = self.profile.rows(self.ceilings, grouping);
            let whole: f64 = rows.iter().map(|row| row.seconds).sum();
            let lines = rows.iter().take(MOST_ROWS).map(|row| cells(row, steps, whole)).collect();
            write!(f, "<section>\n<h2>{title}</h2>\n{}\n", SortedTable { heads: &HEADS, lines })?;
            write!(f, "<p class=\"note\">{note} Times and counts are those of a step. ")?;
            f.write_str("A click on a head sorts.</p>\n</section>\n")?;
        }
        Ok(())
    }
}

const HEADS: [&str; 11] =
    ["layer", "operation", "type", "sizes", "bound", "calls", "time", "share", "B/s", "FLOP/s", "above floor"];

fn cells(row: &Row, steps: f64, whole: f64) -> Vec<Cell> {
    let per_step = |value: f64, unit| (si(value / steps, unit), Some(value));
    vec![
        word(&row.label),
        word(&row.operation),
        word(&row.dtype),
        word(&row.sizes),
        word(row.bound.name()),
        (format!("{:.0}", row.calls as f64 / steps), Some(row.calls as f64)),
        per_step(row.seconds, "s"),
        (percent(row.seconds / whole), Some(row.seconds)),
        rate(row.work.bytes(), row.seconds),
        rate(row.work.flops, row.seconds),
        per_step(row.above_floor(), "s"),
    ]
}

/// So much in a second; a dash where there is nothing of it.
pub(super) fn rate(amount: u64, seconds: f64) -> Cell {
    match amount {
        0 => ("-".to_owned(), Some(0.0)),
        amount => (si(amount as f64 / seconds, ""), Some(amount as f64 / seconds)),
    }
}
