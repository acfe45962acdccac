//! Reductions of elements as they lie in memory: whole blocks in one call on the lanes, so that short rows cost little.

use std::marker::PhantomData;
use std::ops::Range;

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
        if self.per_group == 1 {
            // Each tail is a group of its own, and they follow each other: no division for rows that are soon done.
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

/// Rows of which each is combined with sums, place by place.
pub struct ColumnBlock<'a, E, C> {
    start: &'a dyn Fn(usize) -> *const E,
    rows: Range<usize>,
    sums: &'a mut [E],
    combine: PhantomData<C>,
}

impl<'a, E: LaneElement, C: Combine> ColumnBlock<'a, E, C> {
    /// The rows `rows`, each with its first element at `start`.
    pub fn new(start: &'a dyn Fn(usize) -> *const E, rows: Range<usize>, sums: &'a mut [E]) -> Self {
        Self { start, rows, sums, combine: PhantomData }
    }

    /// Combines them.
    ///
    /// # Safety
    /// As many initialised elements as there are sums lie at the start of each row.
    pub unsafe fn run(self) {
        dispatch(self);
    }
}

impl<E: LaneElement, C: Combine> Program<E> for ColumnBlock<'_, E, C> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        for row in self.rows {
            // SAFETY: promised by whoever called `run`.
            unsafe { add_to::<L, C>((self.start)(row), self.sums) };
        }
    }
}
