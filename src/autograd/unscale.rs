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
    /// What gradients are multiplied by: NaN where one of them is broken, for which `broken` is NaN, and else 0.
    fn reciprocal_or_nan(scale, broken) = scale.recip() + broken
}

impl Gradients {
    /// Divides all gradients by `scale`, of shape `[]`; makes all of them NaN where one is not finite, so that a step with them is
    /// [skipped](crate::optim::Optimizer::step), and gives NaN then, else 0. Shape `[]`, F32: the host waits only if it reads it.
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
        let factor = Tensor::zip(reciprocal_or_nan, [&scale.cast(DType::F32)?, &broken])?;
        self.rewrite(&arithmetic::mul, Some(&factor))?;
        self.mark_unscaled();
        Ok(broken)
    }
}
