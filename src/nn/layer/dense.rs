//! Layers by one product: dense, maxout, and the input that is 1.

use super::super::activation::Activation;
use super::super::initializer::Initializer;
use super::super::linear::affine;
use super::affine::{Affine, affine_settings};
use super::{Built, Layer, batched, features, with_features};
use crate::autograd::Var;
use crate::error::Result;
use crate::tensor::Tensor;

/// The dense, or fully connected, layer: `activation(x * weight + bias)` for inputs [.., inputs], weight [inputs, units] and
/// bias `[units]`. Runs as one product where the device can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dense {
    units: usize,
    affine: Affine,
}

affine_settings! { Dense }

impl Dense {
    /// So many units without activation, with a bias of 0 at first and weights as [suits](Activation::initializer).
    pub fn new(units: usize) -> Self {
        Self { units, affine: Affine::new(Activation::Linear) }
    }
}

impl Layer for Dense {
    fn kind(&self) -> &'static str {
        "dense"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { units, affine: plan } = *self;
        let inputs = features("dense", input)?;
        let parameters = plan.parameters([inputs, units], (inputs, units));
        Ok(Built::new(with_features(input, units), parameters, move |x, parameters, _| {
            affine(x, &parameters[0], parameters.get(1), plan.activation)
        }))
    }
}

/// Maxout (Goodfellow et al. 2013): each unit is the largest of so many linear pieces. Weight [inputs, units * pieces], bias
/// `[units * pieces]`; the pieces of a unit are neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Maxout {
    /// How many results.
    pub units: usize,
    /// Of how many each is the largest.
    pub pieces: usize,
}

impl Layer for Maxout {
    fn kind(&self) -> &'static str {
        "maxout"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { units, pieces } = *self;
        super::check("maxout", "pieces", pieces as f64, pieces > 0, "a number from 1")?;
        let inputs = features("maxout", input)?;
        let parameters = Affine::new(Activation::Relu).parameters([inputs, units * pieces], (inputs, units));
        let output = with_features(input, units);
        let split = [&output[..], &[pieces]].concat();
        Ok(Built::new(output, parameters, move |x, parameters, _| {
            let all = affine(x, &parameters[0], parameters.get(1), Activation::Linear)?;
            all.reshape(&batched(x, &split))?.max(&[split.len()])
        }))
    }
}

/// Appends an input that is 1: the bias of a [`Dense`] layer without one, as a row of its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendOne;

impl Layer for AppendOne {
    fn kind(&self) -> &'static str {
        "append_one"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let axis = input.len();
        let output = with_features(input, features("append_one", input)? + 1);
        let one = with_features(input, 1);
        Ok(Built::new(output, [], move |x, _, _| {
            let shape = crate::Shape::new(&batched(x, &one))?;
            let ones = Var::constant(&Tensor::full(&shape, 1.0, x.dtype(), x.tensor().device())?);
            Var::concatenate(&[x, &ones], axis)
        }))
    }
}
