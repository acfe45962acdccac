//! Matrix products.

use super::backward::Backward;
use super::tape::{Index, Step, Tape};
use super::var::Var;
use crate::error::Result;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Var {
    /// As [`Tensor::matmul`]. Keeps each factor that the other's gradient needs.
    ///
    /// # Errors
    /// As [`Tensor::matmul`]; or the factors are on different tapes.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        let tape = Tape::common("matmul", &[self, other])?;
        let product = self.tensor().matmul(other.tensor())?;
        let Some(tape) = tape else { return Ok(Self::unrecorded(product)) };
        let left = self.index().map(|index| (index, self.shape().clone(), other.tensor().clone()));
        let right = other.index().map(|index| (index, other.shape().clone(), self.tensor().clone()));
        let pull = Step::Pull(Box::new(move |gradient, backward| {
            if let Some((index, shape, b)) = left {
                give_product(backward, index, &gradient, &transposed(&b)?, &shape)?;
            }
            match right {
                Some((index, shape, a)) => give_right(backward, index, &a, &gradient, &shape),
                None => Ok(()),
            }
        }));
        tape.push("matmul", product, pull)
    }
}

/// The last two axes exchanged.
pub(super) fn transposed(matrix: &Tensor) -> Result<Tensor> {
    let rank = matrix.shape().rank();
    matrix.transpose(rank - 2, rank - 1)
}

/// Gives the right factor, of shape `shape`, its gradient: `a` transposed times `gradient`.
fn give_right(backward: &mut Backward, to: Index, a: &Tensor, gradient: &Tensor, shape: &Shape) -> Result<()> {
    if shape.rank() > 2 {
        return give_product(backward, to, &transposed(a)?, gradient, shape);
    }
    // One matrix for all of the batch: its gradient is one product over all rows, not a sum of products.
    backward.give_product(to, &transposed(&rows(a)?)?, &rows(gradient)?)
}

/// All axes but the last merged into one.
fn rows(tensor: &Tensor) -> Result<Tensor> {
    let columns = tensor.shape().last().copied().unwrap_or(1);
    let rows = tensor.shape().iter().rev().skip(1).product();
    tensor.reshape(&[rows, columns])
}

/// Gives the product of `a` and `b`, summed down to `shape` where a factor was broadcast.
fn give_product(backward: &mut Backward, to: Index, a: &Tensor, b: &Tensor, shape: &Shape) -> Result<()> {
    let (a_batch, b_batch) = (&a.shape()[..a.shape().rank() - 2], &b.shape()[..b.shape().rank() - 2]);
    let target = &shape[..shape.rank() - 2];
    let fits = (a_batch == target || a_batch.is_empty()) && (b_batch == target || b_batch.is_empty());
    if fits && (a_batch == target || b_batch == target) {
        return backward.give_product(to, a, b);
    }
    backward.give_summed(to, a.matmul(b)?, shape)
}
