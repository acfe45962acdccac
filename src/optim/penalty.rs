//! L1 decay: what pulls weights to exactly 0.

use crate::autograd::Gradients;
use crate::device::Seed;
use crate::error::{Error, Result, check_setting};
use crate::formula;
use crate::nn::Parameters;
use crate::tensor::Tensor;

formula! {
    /// The gradient with that of `factor` times the magnitude of the weight.
    fn l1_gradient(gradient, weight; factor) = gradient + factor * weight.sign()
}

/// Adds `factor * sign(weight)` to the gradient of every weight, so that the next step goes down the loss plus
/// `factor` times the sum of all magnitudes (Tibshirani 1996). Weights are the parameters of two axes or more: biases are left
/// alone. Everything that shares these gradients sees the change.
///
/// # Errors
/// The gradients are not those of the model, or `factor` is not a number from 0.
pub fn add_l1(model: &impl AsRef<Parameters>, gradients: &mut Gradients, factor: f64) -> Result<()> {
    check_setting("add_l1", "factor", factor, factor >= 0.0, "a number from 0")?;
    let parameters = model.as_ref();
    let Some(flat) = gradients.flat(parameters.flat()) else {
        let rule = "the gradients are not those of the model: run its forward pass on the tape of the loss";
        return Err(Error::gradient("add_l1", rule));
    };
    for weight in parameters.iter().map(|parameter| &parameter.tensor).filter(|tensor| tensor.shape().rank() >= 2) {
        let gradient = flat.with_layout(weight.layout().clone());
        Tensor::update(&l1_gradient { factor }, &[&gradient, weight], &[&gradient], Seed::default())?;
    }
    Ok(())
}
