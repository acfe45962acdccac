//! The micro-kernel: a tile of C, a few rows by a few registers, summed over k in registers.

use std::array::from_fn;

use crate::formula::lanes::{LaneElement, Lanes};

/// The most registers side by side in a tile, on every instruction set.
pub const MAX_VECTORS: usize = 3;
/// The most rows of a tile, on any instruction set.
pub const MAX_ROWS: usize = 8;

/// Rows of a full tile: with three registers side by side, the sums fill 24 of 32 registers, or 12 of 16.
pub const fn tile_rows<L: Lanes>() -> usize {
    // AVX2 has sixteen registers; AVX-512 and NEON, whose registers are not 32 bytes wide, have thirty-two.
    if size_of::<L>() == 32 { 4 } else { MAX_ROWS }
}

/// Columns of a full tile.
pub const fn tile_columns<L: Lanes>() -> usize {
    MAX_VECTORS * L::WIDTH
}

/// One tile of a product: sums over `depth` of A's rows times B's columns.
#[derive(Debug, Clone, Copy)]
pub struct Tile<E> {
    /// Terms of each sum.
    pub depth: usize,
    /// The first element of A; the next row is `a_row` elements on, the next term `a_term`.
    pub a: *const E,
    pub a_row: usize,
    pub a_term: usize,
    /// The first element of B; columns are adjacent, the next term is `b_term` elements on.
    pub b: *const E,
    pub b_term: usize,
    /// The first element of C; columns are adjacent, the next row is `c_row` elements on.
    pub c: *mut E,
    pub c_row: usize,
    /// Rows and columns of C that the tile covers.
    pub rows: usize,
    pub columns: usize,
    /// Whether to add to C; otherwise C is not read.
    pub accumulate: bool,
}

impl<E: LaneElement> Tile<E> {
    /// Computes the tile.
    ///
    /// # Safety
    /// `rows` is at most `tile_rows`, `columns` at most `tile_columns`; all elements of A and C are valid, and those of B
    /// are up to a whole number of registers of columns.
    #[inline(always)]
    pub unsafe fn compute<L: Lanes<Element = E>>(&self) {
        macro_rules! by_rows {
            ($vectors:literal: $($rows:literal)*) => {
                match self.rows {
                    // SAFETY: the caller's promise; both sizes fit the tile.
                    $($rows if $rows <= tile_rows::<L>() => unsafe { self.compute_sized::<L, $rows, $vectors>() },)*
                    _ => {}
                }
            };
        }
        match self.columns.div_ceil(L::WIDTH) {
            1 => by_rows!(1: 1 2 3 4 5 6 7 8),
            2 => by_rows!(2: 1 2 3 4 5 6 7 8),
            _ => by_rows!(3: 1 2 3 4 5 6 7 8),
        }
    }

    #[inline(always)]
    unsafe fn compute_sized<L: Lanes<Element = E>, const ROWS: usize, const VECTORS: usize>(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            let sums = self.sums::<L, ROWS, VECTORS>();
            if self.columns == VECTORS * L::WIDTH {
                self.write_full(sums);
            } else {
                self.write_ragged(sums);
            }
        }
    }

    /// The sums, each over its terms in order: the result does not depend on where in a tile an element lies.
    #[inline(always)]
    unsafe fn sums<L: Lanes<Element = E>, const ROWS: usize, const VECTORS: usize>(&self) -> [[L; VECTORS]; ROWS] {
        let mut sums = [[L::splat(E::default()); VECTORS]; ROWS];
        let (mut a, mut b) = (self.a, self.b);
        for _ in 0..self.depth {
            // SAFETY: the caller's promise. The step past the last term is not taken by dereferencing.
            unsafe {
                let columns: [L; VECTORS] = from_fn(|v| L::load(b.add(v * L::WIDTH)));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let factor = L::splat(*a.add(row * self.a_row));
                    for (sum, &column) in sums.iter_mut().zip(&columns) {
                        *sum = factor.mul_add(column, *sum);
                    }
                }
            }
            a = a.wrapping_add(self.a_term);
            b = b.wrapping_add(self.b_term);
        }
        sums
    }

    #[inline(always)]
    unsafe fn write_full<L: Lanes<Element = E>, const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: [[L; VECTORS]; ROWS],
    ) {
        for (row, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                // SAFETY: the caller's promise; the register lies within `columns`.
                unsafe {
                    let c = self.c.add(row * self.c_row + v * L::WIDTH);
                    let total = if self.accumulate { L::load(c) + sum } else { sum };
                    total.store(c);
                }
            }
        }
    }

    /// Writes a tile whose last register reaches past the last column.
    #[inline(always)]
    unsafe fn write_ragged<L: Lanes<Element = E>, const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: [[L; VECTORS]; ROWS],
    ) {
        for (row, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                let count = (self.columns - v * L::WIDTH).min(L::WIDTH);
                // SAFETY: the caller's promise; only `count` elements, which lie within `columns`, are touched.
                unsafe {
                    let c = self.c.add(row * self.c_row + v * L::WIDTH);
                    let total = if self.accumulate { L::load_first(c, count, E::default()) + sum } else { sum };
                    total.store_first(c, count);
                }
            }
        }
    }
}
