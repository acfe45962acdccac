//! Rows that an earlier run printed with `--json`.

use std::fs;
use std::path::{Path, PathBuf};

use rectify::Error;
use rectify::profile::{Row, compare};
use rectify::report::figures::si;

use super::super::failure::Failure;

/// An earlier run to hold this one against.
#[derive(clap::Args)]
pub struct CompareArgs {
    /// What an earlier run printed with --json: prints what changed since
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
}

impl CompareArgs {
    /// The rows of the earlier run, before anything is measured.
    pub fn rows(&self) -> Result<Option<Vec<Row>>, Failure> {
        self.compare.as_deref().map(read).transpose()
    }
}

fn read(path: &Path) -> Result<Vec<Row>, Failure> {
    let text = fs::read_to_string(path).map_err(|cause| Error::io("read", path, cause))?;
    let rows: Vec<Row> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if rows.is_empty() {
        let said = format!("{} holds no row of a profile: it has to be what --json printed", path.display());
        return Err(Failure::Input(anyhow::anyhow!(said)));
    }
    Ok(rows)
}

/// The rows that changed by more than this share, those that became slowest first, as lines.
pub fn changes(before: &[Row], after: &[Row], least: f64) -> Vec<String> {
    let mut changes = compare(before, after);
    changes.retain(|change| change.ratio().is_none_or(|ratio| ratio > 1.0 + least || ratio < 1.0 / (1.0 + least)));
    changes.sort_by(|a, b| b.ratio().unwrap_or(0.0).total_cmp(&a.ratio().unwrap_or(0.0)));
    let time = |seconds: Option<f64>| seconds.map_or("-".to_owned(), |seconds| si(seconds, "s"));
    let line = |change: rectify::profile::Change| {
        let ratio = change.ratio().map_or("      ".to_owned(), |ratio| format!("{ratio:5.2}x"));
        format!("{ratio}  {:>8} -> {:>8}  {}", time(change.before), time(change.after), change.name)
    };
    changes.into_iter().map(line).collect()
}
