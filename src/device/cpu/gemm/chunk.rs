//! One thread's share of a product: a part of C with all its terms, in blocks that fit the caches.

use super::kernel::{Tile, tall_rows, tile_columns, tile_rows};
use super::matrix::{MatrixMut, MatrixRef};
use super::pack;
use super::scratch::Scratch;
use crate::formula::lanes::{LaneElement, Lanes, Program};

/// The most columns of a packed block of B, which is read once for each block of rows of A: half a mebibyte.
pub const BLOCK_COLUMNS: usize = 528;
/// The most terms that are summed in registers before they are added to C. The panel of B under a tile, 16 KiB of AVX2
/// registers, then stays in first-level cache while a block of A passes by.
const BLOCK_DEPTH: usize = 256;
/// Rows of a block of A, whole tiles of six or eight: a hundred kibibytes of second-level cache.
const BLOCK_ROWS: usize = 96;
/// Where two terms of A lie this many bytes apart, each is on its own page, and packing pays.
const PAGE: usize = 2048;

/// So many pages are found without looking far.
const FEW_PAGES: usize = 64;

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
        // Blocks of near equal width: a narrow one would pass over A for little.
        let widest =
            columns.div_ceil(columns.div_ceil(BLOCK_COLUMNS).max(1)).max(1).next_multiple_of(tile_columns::<L>());
        let mut scratch = Scratch::take();
        let [a_packed, b_packed] =
            scratch.split([rows.min(BLOCK_ROWS) * depth, pack::padded::<L>(columns.min(widest)) * depth]);
        let alone = rows <= tile_rows::<L>();
        for column in (0..columns).step_by(widest) {
            let width = widest.min(columns - column);
            for (term, depth) in blocks(self.a.columns) {
                let b = RightBlock { at: self.b.part([term, column], [depth, width]), packed: b_packed.as_mut_ptr() };
                for row in (0..rows).step_by(BLOCK_ROWS) {
                    let height = BLOCK_ROWS.min(rows - row);
                    let a = LeftBlock::new::<L>(self.a.part([row, term], [height, depth]), a_packed);
                    // SAFETY: the parts of C that are multiplied into do not overlap in time.
                    let c = unsafe { self.c.part([row, column], [height, width]) };
                    multiply::<L>(a, b, c, [row == 0, alone], self.accumulate || term > 0);
                }
            }
        }
    }
}

/// Multiplies a block tile by tile, all rows under one panel of B after the other. The first block of rows leaves the panels
/// packed for those below, unless it is alone.
#[inline(always)]
fn multiply<L: Lanes>(
    a: LeftBlock<L::Element>,
    b: RightBlock<L::Element>,
    c: MatrixMut<'_, L::Element>,
    [first, alone]: [bool; 2],
    accumulate: bool,
) {
    let depth = b.at.rows;
    for column in (0..c.columns).step_by(tile_columns::<L>()) {
        let columns = tile_columns::<L>().min(c.columns - column);
        let (panel, packed) = b.panel(column, columns);
        let whole = panel.column_stride == 1 && columns.is_multiple_of(L::WIDTH);
        if first && !whole {
            // SAFETY: the panel's place in the packed block, whose columns are padded to whole registers.
            let to = unsafe { std::slice::from_raw_parts_mut(packed, depth * pack::padded::<L>(columns)) };
            pack::pack_b::<L>(panel, to);
        }
        let mut row = 0;
        while row < c.rows {
            // The first tile, which copies a panel that is read in its place, is of the usual height.
            let is_tall = columns <= L::WIDTH && a.is_in_place() && !(first && whole && row == 0);
            let full = if is_tall && c.rows - row >= tall_rows::<L>() { tall_rows::<L>() } else { tile_rows::<L>() };
            let rows = full.min(c.rows - row);
            let (a, a_row, a_term) = a.tile(row, rows, depth);
            let (b, b_term, b_copy) = match first && whole && row == 0 {
                true => (panel.first, panel.row_stride, if alone { std::ptr::null_mut() } else { packed }),
                false => (packed.cast_const(), pack::padded::<L>(columns), std::ptr::null_mut()),
            };
            let (c, c_row) = (c.at(row, column), c.row_stride);
            let tile = Tile { depth, a, a_row, a_term, b, b_term, b_copy, c, c_row, rows, columns, accumulate };
            // SAFETY: the tile lies within the blocks; where B is packed its columns are padded to whole registers, and
            // where it is not they are whole registers.
            unsafe { tile.compute::<L>() };
            row += rows;
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
        if a.column_stride * size_of::<E>() < PAGE || a.columns <= FEW_PAGES {
            return Self::InPlace(a);
        }
        pack::pack_a::<L>(a, room);
        Self::Packed(room)
    }

    #[inline(always)]
    fn is_in_place(self) -> bool {
        matches!(self, Self::InPlace(_))
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

/// A block of B, and room for its panels packed.
#[derive(Clone, Copy)]
struct RightBlock<'a, E> {
    at: MatrixRef<'a, E>,
    packed: *mut E,
}

impl<'a, E: LaneElement> RightBlock<'a, E> {
    /// The panel at `column`, and its place packed.
    #[inline(always)]
    fn panel(self, column: usize, columns: usize) -> (MatrixRef<'a, E>, *mut E) {
        let depth = self.at.rows;
        (self.at.part([0, column], [depth, columns]), self.packed.wrapping_add(column * depth))
    }
}
