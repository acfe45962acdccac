//! Copies of elements as they are, whatever their type means.

use std::fmt::Display;

use smallvec::SmallVec;

use super::operands::{Operand, Walk};
use super::transpose::Transpose;
use super::{THREADS, unroll};
use crate::dtype::DType;
use crate::kernels::{COPY, OPERANDS, PRELUDE, Unit};
use crate::shape::MAX_RANK;
use crate::traversal::Traversal;

/// How elements are copied from one operand to another of the same shape and type.
#[derive(Debug, Clone)]
pub enum Copy {
    /// As this many bytes without gaps.
    Bytes(usize),
    /// By tiles.
    Tiles(Transpose),
    /// One vector after the other.
    Vectors(Walk),
}

impl Copy {
    /// How to copy these elements, of which there are some.
    pub fn new(from: Operand<'_>, to: Operand<'_>) -> Self {
        let size = from.dtype.size();
        if from.layout.is_contiguous() && to.layout.is_contiguous() {
            return Self::Bytes(from.layout.shape().count() * size);
        }
        let walk = Traversal::new([from.layout, to.layout].into_iter());
        // The order of a copy is free, and what is written in stretches is written fastest.
        let mut order: SmallVec<[usize; MAX_RANK]> = (0..walk.sizes.len()).collect();
        order.sort_by_key(|&axis| std::cmp::Reverse(walk.strides[1][axis]));
        let walk = walk.reordered(&order);
        if walk.is_dense(0) && walk.is_dense(1) {
            return Self::Bytes(walk.count * size);
        }
        let word = word(size);
        match Transpose::new(&walk, word, [from.address, to.address]) {
            Some(transpose) => Self::Tiles(transpose),
            None => Self::Vectors(Walk::over(&walk, &[(word, from.address), (word, to.address)], 1)),
        }
    }
}

/// The unit of a copy by vectors. The kernel's arguments are the pointers to source and destination and the words of the
/// walk; any number of blocks of [`THREADS`] threads does all of the work.
pub fn copy_unit(walk: &Walk) -> Unit {
    let (unroll, operands) = (unroll(&walk.pattern), walk.pattern.definitions());
    let mut definitions: Vec<(_, &dyn Display)> = vec![("REAL", &"float"), ("THREADS", &THREADS), ("UNROLL", &unroll)];
    definitions.extend(operands.iter().map(|(name, value)| (*name, value as &dyn Display)));
    Unit::new(COPY.name, &definitions, &[PRELUDE, OPERANDS, COPY])
}

/// A type that holds the bits of every type of this size.
fn word(size: usize) -> DType {
    match size {
        1 => DType::U8,
        2 => DType::F16,
        4 => DType::U32,
        _ => DType::I64,
    }
}
