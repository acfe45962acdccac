//! Tables that a click sorts.

use std::fmt;

use super::html::Text;

/// A cell: what it shows, and what it is sorted by where that is a number.
pub(super) type Cell = (String, Option<f64>);

/// Lines of cells under their heads. A column in which nothing stands is left out.
pub(super) struct SortedTable<'a> {
    pub(super) heads: &'a [&'static str],
    pub(super) lines: Vec<Vec<Cell>>,
}

/// A cell that is a word.
pub(super) fn word(text: &str) -> Cell {
    (text.to_owned(), None)
}

impl fmt::Display for SortedTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_used = |column: usize| self.lines.iter().any(|cells| !cells[column].0.is_empty());
        let columns: Vec<usize> = (0..self.heads.len()).filter(|&column| is_used(column)).collect();
        f.write_str("<div class=\"card scroll\"><table class=\"sorted\"><thead><tr>")?;
        for &column in &columns {
            let is_number = self.lines.iter().all(|cells| cells[column].1.is_some());
            let class = if is_number { " class=\"number\"" } else { "" };
            write!(f, "<th scope=\"col\"{class}>{}</th>", self.heads[column])?;
        }
        f.write_str("</tr></thead><tbody>")?;
        for cells in &self.lines {
            f.write_str("<tr>")?;
            for &column in &columns {
                match &cells[column] {
                    (text, None) => write!(f, "<th>{}</th>", Text(text))?,
                    (text, Some(value)) => write!(f, "<td data-value=\"{value:e}\">{}</td>", Text(text))?,
                }
            }
            f.write_str("</tr>")?;
        }
        f.write_str("</tbody></table></div>")
    }
}
