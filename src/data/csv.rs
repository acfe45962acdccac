//! Tables of comma-separated values: a row for each sample, one column to predict, all others features.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use ::csv::{ErrorKind, ReaderBuilder, StringRecord};

use crate::data::{Dataset, Geometry, Targets};
use crate::{Error, Result};

/// Separators that are looked for where none is given.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How to read a table. Cells may be quoted; features must be finite numbers.
///
/// ```
/// use rectify::data::{Features, Table};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("pets.csv");
/// std::fs::write(&path, "weight,age,kind\n4.2,3,cat\n30,5,\"dog\"\n").unwrap();
/// let pets = Table::labelled("kind").read(&path)?;
/// assert_eq!((pets.class_names(), pets.labels()), (&["cat".to_string(), "dog".to_string()][..], &[0, 1][..]));
/// assert_eq!(pets.features(), &Features::Floats(vec![4.2, 3.0, 30.0, 5.0]));
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// None where every column is a feature.
    targets: Vec<String>,
    values: bool,
    passed_over: Vec<String>,
    separator: Option<u8>,
    header: Option<bool>,
}

impl Table {
    /// A column of classes to predict, given by its name or by its number from 1. Classes are the different texts in it:
    /// sorted as numbers where all are whole ones, else as text.
    pub fn labelled(column: impl Into<String>) -> Self {
        Self { targets: vec![column.into()], ..Self::unlabelled() }
    }

    /// No column to predict: all are features, and the targets of the set are zeros.
    pub fn unlabelled() -> Self {
        Self { targets: Vec::new(), values: false, passed_over: Vec::new(), separator: None, header: None }
    }

    /// A column of numbers to predict, given in the same way.
    pub fn valued(column: impl Into<String>) -> Self {
        Self::valued_each([column])
    }

    /// Several columns of numbers to predict, in this order.
    pub fn valued_each<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self { targets: columns.into_iter().map(Into::into).collect(), values: true, ..Self::unlabelled() }
    }

    /// Columns that are nothing, given in the same way: whatever is in them.
    #[must_use]
    pub fn pass_over<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> Self {
        Self { passed_over: columns.into_iter().map(Into::into).collect(), ..self }
    }

    /// What separates cells; without, that of `,`, `;`, tab and `|` which the first line has most of.
    #[must_use]
    pub fn separator(self, separator: u8) -> Self {
        Self { separator: Some(separator), ..self }
    }

    /// Whether the first row names the columns; without, it does where none of its cells is a number.
    #[must_use]
    pub fn header(self, header: bool) -> Self {
        Self { header: Some(header), ..self }
    }

    /// Reads a file row by row: memory grows only as rows arrive.
    ///
    /// # Errors
    /// [`Error::Data`] naming line and column, for rows of different lengths, cells that are no finite numbers, or a column
    /// that is not there; [`Error::Io`] where the system refuses to read.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Dataset> {
        let path = path.as_ref();
        let refused = |cause| Error::io("read", path, cause);
        let about = std::fs::metadata(path).map_err(refused)?;
        if !about.is_file() {
            return Err(Error::data(path, "is not a regular file"));
        }
        let mut content = BufReader::new(File::open(path).map_err(refused)?);
        let start = content.fill_buf().map_err(refused)?;
        let separator = self.separator.unwrap_or_else(|| most_frequent(start));
        let mut reader = ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(content);
        let mut rows = Rows::default();
        let mut row = StringRecord::new();
        let failed = |cause: ::csv::Error| match cause.into_kind() {
            ErrorKind::Io(cause) => Error::io("read", path, cause),
            cause => Error::data(path, rule_of(&cause)),
        };
        while reader.read_record(&mut row).map_err(failed)? {
            let line = row.position().map_or(0, |position| position.line());
            rows.take(self, &row).map_err(|rule| Error::data(path, format!("line {line}: {rule}")))?;
        }
        rows.into_dataset(self).map_err(|rule| Error::data(path, rule))
    }
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Feature,
    /// This one of those to predict.
    Target(usize),
    Nothing,
}

/// What the rows so far hold.
#[derive(Default)]
struct Rows {
    /// What each column is, once the first row is seen.
    roles: Vec<Role>,
    /// The names of the columns, or their numbers; none before the first row.
    names: Vec<String>,
    features: Vec<f32>,
    texts: Vec<String>,
    values: Vec<f32>,
}

