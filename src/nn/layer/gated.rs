//! Activations that change the number of units.

use super::super::activation::Activation;
use super::{Built, Layer, features, with_features};
use crate::autograd::Var;
use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula::catalogue::activation;

/// A gated linear unit (Dauphin et al. 2017): the first half of the last axis times an activation of the second. `Sigmoid` gives
/// GLU, `Silu` SwiGLU, `Gelu` GeGLU, `Relu` ReGLU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gated(pub Activation);

impl Layer for Gated {
    fn kind(&self) -> &'static str {
        "gated"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let (axis, all) = (input.len(), features("gated", input)?);
        if all % 2 != 0 {
            return Err(Error::argument("gated", format!("{all} units cannot be halved")));
        }
        let (half, formula) = (all / 2, self.0.formula());
        Ok(Built::new(with_features(input, half), [], move |x, _, _| {
            let gate = Var::apply(&*formula, &[&x.slice(axis, half..all)?], Seed::default())?;
            x.slice(axis, 0..half)?.mul(&gate)
        }))
    }
}

/// Concatenated ReLU (Shang et al. 2016): max(x, 0) and max(-x, 0) one behind the other along the last axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcatenatedRelu;

impl Layer for ConcatenatedRelu {
    fn kind(&self) -> &'static str {
        "concatenated_relu"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let axis = input.len();
        let output = with_features(input, 2 * features("concatenated_relu", input)?);
        Ok(Built::new(output, [], move |x, _, _| {
            let (up, down) = (x.map(activation::relu)?, x.neg()?.map(activation::relu)?);
            Var::concatenate(&[&up, &down], axis)
        }))
    }
}
