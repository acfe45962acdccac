//! As many rows as one pass of registers works on.

use crate::formula::lanes::Lanes;

/// Rows of at most this many columns lie one in each lane.
const SHORT: usize = 32;

/// Short rows side by side, one in each lane, so that no register is partly empty and nothing is reduced across lanes; a
/// long row alone, across the lanes.
///
/// The lanes that belong to no row hold numbers without meaning.
pub struct Tile<L: Lanes> {
    /// Register after register.
    elements: Vec<L::Element>,
    columns: usize,
}

impl<L: Lanes> Tile<L> {
    /// A tile for rows of this many columns, at least one.
    #[inline(always)]
    pub fn new(columns: usize) -> Self {
        let size = if columns <= SHORT { columns * L::WIDTH } else { columns.next_multiple_of(L::WIDTH) };
        Self { elements: vec![L::Element::default(); size], columns }
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

    /// The largest element of each row, in the lanes of the row; any of them where one is NaN.
    #[inline(always)]
    pub fn max(&self) -> L {
        let larger = |a, b| if a > b { a } else { b };
        let start = L::constant(f64::NEG_INFINITY);
        self.whole(self.registers().fold(start, L::max), larger)
    }

    /// Replaces every element by the first result of `change`, and sums the second over each row.
    #[inline(always)]
    pub fn change_and_sum(&mut self, change: impl Fn(L) -> (L, L)) -> L {
        let mut sum = L::constant(0.0);
        for register in self.elements.chunks_exact_mut(L::WIDTH) {
            let (changed, summand) = change(load(register));
            store(changed, register);
            sum = sum + summand;
        }
        self.whole(sum, |a, b| a + b)
    }

    /// Replaces every element.
    #[inline(always)]
    pub fn change(&mut self, change: impl Fn(L) -> L) {
        for register in self.elements.chunks_exact_mut(L::WIDTH) {
            store(change(load(register)), register);
        }
    }

    /// Sums a function of the elements at the same places of two tiles over each row.
    #[inline(always)]
    pub fn sum_with(&self, other: &Self, summand: impl Fn(L, L) -> L) -> L {
        let pairs = self.registers().zip(other.registers());
        let sum = pairs.fold(L::constant(0.0), |sum, (a, b)| sum + summand(a, b));
        self.whole(sum, |a, b| a + b)
    }

    /// Replaces every element by a function of it and the one at the same place of another tile.
    #[inline(always)]
    pub fn change_with(&mut self, other: &Self, change: impl Fn(L, L) -> L) {
        for (register, b) in self.elements.chunks_exact_mut(L::WIDTH).zip(other.registers()) {
            store(change(load(register), b), register);
        }
    }

    /// What `lanes`, reduced down the registers, is for each whole row.
    #[inline(always)]
    fn whole(&self, lanes: L, combine: impl Fn(L::Element, L::Element) -> L::Element) -> L {
        if self.is_short() { lanes } else { L::splat(lanes.reduce(combine)) }
    }

    #[inline(always)]
    fn registers(&self) -> impl Iterator<Item = L> {
        self.elements.chunks_exact(L::WIDTH).map(load)
    }

    #[inline(always)]
    fn is_short(&self) -> bool {
        self.columns <= SHORT
    }
}

#[inline(always)]
fn load<L: Lanes>(register: &[L::Element]) -> L {
    assert!(register.len() == L::WIDTH);
    // SAFETY: the slice is a register long.
    unsafe { L::load(register.as_ptr()) }
}

#[inline(always)]
fn store<L: Lanes>(lanes: L, register: &mut [L::Element]) {
    assert!(register.len() == L::WIDTH);
    // SAFETY: the slice is a register long.
    unsafe { lanes.store(register.as_mut_ptr()) }
}
