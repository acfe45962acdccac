//! Reductions in a fixed order: blocks of a size that depends on the shape alone, each reduced in sequence, then joined
//! in pairs. Threads share the blocks, so their number changes nothing.

use super::combine::{Combine, Max, Min, Sum, accumulate, reduce};
use super::elements::Shared;
use super::map::{CHUNK, Map, Scratch};
use super::operand::{Compute, Operand, needs_f64};
use super::threads::Threads;
use super::traversal::Traversal;
use crate::device::backend::{Reduction, Seed};
use crate::device::view::View;
use crate::formula::catalogue::activation;
use crate::formula::{AnyFormula, MAX_INPUTS};

/// Elements reduced in sequence before pairs are joined.
const BLOCK: usize = 4 * CHUNK;
/// Rows added to each other in sequence before pairs are joined.
const ROWS: usize = 64;
/// Elements below which another thread costs more than it gives.
const TASK: usize = 16384;

/// Reduces the formula's results along the axes where `output` has stride 0.
pub fn run(threads: &Threads, reduction: Reduction, formula: &dyn AnyFormula, inputs: &[View<'_>], output: View<'_>) {
    if needs_f64(inputs.iter().chain([&output]).map(View::dtype)) {
        run_in::<f64>(threads, reduction, formula, inputs, output);
    } else {
        run_in::<f32>(threads, reduction, formula, inputs, output);
    }
}

fn run_in<E: Compute>(
    threads: &Threads,
    reduction: Reduction,
    formula: &dyn AnyFormula,
    inputs: &[View<'_>],
    output: View<'_>,
) {
    let walk = Traversal::new(inputs.iter().chain([&output]).map(View::layout));
    let target = Operand::new(&output, &walk, inputs.len());
    let axes = Axes::new(&walk, inputs.len());
    let passes_on = formula.key() == AnyFormula::key(&activation::linear);
    let map = Map::over(formula, walk, inputs, &[], Seed::default());
    let reduce = Reduce::<E> { map, target, axes, passes_on };
    match reduction {
        Reduction::Sum { scale } => reduce.run::<Sum>(threads, E::from_f64(scale)),
        Reduction::Max => reduce.run::<Max>(threads, E::from_f64(1.0)),
        Reduction::Min => reduce.run::<Min>(threads, E::from_f64(1.0)),
    }
}

/// The walk's axes as a reduction sees them: a tail of inner axes that are all reduced or all kept, and before it axes
/// that are kept (groups) or reduced (members of a group).
struct Axes {
    /// Elements of the tail.
    tail: usize,
    tail_reduced: bool,
    /// Sizes and steps (in tails) of the kept and of the reduced axes before the tail.
    kept: Vec<(usize, usize)>,
    reduced: Vec<(usize, usize)>,
}

impl Axes {
    fn new(walk: &Traversal, output: usize) -> Self {
        let is_reduced = |axis: usize| walk.strides[output][axis] == 0;
        let rank = walk.sizes.len();
        let tail_reduced = is_reduced(rank - 1);
        let outer = (0..rank).rev().take_while(|&axis| is_reduced(axis) == tail_reduced).last().unwrap_or(rank);
        let tail = walk.sizes[outer..].iter().product();
        let mut axes = Self { tail, tail_reduced, kept: Vec::new(), reduced: Vec::new() };
        let mut step = 1;
        for axis in (0..outer).rev() {
            let list = if is_reduced(axis) { &mut axes.reduced } else { &mut axes.kept };
            list.push((walk.sizes[axis], step));
            step *= walk.sizes[axis];
        }
        axes
    }

    fn groups(&self) -> usize {
        self.kept.iter().map(|axis| axis.0).product()
    }

    fn members(&self) -> usize {
        self.reduced.iter().map(|axis| axis.0).product()
    }

    /// Where in the walk the tail of a group's member starts.
    fn start(&self, group: usize, member: usize) -> usize {
        (step_to(&self.kept, group) + step_to(&self.reduced, member)) * self.tail
    }
}

/// The step to the `index`th combination of these axes, given innermost first.
fn step_to(axes: &[(usize, usize)], index: usize) -> usize {
    let mut rest = index;
    let mut step = 0;
    for &(size, each) in axes {
        step += rest % size * each;
        rest /= size;
    }
    step
}

struct Reduce<'a, E> {
    map: Map<'a, E>,
    target: Operand,
    axes: Axes,
    /// Whether the formula passes its input on, so that it need not be evaluated.
    passes_on: bool,
}

impl<E: Compute> Reduce<'_, E> {
    fn run<C: Combine>(&self, threads: &Threads, scale: E) {
        if self.map.walk().count == 0 {
            // SAFETY: this thread alone writes the output.
            unsafe { self.target.fill(self.map.walk(), C::identity::<E>() * scale) };
        } else if self.axes.tail_reduced {
            self.run_rows::<C>(threads, scale);
        } else {
            self.run_columns::<C>(threads, scale);
        }
    }

    /// The innermost elements are reduced to one: blocks of rows, then each group's blocks joined.
    fn run_rows<C: Combine>(&self, threads: &Threads, scale: E) {
        let Axes { tail, .. } = self.axes;
        let (groups, members, pieces) = (self.axes.groups(), self.axes.members(), tail.div_ceil(BLOCK));
        let per_group = members * pieces;
        let mut partials = vec![C::identity::<E>(); groups * per_group];
        let shared = Shared(partials.as_mut_ptr());
        let per_task = (TASK / tail.min(BLOCK)).max(1);
        threads.run(partials.len().div_ceil(per_task), &|task| {
            let mut scratch = Scratch::new();
            for block in task * per_task..(groups * per_group).min((task + 1) * per_task) {
                let (group, rest) = (block / per_group, block % per_group);
                let start = self.axes.start(group, rest / pieces) + rest % pieces * BLOCK;
                let end = start + (tail - rest % pieces * BLOCK).min(BLOCK);
                let value = self.reduce_block::<C>(start, end, &mut scratch);
                // SAFETY: each block has a place of its own.
                unsafe { *shared.at(block) = value };
            }
        });
        for (group, blocks) in partials.chunks_mut(per_group).enumerate() {
            let value = [join::<E, C>(blocks) * scale];
            // SAFETY: the output is within bounds, and the tasks have ended.
            unsafe { self.target.write(self.map.walk(), self.axes.start(group, 0), &value) };
        }
    }

    fn reduce_block<C: Combine>(&self, start: usize, end: usize, scratch: &mut Scratch<E>) -> E {
        let mut total = C::identity::<E>();
        let mut at = start;
        while at < end {
            let count = self.map.chunk_at(at, end).min(CHUNK);
            let values = self.values(at, count, scratch);
            // SAFETY: `values` leads to `count` elements.
            total = C::scalars(total, unsafe { reduce::<E, C>(values, count) });
            at += count;
        }
        total
    }

    /// The innermost elements are kept: rows added to rows, in blocks of rows and columns, then the blocks joined.
    fn run_columns<C: Combine>(&self, threads: &Threads, scale: E) {
        let Axes { tail, .. } = self.axes;
        let (groups, members) = (self.axes.groups(), self.axes.members());
        let (row_blocks, column_blocks) = (members.div_ceil(ROWS), tail.div_ceil(CHUNK));
        let mut partials = vec![C::identity::<E>(); if row_blocks > 1 { groups * row_blocks * tail } else { 0 }];
        let shared = Shared(partials.as_mut_ptr());
        let blocks = groups * row_blocks * column_blocks;
        let per_task = (TASK / (tail.min(CHUNK) * members.min(ROWS))).max(1);
        threads.run(blocks.div_ceil(per_task), &|task| {
            let mut scratch = Scratch::new();
            let mut sums = vec![C::identity::<E>(); tail.min(CHUNK)];
            for block in task * per_task..blocks.min((task + 1) * per_task) {
                let (row_block, column_block) = (block / column_blocks, block % column_blocks);
                let (group, rows) = (row_block / row_blocks, row_block % row_blocks * ROWS);
                let column = column_block * CHUNK;
                let sums = &mut sums[..(tail - column).min(CHUNK)];
                self.add_rows::<C>(group, rows..members.min(rows + ROWS), column, sums, &mut scratch);
                if row_blocks > 1 {
                    let place = shared.at(row_block * tail + column);
                    // SAFETY: each block has a place of its own among the partial sums.
                    unsafe { sums.as_ptr().copy_to_nonoverlapping(place, sums.len()) };
                } else {
                    self.finish(group, column, sums, scale);
                }
            }
        });
        if row_blocks > 1 {
            for (group, partials) in partials.chunks_mut(row_blocks * tail).enumerate() {
                self.finish(group, 0, join_rows::<E, C>(partials, tail), scale);
            }
        }
    }

    /// Sets `sums` to the members `rows` of a group, combined, from `column` on.
    fn add_rows<C: Combine>(
        &self,
        group: usize,
        rows: std::ops::Range<usize>,
        column: usize,
        sums: &mut [E],
        scratch: &mut Scratch<E>,
    ) {
        sums.fill(C::identity());
        for member in rows {
            let start = self.axes.start(group, member) + column;
            let mut done = 0;
            while done < sums.len() {
                let count = self.map.chunk_at(start + done, start + sums.len()).min(CHUNK);
                let values = self.values(start + done, count, scratch);
                // SAFETY: `values` leads to `count` elements.
                unsafe { accumulate::<E, C>(values, &mut sums[done..done + count]) };
                done += count;
            }
        }
    }

    fn finish(&self, group: usize, column: usize, sums: &mut [E], scale: E) {
        sums.iter_mut().for_each(|sum| *sum = *sum * scale);
        // SAFETY: the output has these elements, and each is written by one task.
        unsafe { self.target.write(self.map.walk(), self.axes.start(group, 0) + column, sums) };
    }

    /// The formula's results for `count` elements from `at` on, at most a chunk.
    fn values(&self, at: usize, count: usize, scratch: &mut Scratch<E>) -> *const E {
        if let Some(direct) = self.map.direct_input(at).filter(|_| self.passes_on) {
            return direct;
        }
        let row = scratch.row(MAX_INPUTS);
        self.map.evaluate(at, count, &[row], scratch);
        row.cast_const()
    }
}

/// Joins neighbours in pairs until one is left.
fn join<E: Compute, C: Combine>(values: &mut [E]) -> E {
    let mut count = values.len();
    while count > 1 {
        for i in 0..count / 2 {
            values[i] = C::scalars(values[2 * i], values[2 * i + 1]);
        }
        if count % 2 == 1 {
            values[count / 2] = values[count - 1];
        }
        count = count.div_ceil(2);
    }
    values.first().copied().unwrap_or(C::identity())
}

/// Joins neighbouring rows of `width` elements in pairs until one is left.
fn join_rows<E: Compute, C: Combine>(rows: &mut [E], width: usize) -> &mut [E] {
    let mut count = rows.len() / width;
    while count > 1 {
        for i in 0..count / 2 {
            for column in 0..width {
                rows[i * width + column] = C::scalars(rows[2 * i * width + column], rows[(2 * i + 1) * width + column]);
            }
        }
        if count % 2 == 1 {
            rows.copy_within((count - 1) * width..count * width, count / 2 * width);
        }
        count = count.div_ceil(2);
    }
    &mut rows[..width]
}
