//! Packing: copies blocks of A and B into the order in which the micro-kernel reads them.

use super::kernel::tile_rows;
use super::matrix::MatrixRef;
use super::transpose::transpose;
use crate::formula::lanes::{LaneElement, Lanes};

/// Columns rounded up to whole registers.
#[inline(always)]
pub fn padded<L: Lanes>(columns: usize) -> usize {
    columns.next_multiple_of(L::WIDTH)
}

/// Packs a panel of B, of at most `tile_columns` columns, one row after the other, each filled up with zeros to whole
/// registers. `to` has room for `b.rows * padded(b.columns)` elements.
#[inline(always)]
pub fn pack_b<L: Lanes>(b: MatrixRef<'_, L::Element>, to: &mut [L::Element]) {
    let width = padded::<L>(b.columns);
    if b.column_stride != 1 {
        return pack_panel(b.transposed(), width, to);
    }
    for (term, to) in to.chunks_exact_mut(width).enumerate() {
        for column in (0..b.columns).step_by(L::WIDTH) {
            // SAFETY: the elements of the row from this column on, a register of them at most, and as much of the padded row.
            unsafe {
                let elements = L::load_first(b.at(term, column), b.columns - column, L::Element::default());
                elements.store(to.as_mut_ptr().add(column));
            }
        }
    }
}

/// Packs A into panels of `tile_rows` rows, one column of a panel after the other; the last panel is as tall as its rows.
/// `to` has room for `a.rows * a.columns` elements.
#[inline(always)]
pub fn pack_a<L: Lanes>(a: MatrixRef<'_, L::Element>, to: &mut [L::Element]) {
    let height = PANELS * tile_rows::<L>();
    for (row, to) in (0..a.rows).step_by(height).zip(to.chunks_mut(height * a.columns.max(1))) {
        let group = a.part([row, 0], [height.min(a.rows - row), a.columns]);
        match tile_rows::<L>() {
            _ if group.row_stride != 1 || group.rows < height => pack_panels::<L>(group, to),
            6 => copy_panels::<L::Element, 6>(group, to),
            _ => copy_panels::<L::Element, 8>(group, to),
        }
    }
}

/// Panels of A that are packed together: where its columns are far apart, each visit to one takes in whole cache lines.
const PANELS: usize = 8;

#[inline(always)]
fn pack_panels<L: Lanes>(a: MatrixRef<'_, L::Element>, to: &mut [L::Element]) {
    for row in (0..a.rows).step_by(tile_rows::<L>()) {
        let rows = tile_rows::<L>().min(a.rows - row);
        pack_panel(a.part([row, 0], [rows, a.columns]), rows, &mut to[row * a.columns..]);
    }
}

/// Packs `PANELS` full panels of columns of adjacent elements.
#[inline(always)]
fn copy_panels<E: LaneElement, const ROWS: usize>(a: MatrixRef<'_, E>, to: &mut [E]) {
    let (to, _) = to.as_chunks_mut::<ROWS>();
    for column in 0..a.columns {
        for panel in 0..PANELS {
            // SAFETY: `ROWS` adjacent elements of a column.
            to[panel * a.columns + column] = unsafe { a.at(panel * ROWS, column).cast::<[E; ROWS]>().read() };
        }
    }
}

/// Writes column after column of `from`, each followed by zeros up to `width` elements.
#[inline(always)]
fn pack_panel<E: LaneElement>(from: MatrixRef<'_, E>, width: usize, to: &mut [E]) {
    let to = &mut to[..width * from.columns];
    if from.row_stride == 1 && from.rows == width {
        copy_columns(from, to);
    } else if from.column_stride == 1 {
        // SAFETY: there is room for `from.rows`, at most `width`, elements every `width`.
        unsafe { transpose(from, to.as_mut_ptr(), width) };
        for column in to.chunks_exact_mut(width) {
            column[from.rows..].fill(E::default());
        }
    } else {
        copy_padded(from, width, to);
    }
}

/// Copies whole columns of adjacent elements; the sizes of full panels are constants, so that registers do it.
#[inline(always)]
fn copy_columns<E: LaneElement>(from: MatrixRef<'_, E>, to: &mut [E]) {
    match from.rows {
        6 => copy_columns_of::<E, 6>(from, to),
        8 => copy_columns_of::<E, 8>(from, to),
        rows => copy_padded(from, rows, to),
    }
}

#[inline(always)]
fn copy_columns_of<E: LaneElement, const ROWS: usize>(from: MatrixRef<'_, E>, to: &mut [E]) {
    for (column, to) in to.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        // SAFETY: a column of the matrix, of `ROWS` adjacent elements.
        *to = unsafe { from.at(0, column).cast::<[E; ROWS]>().read() };
    }
}

#[inline(always)]
fn copy_padded<E: LaneElement>(from: MatrixRef<'_, E>, width: usize, to: &mut [E]) {
    for (column, to) in to.chunks_exact_mut(width).enumerate() {
        let (elements, padding) = to.split_at_mut(from.rows);
        for (row, to) in elements.iter_mut().enumerate() {
            // SAFETY: an element of the matrix.
            *to = unsafe { *from.at(row, column) };
        }
        padding.fill(E::default());
    }
}
