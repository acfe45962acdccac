//! Products of a vector and a matrix, which memory bandwidth bounds: each element of the matrix is read once, in place.

use super::matrix::MatrixRef;
use crate::formula::lanes::{LaneElement, Lanes, Program};

/// Elements of the result that stay in the first-level cache while rows of the matrix are added to them.
const SPAN: usize = 1024;
/// Rows, or columns, of the matrix that are worked through together.
const TOGETHER: usize = 4;

/// The product of a row vector and a matrix: `y = x m`, or `y += x m`.
#[derive(Debug)]
pub struct VectorChunk<'a, E> {
    /// `x`, of adjacent elements.
    pub vector: &'a [E],
    /// `m`, of adjacent elements along its rows or along its columns.
    pub matrix: MatrixRef<'a, E>,
    /// The first element of `y`, and the distance from one to the next; as many as the matrix has columns.
    pub result: *mut E,
    pub stride: usize,
    pub accumulate: bool,
}

impl<E: LaneElement> Program<E> for VectorChunk<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        if self.matrix.column_stride == 1 {
            self.add_rows::<L>();
        } else {
            self.dot_columns::<L>();
        }
    }
}

impl<E: LaneElement> VectorChunk<'_, E> {
    #[inline(always)]
    fn add_rows<L: Lanes<Element = E>>(&self) {
        let [rows, columns] = self.matrix.sizes();
        let mut sums = [E::default(); SPAN];
        for first in (0..columns).step_by(SPAN) {
            let sums = &mut sums[..SPAN.min(columns - first)];
            sums.fill(E::default());
            let whole = rows / TOGETHER * TOGETHER;
            for row in (0..whole).step_by(TOGETHER) {
                self.add_to::<L, TOGETHER>(row, first, sums);
            }
            for row in whole..rows {
                self.add_to::<L, 1>(row, first, sums);
            }
            for (column, &sum) in sums.iter().enumerate() {
                self.write(first + column, sum);
            }
        }
    }

    /// Adds `COUNT` rows from `row` on, each times its factor, to the sums of the columns from `first` on.
    #[inline(always)]
    fn add_to<L: Lanes<Element = E>, const COUNT: usize>(&self, row: usize, first: usize, sums: &mut [E]) {
        let factors: [E; COUNT] = std::array::from_fn(|i| self.vector[row + i]);
        let whole = sums.len() / L::WIDTH * L::WIDTH;
        for column in (0..whole).step_by(L::WIDTH) {
            // SAFETY: a register of sums, and of each row, that lies within.
            unsafe {
                let place = sums.as_mut_ptr().add(column);
                let mut sum = L::load(place);
                for (i, &factor) in factors.iter().enumerate() {
                    sum = L::splat(factor).mul_add(L::load(self.matrix.at(row + i, first + column)), sum);
                }
                sum.store(place);
            }
        }
        let count = sums.len() - whole;
        if count > 0 {
            // SAFETY: as above, of the `count` that are left.
            unsafe {
                let place = sums.as_mut_ptr().add(whole);
                let mut sum = L::load_first(place, count, E::default());
                for (i, &factor) in factors.iter().enumerate() {
                    let elements = L::load_first(self.matrix.at(row + i, first + whole), count, E::default());
                    sum = L::splat(factor).mul_add(elements, sum);
                }
                sum.store_first(place, count);
            }
        }
    }

    #[inline(always)]
    fn dot_columns<L: Lanes<Element = E>>(&self) {
        let columns = self.matrix.columns;
        let whole = columns / TOGETHER * TOGETHER;
        for column in (0..whole).step_by(TOGETHER) {
            self.dot::<L, TOGETHER>(column);
        }
        for column in whole..columns {
            self.dot::<L, 1>(column);
        }
    }

    /// Multiplies with `COUNT` columns from `column` on: a register of terms at a time in two sums, added at the end.
    #[inline(always)]
    fn dot<L: Lanes<Element = E>, const COUNT: usize>(&self, column: usize) {
        let terms = self.vector.len();
        let mut sums = [[L::splat(E::default()); 2]; COUNT];
        for term in (0..terms).step_by(2 * L::WIDTH) {
            for half in 0..2 {
                let term = term + half * L::WIDTH;
                let count = terms.saturating_sub(term).min(L::WIDTH);
                if count == 0 {
                    continue;
                }
                // SAFETY: `count` terms are left; the vector is as long as the matrix has rows.
                unsafe {
                    let factors = load::<L>(self.vector.as_ptr().add(term), count);
                    for (i, sums) in sums.iter_mut().enumerate() {
                        sums[half] = load::<L>(self.matrix.at(term, column + i), count).mul_add(factors, sums[half]);
                    }
                }
            }
        }
        for (i, [even, odd]) in sums.into_iter().enumerate() {
            self.write(column + i, (even + odd).sum());
        }
    }

    #[inline(always)]
    fn write(&self, column: usize, sum: E) {
        let place = self.result.wrapping_add(column * self.stride);
        // SAFETY: an element of the result, which only this chunk uses.
        unsafe { *place = if self.accumulate { *place + sum } else { sum } };
    }
}

/// Reads `count` elements, at most a register, and zeros.
#[inline(always)]
unsafe fn load<L: Lanes>(from: *const L::Element, count: usize) -> L {
    // SAFETY: the caller vouches for `count` elements.
    unsafe { if count == L::WIDTH { L::load(from) } else { L::load_first(from, count, L::Element::default()) } }
}
