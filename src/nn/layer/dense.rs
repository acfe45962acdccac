//! Layers by one product: dense, maxout, and the input that is 1.

use super::super::activation::Activation;
use super::super::initializer::Initializer;
use super::super::linear::affine;
use super::super::parameters::{Arrangement, ParameterSpec};
use super::{Built, Layer, batched, features, with_features};
use crate::autograd::Var;
use crate::error::Result;
use crate::tensor::Tensor;

/// The dense, or fully connected, layer: `activation(x * weight + bias)` for inputs [.., inputs], weight [inputs, units] and
/// bias `[units]`. Runs as one product where the device can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dense {
    units: usize,
    activation: Activation,
    weight: Option<Initializer>,
    bias: Option<Initializer>,
}

impl Dense {
    /// So many units without activation, with a bias of 0 at first and weights as [suits](Activation::initializer).
    pub fn new(units: usize) -> Self {
        Self { units, activation: Activation::Linear, weight: None, bias: Some(Initializer::Constant(0.0)) }
    }

    /// What follows product and bias.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// What weights are drawn from.
    pub fn weight(mut self, initializer: Initializer) -> Self {
        self.weight = Some(initializer);
        self
    }

    /// What biases are drawn from; none for no bias.
    pub fn bias(mut self, initializer: Option<Initializer>) -> Self {
        self.bias = initializer;
        self
    }
}

impl Layer for Dense {
    fn kind(&self) -> &'static str {
        "dense"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { units, activation, .. } = *self;
        let inputs = features("dense", input)?;
        let parameters = weight_and_bias([inputs, units], (inputs, units), activation, self.weight, self.bias);
        Ok(Built::new(with_features(input, units), parameters, move |x, parameters, _| {
            affine(x, &parameters[0], parameters.get(1), activation)
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
        let bias = Some(Initializer::Constant(0.0));
        let sizes = [inputs, units * pieces];
        let parameters = weight_and_bias(sizes, (inputs, units), Activation::Relu, None, bias);
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

/// A weight, and a bias of its last size if there is an initialiser for it.
pub(super) fn weight_and_bias(
    sizes: [usize; 2],
    units: (usize, usize),
    activation: Activation,
    weight: Option<Initializer>,
    bias: Option<Initializer>,
) -> Vec<ParameterSpec> {
    let weight = weight.unwrap_or(activation.initializer());
    let weight = ParameterSpec::new("weight", &sizes, weight).units(units);
    let mut specs = vec![weight.arranged(Arrangement::Transposed)];
    specs.extend(bias.map(|bias| ParameterSpec::new("bias", &sizes[1..], bias).units(units)));
    specs
}
