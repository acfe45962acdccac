//! The result of a backward pass.

use smallvec::SmallVec;

use super::tape::{Index, Tape};
use super::var::Var;
use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::arithmetic;
use crate::tensor::Tensor;

/// The gradients of a loss in the leaves of its tape.
#[derive(Debug)]
pub struct Gradients {
    tape: Tape,
    /// In the order the leaves were recorded in.
    leaves: Vec<(Index, Option<Tensor>)>,
    /// Buffers of parameters, each with the gradient of all of it.
    flat: Vec<(Tensor, Tensor)>,
    /// Whether a scale was divided out of them: all are NaN then if one was not finite.
    unscaled: bool,
}

impl Gradients {
    pub(super) fn new(tape: Tape, mut leaves: Vec<(Index, Option<Tensor>)>, flat: Vec<(Tensor, Tensor)>) -> Self {
        leaves.reverse();
        Self { tape, leaves, flat, unscaled: false }
    }

    /// The gradient in a leaf, of its shape; none where the loss does not depend on it, or for anything else.
    pub fn of(&self, variable: &Var) -> Option<&Tensor> {
        let index = variable.index().filter(|_| variable.tape().is_some_and(|tape| tape.is_same(&self.tape)))?;
        let place = self.leaves.binary_search_by_key(&index, |&(leaf, _)| leaf).ok()?;
        self.leaves[place].1.as_ref()
    }

    /// The gradient of a whole buffer of [parameters](Tape::parameter), given any tensor of that buffer: one axis, as
    /// many elements as the buffer, 0 for those the loss does not depend on.
    pub fn flat(&self, parameters: &Tensor) -> Option<&Tensor> {
        self.flat.iter().find(|(like, _)| like.shares_buffer(parameters)).map(|(_, gradient)| gradient)
    }

    /// Adds the gradients of the same leaves from another tape, recorded in the same order: one large batch in small parts.
    /// Tensors taken from these gradients before may see the sum.
    ///
    /// # Errors
    /// The leaves are not the same, or memory runs out.
    pub fn accumulate(&mut self, other: Self) -> Result<()> {
        let same = self.leaves.len() == other.leaves.len() && self.flat.len() == other.flat.len();
        if !same || self.flat.iter().zip(&other.flat).any(|((a, _), (b, _))| !a.shares_buffer(b)) {
            return Err(Error::gradient("accumulate", "the gradients are of other leaves"));
        }
        for ((_, sum), (_, term)) in self.leaves.iter_mut().zip(other.leaves) {
            match (sum.as_mut(), term) {
                // Summed with the buffer.
                (Some(sum), _) if is_part(&self.flat, sum) => {}
                (Some(sum), Some(term)) => *sum = sum.add(&term)?,
                (None, term) => *sum = term,
                (Some(_), None) => {}
            }
        }
        self.unscaled |= other.unscaled;
        self.flat.iter().zip(&other.flat).try_for_each(|((_, sum), (_, term))| sum.add_assign(term))
    }

    /// Multiplies every gradient by `factor`: 1/n after accumulating n parts of a batch.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        self.rewrite(&arithmetic::scale_shift { factor, term: 0.0 }, None)
    }

    /// Whether [`divide`](Self::divide) was called on them: all are NaN then, or none.
    pub(crate) fn are_unscaled(&self) -> bool {
        self.unscaled
    }

    /// From now on NaN says that a step is to be skipped.
    pub(super) fn mark_unscaled(&mut self) {
        self.unscaled = true;
    }

    /// Each gradient once: those of buffers of parameters, and those of the leaves that are no part of one.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let leaves = self.leaves.iter().filter_map(|(_, gradient)| gradient.as_ref());
        self.flat.iter().map(|(_, gradient)| gradient).chain(leaves.filter(|leaf| !is_part(&self.flat, leaf)))
    }

    /// Writes a formula of each gradient, and of one number beside it, over the gradient.
    pub(super) fn rewrite(&mut self, formula: &dyn AnyFormula, number: Option<&Tensor>) -> Result<()> {
        for leaf in self.leaves.iter_mut().filter_map(|(_, gradient)| gradient.as_mut()) {
            if !leaf.is_exclusive() && !is_part(&self.flat, leaf) {
                *leaf = leaf.copy()?;
            }
        }
        for gradient in self.tensors() {
            let number = number.map(|number| number.cast(gradient.dtype().compute())).transpose()?;
            let inputs: SmallVec<[&Tensor; 2]> = [gradient].into_iter().chain(&number).collect();
            Tensor::update(formula, &inputs, &[gradient], Seed::default())?;
        }
        Ok(())
    }
}

/// Whether a gradient is a part of that of a buffer.
fn is_part(flat: &[(Tensor, Tensor)], gradient: &Tensor) -> bool {
    flat.iter().any(|(_, whole)| whole.shares_buffer(gradient))
}
