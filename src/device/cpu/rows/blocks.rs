//! Rows in blocks: the unit that threads share, and the part of a view that belongs to one.

use std::ops::Range;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use crate::device::cpu::elements::pointer;
use crate::device::cpu::threads::Threads;
use crate::device::view::View;
use crate::dtype::Element;
use crate::formula::lanes::MAX_WIDTH;

/// Elements in a block, about: little enough that what is kept beside it stays in cache.
const BLOCK: usize = 8192;
/// Elements from which on the help of other threads pays.
const PARALLEL: usize = 4 * BLOCK;

/// Calls `work` with ranges that together are `0..rows`, on several threads where that pays. No row is divided, and the
/// ranges depend on the shape alone. Not called for rows of no columns.
pub fn for_blocks(threads: &Threads, rows: usize, columns: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
    if columns == 0 {
        return;
    }
    for_blocks_of(height(columns), threads, rows, columns, work);
}

/// The rows of a block: as many as fill registers one in each lane, where there is room for that.
pub fn height(columns: usize) -> usize {
    let rows = BLOCK / columns.max(1);
    if rows < MAX_WIDTH { rows.max(1) } else { rows / MAX_WIDTH * MAX_WIDTH }
}

/// As [`for_blocks`], for blocks of `height` rows.
pub fn for_blocks_of(
    height: usize,
    threads: &Threads,
    rows: usize,
    columns: usize,
    work: &(dyn Fn(Range<usize>) + Sync),
) {
    let block = |index: usize| work(index * height..rows.min((index + 1) * height));
    share(threads, rows.div_ceil(height), rows * columns, &block);
}

/// Calls `work` with every number below `tasks`, on several threads where that pays for so many elements.
pub fn share(threads: &Threads, tasks: usize, elements: usize, work: &(dyn Fn(usize) + Sync)) {
    if elements < PARALLEL {
        (0..tasks).for_each(work);
    } else {
        threads.run(tasks, work);
    }
}

/// These rows of a contiguous view, to read.
///
/// # Safety
/// As for [`slice`](crate::device::cpu::elements::slice), of these rows; the view has them.
pub unsafe fn rows_of<'a, E: Element>(view: View<'a>, rows: &Range<usize>, columns: usize) -> &'a [E] {
    // SAFETY: the rows are in bounds of the view, which is in bounds of its buffer; the rest is promised.
    unsafe { from_raw_parts(start(view, rows, columns), rows.len() * columns) }
}

/// These rows of a contiguous view, to write.
///
/// # Safety
/// As for [`rows_of`], and nobody else reads or writes these rows while the slice lives.
pub unsafe fn rows_mut<'a, E: Element>(view: View<'a>, rows: &Range<usize>, columns: usize) -> &'a mut [E] {
    // SAFETY: as above.
    unsafe { from_raw_parts_mut(start(view, rows, columns), rows.len() * columns) }
}

/// The first element of these rows.
///
/// # Safety
/// The view has the rows.
unsafe fn start<E: Element>(view: View<'_>, rows: &Range<usize>, columns: usize) -> *mut E {
    debug_assert!(view.dtype() == E::DTYPE && view.layout().is_contiguous());
    debug_assert!(columns > 0 && rows.end * columns <= view.shape().count());
    // SAFETY: in bounds of the view, which is in bounds of its buffer.
    unsafe { pointer::<E>(view.address()).add(rows.start * columns) }
}
