//! The kernels that work on rows: softmax, cross-entropy, normalisation, argmax.
//!
//! A row is computed by one thread, in f32 or f64, so that results do not depend on the number of threads.

mod argmax;
pub mod blocks;
mod computed;
mod cross_entropy;
mod normalize;
mod softmax;
mod tile;

use super::elements::with_element;
use super::index::read_indices;
use super::threads::Threads;
use crate::device::view::View;
use crate::dtype::Element;
use crate::error::Result;
use blocks::{for_blocks, rows_mut, rows_of};
use computed::{Computed, with_computed};
use cross_entropy::CrossEntropy;
pub use normalize::{normalize, normalize_backward};

/// See [`Kernel::Softmax`](crate::device::Kernel::Softmax).
pub fn softmax(threads: &Threads, log: bool, input: View<'_>, output: View<'_>) {
    let [rows, columns] = sizes(input);
    with_computed!(input.dtype(), E => for_blocks(threads, rows, columns, &|rows| {
        // SAFETY: contiguous views of this type; the output's rows are this block's alone and overlap no input.
        let (x, y) = unsafe { (rows_of::<E>(input, &rows, columns), rows_mut::<E>(output, &rows, columns)) };
        let (mut wide, mut results) = Default::default();
        let x = E::widened(x, &mut wide);
        E::narrowed(y, &mut results, |y| softmax::forward(log, columns, x, y));
    }));
}

/// See [`Kernel::SoftmaxBackward`](crate::device::Kernel::SoftmaxBackward).
pub fn softmax_backward(threads: &Threads, log: bool, output: View<'_>, gradient: View<'_>, input_gradient: View<'_>) {
    let [rows, columns] = sizes(output);
    with_computed!(output.dtype(), E => for_blocks(threads, rows, columns, &|rows| {
        // SAFETY: as for `softmax`.
        let (y, dy) = unsafe { (rows_of::<E>(output, &rows, columns), rows_of::<E>(gradient, &rows, columns)) };
        // SAFETY: as for `softmax`.
        let dx = unsafe { rows_mut::<E>(input_gradient, &rows, columns) };
        let (mut wide_y, mut wide_dy, mut results) = Default::default();
        let (y, dy) = (E::widened(y, &mut wide_y), E::widened(dy, &mut wide_dy));
        E::narrowed(dx, &mut results, |dx| softmax::backward(log, columns, y, dy, dx));
    }));
}

/// See [`Kernel::CrossEntropy`](crate::device::Kernel::CrossEntropy).
///
/// # Errors
/// A label that is not a class; nothing is written then.
pub fn cross_entropy(
    threads: &Threads,
    logits: View<'_>,
    labels: View<'_>,
    losses: View<'_>,
    gradient: Option<View<'_>>,
    scale: f64,
) -> Result<()> {
    let [rows, columns] = sizes(logits);
    let labels = read_indices("cross_entropy", labels, columns)?;
    with_computed!(logits.dtype(), E => for_blocks(threads, rows, columns, &|rows| {
        // SAFETY: as for `softmax`.
        let (logits, losses) = unsafe { (rows_of::<E>(logits, &rows, columns), rows_mut::<E>(losses, &rows, 1)) };
        // SAFETY: as for `softmax`.
        let gradient = gradient.map(|gradient| unsafe { rows_mut::<E>(gradient, &rows, columns) });
        cross_entropy_of(columns, logits, &labels[rows], losses, gradient, scale);
    }));
    Ok(())
}

/// See [`Kernel::ArgMax`](crate::device::Kernel::ArgMax).
pub fn argmax(threads: &Threads, input: View<'_>, output: View<'_>) {
    let [rows, columns] = sizes(input);
    if input.dtype().is_float() {
        with_computed!(input.dtype(), E => for_blocks(threads, rows, columns, &|rows| {
            // SAFETY: as for `softmax`.
            let (input, places) = unsafe { (rows_of::<E>(input, &rows, columns), rows_mut::<i64>(output, &rows, 1)) };
            argmax::argmax(columns, E::widened(input, &mut Vec::new()), places);
        }));
    } else {
        with_element!(input.dtype(), E => for_blocks(threads, rows, columns, &|rows| {
            // SAFETY: as for `softmax`.
            let (input, places) = unsafe { (rows_of::<E>(input, &rows, columns), rows_mut::<i64>(output, &rows, 1)) };
            argmax::argmax_of_integers(columns, input, places);
        }));
    }
}

fn cross_entropy_of<E: Computed>(
    columns: usize,
    logits: &[E],
    labels: &[usize],
    losses: &mut [E],
    gradient: Option<&mut [E]>,
    scale: f64,
) {
    let (mut wide, mut wide_losses, mut wide_gradient) = Default::default();
    let (logits, scale) = (E::widened(logits, &mut wide), E::Compute::from_f64(scale));
    E::narrowed(losses, &mut wide_losses, |losses| match gradient {
        None => CrossEntropy { columns, logits, labels, losses, gradient: None, scale }.compute(),
        Some(gradient) => E::narrowed(gradient, &mut wide_gradient, |gradient| {
            CrossEntropy { columns, logits, labels, losses, gradient: Some(gradient), scale }.compute();
        }),
    });
}

/// The sizes of a view of shape [rows, columns].
fn sizes(view: View<'_>) -> [usize; 2] {
    [view.shape()[0], view.shape()[1]]
}
