//! Reductions of elements as they lie in memory: whole blocks in one call on the lanes, so that short rows cost little.

use std::marker::PhantomData;

use super::axes::Axes;
use super::combine::{Combine, add_to, reduce_on};
use crate::formula::lanes::{LaneElement, Lanes, Program, dispatch};

/// The rows of a reduction along the innermost axes, long ones cut into blocks. Blocks of a group are neighbours.
#[derive(Debug, Clone, Copy)]
pub struct RowBlocks<'a> {
    axes: &'a Axes,
    longest: usize,
    pieces: usize,
    per_group: usize,
}

impl<'a> RowBlocks<'a> {
    /// The rows of these axes in blocks of at most `block` elements.
    pub fn new(axes: &'a Axes, block: usize) -> Self {
        let pieces = axes.tail().div_ceil(block);
        Self { axes, longest: axes.tail().min(block), pieces, per_group: axes.members() * pieces }
    }

    /// How many blocks there are.
    pub fn count(&self) -> usize {
        self.axes.groups() * self.per_group
    }

    /// Whether each tail is a block and a group of its own, one behind the other in the walk.
    pub fn follow_each_other(&self) -> bool {
        self.per_group == 1
    }

    /// How many blocks belong to a group.
    pub fn per_group(&self) -> usize {
        self.per_group
    }

    /// The elements of the longest block.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Where in the walk a block starts and ends.
    pub fn range(&self, block: usize) -> (usize, usize) {
        if self.follow_each_other() {
            // No division for rows that are soon done.
            return (block * self.longest, (block + 1) * self.longest);
        }
        let (group, rest) = (block / self.per_group, block % self.per_group);
        let skipped = rest % self.pieces * self.longest;
        let start = self.axes.start(group, rest / self.pieces) + skipped;
        (start, start + (self.axes.tail() - skipped).min(self.longest))
    }

    /// Reduces the blocks from `first` on, as many as there are results.
    ///
    /// # Safety
    /// `address` gives initialised memory for each place of the walk, and a block is one stretch of it.
    pub unsafe fn reduce_direct<E: LaneElement, C: Combine>(
        &self,
        address: &dyn Fn(usize) -> *const E,
        first: usize,
        results: &mut [E],
    ) {
        dispatch(Rows::<E, C> { rows: self, address, first, results, combine: PhantomData });
    }
}

struct Rows<'a, E, C> {
    rows: &'a RowBlocks<'a>,
    address: &'a dyn Fn(usize) -> *const E,
    first: usize,
    results: &'a mut [E],
    combine: PhantomData<C>,
}

impl<E: LaneElement, C: Combine> Program<E> for Rows<'_, E, C> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        for i in 0..self.results.len() {
            let (start, end) = self.rows.range(self.first + i);
            // SAFETY: promised by whoever called `reduce_direct`.
            self.results[i] = unsafe { reduce_on::<L, C>((self.address)(start), end - start) };
        }
    }
}

/// Rows one behind the other, none longer than a block, with their results one behind the other as well.
pub struct FlatRows<'a, E, C> {
    values: *const E,
    columns: usize,
    results: &'a mut [E],
    scale: E,
    combine: PhantomData<C>,
}

impl<'a, E: LaneElement, C: Combine> FlatRows<'a, E, C> {
    /// Reduces rows of `columns` elements, as many as there are results, each multiplied with `scale`.
    ///
    /// # Safety
    /// So many initialised elements lie at `values`.
    pub unsafe fn reduce(values: *const E, columns: usize, results: &'a mut [E], scale: E) {
        dispatch(Self { values, columns, results, scale, combine: PhantomData });
    }
}

impl<E: LaneElement, C: Combine> Program<E> for FlatRows<'_, E, C> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        let Self { values, columns, results, scale, .. } = self;
        for (row, result) in results.iter_mut().enumerate() {
            // SAFETY: promised by whoever called `reduce`.
            *result = unsafe { reduce_on::<L, C>(values.add(row * columns), columns) } * scale;
        }
    }
}

/// Rows of which each is combined with sums, place by place.
pub struct ColumnBlock<'a, E, C> {
    first: *const E,
    stride: usize,
    rows: usize,
    sums: &'a mut [E],
    combine: PhantomData<C>,
}

/// Registers of sums that stay registers along all rows: more of them, and the rows are read one after the other.
const NARROW: usize = 8;

impl<'a, E: LaneElement, C: Combine> ColumnBlock<'a, E, C> {
    /// Combines `rows` rows, the first at `first` and each further one `stride` elements behind, with `sums`.
    ///
    /// # Safety
    /// As many initialised elements as there are sums lie at the start of each row.
    pub unsafe fn combine(first: *const E, stride: usize, rows: usize, sums: &'a mut [E]) {
        dispatch(Self { first, stride, rows, sums, combine: PhantomData });
    }

    /// Combines the `count` columns from `column` on, at most a register of them, along all rows.
    #[inline(always)]
    fn narrow<L: Lanes<Element = E>>(&mut self, column: usize, count: usize) {
        // SAFETY: here and below, the columns are within the rows and the sums.
        unsafe {
            let sums = self.sums.as_mut_ptr().add(column);
            let mut total = L::load_first(sums, count, C::identity());
            for row in 0..self.rows {
                let values = self.first.add(row * self.stride + column);
                total = C::lanes(total, L::load_first(values, count, C::identity()));
            }
            total.store_first(sums, count);
        }
    }
}

impl<E: LaneElement, C: Combine> Program<E> for ColumnBlock<'_, E, C> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(mut self) {
        let count = self.sums.len();
        if count <= NARROW * L::WIDTH {
            for column in (0..count).step_by(L::WIDTH) {
                self.narrow::<L>(column, (count - column).min(L::WIDTH));
            }
            return;
        }
        for row in 0..self.rows {
            // SAFETY: promised by whoever called `combine`.
            unsafe { add_to::<L, C>(self.first.add(row * self.stride), self.sums) };
        }
    }
}
