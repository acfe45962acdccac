//! A factor of a product as cuBLAS sees it: column-major, so that a row-major matrix is its own transpose.

use crate::device::view::View;

/// Matrices of one shape, as many as the batch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Matrix {
    /// Rows of the column-major matrix in memory.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
    /// Elements from column to column.
    pub leading: usize,
    /// Elements from matrix to matrix; 0 for the same one again.
    pub batch_stride: usize,
    /// Whether what is multiplied is the transpose of it.
    pub transposed: bool,
    /// What the address is a multiple of, up to 256 bytes.
    pub alignment: u16,
}

impl Matrix {
    /// The transpose of each matrix of a view of shape [batch, rows, columns]; none where neither axis has stride 1, or
    /// one is broadcast: such a view is copied first.
    pub fn transpose_of(view: &View<'_>) -> Option<Self> {
        let ([_, rows, columns], [batch_stride, row, column]) = (three(view.shape()), three(view.layout().strides()));
        let alignment = alignment(view.address());
        let matrix = |rows, columns, leading: usize, transposed| Self {
            rows,
            columns,
            leading: leading.max(rows).max(1),
            batch_stride,
            transposed,
            alignment,
        };
        if (columns == 1 || column == 1) && (rows == 1 || row >= columns.max(1)) {
            return Some(matrix(columns, rows, if rows == 1 { columns } else { row }, false));
        }
        if (rows == 1 || row == 1) && (columns == 1 || column >= rows.max(1)) {
            return Some(matrix(rows, columns, if columns == 1 { rows } else { column }, true));
        }
        None
    }
}

/// The largest power of two that an address is a multiple of, up to 256.
pub fn alignment(address: u64) -> u16 {
    1 << address.trailing_zeros().min(8)
}

/// The three numbers of a view with a batch axis.
pub fn three(numbers: &[usize]) -> [usize; 3] {
    [numbers[0], numbers[1], numbers[2]]
}
