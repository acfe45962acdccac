//! Rows held against those of an earlier run.

use std::collections::HashMap;

use super::rows::Row;

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Scope, operation, type and sizes.
    pub name: String,
    /// Seconds of a call then; none if there was no such row.
    pub before: Option<f64>,
    /// Seconds of a call now; none if there is no such row any more.
    pub after: Option<f64>,
}

impl Change {
    /// How much longer a call takes: 2 for twice as long. None where it is missing from either run.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.after? / self.before?)
    }
}

/// What became of each row since an earlier run: in the order of the rows now, then those that are gone.
pub fn compare(before: &[Row], after: &[Row]) -> Vec<Change> {
    let mut earlier: HashMap<String, f64> = before.iter().map(|row| (name(row), per_call(row))).collect();
    let mut changes: Vec<Change> = Vec::new();
    for row in after {
        let name = name(row);
        changes.push(Change { before: earlier.remove(&name), after: Some(per_call(row)), name });
    }
    let gone = before.iter().filter_map(|row| earlier.remove_entry(&name(row)));
    changes.extend(gone.map(|(name, seconds)| Change { name, before: Some(seconds), after: None }));
    changes
}

fn name(row: &Row) -> String {
    let parts = [&row.label, &row.operation, &row.dtype, &row.sizes].into_iter().filter(|part| !part.is_empty());
    parts.map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn per_call(row: &Row) -> f64 {
    row.seconds / row.calls.max(1) as f64
}
