//! One thread's share of a product: a part of C with all its terms, in blocks that fit the caches.

use super::kernel::{Tile, tile_columns, tile_rows};
use super::matrix::{MatrixMut, MatrixRef};
use super::pack;
use super::scratch::Scratch;
use crate::formula::lanes::{LaneElement, Lanes, Program};

/// Columns of a packed block of B, which is read once for each block of rows of A.
pub const BLOCK_COLUMNS: usize = 336;
/// The most terms that are summed in registers before they are added to C. The panel of B under a tile, 16 KiB of AVX2
/// registers, then stays in first-level cache while a block of A passes by.
const BLOCK_DEPTH: usize = 256;
/// Rows of a block of A, whole tiles of six or eight: a hundred kibibytes of second-level cache.
const BLOCK_ROWS: usize = 96;
/// Where two terms of A lie this many bytes apart, each is on its own page, and packing pays.
const PAGE: usize = 2048;

/// A product that one thread computes: `c = a b`, or `c += a b`. The sizes fit each other.
#[derive(Debug)]
pub struct Chunk<'a, E> {
    pub a: MatrixRef<'a, E>,
    pub b: MatrixRef<'a, E>,
    pub c: MatrixMut<'a, E>,
    pub accumulate: bool,
    /// Whether the whole product, of which this may be a part, has one row or one column. Those are summed in another order,
    /// and which order it is must not depend on how C was divided.
    pub is_vector: bool,
}

/// Cuts `terms` into blocks of near equal depth: the first term and the depth of each. At least one, which may be empty.
///
/// The cut, and with it the order in which terms are added, depends on nothing but `terms`: so a result depends neither
/// on how C is divided among threads nor on how wide registers are.
pub fn blocks(terms: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = terms.div_ceil(BLOCK_DEPTH).max(1);
    let depth = terms.div_ceil(count);
    (0..count).map(move |block| (block * depth, depth.min(terms.saturating_sub(block * depth))))
}

impl<E: LaneElement> Program<E> for Chunk<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Element = E>>(self) {
        let [rows, columns] = self.c.sizes();
        let depth = self.a.columns.min(BLOCK_DEPTH);
        let mut scratch = Scratch::take();
        let [a_packed, b_packed] =
            scratch.split([rows.min(BLOCK_ROWS) * depth, pack::padded::<L>(columns.min(BLOCK_COLUMNS)) * depth]);
        for column in (0..columns).step_by(BLOCK_COLUMNS) {
            let width = BLOCK_COLUMNS.min(columns - column);
            for (term, depth) in blocks(self.a.columns) {
                let b = self.b.part([term, column], [depth, width]);
                let b = RightBlock::new::<L>(b, rows, b_packed);
                for row in (0..rows).step_by(BLOCK_ROWS) {
                    let height = BLOCK_ROWS.min(rows - row);
                    let a = LeftBlock::new::<L>(self.a.part([row, term], [height, depth]), a_packed);
                    // SAFETY: the parts of C that are multiplied into do not overlap in time.
                    let c = unsafe { self.c.part([row, column], [height, width]) };
                    multiply::<L>(depth, a, b, c, self.accumulate || term > 0);
                }
            }
        }
    }
}

/// Multiplies a block tile by tile, all rows under one panel of B after the other.
#[inline(always)]
fn multiply<L: Lanes>(
    depth: usize,
    a: LeftBlock<L::Element>,
    b: RightBlock<L::Element>,
    c: MatrixMut<'_, L::Element>,
    accumulate: bool,
) {
    for column in (0..c.columns).step_by(tile_columns::<L>()) {
        let columns = tile_columns::<L>().min(c.columns - column);
        let (b, b_term) = b.tile::<L>(column, columns, depth);
        for row in (0..c.rows).step_by(tile_rows::<L>()) {
            let rows = tile_rows::<L>().min(c.rows - row);
            let (a, a_row, a_term) = a.tile(row, rows, depth);
            let (c, c_row) = (c.at(row, column), c.row_stride);
            let tile = Tile { depth, a, a_row, a_term, b, b_term, c, c_row, rows, columns, accumulate };
            // SAFETY: the tile lies within the blocks; where B is packed its columns are padded to whole registers, and
            // where it is not they are whole registers.
            unsafe { tile.compute::<L>() };
        }
    }
}

/// A block of A, packed or in its place. Broadcasting one element at a time, the kernel reads either equally well, as long
/// as the terms of a row share pages.
#[derive(Clone, Copy)]
enum LeftBlock<'a, E> {
    InPlace(MatrixRef<'a, E>),
    Packed(&'a [E]),
}

impl<'a, E: LaneElement> LeftBlock<'a, E> {
    #[inline(always)]
    fn new<L: Lanes<Element = E>>(a: MatrixRef<'a, E>, room: &'a mut [E]) -> Self {
        if a.column_stride * size_of::<E>() < PAGE {
            return Self::InPlace(a);
        }
        pack::pack_a::<L>(a, room);
        Self::Packed(room)
    }

    /// The first element of the tile at `row`, and the distances to its next row and its next term.
    #[inline(always)]
    fn tile(self, row: usize, rows: usize, depth: usize) -> (*const E, usize, usize) {
        match self {
            Self::InPlace(a) => (a.at(row, 0), a.row_stride, a.column_stride),
            Self::Packed(panels) => (panels[row * depth..].as_ptr(), 1, rows),
        }
    }
}

/// A block of B, packed, or in its place where one row of tiles reads it but once.
#[derive(Clone, Copy)]
enum RightBlock<'a, E> {
    InPlace(MatrixRef<'a, E>),
    Packed(&'a [E]),
}

impl<'a, E: LaneElement> RightBlock<'a, E> {
    #[inline(always)]
    fn new<L: Lanes<Element = E>>(b: MatrixRef<'a, E>, rows: usize, room: &'a mut [E]) -> Self {
        if rows <= tile_rows::<L>() && b.column_stride == 1 && b.columns.is_multiple_of(L::WIDTH) {
            return Self::InPlace(b);
        }
        pack::pack_b::<L>(b, room);
        Self::Packed(room)
    }

    /// The first element of the tile at `column`, and the distance to its next term.
    #[inline(always)]
    fn tile<L: Lanes<Element = E>>(self, column: usize, columns: usize, depth: usize) -> (*const E, usize) {
        match self {
            Self::InPlace(b) => (b.at(0, column), b.row_stride),
            Self::Packed(panels) => (panels[column * depth..].as_ptr(), pack::padded::<L>(columns)),
        }
    }
}
