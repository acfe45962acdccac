//! Reductions in a fixed order: blocks of a size that depends on the shape alone, each reduced in sequence, then joined
//! in pairs. Threads share the blocks, so their number changes nothing.

use smallvec::{SmallVec, smallvec};

use super::axes::Axes;
use super::combine::{Combine, Max, Min, Sum, accumulate, reduce};
use super::direct::{ColumnBlock, FlatRows, RowBlocks};
use super::elements::{Shared, pointer};
use super::map::{CHUNK, Map, Scratch};
use super::operand::{Compute, Operand, needs_f64};
use super::threads::Threads;
use crate::device::backend::{Reduction, Seed};
use crate::device::view::View;
use crate::formula::AnyFormula;
use crate::formula::catalogue::activation;
use crate::traversal::Traversal;

/// Elements reduced in sequence before pairs are joined.
const BLOCK: usize = 4 * CHUNK;
/// Rows added to each other in sequence before pairs are joined.
const ROWS: usize = 64;
/// Columns of such rows: their sums stay in first-level cache, and a row is read in stretches of several pages.
const COLUMNS: usize = 4096;
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
    if let Some(rows) = Rows::<E>::of(formula, inputs, output) {
        match reduction {
            Reduction::Sum { scale } => rows.run::<Sum>(threads, E::from_f64(scale)),
            Reduction::Max => rows.run::<Max>(threads, E::from_f64(1.0)),
            Reduction::Min => rows.run::<Min>(threads, E::from_f64(1.0)),
        }
        return;
    }
    let walk = Traversal::new(inputs.iter().chain([&output]).map(View::layout));
    let target = Operand::new(&output, &walk, inputs.len());
    let axes = Axes::new(&walk, inputs.len());
    let places = walk.strided_axes(inputs.len()).collect();
    let map = Map::over(formula, &walk, inputs, &[], Seed::default());
    let direct = formula.key() == AnyFormula::key(&activation::linear) && map.has_direct_input();
    let reduce = Reduce::<E> { map, target, axes, places, direct };
    match reduction {
        Reduction::Sum { scale } => reduce.run::<Sum>(threads, E::from_f64(scale)),
        Reduction::Max => reduce.run::<Max>(threads, E::from_f64(1.0)),
        Reduction::Min => reduce.run::<Min>(threads, E::from_f64(1.0)),
    }
}

/// Rows that lie one behind the other as they are needed, with their results: the common case, and one where every nanosecond
/// shows. The results are those of any other layout, to the bit.
struct Rows<E> {
    // Only read: shared all the same.
    values: Shared<E>,
    results: Shared<E>,
    rows: usize,
    columns: usize,
}

