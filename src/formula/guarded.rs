//! Updates that can be skipped.

use super::any::Differentiable;
use super::definition::{Arguments, Formula, MAX_PARAMETERS, Role, Signature};
use super::scalar::{Mask, Operand, Scalar};

/// The update `F`, from a weight, its gradient and its state to the weight and the state, skipped where the gradient is NaN: weight
/// and state are then what they were, to the bit.
#[derive(Debug, Clone, Copy)]
pub struct Guarded<F>(pub F);

impl<F: Formula> Formula for Guarded<F> {
    type Backward = Differentiable<0, false>;

    const SIGNATURE: Signature = Signature { role: Role::Guarded, from_output: false, ..F::SIGNATURE };

    fn parameters(&self) -> [f64; MAX_PARAMETERS] {
        self.0.parameters()
    }

    #[inline(always)]
    fn evaluate<S: Scalar>(arguments: Arguments<'_, S>, outputs: &mut [S])
    where
        f64: Operand<S, S>,
    {
        F::evaluate(arguments, outputs);
        let skipped = arguments.inputs[1].is_nan();
        for i in 0..F::SIGNATURE.outputs {
            // The gradient stands between the weight and the state.
            let before = arguments.inputs[if i == 0 { 0 } else { i + 1 }];
            outputs[i] = skipped.select(before, outputs[i]);
        }
    }
}
