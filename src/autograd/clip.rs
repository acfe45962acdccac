//! Clipping of gradients, and nothing that the host waits for.

use super::gradients::Gradients;
use crate::device::Reduction;
use crate::dtype::DType;
use crate::error::{Error, Result, check_setting};
use crate::formula;
use crate::formula::catalogue::arithmetic;
use crate::tensor::Tensor;

formula! {
    /// What gradients of this norm are multiplied by to have at most norm `limit`.
    fn clip_factor(norm; limit) = (limit / (norm + NOTHING)).min(1.0)
}

/// Added to the norm, so that one of 0 can be divided by.
const NOTHING: f64 = 1e-6;

impl Gradients {
    /// Brings every element within `-limit..=limit`, in one pass over the gradients.
    ///
    /// # Errors
    /// `limit` is not above 0, or memory runs out.
    pub fn clip_value(&mut self, limit: f64) -> Result<()> {
        check_setting("clip_value", "limit", limit, limit > 0.0, "a number above 0")?;
        self.rewrite(&arithmetic::clamp { low: -limit, high: limit }, None)
    }

    /// Multiplies all gradients by one factor where their Euclidean norm, that of all of them as one vector, is above `limit`,
    /// to make it `limit` (Pascanu, Mikolov and Bengio 2013). Gives the norm before, shape `[]`: it stays on the device, and
    /// the host waits only if it reads it. One pass sums the squares, another writes the product.
    ///
    /// # Errors
    /// `limit` is not above 0, there are no gradients, or memory runs out.
    pub fn clip_norm(&mut self, limit: f64) -> Result<Tensor> {
        check_setting("clip_norm", "limit", limit, limit > 0.0, "a number above 0")?;
        let norm = self.norm()?;
        self.rewrite(&arithmetic::mul, Some(&norm.map(clip_factor { limit })?))?;
        Ok(norm)
    }

    /// The Euclidean norm of all gradients as one vector. Shape `[]`, in f64 if any of them is, else in f32.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn norm(&self) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        for gradient in self.tensors() {
            let squares = squares(gradient)?;
            sum = Some(match sum {
                None => squares,
                Some(sum) if sum.dtype() == DType::F64 => sum.add(&squares.cast(DType::F64)?)?,
                Some(sum) => sum.cast(squares.dtype())?.add(&squares)?,
            });
        }
        let Some(sum) = sum else { return Err(Error::gradient("norm", "there is no gradient to take the norm of")) };
        sum.sqrt()
    }
}

/// The sum of the squares of all elements, in the type that 16-bit ones are computed in. Shape `[]`.
fn squares(gradient: &Tensor) -> Result<Tensor> {
    let kept = Tensor::kept("norm", gradient.shape(), &[])?;
    let sum = Tensor::uninitialized(kept, gradient.dtype().compute(), gradient.device())?;
    let reduction = Reduction::Sum { scale: 1.0 };
    sum.write_reduction("norm", reduction, &arithmetic::square, &[gradient], gradient.shape())?;
    sum.reshape(&[])
}
