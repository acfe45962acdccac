//! The max-norm constraint.

use crate::device::{Reduction, Seed};
use crate::error::{Result, check_setting};
use crate::formula;
use crate::formula::catalogue::arithmetic;
use crate::nn::Parameters;
use crate::scope;
use crate::tensor::Tensor;

formula! {
    /// A weight of a unit whose weights have this sum of squares, brought to norm `limit` if theirs is above it.
    fn limited(weight, squares; limit) = {
        let norm = squares.sqrt();
        norm.le(limit).select(weight, weight * (limit / norm))
    }
}

/// Scales the weights that lead to a unit down to Euclidean norm `limit` where theirs is above it: after a step, each unit on
/// its own (Srebro and Shraibman 2005; Srivastava et al. 2014). Weights are the parameters of shape [inputs, units]; all others
/// are left alone.
///
/// # Errors
/// `limit` is not a number above 0, or memory runs out.
pub fn limit_norms(model: &impl AsRef<Parameters>, limit: f64) -> Result<()> {
    check_setting("limit_norms", "limit", limit, limit > 0.0, "a number above 0")?;
    let _scope = scope::enter("optimizer");
    for weight in model.as_ref().iter().map(|parameter| &parameter.tensor).filter(|tensor| tensor.shape().rank() == 2) {
        let kept = Tensor::kept("limit_norms", weight.shape(), &[0])?;
        let squares = Tensor::uninitialized(kept, weight.dtype().compute(), weight.device())?;
        let sum = Reduction::Sum { scale: 1.0 };
        squares.write_reduction("limit_norms", sum, &arithmetic::square, &[weight], weight.shape())?;
        Tensor::update(&limited { limit }, &[weight, &squares], &[weight], Seed::default())?;
    }
    Ok(())
}
