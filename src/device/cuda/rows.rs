//! Launches of the kernels on rows.

use smallvec::SmallVec;

use super::aligned::Aligned;
use super::queue::{Arguments, Grid, Key, Queue};
use crate::device::view::View;
use crate::dtype::DType;
use crate::error::Result;
use crate::formula::Precision;
use crate::kernels::{self, Groups, Piece, VECTOR_BYTES, index_type, widths};

/// Vectors that a thread looks at for the largest element, at least.
const COMPARED_VECTORS: usize = 4;

/// See [`Kernel::Softmax`](crate::device::Kernel::Softmax).
pub fn softmax(queue: &mut Queue<'_>, log: bool, input: View<'_>, output: View<'_>) -> Result<()> {
    let ([rows, columns], dtype) = (sizes(input), input.dtype());
    if rows * columns == 0 {
        return Ok(());
    }
    let piece = Piece::new(dtype, columns, 1);
    let from = Aligned::input(queue, input, piece.width)?;
    let to = Aligned::output(queue, output, piece.width)?;
    let mut arguments = Arguments::new();
    arguments.pointer(from.address).pointer(to.address).u64(rows as u64).u64(columns as u64);
    let family = if log { "log_softmax" } else { "softmax" };
    let unit = || kernels::softmax(dtype, log, piece);
    queue.launch(piece_key(family, dtype, piece), unit, grid(piece.groups(), rows), &arguments)?;
    to.finish(queue, output)
}

/// See [`Kernel::SoftmaxBackward`](crate::device::Kernel::SoftmaxBackward).
pub fn softmax_backward(
    queue: &mut Queue<'_>,
    log: bool,
    output: View<'_>,
    gradient: View<'_>,
    input_gradient: View<'_>,
) -> Result<()> {
    let ([rows, columns], dtype) = (sizes(output), output.dtype());
    if rows * columns == 0 {
        return Ok(());
    }
    let piece = Piece::new(dtype, columns, 2);
    let from = Aligned::input(queue, output, piece.width)?;
    let gradient = Aligned::input(queue, gradient, piece.width)?;
    let to = Aligned::output(queue, input_gradient, piece.width)?;
    let mut arguments = Arguments::new();
    arguments.pointer(from.address).pointer(gradient.address).pointer(to.address);
    arguments.u64(rows as u64).u64(columns as u64);
    let family = if log { "log_softmax_backward" } else { "softmax_backward" };
    let unit = || kernels::softmax_backward(dtype, log, piece);
    queue.launch(piece_key(family, dtype, piece), unit, grid(piece.groups(), rows), &arguments)?;
    to.finish(queue, input_gradient)
}

/// See [`Kernel::CrossEntropy`](crate::device::Kernel::CrossEntropy). A label that is not a class is reported; its loss is NaN
/// and its gradient 0.
pub fn cross_entropy(
    queue: &mut Queue<'_>,
    logits: View<'_>,
    labels: View<'_>,
    losses: View<'_>,
    gradient: Option<View<'_>>,
    scale: f64,
) -> Result<()> {
    let ([rows, columns], dtype) = (sizes(logits), logits.dtype());
    if rows == 0 {
        return Ok(());
    }
    let piece = Piece::new(dtype, columns, 1);
    let from = Aligned::input(queue, logits, piece.width)?;
    let to = gradient.map(|gradient| Aligned::output(queue, gradient, piece.width)).transpose()?;
    let (reports, site) = queue.site("cross_entropy");
    let mut arguments = Arguments::new();
    arguments.pointer(from.address).pointer(labels.address()).u32(index_type(labels.dtype())).pointer(losses.address());
    arguments.pointer(to.as_ref().map_or(0, |to| to.address)).real(Precision::of([dtype]), scale);
    arguments.u64(rows as u64).u64(columns as u64).pointer(reports).u32(site);
    let unit = || kernels::cross_entropy(dtype, piece);
    queue.launch(piece_key("cross_entropy", dtype, piece), unit, grid(piece.groups(), rows), &arguments)?;
    match (to, gradient) {
        (Some(to), Some(gradient)) => to.finish(queue, gradient),
        _ => Ok(()),
    }
}

/// See [`Kernel::ArgMax`](crate::device::Kernel::ArgMax).
pub fn argmax(queue: &mut Queue<'_>, input: View<'_>, output: View<'_>) -> Result<()> {
    let ([rows, columns], dtype) = (sizes(input), input.dtype());
    if rows == 0 {
        return Ok(());
    }
    let [whole, single] = widths(dtype);
    let width = if columns.is_multiple_of(whole) && input.address().is_multiple_of(VECTOR_BYTES as u64) {
        whole
    } else {
        single
    };
    let groups = Groups::sharing(columns / width, COMPARED_VECTORS);
    let mut arguments = Arguments::new();
    arguments.pointer(input.address()).pointer(output.address());
    arguments.u64(rows as u64).u64(columns as u64).u32(groups.size);
    let key = Key { family: "argmax", formula: None, details: SmallVec::from_slice(&[dtype as u8, width as u8]) };
    queue.launch(key, || kernels::argmax(dtype, width), grid(groups, rows), &arguments)
}

/// What tells a unit of a piece from others of its family.
pub(super) fn piece_key(family: &'static str, dtype: DType, piece: Piece) -> Key {
    let Piece { width, vectors, group, held } = piece;
    let details = [dtype as u8, width as u8, vectors as u8, group.ilog2() as u8, u8::from(held)];
    Key { family, formula: None, details: SmallVec::from_slice(&details) }
}

/// A group for each row.
pub(super) fn grid(groups: Groups, rows: usize) -> Grid {
    Grid::new(groups.blocks(rows), groups.threads)
}

/// The sizes of a view of shape [rows, columns].
pub(super) fn sizes(view: View<'_>) -> [usize; 2] {
    [view.shape()[0], view.shape()[1]]
}
