//! Metrics as tables that grow with the run: CSV for spreadsheets, JSON lines for programs.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// A table that is written as `NAME.csv` and `NAME.jsonl` at once, a row at a time.
///
/// Every row is handed to the system whole, so a run that dies leaves all rows up to then.
///
/// ```
/// use rectify::report::MetricsLog;
///
/// #[derive(serde::Serialize)]
/// struct Row { epoch: usize, loss: f64 }
///
/// let folder = tempfile::tempdir().unwrap();
/// let mut log = MetricsLog::create(folder.path(), "metrics", &["epoch", "loss"])?;
/// log.append(&Row { epoch: 1, loss: 0.5 })?;
/// let csv = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
/// assert_eq!(csv, "epoch,loss\n1,0.5\n");
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug)]
pub struct MetricsLog {
    columns: Vec<String>,
    csv: Table,
    jsonl: Table,
}

impl MetricsLog {
    /// Starts the two files anew in `folder`, with these columns.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be written.
    pub fn create(folder: impl AsRef<Path>, name: &str, columns: &[&str]) -> Result<Self> {
        let table = |ending| Table::create(folder.as_ref().join(format!("{name}.{ending}")));
        let (mut csv, jsonl) = (table("csv")?, table("jsonl")?);
        csv.append(&columns.iter().map(|&name| quoted(name)).collect::<Vec<_>>().join(","))?;
        Ok(Self { columns: columns.iter().map(|&name| name.to_string()).collect(), csv, jsonl })
    }

    /// Appends a row: a struct or map with a field for every column. A number that is not finite becomes an empty cell
    /// and a JSON null.
    ///
    /// # Errors
    /// [`Error::Argument`] where a column has no field; [`Error::Io`] where a file cannot be written.
    pub fn append(&mut self, row: &impl Serialize) -> Result<()> {
        let row = serde_json::to_value(row).map_err(|cause| Error::argument("append metrics", cause.to_string()))?;
        let missing = |name: &String| Error::argument("append metrics", format!("the row has no field '{name}'"));
        let cells = self.columns.iter().map(|name| Ok((name, row.get(name).ok_or_else(|| missing(name))?)));
        let cells = cells.collect::<Result<Vec<_>>>()?;
        self.csv.append(&cells.iter().map(|(_, value)| cell(value)).collect::<Vec<_>>().join(","))?;
        let pairs = cells.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        self.jsonl.append(&format!("{{{}}}", pairs.collect::<Vec<_>>().join(",")))
    }
}

#[derive(Debug)]
struct Table {
    file: File,
    path: PathBuf,
}

impl Table {
    fn create(path: PathBuf) -> Result<Self> {
        let open = || -> io::Result<File> {
            File::create(&path)?;
            OpenOptions::new().append(true).open(&path)
        };
        match open() {
            Ok(file) => Ok(Self { file, path }),
            Err(cause) => Err(Error::io("create", &path, cause)),
        }
    }

    fn append(&mut self, line: &str) -> Result<()> {
        let line = format!("{line}\n");
        self.file.write_all(line.as_bytes()).map_err(|cause| Error::io("append to", &self.path, cause))
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => quoted(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => quoted(&value.to_string()),
    }
}

/// Text as RFC 4180 wants it: in quotes where it holds a comma, a quote or a line break.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    #[test]
    fn rows_are_on_disk_as_soon_as_they_are_appended() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = MetricsLog::create(folder.path(), "m", &["z", "a", "label"]).unwrap();
        log.append(&json!({ "a": 1.5, "z": 2, "label": "x, \"y\"\n", "more": 0 })).unwrap();
        log.append(&json!({ "a": f64::NAN, "z": -1, "label": "" })).unwrap();
        let csv = fs::read_to_string(folder.path().join("m.csv")).unwrap();
        assert_eq!(csv, "z,a,label\n2,1.5,\"x, \"\"y\"\"\n\"\n-1,,\n");
        let jsonl = fs::read_to_string(folder.path().join("m.jsonl")).unwrap();
        assert_eq!(jsonl, "{\"z\":2,\"a\":1.5,\"label\":\"x, \\\"y\\\"\\n\"}\n{\"z\":-1,\"a\":null,\"label\":\"\"}\n");
        let message = log.append(&json!({ "a": 1 })).unwrap_err().to_string();
        assert_eq!(message, "append metrics: the row has no field 'z'");
    }

    #[test]
    fn a_new_log_replaces_an_old_one_and_a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        MetricsLog::create(folder.path(), "m", &["a"]).unwrap().append(&json!({ "a": 1 })).unwrap();
        MetricsLog::create(folder.path(), "m", &["b"]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("m.csv")).unwrap(), "b\n");
        assert!(matches!(MetricsLog::create("/dev/null", "m", &["a"]), Err(Error::Io { .. })));
    }
}
