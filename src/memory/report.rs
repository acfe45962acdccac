//! The ledger on one page: a table for people, JSON lines for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use super::Shared;
use super::book::{BufferRecord, Event, Totals, shown};
use super::ledger::{Ledger, Recording};
use crate::scope::Label;

/// The state of a [`Memory`](super::Memory) at one moment. Sizes in bytes.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The device, as on the command line.
    pub device: String,
    /// The totals over all labels.
    #[serde(flatten)]
    pub whole: Totals,
    /// Taken from the device.
    pub reserved_bytes: usize,
    /// Taken from the device and free to reuse.
    pub cached_bytes: usize,
    /// The budget in force.
    pub budget: Option<usize>,
    /// How often the device gave memory.
    pub driver_allocations: u64,
    /// One line for each label, most bytes at the peak first.
    #[serde(skip)]
    pub labels: Vec<LabelLine>,
    /// Living buffers, oldest first.
    #[serde(skip)]
    pub live: Vec<BufferRecord>,
    /// The buffers alive at the peak, oldest first.
    #[serde(skip)]
    pub at_peak: Vec<BufferRecord>,
}

/// What one label holds and held.
#[derive(Debug, Clone, Serialize)]
pub struct LabelLine {
    /// The path of scopes.
    pub label: String,
    /// Bytes of this label in the peak of the whole.
    pub at_peak_bytes: usize,
    /// Its own totals.
    #[serde(flatten)]
    pub totals: Totals,
}

/// A number of bytes as people read it: `512 B`, `1.5 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub usize);

impl Report {
    pub(super) fn new(shared: &Shared) -> Self {
        let state = shared.state();
        let (live, at_peak) = (oldest_first(state.book.living()), oldest_first(state.book.at_peak()));
        Self {
            device: shared.name.clone(),
            whole: state.book.whole(),
            reserved_bytes: state.pool.reserved(),
            cached_bytes: state.pool.reserved() - state.pool.used(),
            budget: state.budget,
            driver_allocations: state.driver_allocations,
            labels: label_lines(&state.book.by_label(), &at_peak),
            live,
            at_peak,
        }
    }

    /// Writes one JSON object per line: one `memory`, then a `label` for each label, a `live_buffer` for each living
    /// buffer and a `peak_buffer` for each that was alive at the peak, told apart by their `event` field.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json_lines(&self, mut writer: impl Write) -> io::Result<()> {
        let labels = self.labels.iter().map(Line::Label);
        let live = self.live.iter().map(Line::LiveBuffer);
        let at_peak = self.at_peak.iter().map(Line::PeakBuffer);
        [Line::Memory(self)]
            .into_iter()
            .chain(labels)
            .chain(live)
            .chain(at_peak)
            .try_for_each(|line| write_line(&mut writer, &line))
    }
}

impl Recording {
    /// Writes each recorded event as one JSON object per line, in order: `allocate` or `release` in its `event` field.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json_lines(&self, mut writer: impl Write) -> io::Result<()> {
        self.events().iter().try_for_each(|event: &Event| write_line(&mut writer, event))
    }
}

impl Ledger {
    /// Writes the [`report`](Self::report) as JSON lines.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json_lines(&self, writer: impl Write) -> io::Result<()> {
        self.report().write_json_lines(writer)
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Memory(&'a Report),
    Label(&'a LabelLine),
    LiveBuffer(&'a BufferRecord),
    PeakBuffer(&'a BufferRecord),
}

fn write_line(writer: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, line)?;
    writer.write_all(b"\n")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { live_bytes, live_count, peak_bytes, total_bytes, total_count } = self.whole;
        write!(f, "memory of {}: {} live (buffers: {live_count})", self.device, Bytes(live_bytes))?;
        writeln!(
            f,
            ", {} at the peak, {} allocated in all (times: {total_count})",
            Bytes(peak_bytes),
            Bytes(total_bytes as usize)
        )?;
        write!(f, "{} reserved (driver allocations: {})", Bytes(self.reserved_bytes), self.driver_allocations)?;
        write!(f, ", {} of it cached", Bytes(self.cached_bytes))?;
        if let Some(budget) = self.budget {
            write!(f, ", budget {}", Bytes(budget))?;
        }
        if !self.labels.is_empty() {
            write!(f, "\n\n{}", Table(&self.labels))?;
        }
        Ok(())
    }
}

/// The labels as columns, each as wide as its widest cell.
struct Table<'a>(&'a [LabelLine]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["label", "at peak", "live", "buffers", "own peak", "allocated", "times"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(self.0.iter().map(cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        for (number, row) in rows.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{:<width$}", row[0], width = widths[0])?;
            row.iter().zip(widths).skip(1).try_for_each(|(cell, width)| write!(f, "  {cell:>width$}"))?;
        }
        Ok(())
    }
}

fn cells(line: &LabelLine) -> [String; 7] {
    let Totals { live_bytes, live_count, peak_bytes, total_bytes, total_count } = line.totals;
    let bytes = |bytes: usize| Bytes(bytes).to_string();
    [
        line.label.clone(),
        bytes(line.at_peak_bytes),
        bytes(live_bytes),
        live_count.to_string(),
        bytes(peak_bytes),
        bytes(total_bytes as usize),
        total_count.to_string(),
    ]
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        let Self(bytes) = *self;
        if bytes < 1024 {
            return f.pad(&format!("{bytes} B"));
        }
        // The half-way point of the last digit shown: 1023.95 KiB and up read better as 1.0 MiB.
        let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
        while value >= 1023.95 && unit + 1 < UNITS.len() {
            (value, unit) = (value / 1024.0, unit + 1);
        }
        f.pad(&format!("{value:.1} {}", UNITS[unit]))
    }
}

/// The bytes these buffers hold by label, largest first.
pub(super) fn holders(records: impl IntoIterator<Item = BufferRecord>) -> Vec<(String, usize)> {
    let mut by_label: Vec<_> = bytes_by_label(records).into_iter().collect();
    by_label.sort_by_key(|&(label, bytes)| (std::cmp::Reverse(bytes), label));
    by_label.into_iter().map(|(label, bytes)| (shown(label), bytes)).collect()
}

pub(super) fn oldest_first(records: impl Iterator<Item = BufferRecord>) -> Vec<BufferRecord> {
    let mut records: Vec<_> = records.collect();
    records.sort_unstable_by_key(|record| record.birth);
    records
}

fn bytes_by_label(records: impl IntoIterator<Item = BufferRecord>) -> BTreeMap<Label, usize> {
    records.into_iter().fold(BTreeMap::new(), |mut sums, record| {
        *sums.entry(record.label).or_default() += record.bytes;
        sums
    })
}

fn label_lines(totals: &[(Label, Totals)], at_peak: &[BufferRecord]) -> Vec<LabelLine> {
    let in_peak = bytes_by_label(at_peak.iter().copied());
    let line = |&(label, totals): &(Label, Totals)| LabelLine {
        label: shown(label),
        at_peak_bytes: in_peak.get(&label).copied().unwrap_or(0),
        totals,
    };
    let mut lines: Vec<_> = totals.iter().map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse((line.at_peak_bytes, line.totals.live_bytes, line.totals.peak_bytes)));
    lines
}
