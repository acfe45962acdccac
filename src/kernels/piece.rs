//! How much of a row the registers of its threads hold.

use std::fmt;

use super::groups::Groups;
use crate::dtype::DType;

/// Bytes that one instruction moves at most.
pub const VECTOR_BYTES: usize = 16;
/// Threads in the smallest block.
const LEAST_THREADS: u32 = 128;

/// A part of a row, or all of it, in registers. It depends on the element type and the number of columns alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Piece {
    /// Elements in a vector; a row is whole vectors.
    pub width: usize,
    /// Vectors that a thread holds.
    pub vectors: usize,
    /// The threads that hold it.
    pub group: usize,
    /// Whether it is all of the row.
    pub held: bool,
}

impl Piece {
    /// What to hold of rows of this many columns, where this many rows are read together.
    pub fn new(dtype: DType, columns: usize, together: usize) -> Self {
        let whole = widths(dtype)[0];
        let width = if columns.is_multiple_of(whole) { whole } else { 1 };
        let fits = |piece: &Self| !piece.held || piece.columns() >= columns;
        Self::of_width(dtype, width, together).find(fits).unwrap_or_else(|| unreachable!("the last fits all"))
    }

    /// Every piece that rows of this type are held in.
    pub fn all(dtype: DType, together: usize) -> impl Iterator<Item = Self> {
        widths(dtype).into_iter().flat_map(move |width| Self::of_width(dtype, width, together))
    }

    /// The columns it has room for.
    pub fn columns(&self) -> usize {
        self.width * self.vectors * self.group
    }

    /// How blocks are divided.
    pub fn groups(&self) -> Groups {
        let size = self.group as u32;
        Groups { size, threads: size.max(LEAST_THREADS) }
    }

    /// From small to large: threads of a warp that hold a vector each, then more vectors, then more warps.
    fn of_width(dtype: DType, width: usize, together: usize) -> impl Iterator<Item = Self> {
        // More would not leave registers for two blocks at once, one of which reads while the other computes.
        let (numbers, in_passing) = match (dtype, together) {
            (DType::F64, 1) => (8, 2),
            (DType::F64, _) => (4, 4),
            (DType::F32, 1) => (16, 8),
            _ => (16, 16),
        };
        let most = numbers / width;
        let piece = move |group, vectors| Self { width, vectors, group, held: true };
        let parts = [4, 16].into_iter().map(move |group| piece(group, 1));
        let warps = std::iter::successors(Some(1), |vectors| Some(vectors * 2)).take_while(move |&v| v <= most);
        let blocks = [128, 512].into_iter().flat_map(move |group| [most / 2, most].map(|v| piece(group, v)));
        let passing = Self { width, vectors: in_passing / width, group: 512, held: false };
        parts.chain(warps.map(move |vectors| piece(32, vectors))).chain(blocks).chain([passing])
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns();
        let bound = if self.held { format!("up to {columns}") } else { "any number of".to_owned() };
        write!(f, "{bound} columns by {}", self.width)
    }
}

/// The numbers of elements that one instruction moves, the largest first.
pub fn widths(dtype: DType) -> [usize; 2] {
    [VECTOR_BYTES / dtype.size(), 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_piece_and_small_rows_small_ones() {
        for dtype in [DType::F64, DType::F32, DType::F16, DType::Bf16] {
            for together in [1, 2] {
                for columns in (0..300).chain([1023, 1024, 1025, 5000, 8192, 8193, 40_000, 1 << 33]) {
                    let piece = Piece::new(dtype, columns, together);
                    assert!(columns.is_multiple_of(piece.width) && piece.vectors > 0, "{dtype} {columns}: {piece:?}");
                    assert!(!piece.held || columns <= piece.columns(), "{dtype} {columns}: {piece:?}");
                    let smallest = 4 * piece.width;
                    assert!(piece.columns() <= (4 * columns).max(smallest), "{dtype} {columns}: {piece:?}");
                    assert!(Piece::all(dtype, together).any(|listed| listed == piece));
                }
            }
        }
    }
}