impl Rows {
    fn take(&mut self, table: &Table, row: &StringRecord) -> Result<(), String> {
        if self.names.is_empty() {
            let has_header = table.header.unwrap_or_else(|| row.iter().all(|cell| number(cell).is_none()));
            self.names = match has_header {
                true => row.iter().map(|name| name.trim().trim_start_matches('\u{feff}').to_string()).collect(),
                false => (1..=row.len()).map(|column| column.to_string()).collect(),
            };
            self.roles = roles(table, &self.names)?;
            if has_header {
                return Ok(());
            }
        }
        let start = self.values.len();
        if table.values {
            self.values.resize(start + table.targets.len(), 0.0);
        }
        for (column, cell) in row.iter().enumerate() {
            let needed = |cell| {
                let rule =
                    || format!("column '{}' holds '{}', which is no finite number", self.names[column], brief(cell));
                number(cell).ok_or_else(rule)
            };
            match (self.roles[column], table.values) {
                (Role::Nothing, _) => {}
                (Role::Feature, _) => self.features.push(needed(cell)?),
                // Cells come as they stand in the row, and are kept in the order of the names.
                (Role::Target(nth), true) => self.values[start + nth] = needed(cell)?,
                (Role::Target(_), false) if cell.trim().is_empty() => {
                    return Err(format!("column '{}' holds no label", self.names[column]));
                }
                (Role::Target(_), false) => self.texts.push(cell.trim().to_string()),
            }
        }
        Ok(())
    }

    fn into_dataset(self, table: &Table) -> Result<Dataset, String> {
        if self.names.is_empty() {
            return Err("holds no rows".into());
        }
        let columns = self.roles.iter().filter(|role| **role == Role::Feature).count();
        let names =
            |nth| self.roles.iter().position(|role| *role == Role::Target(nth)).map(|at| self.names[at].clone());
        let targets = match (table.targets.len(), table.values) {
            (0, _) => Targets::none(self.features.len().checked_div(columns).unwrap_or(0)),
            (count, true) => Targets::Values { values: self.values, names: (0..count).filter_map(names).collect() },
            (_, false) => classes(&self.texts)?,
        };
        Dataset::checked(Geometry::row(columns), self.features.into(), targets)
    }
}

/// What each of the columns of these names is.
fn roles(table: &Table, names: &[String]) -> Result<Vec<Role>, String> {
    let mut roles = vec![Role::Feature; names.len()];
    for column in &table.passed_over {
        roles[find(column, names)?] = Role::Nothing;
    }
    for (nth, column) in table.targets.iter().enumerate() {
        let role = &mut roles[find(column, names)?];
        if *role != Role::Feature {
            return Err(format!("column '{}' is named twice", brief(column)));
        }
        *role = Role::Target(nth);
    }
    Ok(roles)
}

/// The place of a column given by name or, where no column has that name, by number from 1.
fn find(column: &str, names: &[String]) -> Result<usize, String> {
    let by_name = names.iter().position(|name| name == column.trim());
    let by_number = || column.trim().parse::<usize>().ok()?.checked_sub(1).filter(|&place| place < names.len());
    by_name.or_else(by_number).ok_or_else(|| {
        let known = names.iter().take(8).map(|name| brief(name)).collect::<Vec<_>>().join(", ");
        let more = if names.len() > 8 { ", ..." } else { "" };
        format!("there is no column '{}' among the {} ({known}{more})", brief(column), names.len())
    })
}

/// Labels by the order of the different texts.
fn classes(texts: &[String]) -> Result<Targets, String> {
    let different: BTreeSet<&str> = texts.iter().map(String::as_str).collect();
    if different.len() > Dataset::MAX_CLASSES {
        let (count, most) = (different.len(), Dataset::MAX_CLASSES);
        return Err(format!("has {count} different labels, more than {most}: are they numbers rather than classes?"));
    }
    let mut names: Vec<&str> = different.into_iter().collect();
    if names.iter().all(|name| name.parse::<i64>().is_ok()) {
        // By number, and then by text, so that `1` and `01` are two classes in an order that does not depend on the file.
        names.sort_by_key(|name| (name.parse::<i64>().unwrap_or_default(), *name));
    }
    let label = |(label, name): (usize, &&str)| ((*name).to_string(), label as u32);
    let by_name: std::collections::HashMap<String, u32> = names.iter().enumerate().map(label).collect();
    let labels = texts.iter().map(|text| by_name[text]).collect();
    Ok(Targets::Classes { labels, names: names.into_iter().map(str::to_owned).collect() })
}

/// The separator that the first line has most of, those in quotes not counted; a comma where it has none.
fn most_frequent(start: &[u8]) -> u8 {
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let outside_quotes = line.split(|&byte| byte == b'"').step_by(2).flatten();
    let count = |separator: u8| outside_quotes.clone().filter(|&&byte| byte == separator).count();
    // The first of equals.
    SEPARATORS.into_iter().rev().max_by_key(|&separator| count(separator)).unwrap_or(b',')
}

fn number(cell: &str) -> Option<f32> {
    cell.trim().parse::<f32>().ok().filter(|number| number.is_finite())
}

fn rule_of(cause: &ErrorKind) -> String {
    match cause {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, |position| position.line());
            format!("line {line}: has {len} cells, but the rows before it have {expected_len}")
        }
        ErrorKind::Utf8 { pos, .. } => {
            format!("line {}: is not UTF-8 text", pos.as_ref().map_or(0, |position| position.line()))
        }
        cause => format!("cannot be read as a table: {cause:?}"),
    }
}

/// As much of a cell as a message can hold.
fn brief(cell: &str) -> String {
    let start: String = cell.chars().take(32).collect();
    if start.len() < cell.len() { format!("{start}...") } else { start }
}
