//! Units of the kernels on rows.

use std::fmt::Display;

use super::groups::THREADS;
use super::piece::widths;
use super::{ARGMAX, CROSS_ENTROPY, Example, INDICES, PIECE, POWERS, PRELUDE, Piece, ROWS, SOFTMAX, SOFTMAX_BACKWARD};
use super::{KernelSource, Unit};
use crate::dtype::DType;

/// Softmax of every row, or its logarithm. Arguments: input, output, rows and columns.
pub fn softmax(dtype: DType, log: bool, piece: Piece) -> Unit {
    let kernel = if log { "log_softmax" } else { SOFTMAX.name };
    of_pieces(kernel, dtype, log, piece, &[PRELUDE, ROWS, PIECE, POWERS, SOFTMAX])
}

/// The gradient of softmax or of its logarithm. Arguments: output, its gradient, the input's gradient, rows and columns.
/// Two rows are read together.
pub fn softmax_backward(dtype: DType, log: bool, piece: Piece) -> Unit {
    let kernel = if log { "log_softmax_backward" } else { SOFTMAX_BACKWARD.name };
    of_pieces(kernel, dtype, log, piece, &[PRELUDE, ROWS, PIECE, SOFTMAX_BACKWARD])
}

/// Cross-entropy. Arguments: logits, labels and their [type](super::index_type), losses, gradient or null, its scale, rows,
/// columns, and where to report to.
pub fn cross_entropy(dtype: DType, piece: Piece) -> Unit {
    let sources = [PRELUDE, INDICES, ROWS, PIECE, POWERS, CROSS_ENTROPY];
    of_pieces(CROSS_ENTROPY.name, dtype, false, piece, &sources)
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
        }
        for piece in Piece::all(dtype, 2) {
            let operands = || format!("{dtype} {piece}");
            add(SOFTMAX_BACKWARD.name, operands(), softmax_backward(dtype, false, piece));
            add(SOFTMAX_BACKWARD.name, operands(), softmax_backward(dtype, true, piece));
        }
    }
    for dtype in DType::ALL {
        for width in widths(dtype) {
            add(ARGMAX.name, format!("{dtype} by {width}"), argmax(dtype, width));
        }
    }
    examples
}

fn of_pieces(kernel: &str, dtype: DType, log: bool, piece: Piece, sources: &[KernelSource]) -> Unit {
    let Piece { width, vectors, group, held } = piece;
    let (log, held) = (u8::from(log), u8::from(held));
    let definitions: [(_, &dyn Display); 8] = [
        ("REAL", &dtype.compute()),
        ("ELEMENT", &dtype),
        ("WIDTH", &width),
        ("VECTORS", &vectors),
        ("GROUP", &group),
        ("HELD", &held),
        ("LOG", &log),
        ("THREADS", &piece.groups().threads),
    ];
    Unit::new(kernel, &definitions, sources)
}
