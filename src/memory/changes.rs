//! What became of memory between two reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::book::{BufferRecord, shown};
use super::report::{Bytes, Report};

/// The difference of two [reports](Report) of one memory.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Bytes in living buffers, before and after.
    pub live_bytes: (usize, usize),
    /// Bytes taken from the device, before and after.
    pub reserved_bytes: (usize, usize),
    /// Bytes that each label holds, before and after, where they differ: what grew most first.
    pub labels: Vec<(String, usize, usize)>,
    /// Buffers that were allocated since and are alive, oldest first.
    pub born: Vec<BufferRecord>,
    /// Buffers that were alive and are not any more, oldest first.
    pub released: Vec<BufferRecord>,
}

impl Report {
    /// What changed since an earlier report of the same memory.
    pub fn since(&self, earlier: &Self) -> Changes {
        let without = |buffers: &[BufferRecord], others: &[BufferRecord]| -> Vec<BufferRecord> {
            let known: BTreeSet<u64> = others.iter().map(|buffer| buffer.id).collect();
            buffers.iter().filter(|buffer| !known.contains(&buffer.id)).copied().collect()
        };
        Changes {
            live_bytes: (earlier.whole.live_bytes, self.whole.live_bytes),
            reserved_bytes: (earlier.reserved_bytes, self.reserved_bytes),
            labels: labels(&earlier.live, &self.live),
            born: without(&self.live, &earlier.live),
            released: without(&earlier.live, &self.live),
        }
    }
}

fn labels(before: &[BufferRecord], after: &[BufferRecord]) -> Vec<(String, usize, usize)> {
    let mut held: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    before.iter().for_each(|buffer| held.entry(shown(buffer.label)).or_default().0 += buffer.bytes);
    after.iter().for_each(|buffer| held.entry(shown(buffer.label)).or_default().1 += buffer.bytes);
    let mut changed: Vec<_> = held.into_iter().filter(|(_, (before, after))| before != after).collect();
    changed.sort_by_key(|(_, (before, after))| *before as i128 - *after as i128);
    changed.into_iter().map(|(label, (before, after))| (label, before, after)).collect()
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { live_bytes: (before, after), reserved_bytes: (taken, taken_now), labels, born, released } = self;
        write!(f, "{} live, {} before; ", Bytes(*after), Bytes(*before))?;
        write!(f, "{} buffers more, {} fewer; ", born.len(), released.len())?;
        write!(f, "{} taken from the device, {} before", Bytes(*taken_now), Bytes(*taken))?;
        for (label, before, after) in labels {
            let sign = if after > before { '+' } else { '-' };
            write!(f, "\n  {sign}{:<12} {label}", Bytes(after.abs_diff(*before)))?;
        }
        Ok(())
    }
}
