//! Taking slices by index, and its gradient: summing slices into the places they were taken from.

use half::{bf16, f16};

use super::elements::{self, with_element};
use super::rows::blocks::{for_blocks, rows_mut};
use super::threads::Threads;
use crate::device::view::View;
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::formula::lanes::{HalfElement, narrow, widen};
use crate::scope::Label;

/// See [`Kernel::Gather`](crate::device::Kernel::Gather).
///
/// # Errors
/// An index that is not below n; nothing is written then.
pub fn gather(threads: &Threads, input: View<'_>, indices: View<'_>, output: View<'_>) -> Result<()> {
    let [outer, n, inner] = sizes(input);
    let indices = read_indices("gather", indices, n)?;
    with_element!(input.dtype(), E => {
        // SAFETY: contiguous views of this type, and the output overlaps no input.
        let input = unsafe { elements::slice::<E>(input) };
        for_blocks(threads, outer * indices.len(), inner, &|slices| {
            // SAFETY: the slices are this block's alone.
            let output = unsafe { rows_mut::<E>(output, &slices, inner) };
            for (slice, to) in slices.zip(output.chunks_exact_mut(inner)) {
                let place = slice / indices.len() * n + indices[slice % indices.len()];
                copy(&input[place * inner..][..inner], to);
            }
        });
    });
    Ok(())
}

/// See [`Kernel::ScatterAdd`](crate::device::Kernel::ScatterAdd).
///
/// # Errors
/// An index that is not below n; nothing is written then.
pub fn scatter_add(threads: &Threads, gradient: View<'_>, indices: View<'_>, input_gradient: View<'_>) -> Result<()> {
    let [outer, n, inner] = sizes(input_gradient);
    let indices = read_indices("scatter_add", indices, n)?;
    let sources = Sources::new(&indices, n);
    with_element!(gradient.dtype(), E => {
        // SAFETY: contiguous views of this type, and the output overlaps no input.
        let gradient = unsafe { elements::slice::<E>(gradient) };
        for_blocks(threads, outer * n, inner, &|slices| {
            // SAFETY: the slices are this block's alone.
            let sums = unsafe { rows_mut::<E>(input_gradient, &slices, inner) };
            let mut scratch = Scratch::default();
            for (slice, sum) in slices.zip(sums.chunks_exact_mut(inner)) {
                let taken = sources.of(slice % n).iter().map(|&k| slice / n * indices.len() + k);
                E::sum(taken.map(|place| &gradient[place * inner..][..inner]), sum, &mut scratch);
            }
        });
    });
    Ok(())
}

/// Labels or indices as places, once all are known to be below `limit`.
///
/// # Errors
/// One is not: names it and its position.
pub fn read_indices(operation: &'static str, indices: View<'_>, limit: usize) -> Result<Vec<usize>> {
    with_element!(indices.dtype(), E => {
        // SAFETY: a contiguous view of this type that nobody writes meanwhile.
        let indices = unsafe { elements::slice::<E>(indices) };
        let valid = |index: f64| (0.0..limit as f64).contains(&index);
        // Numbers from 2^53 on round, and are out of range before and after.
        match indices.iter().position(|index| !valid(index.to_f64())) {
            None => Ok(indices.iter().map(|index| index.to_f64() as usize).collect()),
            Some(position) => Err(Error::index(operation, &indices[position], position, limit, Label::current())),
        }
    })
}

/// For every place, the positions of the indices that name it, in order.
struct Sources {
    /// Positions, grouped by place.
    positions: Vec<usize>,
    /// Where the group of each place begins, and at the end where the last one ends.
    starts: Vec<usize>,
}

impl Sources {
    fn new(indices: &[usize], places: usize) -> Self {
        let mut starts = vec![0; places + 1];
        indices.iter().for_each(|&place| starts[place + 1] += 1);
        (0..places).for_each(|place| starts[place + 1] += starts[place]);
        let (mut next, mut positions) = (starts.clone(), vec![0; indices.len()]);
        for (position, &place) in indices.iter().enumerate() {
            positions[next[place]] = position;
            next[place] += 1;
        }
        Self { positions, starts }
    }

    fn of(&self, place: usize) -> &[usize] {
        &self.positions[self.starts[place]..self.starts[place + 1]]
    }
}

/// Room to sum 16-bit slices in.
#[derive(Default)]
struct Scratch {
    wide: Vec<f32>,
    sum: Vec<f32>,
}

/// Sums of slices.
trait Sum: Element {
    /// The sum of slices of one length, in their order; 16-bit elements are summed in f32, and integers wrap.
    fn sum<'a>(slices: impl Iterator<Item = &'a [Self]>, sum: &mut [Self], scratch: &mut Scratch);
}

macro_rules! sums {
    ($($type:ty: |$a:ident, $b:ident| $add:expr;)*) => {$(
        impl Sum for $type {
            fn sum<'a>(slices: impl Iterator<Item = &'a [Self]>, sum: &mut [Self], _: &mut Scratch) {
                sum.fill(Self::default());
                slices.for_each(|slice| add(slice, sum, |$a, $b| $add));
            }
        }
    )*};
}

sums! {
    f64: |a, b| a + b;
    f32: |a, b| a + b;
    u8: |a, b| a.wrapping_add(b);
    u32: |a, b| a.wrapping_add(b);
    i32: |a, b| a.wrapping_add(b);
    i64: |a, b| a.wrapping_add(b);
}

impl Sum for f16 {
    fn sum<'a>(slices: impl Iterator<Item = &'a [Self]>, sum: &mut [Self], scratch: &mut Scratch) {
        sum_in_f32(slices, sum, scratch);
    }
}

impl Sum for bf16 {
    fn sum<'a>(slices: impl Iterator<Item = &'a [Self]>, sum: &mut [Self], scratch: &mut Scratch) {
        sum_in_f32(slices, sum, scratch);
    }
}

fn sum_in_f32<'a, H: HalfElement>(slices: impl Iterator<Item = &'a [H]>, sum: &mut [H], scratch: &mut Scratch) {
    let Scratch { wide, sum: wide_sum } = scratch;
    wide.resize(sum.len(), 0.0);
    wide_sum.resize(sum.len(), 0.0);
    wide_sum.fill(0.0);
    for slice in slices {
        widen(slice, wide);
        add(wide, wide_sum, |a, b| a + b);
    }
    narrow(wide_sum, sum);
}

fn add<E: Element>(slice: &[E], sum: &mut [E], plus: impl Fn(E, E) -> E) {
    for (sum, &x) in sum.iter_mut().zip(slice) {
        *sum = plus(*sum, x);
    }
}

/// Copies a slice; single elements, as from a vector, without the call that longer ones are worth.
fn copy<E: Element>(from: &[E], to: &mut [E]) {
    match (from, to) {
        (&[from], [to]) => *to = from,
        (from, to) => to.copy_from_slice(from),
    }
}

/// The sizes of a view of shape [outer, n, inner].
fn sizes(view: View<'_>) -> [usize; 3] {
    [view.shape()[0], view.shape()[1], view.shape()[2]]
}
