//! One page that shows operations of a device by themselves.

use std::fmt;

use super::document::Document;
use super::figures::{grouped, percent, si};
use super::profile_page::rate;
use super::roofline::Roofline;
use super::sorted_table::{Cell, SortedTable, word};
use crate::profile::operations::Measured;
use crate::profile::{Ceilings, Row};

/// What the page shows; [`Display`](fmt::Display) writes the HTML.
#[derive(Debug, Clone, Copy)]
pub struct OperationsPage<'a> {
    /// The device, as on the command line.
    pub device: &'a str,
    /// What was measured.
    pub operations: &'a [Measured],
    /// What the device can do at best.
    pub ceilings: &'a Ceilings,
}

impl fmt::Display for OperationsPage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lead, tiles) = (self.ceilings.hardware.clone(), self.tiles());
        Document { heading: ("Operations", &format!("on {}", self.device)), lead, tiles, sorts: true }.write(f, |f| {
            let rows: Vec<Row> = self.operations.iter().map(|measured| measured.row.clone()).collect();
            let roofline = Roofline { rows: &rows, ceilings: self.ceilings };
            write!(f, "<section>\n<h2>How far from the limit</h2>\n{roofline}\n")?;
            write!(f, "<p class=\"note\">{}</p>\n</section>\n", Roofline::ABOUT)?;
            let lines = self.operations.iter().map(cells).collect();
            write!(f, "<section>\n<h2>Every operation</h2>\n{}\n", SortedTable { heads: &HEADS, lines })?;
            f.write_str(
                "<p class=\"note\">Median times, on operands that no cache holds; the spread is half the middle half ",
            )?;
            f.write_str("of them. Each was checked against its reference. A click on a head sorts.</p>\n</section>\n")
        })
    }
}

impl OperationsPage<'_> {
    fn tiles(&self) -> Vec<(&'static str, String, String)> {
        let (wrong, count) =
            (self.operations.iter().filter(|measured| measured.error > 1.0).count(), self.operations.len());
        let mut efficiencies: Vec<f64> = self.operations.iter().map(|measured| measured.row.efficiency()).collect();
        efficiencies.sort_by(f64::total_cmp);
        let at = |part: f64| efficiencies.get((part * count as f64) as usize).copied().unwrap_or(f64::NAN);
        vec![
            ("Operations", grouped(count as u64), "of each type and size".into()),
            ("Wrong", grouped(wrong as u64), "against their references".into()),
            ("Of their limit", percent(at(0.5)), format!("median; a quarter is above {}", percent(at(0.75)))),
        ]
    }
}

const HEADS: [&str; 10] =
    ["operation", "type", "sizes", "bound", "time", "spread", "B/s", "FLOP/s", "of its limit", "error"];

fn cells(measured: &Measured) -> Vec<Cell> {
    let Measured { row, spread, error, .. } = measured;
    vec![
        word(&row.operation),
        word(&row.dtype),
        word(&row.sizes),
        word(row.bound.name()),
        (si(row.seconds, "s"), Some(row.seconds)),
        (percent(spread / 2.0), Some(*spread)),
        rate(row.work.bytes(), row.seconds),
        rate(row.work.flops, row.seconds),
        (percent(row.efficiency()), Some(row.efficiency())),
        (format!("{error:.2}"), Some(*error)),
    ]
}
