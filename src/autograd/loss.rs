//! Losses: one number, and its gradient from the same forward pass.

use super::tape::Step;
use super::var::Var;
use crate::device::{Reduction, Seed};
use crate::error::{Error, Result};
use crate::formula;
use crate::formula::catalogue::arithmetic;
use crate::scope;
use crate::tensor::Tensor;

formula! {
    /// The gradient of a mean of squared differences, for `scale` = 2/n.
    fn squared_difference_gradient(x, target; scale) = scale * (x - target)
}

impl Var {
    /// Softmax cross-entropy against labels: the mean over the rows. `self` has shape [rows, classes] and holds logits;
    /// `labels` has shape `[rows]` and an integer type. Where a gradient is wanted it comes from the forward pass, and nothing
    /// else is kept.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, a label that is not a class, or memory runs out.
    pub fn cross_entropy(&self, labels: &Tensor) -> Result<Self> {
        let _scope = scope::enter("loss");
        let scale = self.index().map(|_| 1.0 / labels.count() as f64);
        let (losses, gradient) = self.tensor().cross_entropy(labels, scale)?;
        self.loss("cross_entropy", losses.mean(&[])?, gradient)
    }

    /// The mean over all elements of (self - target)². The gradient, computed in the forward pass where one is wanted, is
    /// 2/n (self - target) for n elements.
    ///
    /// # Errors
    /// Another shape, element type or device of `target`, or memory runs out.
    pub fn mean_squared_error(&self, target: &Tensor) -> Result<Self> {
        let _scope = scope::enter("loss");
        let (x, n) = (self.tensor(), self.tensor().count() as f64);
        x.check_float("mean_squared_error")?;
        if x.shape() != target.shape() {
            return Err(Error::shape("mean_squared_error", &[x.shape(), target.shape()], "differ"));
        }
        let mean = Reduction::Sum { scale: 1.0 / n };
        let kept = Tensor::kept("mean_squared_error", x.shape(), &[])?;
        let formula = &arithmetic::squared_difference;
        let loss = Tensor::map_reduce("mean_squared_error", mean, formula, &[x, target], &kept)?.reshape(&[])?;
        let slope = squared_difference_gradient { scale: 2.0 / n };
        let gradient = self.index().map(|_| Tensor::apply(&slope, &[x, target], Seed::default())).transpose()?;
        self.loss("mean_squared_error", loss, gradient)
    }

    fn loss(&self, operation: &'static str, loss: Tensor, gradient: Option<Tensor>) -> Result<Self> {
        match (self.tape(), self.index(), gradient) {
            (Some(tape), Some(input), Some(gradient)) => tape.push(operation, loss, Step::Loss { input, gradient }),
            _ => Ok(Self::unrecorded(loss)),
        }
    }
}
