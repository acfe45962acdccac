//! Which buffers a call works on.

use smallvec::SmallVec;

use super::super::backend::{Epilogue, Kernel, Product};
use super::super::view::View;

/// The operands of one call.
type Views<'a> = SmallVec<[View<'a>; 4]>;

impl<'a> Product<'a> {
    /// What it reads and writes.
    pub(in crate::device) fn views(&self) -> Views<'a> {
        [self.a, self.b, self.c].into_iter().chain(self.column_sums).collect()
    }
}

impl<'a> Epilogue<'a> {
    /// What it reads and writes beside the product, but the mask.
    pub(in crate::device) fn views(&self) -> Views<'a> {
        [self.operand, self.output].into_iter().chain(self.sums).collect()
    }
}

impl<'a> Kernel<'a> {
    /// What it reads and writes.
    pub(in crate::device) fn views(&self) -> Views<'a> {
        let views: &[View<'a>] = match *self {
            Self::Softmax { input, output, .. } | Self::ArgMax { input, output } => &[input, output],
            Self::SoftmaxBackward { output, gradient, input_gradient, .. } => &[output, gradient, input_gradient],
            Self::CrossEntropy { logits, labels, losses, gradient, .. } => {
                return [logits, labels, losses].into_iter().chain(gradient).collect();
            }
            Self::Normalize(ref norm) => return norm.inputs().chain(norm.outputs()).collect(),
            Self::NormalizeBackward(ref norm) => return norm.inputs().chain(norm.outputs()).collect(),
            Self::Gather { input, indices, output } => &[input, indices, output],
            Self::ScatterAdd { gradient, indices, input_gradient } => &[gradient, indices, input_gradient],
            Self::Custom { arguments, .. } => return arguments.iter().filter_map(|given| given.view()).collect(),
        };
        views.into()
    }
}
