//! The result of a backward pass.

use super::tape::{Index, Tape};
use super::var::Var;
use crate::error::{Error, Result};
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
}

impl Gradients {
    pub(super) fn new(tape: Tape, mut leaves: Vec<(Index, Option<Tensor>)>, flat: Vec<(Tensor, Tensor)>) -> Self {
        leaves.reverse();
        Self { tape, leaves, flat }
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
            // Parts of a buffer are summed with it.
            let is_part = |tensor: &Tensor| self.flat.iter().any(|(_, flat)| flat.shares_buffer(tensor));
            match (sum.as_mut(), term) {
                (Some(sum), _) if is_part(sum) => {}
                (Some(sum), Some(term)) => *sum = sum.add(&term)?,
                (None, term) => *sum = term,
                (Some(_), None) => {}
            }
        }
        self.flat.iter().zip(&other.flat).try_for_each(|((_, sum), (_, term))| sum.add_assign(term))
    }

    /// Multiplies every gradient by `factor`: 1/n after accumulating n parts of a batch.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        let formula = arithmetic::scale_shift { factor, term: 0.0 };
        for (_, leaf) in &mut self.leaves {
            let is_part = |tensor: &Tensor| self.flat.iter().any(|(_, flat)| flat.shares_buffer(tensor));
            if let Some(gradient) = leaf.as_mut().filter(|gradient| !is_part(gradient)) {
                *gradient = gradient.map(formula)?;
            }
        }
        let mut flat = self.flat.iter();
        flat.try_for_each(|(_, sum)| Tensor::update(&formula, &[sum], &[sum], crate::device::Seed::default()))
    }
}
