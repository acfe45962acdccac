//! What kernels may use: a committed table, so that a change that makes a kernel slower is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use rectify::kernels::Resources;

/// What a thread may use, by kernel and architecture: the most over all element types and layouts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Budget(BTreeMap<String, BTreeMap<u32, Use>>);

/// What a thread uses. `64+8` stands for 64 registers and 8 bytes that are spilled: the assembler spills a few now and then
/// to run one more block at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    registers: u32,
    spilled_bytes: u32,
}

const HEAD: &str = "\
# Registers that a thread of each kernel may use at most, over all its element types and layouts, and after a + the bytes
# it may spill. Made by `rectify kernels check --write-budget kernels/budget.txt`.
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
            let uses = words.map(|word| if word == "-" { Some(None) } else { word.parse().ok().map(Some) });
            let uses: Vec<Option<Use>> = uses.collect::<Option<_>>()?;
            let known = architectures.iter().zip(uses).filter_map(|(&name, most)| Some((name, most?)));
            Some((kernel, known.collect()))
        };
        Some(Self(lines.map(row).collect::<Option<_>>()?))
    }

    /// Takes in a kernel.
    pub fn add(&mut self, kernel: &str, architecture: u32, used: Resources) {
        let most = self.0.entry(kernel.to_owned()).or_default().entry(architecture).or_default();
        most.registers = most.registers.max(used.registers);
        most.spilled_bytes = most.spilled_bytes.max(used.spilled_bytes);
    }

    /// How a kernel exceeds what it may use. One that is not in the table may use any registers, and spill nothing.
    pub fn excess(&self, kernel: &str, architecture: u32, used: Resources) -> Option<String> {
        let known = self.0.get(kernel).and_then(|row| row.get(&architecture)).copied();
        let most = known.unwrap_or(Use { registers: u32::MAX, spilled_bytes: 0 });
        if used.spilled_bytes > most.spilled_bytes {
            return Some(format!("spills {} bytes, its budget is {}", used.spilled_bytes, most.spilled_bytes));
        }
        let exceeds = used.registers > most.registers;
        exceeds.then(|| format!("uses {} registers, its budget is {}", used.registers, most.registers))
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let architectures: BTreeSet<u32> = self.0.values().flat_map(|row| row.keys().copied()).collect();
        let width = self.0.keys().map(String::len).max().unwrap_or(0);
        write!(f, "{HEAD}{:width$}", "kernel")?;
        for architecture in &architectures {
            write!(f, " {:>7}", format!("sm_{architecture}"))?;
        }
        for (kernel, row) in &self.0 {
            write!(f, "\n{kernel:width$}")?;
            for architecture in &architectures {
                write!(f, " {:>7}", row.get(architecture).map_or("-".to_owned(), Use::to_string))?;
            }
        }
        writeln!(f)
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spilled_bytes {
            0 => write!(f, "{}", self.registers),
            bytes => write!(f, "{}+{bytes}", self.registers),
        }
    }
}

impl FromStr for Use {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (registers, spilled) = text.split_once('+').unwrap_or((text, "0"));
        Ok(Self { registers: registers.parse()?, spilled_bytes: spilled.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(registers: u32, spilled_bytes: u32) -> Resources {
        Resources { registers, spilled_bytes, shared_bytes: 0 }
    }

    #[test]
    fn a_table_reads_back_and_says_what_exceeds_it() {
        let mut budget = Budget::default();
        for (kernel, architecture, registers) in [("b", 90, 30), ("b", 90, 40), ("b", 75, 20), ("abc", 90, 64)] {
            budget.add(kernel, architecture, uses(registers, registers / 40 * 8));
        }
        let text = budget.to_string();
        assert!(text.ends_with("\nabc       -    64+8\nb        20    40+8\n"), "{text}");
        assert_eq!(Budget::parse(&text), Some(budget));
        assert_eq!(Budget::parse("kernel sm_90\nx y"), None);
        let budget = Budget::parse(&text).unwrap();
        assert_eq!(budget.excess("b", 90, uses(40, 8)), None);
        assert!(budget.excess("b", 90, uses(41, 8)).unwrap().contains("41 registers"));
        assert!(budget.excess("b", 75, uses(20, 4)).unwrap().contains("spills 4 bytes"));
        assert_eq!(budget.excess("new", 90, uses(200, 0)), None);
    }

    #[test]
    fn the_committed_table_is_one() {
        let text = include_str!("../../../kernels/budget.txt");
        assert!(Budget::parse(text).is_some_and(|budget| budget.to_string() == text));
    }
}
