//! One page that shows a profile: nothing loaded from anywhere, and a few lines of script that sort its tables.

use std::fmt;

use super::figures::{bytes, percent, si};
use super::html::Text;
use super::memory_chart::MemoryChart;
use super::roofline::Roofline;
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

const STYLE: &str = include_str!("style.css");
const SORT: &str = include_str!("sort.js");
/// More rows than anybody reads.
const MOST_ROWS: usize = 500;

impl fmt::Display for ProfilePage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = Text(self.title);
        f.write_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        f.write_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")?;
        f.write_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ")?;
        f.write_str("style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n")?;
        f.write_str("<link rel=\"icon\" href=\"data:,\">\n")?;
        write!(f, "<title>Profile of {title} – rectify</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n")?;
        self.header(f)?;
        f.write_str("<main>\n")?;
        self.operations(f)?;
        self.tables(f)?;
        self.memory(f)?;
        write!(f, "</main>\n<footer>Written by rectify {}.</footer>\n", env!("CARGO_PKG_VERSION"))?;
        write!(f, "<script>\n{SORT}</script>\n</body>\n</html>\n")
    }
}

impl ProfilePage<'_> {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Profile { device, hardware, .. } = self.profile;
        write!(f, "<header>\n<p class=\"brand\">rectify</p>\n<h1>{} <span>profiled</span></h1>\n", Text(self.title))?;
        write!(f, "<p class=\"lead\">{}: {}</p>\n<dl class=\"tiles\">\n", Text(device), Text(hardware))?;
        for (name, value, note) in self.tiles() {
            writeln!(f, "<div><dt>{name}</dt><dd>{}</dd><dd class=\"note\">{}</dd></div>", Text(value), Text(note))?;
        }
        f.write_str("</dl>\n</header>\n")
    }

    fn tiles(&self) -> [(&'static str, String, String); 5] {
        let Self { profile, ceilings, .. } = *self;
        let (step, idle) = (profile.step_seconds(), profile.idle_seconds());
        let rows = profile.rows(ceilings, Grouping::Operation);
        let steps = profile.steps.max(1) as f64;
        let sum = |of: fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / steps;
        let (above, calls) = (sum(Row::above_floor), profile.calls.len() as f64 / steps);
        [
            ("A step", si(step, "s"), format!("mean of {}", profile.steps)),
            ("In operations", percent(1.0 - idle / step), format!("{} between them", si(idle, "s"))),
            (
                "Above the floor",
                si(above, "s"),
                format!("{} at the hardware's limit", si(sum(|row| row.floor_seconds), "s")),
            ),
            ("Operations", format!("{calls:.0}"), "in a step".into()),
            ("Peak memory", bytes(profile.peak_bytes()), "alive at once".into()),
        ]
    }

    fn operations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.profile.rows(self.ceilings, Grouping::Operation);
        f.write_str("<section>\n<h2>How far from the limit</h2>\n")?;
        writeln!(f, "{}", Roofline { rows: &rows, ceilings: self.ceilings })?;
        f.write_str(
            "<p class=\"note\">Ceilings were measured on this device: copies that fit its caches and that do not, ",
        )?;
        f.write_str("and large matrix products.</p>\n</section>\n")
    }

    fn tables(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = [
            ("By layer", Grouping::Scope, "What is done for a layer, and for its gradient."),
            ("By operation", Grouping::Operation, "The same operation, wherever."),
            ("Everything", Grouping::Call, "The same operation on the same sizes for the same layer."),
        ];
        for (title, grouping, note) in tables {
            let rows = self.profile.rows(self.ceilings, grouping);
            write!(f, "<section>\n<h2>{title}</h2>\n<div class=\"card scroll\"><table class=\"sorted\">")?;
            table(&rows, self.profile.steps.max(1) as f64, f)?;
            write!(f, "</table></div>\n<p class=\"note\">{note} Times and counts are those of a step. ")?;
            f.write_str("A click on a head sorts.</p>\n</section>\n")?;
        }
        Ok(())
    }

    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<section>\n<h2>Memory</h2>\n{}\n</section>\n", MemoryChart(&self.profile.memory()))
    }
}

/// A cell: what it shows, and what it is sorted by where that is a number.
type Cell = (String, Option<f64>);

/// A column in which nothing stands is left out.
fn table(rows: &[Row], steps: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let whole: f64 = rows.iter().map(|row| row.seconds).sum();
    let lines: Vec<[Cell; 11]> = rows.iter().take(MOST_ROWS).map(|row| cells(row, steps, whole)).collect();
    let is_used = |column: usize| lines.iter().any(|cells| !cells[column].0.is_empty());
    let columns: Vec<usize> = (0..HEADS.len()).filter(|&column| is_used(column)).collect();
    f.write_str("<thead><tr>")?;
    for &column in &columns {
        let is_number = lines.iter().all(|cells| cells[column].1.is_some());
        let class = if is_number { " class=\"number\"" } else { "" };
        write!(f, "<th scope=\"col\"{class}>{}</th>", HEADS[column])?;
    }
    f.write_str("</tr></thead><tbody>")?;
    for cells in &lines {
        f.write_str("<tr>")?;
        for &column in &columns {
            match &cells[column] {
                (text, None) => write!(f, "<th>{}</th>", Text(text))?,
                (text, Some(value)) => write!(f, "<td data-value=\"{value:e}\">{}</td>", Text(text))?,
            }
        }
        f.write_str("</tr>")?;
    }
    f.write_str("</tbody>")
}

const HEADS: [&str; 11] =
    ["layer", "operation", "type", "sizes", "bound", "calls", "time", "share", "B/s", "FLOP/s", "above floor"];

fn cells(row: &Row, steps: f64, whole: f64) -> [Cell; 11] {
    let word = |text: &str| (text.to_owned(), None);
    let per_step = |value: f64, unit| (si(value / steps, unit), Some(value));
    let rate = |amount: u64| match amount {
        0 => ("-".to_owned(), Some(0.0)),
        amount => (si(amount as f64 / row.seconds, ""), Some(amount as f64 / row.seconds)),
    };
    [
        word(&row.label),
        word(&row.operation),
        word(&row.dtype),
        word(&row.sizes),
        word(row.bound.name()),
        (format!("{:.0}", row.calls as f64 / steps), Some(row.calls as f64)),
        per_step(row.seconds, "s"),
        (percent(row.seconds / whole), Some(row.seconds)),
        rate(row.work.bytes()),
        rate(row.work.flops),
        per_step(row.above_floor(), "s"),
    ]
}
