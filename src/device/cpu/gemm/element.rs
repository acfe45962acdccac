//! What matrices may be made of, and how each computes its share of a product.

use half::{bf16, f16};

use super::by_terms;
use super::chunk::{Chunk, blocks};
use super::gemv::VectorChunk;
use super::matrix::{MatrixMut, MatrixRef};
use super::scratch::Scratch;
use crate::device::cpu::threads::Threads;
use crate::dtype::Element;
use crate::formula::lanes::{HalfElement, Isa, LaneElement, dispatch, narrow, widen};

/// An element type that has matrix products: f64, f32, f16 or bf16. Products of 16-bit numbers are summed in f32 and
/// rounded once.
pub trait Factor: Element + Multiply {}

impl<E: Element + Multiply> Factor for E {}

/// Computing a chunk; out of reach of other crates.
pub trait Multiply: Sized {
    fn multiply(chunk: Chunk<'_, Self>);

    /// Multiplies with threads sharing the terms, where that is how it is done; says whether it was.
    fn multiply_by_terms(
        _threads: &Threads,
        _a: MatrixRef<'_, Self>,
        _b: MatrixRef<'_, Self>,
        _c: &MatrixMut<'_, Self>,
        _accumulate: bool,
    ) -> bool {
        false
    }
}

/// Types that lanes compute in.
macro_rules! multiply_in_place {
    ($($float:ty)*) => {
        $(impl Multiply for $float {
            fn multiply(chunk: Chunk<'_, Self>) {
                multiply(chunk);
            }

            fn multiply_by_terms(
                threads: &Threads,
                a: MatrixRef<'_, Self>,
                b: MatrixRef<'_, Self>,
                c: &MatrixMut<'_, Self>,
                accumulate: bool,
            ) -> bool {
                by_terms::multiply(threads, a, b, c, accumulate)
            }
        })*
    };
}

multiply_in_place! { f32 f64 }

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

/// Fewer terms than this are not summed across lanes where those are sixteen: transposing the matrix costs less.
const ACROSS_LANES: usize = 32;
/// Fewer columns than this leave most of a register empty.
const NARROW: usize = 16;
/// Terms that pay for writing the transpose of C first.
const WORTH_TRANSPOSING: usize = 32;

/// Multiplies on the lanes that suit the sizes. Only the products of vectors, which are told by the sizes of the whole, are
/// summed in another order than all others.
pub fn multiply<E: LaneElement>(chunk: Chunk<'_, E>) {
    let Chunk { a, b, c, accumulate, is_vector } = &chunk;
    let [rows, columns] = c.sizes();
    let few_terms = a.columns < ACROSS_LANES && a.row_stride != 1 && Isa::current() == Isa::Avx512;
    let (vector, matrix, stride) = match (rows, columns) {
        _ if !is_vector
            && columns < NARROW
            && rows > columns
            && a.row_stride == 1
            && a.columns >= WORTH_TRANSPOSING =>
        {
            return multiply_transposed(chunk);
        }
        _ if !is_vector => return dispatch(chunk),
        (_, 1) if few_terms && c.row_stride == 1 => {
            // SAFETY: a column of adjacent elements is a row of them.
            let c = unsafe { MatrixMut::from_raw(c.first, [1, rows], rows) };
            return dispatch(Chunk { a: b.transposed(), b: a.transposed(), c, ..chunk });
        }
        (_, 1) if few_terms => return dispatch(chunk),
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

/// Multiplies by way of the transpose of C, whose rows fill registers where those of C do not.
fn multiply_transposed<E: LaneElement>(chunk: Chunk<'_, E>) {
    let Chunk { a, b, c, accumulate, is_vector } = chunk;
    let [rows, columns] = c.sizes();
    let mut scratch = Scratch::take();
    let [sums] = scratch.split([rows * columns]);
    let places = || (0..columns).flat_map(|column| (0..rows).map(move |row| (row, column)));
    if accumulate {
        // SAFETY: where a product is added to it, C may be read, and this chunk has it alone.
        sums.iter_mut().zip(places()).for_each(|(sum, (row, column))| *sum = unsafe { *c.at(row, column) });
    }
    // SAFETY: the sums are a matrix of adjacent rows, borrowed until the product is done.
    let to = unsafe { MatrixMut::from_raw(sums.as_mut_ptr(), [columns, rows], rows) };
    dispatch(Chunk { a: b.transposed(), b: a.transposed(), c: to, accumulate, is_vector });
    // SAFETY: this chunk has C alone.
    sums.iter().zip(places()).for_each(|(&sum, (row, column))| unsafe { *c.at(row, column) = sum });
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