impl<E: Compute> Rows<E> {
    /// None where formula or operands are otherwise, or a row is longer than a block.
    fn of(formula: &dyn AnyFormula, inputs: &[View<'_>], output: View<'_>) -> Option<Self> {
        let [input] = inputs else { return None };
        let lies_as_needed = input.dtype() == E::DTYPE && input.layout().is_contiguous() && output.dtype() == E::DTYPE;
        if !lies_as_needed || formula.key() != AnyFormula::key(&activation::linear) {
            return None;
        }
        let axes = output.shape().iter().copied().zip(output.layout().strides().iter().copied()).rev();
        let mut axes = axes.filter(|axis| axis.0 != 1).peekable();
        let (mut columns, mut rows) = (1, 1);
        while let Some((size, _)) = axes.next_if(|axis| axis.1 == 0) {
            columns *= size;
        }
        for (size, stride) in axes {
            if stride != rows {
                return None;
            }
            rows *= size;
        }
        let (values, results) = (Shared(pointer(input.address())), Shared(pointer(output.address())));
        ((1..=BLOCK).contains(&columns) && rows > 0).then_some(Self { values, results, rows, columns })
    }

    fn run<C: Combine>(&self, threads: &Threads, scale: E) {
        let per_task = (TASK / self.columns).max(1);
        threads.run(self.rows.div_ceil(per_task), &|task| {
            let first = task * per_task;
            let count = per_task.min(self.rows - first);
            // SAFETY: views are in bounds, inputs initialised, and each row has a place of its own.
            unsafe {
                let results = std::slice::from_raw_parts_mut(self.results.at(first), count);
                FlatRows::<E, C>::reduce(self.values.at(first * self.columns), self.columns, results, scale);
            }
        });
    }
}

struct Reduce<'a, E> {
    map: Map<'a, E>,
    target: Operand,
    axes: Axes,
    /// Sizes and strides of the output's own axes, innermost first.
    places: SmallVec<[(usize, usize); 4]>,
    /// Whether the elements are reduced as they lie in memory, row by row of the walk: the formula only passes them on.
    direct: bool,
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
        let rows = RowBlocks::new(&self.axes, BLOCK);
        let mut partials: SmallVec<[E; 16]> = smallvec![C::identity::<E>(); rows.count()];
        let shared = Shared(partials.as_mut_ptr());
        let per_task = (TASK / rows.longest()).max(1);
        threads.run(rows.count().div_ceil(per_task), &|task| {
            let blocks = task * per_task..rows.count().min((task + 1) * per_task);
            // SAFETY: each block has a place of its own.
            let results = unsafe { std::slice::from_raw_parts_mut(shared.at(blocks.start), blocks.len()) };
            if self.is_whole_in_rows() {
                // SAFETY: the elements of the walk are initialised memory, and blocks do not cross its rows.
                unsafe { rows.reduce_direct::<E, C>(&|at| self.map.direct_input(at), blocks.start, results) };
                return;
            }
            let mut scratch = self.map.scratch();
            if !self.direct && rows.follow_each_other() {
                return self.reduce_together::<C>(blocks.start, rows.longest(), results, &mut scratch);
            }
            for (block, result) in blocks.zip(results) {
                let (start, end) = rows.range(block);
                *result = self.reduce_block::<C>(start, end, &mut scratch);
            }
        });
        let per_group = rows.per_group();
        for group in 0..self.axes.groups() {
            partials[group] = join::<E, C>(&mut partials[group * per_group..][..per_group]) * scale;
        }
        // SAFETY: the output has a place for each group, and the tasks have ended.
        unsafe { self.target.set_each(&self.places, &partials[..self.axes.groups()]) };
    }

    /// Reduces rows of `columns` elements that follow each other, from `first` on: as many at once as fit a chunk.
    fn reduce_together<C: Combine>(&self, first: usize, columns: usize, results: &mut [E], scratch: &mut Scratch<E>) {
        let mut done = 0;
        while done < results.len() {
            let (start, end) = ((first + done) * columns, (first + results.len()) * columns);
            let count = self.stretch(start, end) / columns;
            if count <= 1 {
                results[done] = self.reduce_block::<C>(start, start + columns, scratch);
                done += 1;
                continue;
            }
            let values = self.values(start, count * columns, scratch);
            // SAFETY: `values` leads to as many elements.
            unsafe { FlatRows::<E, C>::reduce(values, columns, &mut results[done..done + count], E::from_f64(1.0)) };
            done += count;
        }
    }

    fn reduce_block<C: Combine>(&self, start: usize, end: usize, scratch: &mut Scratch<E>) -> E {
        let mut total = C::identity::<E>();
        let mut at = start;
        while at < end {
            let count = self.stretch(at, end);
            let values = self.values(at, count, scratch);
            // SAFETY: `values` leads to `count` elements.
            total = C::scalars(total, unsafe { reduce::<E, C>(values, count) });
            at += count;
        }
        total
    }

    /// The innermost elements are kept: rows added to rows, in blocks of rows and columns, then the blocks joined.
    fn run_columns<C: Combine>(&self, threads: &Threads, scale: E) {
        let tail = self.axes.tail();
        let (groups, members) = (self.axes.groups(), self.axes.members());
        let (row_blocks, column_blocks) = (members.div_ceil(ROWS), tail.div_ceil(COLUMNS));
        let mut partials = vec![C::identity::<E>(); if row_blocks > 1 { groups * row_blocks * tail } else { 0 }];
        let shared = Shared(partials.as_mut_ptr());
        let blocks = groups * row_blocks * column_blocks;
        let per_task = (TASK / (tail.min(COLUMNS) * members.min(ROWS))).max(1);
        threads.run(blocks.div_ceil(per_task), &|task| {
            let mut scratch = self.map.scratch();
            let mut sums = vec![C::identity::<E>(); tail.min(COLUMNS)];
            for block in task * per_task..blocks.min((task + 1) * per_task) {
                let (row_block, column_block) = (block / column_blocks, block % column_blocks);
                let (group, rows) = (row_block / row_blocks, row_block % row_blocks * ROWS);
                let column = column_block * COLUMNS;
                let sums = &mut sums[..(tail - column).min(COLUMNS)];
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
        if self.is_whole_in_rows() {
            let start = |member| self.map.direct_input(self.axes.start(group, member) + column);
            if rows.len() > 1 && self.axes.members_are_even() {
                let (first, second) = (start(rows.start), start(rows.start + 1));
                let stride = (second.addr() - first.addr()) / size_of::<E>();
                // SAFETY: the elements of the walk are initialised memory, and the tail does not cross its rows.
                return unsafe { ColumnBlock::<E, C>::combine(first, stride, rows.len(), sums) };
            }
            // SAFETY: as above.
            return rows.for_each(|row| unsafe { ColumnBlock::<E, C>::combine(start(row), 0, 1, sums) });
        }
        for member in rows {
            let start = self.axes.start(group, member) + column;
            let mut done = 0;
            while done < sums.len() {
                let count = self.stretch(start + done, start + sums.len());
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

    /// Whether a tail is one stretch of memory.
    fn is_whole_in_rows(&self) -> bool {
        self.direct && self.axes.tail() == self.map.walk().inner()
    }

    /// How many results from `at` on can be had at once: a chunk, or what lies there as it is needed.
    fn stretch(&self, at: usize, end: usize) -> usize {
        if self.direct {
            self.map.direct_count(at, end)
        } else {
            self.map.chunk_at(at, end).min(self.map.chunk_length())
        }
    }

    /// The formula's results for `count` elements from `at` on, at most a [`stretch`](Self::stretch).
    fn values(&self, at: usize, count: usize, scratch: &mut Scratch<E>) -> *const E {
        if self.direct {
            return self.map.direct_input(at);
        }
        let row = scratch.row(self.map.result_row());
        self.map.evaluate(at, count, &[row], scratch);
        row.cast_const()
    }
}

/// Joins neighbours in pairs until one is left.
fn join<E: Compute, C: Combine>(values: &mut [E]) -> E {
    for (left, right) in pairs(values.len()) {
        values[left] = C::scalars(values[left], values[right]);
    }
    values.first().copied().unwrap_or(C::identity())
}

/// Joins neighbouring rows of `width` elements in pairs until one is left.
fn join_rows<E: Compute, C: Combine>(rows: &mut [E], width: usize) -> &mut [E] {
    for (left, right) in pairs(rows.len() / width) {
        let (before, after) = rows.split_at_mut(right * width);
        // SAFETY: a row lies at the start of what comes after.
        unsafe { accumulate::<E, C>(after.as_ptr(), &mut before[left * width..][..width]) };
    }
    &mut rows[..width]
}

/// The places to join in turn, the right one into the left, for all to end up in the first.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    let steps = std::iter::successors(Some(1), |step| Some(2 * step)).take_while(move |&step| step < count);
    steps.flat_map(move |step| (0..count - step).step_by(2 * step).map(move |left| (left, left + step)))
}
