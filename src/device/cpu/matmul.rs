//! Matrix products on the CPU.

use super::elements::{pointer, with_float};
use super::gemm::{Batch, Finish, MatrixMut, MatrixRef, batched};
use super::map;
use super::threads::Threads;
use crate::device::backend::{Epilogue, Product, Seed};
use crate::device::view::View;
use crate::error::{Error, Result};

/// Multiplies the matrices of a product.
pub fn run(threads: &Threads, product: &Product<'_>) -> Result<()> {
    multiply(threads, product, None).map(drop)
}

/// Multiplies the matrices of a product and applies the formula of its epilogue: to rows while they are in the cache of the thread
/// that multiplied them, where it did so to whole ones.
pub fn run_and_finish(threads: &Threads, product: &Product<'_>, epilogue: &Epilogue<'_>) -> Result<()> {
    let (inputs, outputs) = (epilogue.inputs(product.c), [epilogue.output]);
    let columns = product.c.shape()[2];
    let are_finished = map::in_ranges(epilogue.formula, &inputs, &outputs, |map| {
        multiply(threads, product, Some(&|rows| map(rows.start * columns..rows.end * columns)))
    })?;
    if !are_finished {
        map::run(threads, epilogue.formula, &inputs, &outputs, Seed::default());
    }
    Ok(())
}

/// Multiplies, and says whether every row was finished.
fn multiply(threads: &Threads, product: &Product<'_>, finish: Finish<'_>) -> Result<bool> {
    let Product { a, b, c, accumulate, .. } = product;
    let [(a_sizes, a_strides), (b_sizes, b_strides), (c_sizes, c_strides)] = [split(a)?, split(b)?, split(c)?];
    let batch = Batch { count: c_sizes[0], a_stride: a_strides[0], b_stride: b_strides[0], c_stride: c_strides[0] };
    let matrix = |three: [usize; 3]| [three[1], three[2]];
    with_float!(c.dtype(), T => {
        // SAFETY: views are in bounds of their buffers, the caller has checked that `c` overlaps neither factor, and
        // that it is row-major, so that no two of its elements share a place.
        unsafe {
            let a = MatrixRef::<T>::from_raw(pointer(a.address()), matrix(a_sizes), matrix(a_strides));
            let b = MatrixRef::<T>::from_raw(pointer(b.address()), matrix(b_sizes), matrix(b_strides));
            let c = MatrixMut::<T>::from_raw(pointer(c.address()), matrix(c_sizes), c_strides[1]);
            batched(threads, batch, a, b, c, *accumulate, finish)
        }
    }, else dtype => Err(Error::dtype("matmul", &[dtype], "is not floating point: cast it")))
}

/// The sizes and strides of a view of three axes.
fn split(view: &View<'_>) -> Result<([usize; 3], [usize; 3])> {
    match (view.shape().sizes(), view.layout().strides()) {
        (&[batch, rows, columns], &[s0, s1, s2]) => Ok(([batch, rows, columns], [s0, s1, s2])),
        _ => Err(Error::shape("matmul", &[view.shape()], "does not have three axes")),
    }
}
