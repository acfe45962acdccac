//! As many rows as one pass of registers works on.

use smallvec::{SmallVec, smallvec};

use crate::formula::lanes::Lanes;

/// Whether rows of so many columns lie one in each lane.
pub const fn is_short(columns: usize) -> bool {
    columns <= 32
}

/// Short rows side by side, one in each lane, so that no register is partly empty and nothing is reduced across lanes; a
/// long row alone, across the lanes.
///
/// The lanes that belong to no row hold numbers without meaning.
pub struct Tile<L: Lanes> {
    /// Register after register.
    elements: SmallVec<[L::Element; 512]>,
    columns: usize,
}

impl<L: Lanes> Tile<L> {
    /// A tile for rows of this many columns, at least one.
    #[inline(always)]
    pub fn new(columns: usize) -> Self {
        let size = if is_short(columns) { columns * L::WIDTH } else { columns.next_multiple_of(L::WIDTH) };
        Self { elements: smallvec![L::Element::default(); size], columns }
    }

    /// How many elements its rows have together.
    #[inline(always)]
    pub fn span(&self) -> usize {
        if self.is_short() { self.elements.len() } else { self.columns }
    }

    /// Takes in rows, as many as the tile has or fewer. What a long row leaves of its last register becomes `rest`.
    #[inline(always)]
    pub fn read(&mut self, rows: &[L::Element], rest: L::Element) {
        if self.is_short() {
            for (lane, row) in rows.chunks_exact(self.columns).enumerate() {
                self.elements.chunks_exact_mut(L::WIDTH).zip(row).for_each(|(register, &x)| register[lane] = x);
            }
        } else {
            let (row, tail) = self.elements.split_at_mut(self.columns);
            row.copy_from_slice(rows);
            tail.fill(rest);
        }
    }

    /// Gives rows out again, as many as were taken in.
    #[inline(always)]
    pub fn write(&self, rows: &mut [L::Element]) {
        if self.is_short() {
            for (lane, row) in rows.chunks_exact_mut(self.columns).enumerate() {
                self.elements.chunks_exact(L::WIDTH).zip(row).for_each(|(register, x)| *x = register[lane]);
            }
        } else {
            rows.copy_from_slice(&self.elements[..self.columns]);
        }
    }

    /// How many registers it fills.
    #[inline(always)]
    pub fn registers(&self) -> usize {
        self.elements.len() / L::WIDTH
    }

    /// The register `index`.
    #[inline(always)]
    pub fn get(&self, index: usize) -> L {
        debug_assert!(index < self.registers());
        // SAFETY: the elements are whole registers, and callers stay below their number.
        unsafe { L::load(self.elements.as_ptr().add(index * L::WIDTH)) }
    }

    /// Replaces the register `index`.
    #[inline(always)]
    pub fn set(&mut self, index: usize, lanes: L) {
        debug_assert!(index < self.registers());
        // SAFETY: as above.
        unsafe { lanes.store(self.elements.as_mut_ptr().add(index * L::WIDTH)) };
    }

    /// The largest element of each row, in the lanes of the row; any of them where one is NaN.
    #[inline(always)]
    pub fn max(&self) -> L {
        let mut max = L::constant(f64::NEG_INFINITY);
        for index in 0..self.registers() {
            max = max.max(self.get(index));
        }
        if self.is_short() { max } else { L::splat(max.reduce(L::max)) }
    }

    /// What `sum`, over the registers, is for each whole row.
    #[inline(always)]
    pub fn whole_sum(&self, sum: L) -> L {
        if self.is_short() { sum } else { L::splat(sum.sum()) }
    }

    #[inline(always)]
    fn is_short(&self) -> bool {
        is_short(self.columns)
    }
}
