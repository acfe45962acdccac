//! The micro-kernel: a tile of C, a few rows by a few registers, summed over k in registers.

use crate::formula::lanes::{LaneElement, Lanes, prefetch};

/// Rows of a full tile: the sums fill 12 of 16 registers, or 24 of 32.
pub const fn tile_rows<L: Lanes>() -> usize {
    if has_sixteen_registers::<L>() { 6 } else { 8 }
}

/// Rows of a tile that is one register wide, whose sums fill as many registers.
pub const fn tall_rows<L: Lanes>() -> usize {
    tile_rows::<L>() * tile_vectors::<L>()
}

/// Columns of a full tile.
pub const fn tile_columns<L: Lanes>() -> usize {
    tile_vectors::<L>() * L::WIDTH
}

/// Registers side by side in a full tile.
const fn tile_vectors<L: Lanes>() -> usize {
    if has_sixteen_registers::<L>() { 2 } else { 3 }
}

/// AVX2 has sixteen registers; AVX-512 and NEON, whose registers are not 32 bytes wide, have thirty-two.
const fn has_sixteen_registers<L: Lanes>() -> bool {
    size_of::<L>() == 32
}

/// A loop of up to twenty-four turns, written out with its index as a literal.
macro_rules! each {
    ($index:ident in 0..$count:ident $body:block) => { each!($index; $count; $body; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23) };
    ($index:ident; $count:ident; $body:block; $($literal:literal)*) => {
        $(if $literal < $count {
            let $index: usize = $literal;
            $body
        })*
    };
}

/// Terms of a tile in which C can be brought near: of fewer, asking for it costs more than waiting.
const WORTH_ASKING: usize = 64;
/// The most rows of tiles more than one register wide.
const MOST_WIDE_ROWS: usize = 8;
/// Bytes of a cache line.
const LINE: usize = 64;
/// How many terms ahead B is asked for where it is read in its place, which may be far away.
const AHEAD: usize = 16;

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
    /// Where to leave the rows of B, one behind the other, for the tiles below; null where that is not wanted. Tiles that do
    /// so are of `tile_rows` rows.
    pub b_copy: *mut E,
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
    /// `rows` is at most `tile_rows`, or `tall_rows` where there is one register of columns; `columns` is at most `tile_columns`;
    /// all elements of A and C are valid, and those of B
    /// are up to a whole number of registers of columns; so is the place for its copy, of `depth` rows, where there is one.
    #[inline(always)]
    pub unsafe fn compute<L: Lanes<Element = E>>(&self) {
        macro_rules! by_rows {
            ($vectors:literal: $($rows:literal)*) => {
                match self.rows {
                    // SAFETY: the caller's promise; both sizes fit the tile.
                    $($rows if $rows <= tile_rows::<L>() && $vectors <= tile_vectors::<L>() => unsafe {
                        if $rows == tile_rows::<L>() && !self.b_copy.is_null() {
                            self.compute_sized::<L, $rows, $vectors, true>()
                        } else {
                            self.compute_sized::<L, $rows, $vectors, false>()
                        }
                    },)*
                    _ => {}
                }
            };
        }
        match self.columns.div_ceil(L::WIDTH) {
            // SAFETY: the caller's promise.
            1 if self.rows == 24 && tall_rows::<L>() == 24 => unsafe { self.compute_sized::<L, 24, 1, false>() },
            // SAFETY: the caller's promise.
            1 if self.rows == 12 && tall_rows::<L>() == 12 => unsafe { self.compute_sized::<L, 12, 1, false>() },
            1 => by_rows!(1: 1 2 3 4 5 6 7 8),
            2 => by_rows!(2: 1 2 3 4 5 6 7 8),
            _ => by_rows!(3: 1 2 3 4 5 6 7 8),
        }
    }

    #[inline(always)]
    unsafe fn compute_sized<L: Lanes<Element = E>, const ROWS: usize, const VECTORS: usize, const COPY: bool>(&self) {
        if self.depth >= WORTH_ASKING {
            each!(row in 0..ROWS {
                each!(v in 0..VECTORS { prefetch(self.c.wrapping_add(row * self.c_row + v * L::WIDTH)) });
            });
        }
        // SAFETY: the caller's promise.
        unsafe {
            let sums = self.sums::<L, ROWS, VECTORS, COPY>();
            if self.columns == VECTORS * L::WIDTH {
                self.write_full(sums);
            } else {
                self.write_ragged(sums);
            }
        }
    }

    /// The sums, each over its terms in order: the result does not depend on where in a tile an element lies.
    ///
    /// Rows and registers are named by literals: a compiler takes sums into registers before it unrolls loops, and of many
    /// sums that a loop goes through it leaves copies in memory, which cost two thirds of the speed.
    #[inline(always)]
    unsafe fn sums<L: Lanes<Element = E>, const ROWS: usize, const VECTORS: usize, const COPY: bool>(
        &self,
    ) -> [[L; VECTORS]; ROWS] {
        let zero = L::splat(E::default());
        let mut sums = [[zero; VECTORS]; ROWS];
        let (mut a, mut b, mut copy) = (self.a, self.b, self.b_copy);
        // Many short rows are soon done: those of the tile below are asked for meanwhile, where they lie behind these.
        let are_dense = self.a_term == 1 && self.a_row == self.depth;
        let (mut below, step) = if are_dense { (a.wrapping_add(ROWS * self.depth), ROWS) } else { (a, 0) };
        for _ in 0..self.depth {
            let mut columns = [zero; VECTORS];
            // SAFETY: the caller's promise.
            each!(v in 0..VECTORS { columns[v] = unsafe { L::load(b.add(v * L::WIDTH)) } });
            if COPY {
                each!(v in 0..VECTORS {
                    prefetch(b.wrapping_add(AHEAD * self.b_term + v * L::WIDTH));
                    // SAFETY: the caller's promise.
                    unsafe { columns[v].store(copy.add(v * L::WIDTH)) };
                });
                copy = copy.wrapping_add(VECTORS * L::WIDTH);
            }
            if ROWS > MOST_WIDE_ROWS {
                prefetch(below);
                prefetch(below.wrapping_add(LINE / size_of::<E>()));
                below = below.wrapping_add(step);
            }
            each!(row in 0..ROWS {
                // SAFETY: the caller's promise.
                let factor = L::splat(unsafe { *a.add(row * self.a_row) });
                each!(v in 0..VECTORS { sums[row][v] = factor.mul_add(columns[v], sums[row][v]) });
            });
            // The step past the last term is not dereferenced.
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
        each!(row in 0..ROWS {
            each!(v in 0..VECTORS {
                // SAFETY: the caller's promise; the register lies within `columns`.
                unsafe {
                    let c = self.c.add(row * self.c_row + v * L::WIDTH);
                    let total = if self.accumulate { L::load(c) + sums[row][v] } else { sums[row][v] };
                    total.store(c);
                }
            });
        });
    }

    /// Writes a tile whose last register reaches past the last column.
    #[inline(always)]
    unsafe fn write_ragged<L: Lanes<Element = E>, const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: [[L; VECTORS]; ROWS],
    ) {
        each!(row in 0..ROWS {
            each!(v in 0..VECTORS {
                let count = (self.columns - v * L::WIDTH).min(L::WIDTH);
                // SAFETY: the caller's promise; only `count` elements, which lie within `columns`, are touched.
                unsafe {
                    let c = self.c.add(row * self.c_row + v * L::WIDTH);
                    let sum = sums[row][v];
                    let total = if self.accumulate { L::load_first(c, count, E::default()) + sum } else { sum };
                    total.store_first(c, count);
                }
            });
        });
    }
}
