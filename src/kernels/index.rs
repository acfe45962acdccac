//! Units of the kernels that are given indices.

use std::fmt::Display;

use super::groups::THREADS;
use super::piece::{VECTOR_BYTES, widths};
use super::{Example, GATHER, INDICES, PRELUDE, ROWS, SCATTER_ADD, Unit};
use crate::dtype::DType;

/// Words that a thread of `gather` copies, as in `kernels/gather.cu`.
pub const GATHERED_WORDS: usize = 4;
/// Elements that a thread of `scatter_add` sums, where they are read as vectors; else half as many.
const SUMMED: usize = 8;

/// How kernels are told the type of labels or indices, as in `kernels/indices.cuh`: its size, and 1 more if it has a sign.
pub const fn index_type(dtype: DType) -> u32 {
    match dtype {
        DType::U8 => 1,
        DType::U32 => 4,
        DType::I32 => 5,
        _ => 9,
    }
}

/// Slices by index, copied as words of this many bytes: a power of two up to 16. Arguments: input, indices and their
/// [type](index_type), output, the sizes outer, n, k and that of a slice in words, the size of a group, and where to report
/// to.
pub fn gather(word_bytes: usize) -> Unit {
    let word = match word_bytes {
        1 => "u8",
        2 => "u16",
        4 => "u32",
        8 => "u64",
        _ => "Vector<u64, 2>",
    };
    let definitions: [(_, &dyn Display); 4] =
        [("REAL", &DType::F32), ("ELEMENT", &DType::U8), ("WORD", &word), ("THREADS", &THREADS)];
    Unit::new(GATHER.name, &definitions, &[PRELUDE, INDICES, ROWS, GATHER])
}

/// Sums of slices by index, read as vectors of `width` elements. Arguments: gradient, indices and their [type](index_type),
/// the input's gradient, the sizes outer, n, k and inner, the size of a group, and where to report to.
pub fn scatter_add(dtype: DType, width: usize) -> Unit {
    // Sums of integers wrap, which those with a sign must not.
    let element = match dtype {
        DType::I32 => "u32",
        DType::I64 => "u64",
        other => other.name(),
    };
    let definitions: [(_, &dyn Display); 5] = [
        ("REAL", &DType::F32),
        ("ELEMENT", &element),
        ("WIDTH", &width),
        ("VECTORS", &summed_vectors(width)),
        ("THREADS", &THREADS),
    ];
    Unit::new(SCATTER_ADD.name, &definitions, &[PRELUDE, INDICES, ROWS, SCATTER_ADD])
}

/// Vectors of `width` elements that a thread of [`scatter_add`] sums.
pub fn summed_vectors(width: usize) -> usize {
    if width == 1 { SUMMED / 2 } else { SUMMED.div_ceil(width) }
}

/// Every unit of these kernels.
pub(super) fn examples() -> Vec<Example> {
    let words = (0..=VECTOR_BYTES.ilog2()).map(|power| 1 << power);
    let gathers = words.map(|bytes| Example {
        family: GATHER.name,
        operands: format!("words of {bytes} bytes"),
        unit: gather(bytes),
    });
    let sums = DType::ALL.into_iter().flat_map(|dtype| widths(dtype).map(|width| (dtype, width)));
    let sums = sums.map(|(dtype, width)| Example {
        family: SCATTER_ADD.name,
        operands: format!("{dtype} by {width}"),
        unit: scatter_add(dtype, width),
    });
    gathers.chain(sums).collect()
}
