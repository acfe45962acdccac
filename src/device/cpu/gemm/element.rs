//! What matrices may be made of, and how each computes its share of a product.

use half::{bf16, f16};

use super::chunk::{Chunk, blocks};
use super::gemv::VectorChunk;
use super::matrix::{MatrixMut, MatrixRef};
use super::scratch::Scratch;
use crate::dtype::Element;
use crate::formula::lanes::{HalfElement, LaneElement, dispatch, narrow, widen};

/// An element type that has matrix products: f64, f32, f16 or bf16. Products of 16-bit numbers are summed in f32 and
/// rounded once.
pub trait Factor: Element + Multiply {}

impl<E: Element + Multiply> Factor for E {}

/// Computing a chunk; out of reach of other crates.
pub trait Multiply: Sized {
    fn multiply(chunk: Chunk<'_, Self>);
}

impl Multiply for f32 {
    fn multiply(chunk: Chunk<'_, Self>) {
        multiply(chunk);
    }
}

impl Multiply for f64 {
    fn multiply(chunk: Chunk<'_, Self>) {
        multiply(chunk);
    }
}

impl Multiply for f16 {
    fn multiply(chunk: Chunk<'_, Self>) {
        multiply_widened(chunk);
    }
}

impl Multiply for bf16 {
    fn multiply(chunk: Chunk<'_, Self>) {
        multiply_widened(chunk);
    }
}

fn multiply<E: LaneElement>(chunk: Chunk<'_, E>) {
    let Chunk { a, b, c, accumulate, is_vector } = &chunk;
    let [rows, columns] = c.sizes();
    let (vector, matrix, stride) = match (rows, columns) {
        _ if !is_vector => return dispatch(chunk),
        (1, _) => (*a, *b, 1),
        (_, 1) => (b.transposed(), a.transposed(), c.row_stride),
        _ => return dispatch(chunk),
    };
    if matrix.row_stride != 1 && matrix.column_stride != 1 {
        return dispatch(chunk);
    }
    let mut scratch = Scratch::take();
    let [adjacent] = scratch.split([vector.columns]);
    for (term, to) in adjacent.iter_mut().enumerate() {
        // SAFETY: an element of the matrix of one row.
        *to = unsafe { *vector.at(0, term) };
    }
    dispatch(VectorChunk { vector: adjacent, matrix, result: c.first, stride, accumulate: *accumulate });
}

/// Multiplies 16-bit matrices: a block of terms at a time is widened to f32, and the sums are rounded at the end.
fn multiply_widened<H: HalfElement>(chunk: Chunk<'_, H>) {
    let Chunk { a, b, c, accumulate, is_vector } = chunk;
    let [rows, columns] = c.sizes();
    let depth = blocks(a.columns).map(|(_, depth)| depth).max().unwrap_or(0);
    let mut scratch = Scratch::take();
    let [a_wide, b_wide, sums] = scratch.split([rows * depth, depth * columns, rows * columns]);
    if accumulate {
        // SAFETY: where a product is added to it, C may be read, and this chunk has it alone.
        let c = unsafe { MatrixRef::from_raw(c.first, c.sizes(), [c.row_stride, 1]) };
        widen_matrix(c, sums);
    }
    for (term, depth) in blocks(a.columns) {
        let a = widen_matrix(a.part([0, term], [rows, depth]), a_wide);
        let b = widen_matrix(b.part([term, 0], [depth, columns]), b_wide);
        // SAFETY: the sums are a matrix of adjacent rows, borrowed until the product is done.
        let c = unsafe { MatrixMut::from_raw(sums.as_mut_ptr(), c.sizes(), columns) };
        multiply(Chunk { a, b, c, accumulate: accumulate || term > 0, is_vector });
    }
    for (row, sums) in sums.chunks_exact(columns).enumerate() {
        // SAFETY: a row of C, which this chunk has alone; only written to, and any bits are valid.
        narrow(sums, unsafe { std::slice::from_raw_parts_mut(c.at(row, 0), columns) });
    }
}

/// Copies a matrix to f32, with rows of adjacent elements, or columns where those were adjacent.
fn widen_matrix<'a, H: HalfElement>(from: MatrixRef<'_, H>, to: &'a mut [f32]) -> MatrixRef<'a, f32> {
    let [rows, columns] = from.sizes();
    if from.row_stride == 1 && from.column_stride != 1 {
        return widen_matrix(from.transposed(), to).transposed();
    }
    for (row, to) in to.chunks_exact_mut(columns.max(1)).take(rows).enumerate() {
        if from.column_stride == 1 {
            // SAFETY: a row of the matrix, of adjacent elements.
            widen(unsafe { std::slice::from_raw_parts(from.at(row, 0), columns) }, to);
        } else {
            for (column, to) in to.iter_mut().enumerate() {
                // SAFETY: an element of the matrix.
                widen(&[unsafe { *from.at(row, column) }], std::slice::from_mut(to));
            }
        }
    }
    // SAFETY: the elements just written, borrowed for as long as the result.
    unsafe { MatrixRef::from_raw(to.as_ptr(), [rows, columns], [columns, 1]) }
}
