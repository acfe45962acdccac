//! Operations of a caller's own, with the way back that the caller gives.

use super::backward::Backward;
use super::tape::{Index, Step, Tape};
use super::var::Var;
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Var {
    /// An operation of the caller's own on tensors. `forward` computes the result from the tensors of `inputs`, and gives with
    /// it a function that keeps what the way back needs: from the gradient of the result, and whether each input's gradient is
    /// wanted, it computes those of the inputs, in order; none for one that is not wanted. It is called at most once, in the
    /// backward pass, and what it keeps is released after that. The gradient may be a view, such as one number repeated.
    ///
    /// # Errors
    /// What `forward` fails with, or inputs on different tapes. The backward pass fails with what the function fails with, or
    /// where its gradients are not those of the inputs in number, shape, element type or device, or lack one that is wanted.
    ///
    /// ```
    /// use rectify::autograd::{CheckOptions, check_gradient};
    /// use rectify::{Device, Tensor, Var};
    /// // x^3, back through 3 x^2.
    /// let cube = |x: &Var| {
    ///     Var::custom("cube", &[x], |tensors| {
    ///         let x = tensors[0].clone();
    ///         let y = x.square()?.mul(&x)?;
    ///         let back = move |gradient: &Tensor, _wanted: &[bool]| {
    ///             Ok(vec![Some(x.square()?.scale_shift(3.0, 0.0)?.mul(gradient)?)])
    ///         };
    ///         Ok((y, back))
    ///     })
    /// };
    /// let x = Tensor::from_slice(&[0.5, -1.5], &[2], &Device::cpu())?;
    /// check_gradient(|vars| cube(&vars[0]), &[x], &CheckOptions::default())?;
    /// # Ok::<(), rectify::Error>(())
    /// ```
    pub fn custom<B>(
        operation: &'static str,
        inputs: &[&Self],
        forward: impl FnOnce(&[&Tensor]) -> Result<(Tensor, B)>,
    ) -> Result<Self>
    where
        B: FnOnce(&Tensor, &[bool]) -> Result<Vec<Option<Tensor>>> + 'static,
    {
        let tape = Tape::common(operation, inputs)?;
        let tensors: Vec<_> = inputs.iter().map(|input| input.tensor()).collect();
        let (output, back) = forward(&tensors)?;
        let Some(tape) = tape else { return Ok(Self::unrecorded(output)) };
        let places: Vec<_> = inputs.iter().map(|input| Place::of(input)).collect();
        let pull = move |gradient: Tensor, backward: &mut Backward| {
            let wanted: Vec<_> = places.iter().map(|place| place.index.is_some()).collect();
            let gradients = back(&gradient, &wanted)?;
            drop(gradient);
            give(operation, &places, gradients, backward)
        };
        tape.push(operation, output, Step::Pull(Box::new(pull)))
    }
}

/// An input: where its gradient goes, if it is wanted, and what that is like.
struct Place {
    index: Option<Index>,
    shape: Shape,
    dtype: DType,
    device: Device,
}

impl Place {
    fn of(input: &Var) -> Self {
        let device = input.tensor().device().clone();
        Self { index: input.index(), shape: input.shape().clone(), dtype: input.dtype(), device }
    }

    /// The rule that is broken where this is not its gradient.
    fn fault(&self, gradient: &Tensor) -> Option<String> {
        let is_like = gradient.shape() == &self.shape && gradient.dtype() == self.dtype;
        let describe = |shape: &Shape, dtype, device: &Device| format!("{dtype} of shape {shape} on {}", device.name());
        (!is_like || !gradient.device().is_same(&self.device)).then(|| {
            let found = describe(gradient.shape(), gradient.dtype(), gradient.device());
            format!("{found} instead of {}", describe(&self.shape, self.dtype, &self.device))
        })
    }
}

fn give(
    operation: &'static str,
    places: &[Place],
    gradients: Vec<Option<Tensor>>,
    backward: &mut Backward,
) -> Result<()> {
    if gradients.len() != places.len() {
        let rule = format!("has {} inputs, and its way back gave {} gradients", places.len(), gradients.len());
        return Err(Error::gradient(operation, rule));
    }
    for (number, (place, gradient)) in places.iter().zip(gradients).enumerate() {
        let Some(index) = place.index else { continue };
        let Some(gradient) = gradient else {
            let rule = format!("its way back gave no gradient for input {number}: give zeros, or detach the input");
            return Err(Error::gradient(operation, rule));
        };
        if let Some(fault) = place.fault(&gradient) {
            return Err(Error::gradient(operation, format!("its way back gave for input {number} {fault}")));
        }
        backward.give(index, gradient)?;
    }
    Ok(())
}
