//! Gradients of a loss that was scaled.

use super::gradients::Gradients;
use crate::device::Reduction;
use crate::dtype::DType;
use crate::error::Result;
use crate::formula;
use crate::formula::catalogue::arithmetic;
use crate::tensor::Tensor;

formula! {
    /// 0 for a number, NaN for infinities and NaN.
    fn zero_or_nan(x) = x * 0.0;
    /// What gradients are multiplied by: 0 where one of them is broken.
    fn reciprocal_if_whole(scale, broken) = broken.is_nan().select(0.0, scale.recip());
    /// The product, and 0 for a factor of 0 whatever it is multiplied with.
    fn divided(gradient, factor) = factor.eq(0.0).select(0.0, gradient * factor)
}

impl Gradients {
    /// Divides all gradients by `scale`, of shape `[]`; makes all of them 0 where one is not finite, and gives NaN then, else 0. Shape
    /// `[]`, F32: the host waits only if it reads it.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn divide(&mut self, scale: &Tensor) -> Result<Tensor> {
        let mut broken = Tensor::zeros(&[], DType::F32, scale.device())?;
        for gradient in self.tensors() {
            let kept = Tensor::kept("divide", gradient.shape(), &[])?;
            let sum = Tensor::uninitialized(kept, gradient.dtype().compute(), gradient.device())?;
            let reduction = Reduction::Sum { scale: 1.0 };
            sum.write_reduction("divide", reduction, &zero_or_nan, &[gradient], gradient.shape())?;
            broken = Tensor::zip(arithmetic::add, [&broken, &sum.reshape(&[])?.cast(DType::F32)?])?;
        }
        let factor = Tensor::zip(reciprocal_if_whole, [&scale.cast(DType::F32)?, &broken])?;
        self.rewrite(&divided, Some(&factor))?;
        Ok(broken)
    }
}
