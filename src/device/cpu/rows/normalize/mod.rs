//! Normalisation by rows, and the sums over rows that the gradients of gain and shift are.

mod lanes;
mod walk;

use std::ops::Range;

use super::blocks::{for_blocks, for_blocks_of, height, rows_mut, rows_of, share};
use super::computed::{Computed, with_computed};
use super::sizes;
use crate::device::cpu::elements::{Shared, slice};
use crate::device::cpu::threads::Threads;
use crate::device::normalize::{Normalize, NormalizeBackward};
use crate::device::view::View;
use lanes::{Backward, Forward, add_rows};

/// Blocks of rows that have sums of their own, at most: there is work for as many threads, and little to add up afterwards.
const MOST_BLOCKS: usize = 64;
/// Rows that have sums of their own, at least: fewer would write about as much as they read.
const LEAST_ROWS: usize = 8;
/// Columns whose sums are added up at once.
const COLUMNS: usize = 512;

/// See [`Kernel::Normalize`](crate::device::Kernel::Normalize).
pub fn normalize(threads: &Threads, norm: Normalize<'_>) {
    with_computed!(norm.input.dtype(), E => forward::<E>(threads, norm));
}

/// See [`Kernel::NormalizeBackward`](crate::device::Kernel::NormalizeBackward).
pub fn normalize_backward(threads: &Threads, norm: NormalizeBackward<'_>) {
    with_computed!(norm.input.dtype(), E => backward::<E>(threads, norm));
}

fn forward<E: Computed>(threads: &Threads, norm: Normalize<'_>) {
    let ([rows, columns], Normalize { centered, epsilon, .. }) = (sizes(norm.input), norm);
    let (mut wide_gain, mut wide_shift): (Vec<E::Compute>, Vec<E::Compute>) = Default::default();
    let gain = of_columns::<E>(norm.gain, &mut wide_gain);
    let shift = match norm.shift {
        Some(shift) => of_columns::<E>(shift, &mut wide_shift),
        None => {
            wide_shift.resize(columns, Default::default());
            &wide_shift
        }
    };
    for_blocks(threads, rows, columns, &|rows| {
        // SAFETY: contiguous views of these types; what is written of the rows is this block's alone and overlaps no input.
        let (x, y) = unsafe { (rows_of::<E>(norm.input, &rows, columns), rows_mut::<E>(norm.output, &rows, columns)) };
        // SAFETY: as above.
        let statistics = norm.statistics.map(|statistics| unsafe { rows_mut::<E::Compute>(statistics, &rows, 2) });
        let (mut wide, mut results) = Default::default();
        let input = E::widened(x, &mut wide);
        E::narrowed(y, &mut results, |output| {
            Forward { centered, epsilon, input, gain, shift, output, statistics }.compute();
        });
    });
}

fn backward<E: Computed>(threads: &Threads, norm: NormalizeBackward<'_>) {
    let [rows, columns] = sizes(norm.input);
    if columns == 0 {
        return;
    }
    let mut wide_gain = Default::default();
    let gain = of_columns::<E>(norm.gain, &mut wide_gain);
    let is_summed = norm.gain_gradient.is_some() || norm.shift_gradient.is_some();
    let block = rows.div_ceil(MOST_BLOCKS).max(height(columns)).max(LEAST_ROWS);
    let stride = 2 * columns;
    let mut partials = vec![E::Compute::default(); if is_summed { rows.div_ceil(block) * stride } else { 0 }];
    let shared = Shared(partials.as_mut_ptr());
    for_blocks_of(block, threads, rows, columns, &|rows| {
        let mut sums = is_summed.then(|| {
            let place = shared.at(rows.start / block * stride);
            // SAFETY: each block has places of its own among the partial sums.
            unsafe { std::slice::from_raw_parts_mut(place, stride) }.split_at_mut(columns)
        });
        let mut scratch = Scratch::default();
        // What is computed of a part of the rows stays in cache.
        for start in rows.clone().step_by(height(columns)) {
            let part = start..rows.end.min(start + height(columns));
            let sums = sums.as_mut().map(|(gain, shift)| [&mut **gain, &mut **shift]);
            rows_backward::<E>(&norm, part, gain, sums, &mut scratch);
        }
    });
    for (place, target) in [norm.gain_gradient, norm.shift_gradient].into_iter().enumerate() {
        let Some(target) = target else { continue };
        join::<E>(threads, partials.get(place * columns..).unwrap_or_default(), stride, target);
    }
}

/// Adds up the sums of all blocks, which lie `stride` apart.
fn join<E: Computed>(threads: &Threads, partials: &[E::Compute], stride: usize, target: View<'_>) {
    let columns = target.shape().count();
    share(threads, columns.div_ceil(COLUMNS), partials.len(), &|part| {
        let first = part * COLUMNS;
        // SAFETY: contiguous, of this type, and each task has columns of its own.
        let sums = unsafe { rows_mut::<E>(target, &(first..columns.min(first + COLUMNS)), 1) };
        E::narrowed(sums, &mut Vec::new(), |sums| {
            sums.fill(Default::default());
            add_rows(partials.get(first..).unwrap_or_default(), stride, sums);
        });
    });
}

/// What rows of 16 bits are converted into.
#[derive(Default)]
struct Scratch<C> {
    input: Vec<C>,
    gradient: Vec<C>,
    result: Vec<C>,
}

fn rows_backward<E: Computed>(
    norm: &NormalizeBackward<'_>,
    rows: Range<usize>,
    gain: &[E::Compute],
    sums: Option<[&mut [E::Compute]; 2]>,
    scratch: &mut Scratch<E::Compute>,
) {
    let (columns, centered) = (gain.len(), norm.centered);
    // SAFETY: as in `forward`.
    let (x, dy) = unsafe { (rows_of::<E>(norm.input, &rows, columns), rows_of::<E>(norm.gradient, &rows, columns)) };
    // SAFETY: as in `forward`.
    let statistics = unsafe { rows_of::<E::Compute>(norm.statistics, &rows, 2) };
    let (input, gradient) = (E::widened(x, &mut scratch.input), E::widened(dy, &mut scratch.gradient));
    let compute = |input_gradient: Option<&mut [E::Compute]>| {
        Backward { centered, input, gain, statistics, gradient, input_gradient, sums }.compute();
    };
    match norm.input_gradient {
        // SAFETY: as in `forward`.
        Some(dx) => E::narrowed(unsafe { rows_mut(dx, &rows, columns) }, &mut scratch.result, |dx| compute(Some(dx))),
        None => compute(None),
    }
}

/// The numbers of a view of shape `[columns]`.
fn of_columns<'a, E: Computed>(view: View<'a>, wide: &'a mut Vec<E::Compute>) -> &'a [E::Compute] {
    // SAFETY: contiguous, of this type, and nobody writes it meanwhile.
    E::widened(unsafe { slice(view) }, wide)
}
