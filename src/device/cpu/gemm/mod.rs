//! Matrix products on the CPU: `C = A B`, or `C += A B`, for factors of any strides.
//!
//! C is divided among threads, or the terms are where C is too small for that ([`by_terms`]); each goes through its part in
//! blocks that fit the caches ([`chunk`]), packs what the micro-kernel could not read well in its place ([`pack`]) and sums
//! tiles in registers ([`kernel`]). Every element is summed in an order that depends on the sizes, and for vectors on what is
//! adjacent, alone: results are the same, bit for bit, for any number of threads.

mod by_terms;
mod chunk;
mod element;
mod gemv;
mod kernel;
mod matrix;
mod pack;
mod partition;
mod scratch;
#[cfg(test)]
mod tests;
mod transpose;

use std::ops::Range;

pub use element::Factor;
pub use matrix::{MatrixMut, MatrixRef};

use super::threads::Threads;
use crate::error::{Error, Result};
use chunk::Chunk;
use partition::Partition;

/// Multiplies matrices of sizes [m, k] and [k, n] into one of sizes [m, n], or adds the product to it.
///
/// C is not read unless the product is added to it. Sums of no terms are zero.
///
/// # Errors
/// `Error::Argument` where the sizes do not fit each other.
#[cfg(test)]
pub fn gemm<E: Factor>(
    threads: &Threads,
    a: MatrixRef<'_, E>,
    b: MatrixRef<'_, E>,
    c: MatrixMut<'_, E>,
    accumulate: bool,
) -> Result<()> {
    // SAFETY: of a batch of one, the first product is all.
    unsafe { batched(threads, Batch { count: 1, a_stride: 0, b_stride: 0, c_stride: 0 }, a, b, c, accumulate, None) }
        .map(drop)
}

/// How many products there are, and how many elements lie from each matrix to the one of the next product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// How many products.
    pub count: usize,
    /// From one A to the next; zero where all products share it.
    pub a_stride: usize,
    /// From one B to the next; zero where all products share it.
    pub b_stride: usize,
    /// From one C to the next.
    pub c_stride: usize,
}

/// What is done with rows of C as soon as they are computed, while they are at hand: they are counted through all products of the
/// batch.
pub type Finish<'a> = Option<&'a (dyn Fn(Range<usize>) + Sync)>;

/// Multiplies a batch of matrices, of which `a`, `b` and `c` are the first, as `gemm` multiplies one. Says whether every row was
/// finished; none was otherwise, because C was not divided into whole rows.
///
/// # Errors
/// `Error::Argument` where the sizes do not fit each other.
///
/// # Safety
/// What holds for the elements of `a`, `b` and `c` holds for those of all matrices of the batch; no two of C share a place.
pub unsafe fn batched<E: Factor>(
    threads: &Threads,
    batch: Batch,
    a: MatrixRef<'_, E>,
    b: MatrixRef<'_, E>,
    c: MatrixMut<'_, E>,
    accumulate: bool,
    finish: Finish<'_>,
) -> Result<bool> {
    let [m, n] = c.sizes();
    let terms = a.columns;
    if a.rows != m || b.columns != n || b.rows != terms {
        let [[am, ak], [bk, bn]] = [a.sizes(), b.sizes()];
        return Err(Error::argument("matmul", format!("[{am}, {ak}] by [{bk}, {bn}] does not give [{m}, {n}]")));
    }
    // Of many terms and few results, the terms are shared; what is adjacent then are the results.
    let adjacent = if n == 1 { a.row_stride == 1 } else { b.column_stride == 1 };
    let is_vector =
        (m == 1 || n == 1) && !(adjacent && m.max(n) <= by_terms::FEW_RESULTS && terms >= by_terms::MANY_TERMS);
    let partition = Partition::new(batch.count, [m, terms, n], threads.count());
    if batch.count == 1 && !is_vector && E::multiply_by_terms(threads, a, b, &c, accumulate) {
        return Ok(false);
    }
    let finish = finish.filter(|_| partition.has_whole_rows());
    threads.run(partition.tasks(), &|task| {
        for (product, [row, column], sizes) in partition.parts(task) {
            let a = a.moved(product * batch.a_stride).part([row, 0], [sizes[0], terms]);
            let b = b.moved(product * batch.b_stride).part([0, column], [terms, sizes[1]]);
            // SAFETY: parts do not overlap, nor do matrices C of the batch, and each part is computed once.
            let c = unsafe { c.moved(product * batch.c_stride).part([row, column], sizes) };
            E::multiply(Chunk { a, b, c, accumulate, is_vector });
            if let Some(finish) = finish {
                let first = product * m + row;
                finish(first..first + sizes[0]);
            }
        }
    });
    Ok(finish.is_some())
}
