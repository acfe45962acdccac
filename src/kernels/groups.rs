//! Threads of a block that share a row or a slice.

/// How a block is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Groups {
    /// The threads that work together: a power of two.
    pub size: u32,
    /// Those of a block: one group or several.
    pub threads: u32,
}

/// Threads in a block where nothing asks for another number.
pub(super) const THREADS: u32 = 256;

impl Groups {
    /// Blocks of the usual size, whose threads have `each` of `count` pieces of work that a group shares.
    pub fn sharing(count: usize, each: usize) -> Self {
        let wanted = count.div_ceil(each).next_power_of_two();
        Self { size: u32::try_from(wanted).unwrap_or(THREADS).clamp(1, THREADS), threads: THREADS }
    }

    /// The blocks in which there is a group for each of `count`.
    pub fn blocks(self, count: usize) -> u32 {
        u32::try_from(count.div_ceil((self.threads / self.size) as usize)).unwrap_or(u32::MAX)
    }
}
