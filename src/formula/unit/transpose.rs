//! Copies by tiles, where source and destination are contiguous along different axes.

use std::fmt::Display;

use smallvec::SmallVec;

use super::operands::{Walk, access};
use crate::dtype::DType;
use crate::kernels::{OPERANDS, PRELUDE, TRANSPOSE, Unit};
use crate::shape::MAX_RANK;
use crate::traversal::Traversal;

/// Threads of a warp, which read a stretch of a tile together.
const WARP: usize = 32;
/// Bytes that a thread reads at once where elements are smaller.
const PACKED_BYTES: usize = 4;
/// The shorter side of a matrix below which tiles would be mostly empty.
const NARROW: usize = 8;

/// A copy of a batch of matrices whose rows are neighbours in the source and whose columns are neighbours in the destination.
#[derive(Debug, Clone)]
pub struct Transpose {
    batch: Walk,
    /// The elements as words of their size.
    word: DType,
    /// Elements that a thread reads and writes at once.
    pack: usize,
    matrix: Matrix,
}

#[derive(Debug, Clone, Copy)]
struct Matrix {
    rows: usize,
    columns: usize,
    /// Elements between columns of the source, and between rows of the destination.
    from_stride: usize,
    to_stride: usize,
}

impl Transpose {
    /// A walk through source and destination as a batch of matrices, if it is one.
    pub(super) fn new(walk: &Traversal, word: DType, addresses: [u64; 2]) -> Option<Self> {
        let inner = walk.sizes.len() - 1;
        let (from, to) = (walk.strides[0], walk.strides[1]);
        let row_axis = from[..inner].iter().position(|&stride| stride == 1)?;
        let matrix = Matrix {
            rows: walk.sizes[row_axis],
            columns: walk.sizes[inner],
            from_stride: from[inner],
            to_stride: to[row_axis],
        };
        if to[inner] != 1 || from[inner] < 2 || matrix.rows.min(matrix.columns) < NARROW {
            return None;
        }
        let others = (0..inner).filter(|&axis| axis != row_axis);
        let axes: SmallVec<[_; MAX_RANK]> = others.map(|axis| (walk.sizes[axis], [from[axis], to[axis]])).collect();
        let batch = Traversal::along(&axes);
        let pack = PACKED_BYTES.div_ceil(word.size());
        let mut counts = [matrix.rows, matrix.columns, matrix.from_stride, matrix.to_stride]
            .into_iter()
            .chain(axes.iter().flat_map(|axis| axis.1));
        let packs = counts.all(|count| count.is_multiple_of(pack))
            && addresses.iter().all(|address| address.is_multiple_of((pack * word.size()) as u64));
        let [reads, writes] = [0, 1].map(|operand| [access(&batch, operand, word)]);
        let batch = Walk::assemble(&batch, false, 1, &reads, &writes);
        Some(Self { batch, word, pack: if packs { pack } else { 1 }, matrix })
    }

    /// Bytes that no other unit of this kind has.
    pub fn bytes(&self) -> SmallVec<[u8; 24]> {
        let mut bytes = self.batch.pattern.bytes();
        bytes.push(self.pack as u8);
        bytes
    }

    /// The words of the kernel's arguments `matrix` and `walk`.
    pub fn words(&self) -> ([u64; 4], &[u64]) {
        let Matrix { rows, columns, from_stride, to_stride } = self.matrix;
        ([rows, columns, from_stride, to_stride].map(|number| number as u64), &self.batch.words)
    }

    /// Threads in a block: more where each would have many elements.
    pub fn threads(&self) -> usize {
        if self.pack > 2 { 512 } else { 256 }
    }

    /// The blocks, all of which are needed.
    pub fn blocks(&self) -> usize {
        let tiles = |side: usize| side.div_ceil(WARP * self.pack);
        self.batch.count() * tiles(self.matrix.rows) * tiles(self.matrix.columns)
    }
}

/// The unit of a copy by tiles. The kernel's arguments are the pointers to source and destination, and the words of
/// [`Transpose::words`].
pub fn transpose_unit(transpose: &Transpose) -> Unit {
    let (threads, operands) = (transpose.threads(), transpose.batch.pattern.definitions());
    let mut definitions: Vec<(_, &dyn Display)> =
        vec![("REAL", &"float"), ("THREADS", &threads), ("T", &transpose.word), ("PACK", &transpose.pack)];
    definitions.extend(operands.iter().map(|(name, value)| (*name, value as &dyn Display)));
    Unit::new(TRANSPOSE.name, &definitions, &[PRELUDE, OPERANDS, TRANSPOSE])
}
