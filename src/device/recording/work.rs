//! What there is to do at least: bytes to move and operations to compute, counted from the operands alone.

use std::ops::AddAssign;

use smallvec::SmallVec;

use super::super::backend::{Epilogue, Kernel, Product, Residual};
use super::super::view::View;
use crate::formula::{AnyFormula, uses_input, work_of_element};

/// Bytes that have to be read and written once each, however the device goes about it, and arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Work {
    /// Bytes read: each element of each input once.
    pub read: u64,
    /// Bytes written: each element of each output once.
    pub written: u64,
    /// Floating point operations. Functions count as one each, a fused multiply-add as two.
    pub flops: u64,
}

impl Work {
    /// Bytes read and written.
    pub fn bytes(self) -> u64 {
        self.read + self.written
    }

    /// A formula over every element of its first output.
    pub(super) fn of_map(formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>]) -> Self {
        let elements = outputs.first().map_or(0, |output| output.shape().count());
        Self {
            read: bytes_of_all(&used(formula, inputs)),
            written: bytes_of_all(outputs),
            flops: (elements * work_of_element(formula)) as u64,
        }
    }

    /// A formula over every element of its inputs, and the results brought together.
    pub(super) fn of_reduce(formula: &dyn AnyFormula, inputs: &[View<'_>], output: View<'_>) -> Self {
        let elements = output.shape().count();
        Self {
            read: bytes_of_all(&used(formula, inputs)),
            written: bytes(output),
            flops: (elements * (work_of_element(formula) + 1)) as u64,
        }
    }

    /// A product with what follows it.
    pub(super) fn of_product(product: &Product<'_>, epilogue: Option<&Epilogue<'_>>, left: &Residual) -> Self {
        let [a, b, c] = [product.a, product.b, product.c];
        let (products, depth) = (c.shape().count(), a.shape().sizes()[2]);
        let mut work = Self { read: bytes(a) + bytes(b), written: bytes(c), flops: (2 * products * depth) as u64 };
        if product.accumulate {
            work += Self { read: bytes(c), written: 0, flops: products as u64 };
        }
        if let Some(sums) = product.column_sums {
            work += Self { read: 0, written: bytes(sums), flops: b.shape().count() as u64 };
        }
        if let Some(epilogue) = epilogue {
            work += Self::of_epilogue(epilogue, c, left);
        }
        work
    }

    /// What an epilogue adds. The product itself need not be written where nobody asks for it afterwards.
    fn of_epilogue(epilogue: &Epilogue<'_>, product: View<'_>, left: &Residual) -> Self {
        let elements = product.shape().count();
        let is_in_place = epilogue.output.address() == product.address();
        let kept = match left {
            _ if is_in_place => 0,
            Residual::Mask(mask) => mask.bytes() as u64,
            Residual::Product | Residual::Argument if epilogue.keep => bytes(epilogue.output),
            Residual::Product | Residual::Argument => 0,
        };
        let mask = epilogue.mask.map_or(0, |mask| mask.bytes() as u64);
        let operand = if epilogue.mask.is_some() { mask } else { bytes(epilogue.operand) };
        let sums = epilogue.sums.map_or(0, |sums| bytes(sums));
        let summed = if epilogue.sums.is_some() { elements } else { 0 };
        Self {
            read: operand,
            written: kept + sums,
            flops: (elements * work_of_element(epilogue.formula) + summed) as u64,
        }
    }

    /// A copy, of this type or into another.
    pub(super) fn of_copy(from: View<'_>, to: View<'_>) -> Self {
        Self { read: bytes(from), written: bytes(to), flops: 0 }
    }

    /// A named kernel. A maximum, a difference, an exponential, a sum and a quotient are five operations for an element of
    /// a softmax; its gradient is a product, a sum, a difference and a product. A normalisation sums the elements if it
    /// subtracts their mean, and the squares, and scales the difference twice and shifts it.
    pub(super) fn of_kernel(kernel: &Kernel<'_>) -> Self {
        let (inputs, outputs, flops) = match *kernel {
            Kernel::Softmax { input, output, .. } => (vec![input], vec![output], 5 * input.shape().count()),
            Kernel::SoftmaxBackward { output, gradient, input_gradient, .. } => {
                (vec![output, gradient], vec![input_gradient], 4 * output.shape().count())
            }
            Kernel::CrossEntropy { logits, labels, losses, gradient, .. } => {
                let outputs = std::iter::once(losses).chain(gradient).collect();
                let each = if gradient.is_some() { 6 } else { 4 };
                (vec![logits, labels], outputs, each * logits.shape().count())
            }
            Kernel::Normalize(norm) => {
                let each = 4 + 2 * usize::from(norm.centered) + usize::from(norm.shift.is_some());
                (norm.inputs().collect(), norm.outputs().collect(), each * norm.input.shape().count())
            }
            Kernel::NormalizeBackward(norm) => {
                // What was normalised is had again from the statistics; then a product and a sum of two terms each, and what
                // is subtracted of the gradient and scaled; the sums over the rows are of a product and of the gradient.
                let normalised = 1 + usize::from(norm.centered);
                let of_input = 5 + 2 * usize::from(norm.centered);
                let each = [(norm.input_gradient, of_input), (norm.gain_gradient, 2), (norm.shift_gradient, 1)];
                let each = each.into_iter().filter(|(view, _)| view.is_some()).map(|(_, flops)| flops).sum::<usize>();
                let flops = (normalised + each) * norm.input.shape().count();
                (norm.inputs().collect(), norm.outputs().collect(), flops)
            }
            Kernel::ArgMax { input, output } => (vec![input], vec![output], input.shape().count()),
            // Only the slices that are asked for are read.
            Kernel::Gather { indices, output, .. } => (vec![indices, output], vec![output], 0),
            Kernel::ScatterAdd { gradient, indices, input_gradient } => {
                (vec![gradient, indices], vec![input_gradient], gradient.shape().count())
            }
            Kernel::Custom { work, .. } => return work,
        };
        Self { read: bytes_of_all(&inputs), written: bytes_of_all(&outputs), flops: flops as u64 }
    }

    /// Bytes between the host and the device.
    pub(super) fn of_transfer(to_device: bool, bytes: usize) -> Self {
        let (read, written) = if to_device { (0, bytes as u64) } else { (bytes as u64, 0) };
        Self { read, written, flops: 0 }
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.written += other.written;
        self.flops += other.flops;
    }
}

/// The inputs that a formula's outputs depend on.
fn used<'a>(formula: &dyn AnyFormula, inputs: &[View<'a>]) -> SmallVec<[View<'a>; 4]> {
    inputs.iter().enumerate().filter(|&(index, _)| uses_input(formula, index)).map(|(_, &view)| view).collect()
}

/// The bytes of a view's elements, each counted once: what is broadcast or overlaps is there once.
fn bytes(view: View<'_>) -> u64 {
    let layout = view.layout();
    let walked = layout.shape().sizes().iter().zip(layout.strides());
    let different: usize = walked.map(|(&size, &stride)| if stride == 0 { size.min(1) } else { size }).product();
    (different.min(layout.extent()) * view.dtype().size()) as u64
}

/// The bytes of several views; what is there twice counts once.
fn bytes_of_all(views: &[View<'_>]) -> u64 {
    let is_first = |(place, view): &(usize, &View<'_>)| !views[..*place].iter().any(|other| other.is_same(view));
    views.iter().enumerate().filter(is_first).map(|(_, &view)| bytes(view)).sum()
}
