//! Units of the kernels on rows.

use std::fmt::Display;

use super::groups::THREADS;
use super::piece::widths;
use super::{ARGMAX, CROSS_ENTROPY, INDICES, PIECE, POWERS, PRELUDE, ROWS, SOFTMAX, SOFTMAX_BACKWARD};
use super::{Example, KernelSource, NORMALIZE, NORMALIZE_BACKWARD, NORMALIZE_SUMS, Piece, Unit};
use crate::dtype::DType;

/// Softmax of every row, or its logarithm. Arguments: input, output, rows and columns.
pub fn softmax(dtype: DType, log: bool, piece: Piece) -> Unit {
    let kernel = if log { "log_softmax" } else { SOFTMAX.name };
    of_pieces(kernel, dtype, ("LOG", log), piece, &[PRELUDE, ROWS, PIECE, POWERS, SOFTMAX])
}

/// The gradient of softmax or of its logarithm. Arguments: output, its gradient, the input's gradient, rows and columns.
/// Two rows are read together.
pub fn softmax_backward(dtype: DType, log: bool, piece: Piece) -> Unit {
    let kernel = if log { "log_softmax_backward" } else { SOFTMAX_BACKWARD.name };
    of_pieces(kernel, dtype, ("LOG", log), piece, &[PRELUDE, ROWS, PIECE, SOFTMAX_BACKWARD])
}

/// Cross-entropy. Arguments: logits, labels and their [type](super::index_type), losses, gradient or null, its scale, rows,
/// columns, and where to report to.
pub fn cross_entropy(dtype: DType, piece: Piece) -> Unit {
    let sources = [PRELUDE, INDICES, ROWS, PIECE, POWERS, CROSS_ENTROPY];
    of_pieces(CROSS_ENTROPY.name, dtype, ("LOG", false), piece, &sources)
}

/// Layer normalisation, or root mean square normalisation. Arguments: input, gain, shift or null, output, statistics or null,
/// epsilon, rows and columns.
pub fn normalize(dtype: DType, centered: bool, piece: Piece) -> Unit {
    let kernel = if centered { "layer_norm" } else { "rms_norm" };
    of_pieces(kernel, dtype, ("CENTERED", centered), piece, &[PRELUDE, ROWS, PIECE, NORMALIZE])
}

/// The gradient of normalisation in its input. Arguments: input, gain, statistics, the output's gradient, the input's
/// gradient, rows and columns. Two rows are read together.
pub fn normalize_backward(dtype: DType, centered: bool, piece: Piece) -> Unit {
    let kernel = if centered { "layer_norm_backward" } else { "rms_norm_backward" };
    of_pieces(kernel, dtype, ("CENTERED", centered), piece, &[PRELUDE, ROWS, PIECE, NORMALIZE_BACKWARD])
}

/// The gradients of gain and shift over slabs of rows, from vectors of `width` elements. Arguments: input, statistics, the
/// output's gradient, the sums for gain and shift, rows, columns, the rows of a slab, and the size of a group.
pub fn normalize_sums(dtype: DType, width: usize) -> Unit {
    let definitions: [(_, &dyn Display); 4] =
        [("REAL", &dtype.compute()), ("ELEMENT", &dtype), ("WIDTH", &width), ("THREADS", &THREADS)];
    Unit::new(NORMALIZE_SUMS.name, &definitions, &[PRELUDE, ROWS, NORMALIZE_SUMS])
}

/// The largest element's place, from vectors of `width` elements. Arguments: input, output, rows, columns, and the size of a
/// group.
pub fn argmax(dtype: DType, width: usize) -> Unit {
    let definitions: [(_, &dyn Display); 4] =
        [("REAL", &DType::F32), ("ELEMENT", &dtype), ("WIDTH", &width), ("THREADS", &THREADS)];
    Unit::new(ARGMAX.name, &definitions, &[PRELUDE, ROWS, ARGMAX])
}

/// Every unit of these kernels.
pub(super) fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    let mut add = |family, operands: String, unit| examples.push(Example { family, operands, unit });
    for dtype in DType::ALL.into_iter().filter(|dtype| dtype.is_float()) {
        for piece in Piece::all(dtype, 1) {
            let operands = || format!("{dtype} {piece}");
            add(SOFTMAX.name, operands(), softmax(dtype, false, piece));
            add(SOFTMAX.name, operands(), softmax(dtype, true, piece));
            add(CROSS_ENTROPY.name, operands(), cross_entropy(dtype, piece));
            add(NORMALIZE.name, operands(), normalize(dtype, true, piece));
            add(NORMALIZE.name, operands(), normalize(dtype, false, piece));
        }
        for piece in Piece::all(dtype, 2) {
            let operands = || format!("{dtype} {piece}");
            add(SOFTMAX_BACKWARD.name, operands(), softmax_backward(dtype, false, piece));
            add(SOFTMAX_BACKWARD.name, operands(), softmax_backward(dtype, true, piece));
            add(NORMALIZE_BACKWARD.name, operands(), normalize_backward(dtype, true, piece));
            add(NORMALIZE_BACKWARD.name, operands(), normalize_backward(dtype, false, piece));
        }
        for width in widths(dtype) {
            add(NORMALIZE_SUMS.name, format!("{dtype} by {width}"), normalize_sums(dtype, width));
        }
    }
    for dtype in DType::ALL {
        for width in widths(dtype) {
            add(ARGMAX.name, format!("{dtype} by {width}"), argmax(dtype, width));
        }
    }
    examples
}

fn of_pieces(kernel: &str, dtype: DType, (flag, is_set): (&str, bool), piece: Piece, sources: &[KernelSource]) -> Unit {
    let Piece { width, vectors, group, held } = piece;
    let (is_set, held) = (u8::from(is_set), u8::from(held));
    let definitions: [(_, &dyn Display); 8] = [
        ("REAL", &dtype.compute()),
        ("ELEMENT", &dtype),
        ("WIDTH", &width),
        ("VECTORS", &vectors),
        ("GROUP", &group),
        ("HELD", &held),
        (flag, &is_set),
        ("THREADS", &piece.groups().threads),
    ];
    Unit::new(kernel, &definitions, sources)
}
