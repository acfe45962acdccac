//! What kernels may use: a committed table, so that a change that makes a kernel slower is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rectify::kernels::{Example, Resources};

/// What a thread may use, by kernel.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Budget(BTreeMap<String, Row>);

/// What a thread of a kernel may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    /// The [digest](digests) of what it was measured on.
    digest: String,
    /// By architecture: the most over all element types and layouts.
    most: BTreeMap<u32, u32>,
}

const HEAD: &str = "\
# Registers that a thread of each kernel may use at most, over all its element types and layouts, and the digest of its
# sources and the compiler, as they were when this was measured. Made by
# `rectify kernels check --changed --write-budget kernels/budget.txt`.
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
        let architectures = head.split_whitespace().skip(2).map(|name| name.strip_prefix("sm_")?.parse().ok());
        let architectures: Vec<u32> = architectures.collect::<Option<_>>()?;
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            let (kernel, digest) = (words.next()?.to_owned(), words.next()?.to_owned());
            let uses = words.map(|word| if word == "-" { Some(None) } else { word.parse().ok().map(Some) });
            let uses: Vec<Option<u32>> = uses.collect::<Option<_>>()?;
            let known = architectures.iter().zip(uses).filter_map(|(&name, most)| Some((name, most?)));
            Some((kernel, Row { digest, most: known.collect() }))
        };
        Some(Self(lines.map(row).collect::<Option<_>>()?))
    }

    /// Takes in a unit of a kernel.
    pub fn add(&mut self, kernel: &str, digest: &str, architecture: u32, used: Resources) {
        let row = self.0.entry(kernel.to_owned()).or_default();
        digest.clone_into(&mut row.digest);
        let most = row.most.entry(architecture).or_default();
        *most = used.registers.max(*most);
    }

    /// Takes over from another table what it holds of a kernel and architecture.
    pub fn keep(&mut self, other: &Self, kernel: &str, architecture: u32) {
        if let Some((row, &most)) = other.0.get(kernel).and_then(|row| Some((row, row.most.get(&architecture)?))) {
            let own = self.0.entry(kernel.to_owned()).or_default();
            own.digest.clone_from(&row.digest);
            own.most.insert(architecture, most);
        }
    }

    /// Whether it was measured for this architecture on what has this digest.
    pub fn holds(&self, kernel: &str, digest: &str, architecture: u32) -> bool {
        self.0.get(kernel).is_some_and(|row| row.digest == digest && row.most.contains_key(&architecture))
    }

    /// How a kernel exceeds what it may use. One that is not in the table may use any.
    pub fn excess(&self, kernel: &str, architecture: u32, used: Resources) -> Option<String> {
        let most = *self.0.get(kernel)?.most.get(&architecture)?;
        let exceeds = used.registers > most;
        exceeds.then(|| format!("uses {} registers, its budget is {most}", used.registers))
    }
}

/// By kernel, the 64-bit FNV-1a hash of the texts of all its units and of the compiler.
pub fn digests<'a>(examples: &'a [Example], compiler: &str) -> BTreeMap<&'a str, String> {
    let hashed = |hash: u64, text: &str| {
        text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let start = hashed(0xcbf2_9ce4_8422_2325, compiler);
    let mut hashes = BTreeMap::new();
    for Example { unit, .. } in examples {
        let hash = hashes.entry(unit.kernel.as_str()).or_insert(start);
        *hash = hashed(*hash, &unit.text);
    }
    hashes.into_iter().map(|(kernel, hash)| (kernel, format!("{hash:016x}"))).collect()
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let architectures: BTreeSet<u32> = self.0.values().flat_map(|row| row.most.keys().copied()).collect();
        let width = self.0.keys().map(String::len).max().unwrap_or(0);
        write!(f, "{HEAD}{:width$} {:16}", "kernel", "digest")?;
        for architecture in &architectures {
            write!(f, " {:>7}", format!("sm_{architecture}"))?;
        }
        for (kernel, row) in &self.0 {
            write!(f, "\n{kernel:width$} {:16}", row.digest)?;
            for architecture in &architectures {
                write!(f, " {:>7}", row.most.get(architecture).map_or("-".to_owned(), u32::to_string))?;
            }
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(registers: u32) -> Resources {
        Resources { registers, ..Resources::default() }
    }

    #[test]
    fn a_table_reads_back_and_says_what_exceeds_it() {
        let mut budget = Budget::default();
        for (kernel, architecture, registers) in [("b", 90, 30), ("b", 90, 40), ("b", 75, 20), ("abc", 90, 64)] {
            budget.add(kernel, "1f", architecture, uses(registers));
        }
        let text = budget.to_string();
        let rows: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[rows.len() - 2..], [vec!["abc", "1f", "-", "64"], vec!["b", "1f", "20", "40"]], "{text}");
        assert_eq!(Budget::parse(&text), Some(budget));
        assert_eq!(Budget::parse("kernel digest sm_90\nx 1f y"), None);
        let budget = Budget::parse(&text).unwrap();
        assert!(budget.holds("b", "1f", 75) && !budget.holds("b", "2f", 75) && !budget.holds("abc", "1f", 75));
        let mut other = Budget::default();
        other.keep(&budget, "b", 75);
        other.keep(&budget, "abc", 75);
        assert!(other.holds("b", "1f", 75) && !other.holds("b", "1f", 90) && !other.holds("abc", "1f", 75));
        assert_eq!(budget.excess("b", 90, uses(40)), None);
        assert!(budget.excess("b", 90, uses(41)).unwrap().contains("41 registers"));
        assert_eq!(budget.excess("new", 90, uses(200)), None);
    }

    #[test]
    fn the_committed_table_is_one() {
        let text = include_str!("../../../kernels/budget.txt");
        assert!(Budget::parse(text).is_some_and(|budget| budget.to_string() == text));
    }
}
