//! Copies elements of one type between views of one shape, bit by bit.

use super::elements::{Shared, pointer, with_element};
use super::threads::Threads;
use crate::device::view::View;
use crate::traversal::Traversal;

/// Elements below which another thread costs more than it gives.
const TASK: usize = 8192;
/// Sides of the squares that a transposed matrix is copied in: a square's lines stay in the first-level cache.
const SIDE: usize = 32;

/// Copies every element.
pub fn copy(threads: &Threads, from: View<'_>, to: View<'_>) {
    let walk = Traversal::new([from.layout(), to.layout()].into_iter());
    if walk.count == 0 {
        return;
    }
    let (source, target) = (Shared(pointer::<u8>(from.address())), Shared(pointer::<u8>(to.address())));
    let bands = Bands::new(&walk);
    threads.run(bands.count.div_ceil(bands.in_task), &|task| {
        for band in task * bands.in_task..bands.count.min((task + 1) * bands.in_task) {
            with_element!(from.dtype(), T => {
                // SAFETY: the bands lie within both views, and no two tasks share one.
                unsafe { bands.copy(&walk, band, source.at(0).cast::<T>(), target.at(0).cast::<T>()) }
            });
        }
    });
}

/// A walk cut into bands of rows: as many as a square is high where the source lies the other way round, one by one
/// otherwise.
struct Bands {
    /// Rows of a band.
    rows: usize,
    /// Rows between which bands do not reach: of the last axis but one.
    within: usize,
    count: usize,
    /// Bands that one thread copies at a time.
    in_task: usize,
}

impl Bands {
    fn new(walk: &Traversal) -> Self {
        let (rank, inner) = (walk.sizes.len(), walk.inner());
        let is_turned = rank > 1 && walk.strides[0][rank - 2] == 1 && walk.inner_stride(1) == 1 && inner >= SIDE;
        let within = if is_turned { walk.sizes[rank - 2] } else { 1 };
        let rows = if is_turned { SIDE } else { 1 };
        let count = walk.count / inner / within * within.div_ceil(rows);
        Self { rows, within, count, in_task: TASK.div_ceil(inner * rows) }
    }

    /// # Safety
    /// The walk's elements may be read at `from` and written at `to`, and nobody else works on this band.
    unsafe fn copy<T: Copy>(&self, walk: &Traversal, band: usize, from: *const T, to: *mut T) {
        let in_group = self.within.div_ceil(self.rows);
        let first = band / in_group * self.within + band % in_group * self.rows;
        let rows = self.rows.min(self.within - band % in_group * self.rows);
        let (steps, inner) = ([0, 1].map(|operand| walk.inner_stride(operand)), walk.inner());
        // SAFETY: the first elements of a row of both.
        let (from, to) = unsafe { (from.add(walk.row_offset(0, first)), to.add(walk.row_offset(1, first))) };
        if self.rows == 1 {
            // SAFETY: as promised by the caller.
            return unsafe { copy_row(from, steps[0], to, steps[1], inner) };
        }
        let to_row = walk.strides[1][walk.sizes.len() - 2];
        for column in (0..inner).step_by(SIDE) {
            let columns = SIDE.min(inner - column);
            // SAFETY: a square of both; rows of the source are adjacent, and so are columns of the target.
            unsafe { copy_square(from.add(column * steps[0]), steps[0], to.add(column), to_row, [rows, columns]) }
        }
    }
}

/// Copies a square whose rows are adjacent at `from` and whose columns are adjacent at `to`.
///
/// # Safety
/// Its elements may be read and written.
unsafe fn copy_square<T: Copy>(from: *const T, from_column: usize, to: *mut T, to_row: usize, sizes: [usize; 2]) {
    let [rows, columns] = sizes;
    for row in 0..rows {
        for column in 0..columns {
            // SAFETY: as promised by the caller.
            unsafe { *to.add(row * to_row + column) = *from.add(column * from_column + row) };
        }
    }
}

/// # Safety
/// `count` elements may be read at `from` every `from_stride`, and written at `to` every `to_stride`.
unsafe fn copy_row<T: Copy>(from: *const T, from_stride: usize, to: *mut T, to_stride: usize, count: usize) {
    if from_stride == 1 && to_stride == 1 {
        // SAFETY: as promised by the caller; a copy's target never overlaps its source.
        return unsafe { from.copy_to_nonoverlapping(to, count) };
    }
    for i in 0..count {
        // SAFETY: as promised by the caller.
        unsafe { *to.add(i * to_stride) = *from.add(i * from_stride) };
    }
}
