//! Writing over existing tensors: what a backward pass does with gradients nobody else holds.

use std::sync::Arc;

use super::Tensor;
use crate::device::{Reduction, Seed};
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::{activation, arithmetic, create};

impl Tensor {
    /// Whether nobody else can see a change of these elements: no clone, no view, and no element repeated.
    pub(crate) fn is_exclusive(&self) -> bool {
        Arc::strong_count(&self.storage) == 1 && self.layout.is_injective()
    }

    /// The number of elements of this type the whole buffer holds.
    pub(crate) fn buffer_count(&self) -> usize {
        self.buffer().bytes() / self.dtype.size()
    }

    /// Writes the elements of `source`, of the same shape, over this tensor, converted to its type.
    pub(crate) fn assign(&self, operation: &'static str, source: &Self) -> Result<()> {
        if self.shape() != source.shape() {
            let rule = "differ: elements are written over a tensor of the same shape";
            return Err(Error::shape(operation, &[source.shape(), self.shape()], rule));
        }
        Self::update(&activation::linear, &[source], &[self], Seed::default())
    }

    /// Adds the elements of `term` to this tensor.
    pub(crate) fn add_assign(&self, term: &Self) -> Result<()> {
        Self::update(&arithmetic::add, &[self, term], &[self], Seed::default())
    }

    /// Writes `value` over every element.
    pub(crate) fn fill(&self, value: f64) -> Result<()> {
        Self::update(&create::constant { value }, &[], &[self], Seed::default())
    }

    /// Writes a formula over its inputs, broadcast together and summed down to this tensor's shape, over this tensor.
    pub(crate) fn write_map_sum(&self, formula: &dyn AnyFormula, inputs: &[&Self]) -> Result<()> {
        let layout = Self::check_inputs(formula.signature(), inputs)?;
        self.write_reduction("sum_to", Reduction::Sum { scale: 1.0 }, formula, inputs, layout.shape())
    }
}
