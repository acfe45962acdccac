//! How many registers kernels may use: a committed table, so that a change that makes a kernel slower is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Registers by kernel and architecture: the most over all element types and layouts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Budget(BTreeMap<String, BTreeMap<u32, u32>>);

const HEAD: &str = "\
# Registers that a thread of each kernel may use at most, over all its element types and layouts.
# Made by `rectify kernels check --write-budget kernels/budget.txt`.
";

impl Budget {
    /// The table this program was built with.
    pub fn committed() -> Self {
        Self::parse(include_str!("../../../kernels/budget.txt")).unwrap_or_default()
    }

    /// Reads a table; none if a line is not one of it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let Some(head) = lines.next() else { return Some(Self::default()) };
        let architectures = head.split_whitespace().skip(1).map(|name| name.strip_prefix("sm_")?.parse().ok());
        let architectures: Vec<u32> = architectures.collect::<Option<_>>()?;
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            let kernel = words.next()?.to_owned();
            let numbers = words.map(|word| if word == "-" { Some(None) } else { word.parse().ok().map(Some) });
            let numbers: Vec<Option<u32>> = numbers.collect::<Option<_>>()?;
            let known = architectures.iter().zip(numbers).filter_map(|(&name, number)| Some((name, number?)));
            Some((kernel, known.collect()))
        };
        Some(Self(lines.map(row).collect::<Option<_>>()?))
    }

    /// Takes in a kernel.
    pub fn add(&mut self, kernel: &str, architecture: u32, registers: u32) {
        let most = self.0.entry(kernel.to_owned()).or_default().entry(architecture).or_default();
        *most = registers.max(*most);
    }

    /// What a kernel may use; none if it is not in the table.
    pub fn registers(&self, kernel: &str, architecture: u32) -> Option<u32> {
        self.0.get(kernel)?.get(&architecture).copied()
    }

    /// The table as text.
    pub fn text(&self) -> String {
        let architectures: BTreeSet<u32> = self.0.values().flat_map(|row| row.keys().copied()).collect();
        let width = self.0.keys().map(String::len).max().unwrap_or(0);
        let mut text = format!("{HEAD}{:width$}", "kernel");
        for architecture in &architectures {
            let _ = write!(text, " {:>6}", format!("sm_{architecture}"));
        }
        for (kernel, row) in &self.0 {
            let _ = write!(text, "\n{kernel:width$}");
            for architecture in &architectures {
                let registers = row.get(architecture).map_or("-".to_owned(), u32::to_string);
                let _ = write!(text, " {registers:>6}");
            }
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_back() {
        let mut budget = Budget::default();
        for (kernel, architecture, registers) in [("b", 90, 30), ("b", 90, 40), ("b", 75, 20), ("abc", 90, 64)] {
            budget.add(kernel, architecture, registers);
        }
        let text = budget.text();
        assert!(text.ends_with("kernel\n") || text.contains("\nabc      -     64\nb       20     40\n"), "{text}");
        assert_eq!(Budget::parse(&text), Some(budget));
        assert_eq!(Budget::parse("kernel sm_90\nx y"), None);
    }

    #[test]
    fn the_committed_table_is_one() {
        let text = include_str!("../../../kernels/budget.txt");
        assert!(Budget::parse(text).is_some_and(|budget| budget.text() == text));
    }
}
