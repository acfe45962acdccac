//! Translation units of CUDA C++ around formulas: what a skeleton of `kernels/` wants defined, the printed formula, and the
//! skeleton itself.

mod axes;
mod copy;
mod examples;
mod map;
mod operands;
mod reduce;
mod transpose;

pub use copy::{Copy, copy_unit};
pub use examples::examples;
pub use map::{ToldAtRun, map_blocks, map_unit, told_map_unit};
pub use operands::{Access, Operand, Pattern, Step, Walk};
pub use reduce::{Combine, Pieces, Reduce, reduce_unit};
pub use transpose::{Transpose, transpose_unit};

pub use crate::kernels::{Example, Unit};

/// Threads in a block of any of these units.
pub const THREADS: usize = 256;
/// Vectors that a thread has on their way from memory at most, over all inputs.
const VECTORS_IN_FLIGHT: usize = 8;
/// Vectors of one operand that a thread has in flight at most.
const MAX_UNROLL: usize = 4;
/// Elements that a thread works on at once at most: each is one more copy of the formula in the code.
const MAX_ELEMENTS: usize = 16;

/// The vectors of each operand that a thread has in flight.
fn unroll(pattern: &Pattern) -> usize {
    (VECTORS_IN_FLIGHT / pattern.moved_inputs().max(1)).clamp(1, MAX_UNROLL.min(MAX_ELEMENTS / pattern.width as usize))
}

/// Applies `X` to the number of each entry and to the entry itself, if it says anything.
fn list(entries: impl Iterator<Item = String>) -> String {
    let applied = entries.enumerate().map(|(index, entry)| match entry.as_str() {
        "" => format!("X({index})"),
        entry => format!("X({index}, {entry})"),
    });
    applied.collect::<Vec<_>>().join(" ")
}
