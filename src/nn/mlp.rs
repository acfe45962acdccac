//! Multilayer perceptrons: linear layers one behind the other.

use std::fmt;

use super::activation::Activation;
use super::initializer::Initializer;
use super::linear::Linear;
use super::parameters::Parameters;
use crate::autograd::{Tape, Var};
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Linear layers one behind the other: `hidden1`, `hidden2`, ... and `output`.
///
/// ```
/// use rectify::nn::{Activation, Mlp};
/// use rectify::{DType, Device, Tape, Tensor};
/// let device = Device::cpu();
/// let model = Mlp::new(&[3, 4, 2], Activation::Relu).seed(7).build(&device)?;
/// assert_eq!((model.parameter_count(), model.to_string().as_str()), (26, "3-4-2 relu, linear"));
/// let points = Tensor::zeros(&[5, 3], DType::F32, &device)?;
/// let labels = Tensor::zeros(&[5], DType::I64, &device)?;
/// let loss = model.forward(&Tape::new(), &points)?.cross_entropy(&labels)?;
/// assert!((loss.item()? - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug)]
pub struct Mlp {
    parameters: Parameters,
    layers: Vec<Linear>,
}

/// A perceptron to make: sizes, and everything else with a default.
#[derive(Debug, Clone)]
pub struct MlpBuilder {
    sizes: Vec<usize>,
    hidden: Activation,
    output: Activation,
    weight: Option<Initializer>,
    bias: Initializer,
    dtype: DType,
    seed: u64,
}

impl Mlp {
    /// A perceptron with these numbers of units, inputs first and outputs last, and this activation on the hidden layers.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(sizes: &[usize], hidden: Activation) -> MlpBuilder {
        MlpBuilder {
            sizes: sizes.to_vec(),
            hidden,
            output: Activation::Linear,
            weight: None,
            bias: Initializer::Constant(0.0),
            dtype: DType::F32,
            seed: 0,
        }
    }

    /// As [`new`](Self::new), from sizes as people write them: `784-128-10`.
    ///
    /// # Errors
    /// Not numbers with hyphens between.
    pub fn described(sizes: &str, hidden: Activation) -> Result<MlpBuilder> {
        let numbers = sizes.split('-').map(|size| size.trim().parse()).collect::<Result<Vec<usize>, _>>();
        match numbers {
            Ok(numbers) => Ok(Self::new(&numbers, hidden)),
            Err(_) => Err(Error::argument("mlp", format!("'{sizes}' is not a list of sizes such as 784-128-10"))),
        }
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The number of weights and biases.
    pub fn parameter_count(&self) -> usize {
        self.parameters.count()
    }

    /// Its layers, from the input's.
    pub fn layers(&self) -> &[Linear] {
        &self.layers
    }

    /// The numbers of units, inputs first.
    pub fn sizes(&self) -> Vec<usize> {
        let inputs = self.layers.iter().take(1).map(|layer| layer.weight().shape()[0]);
        inputs.chain(self.layers.iter().map(|layer| layer.weight().shape()[1])).collect()
    }

    /// The element type of its parameters, and so of inputs and results.
    pub fn dtype(&self) -> DType {
        self.parameters.flat().dtype()
    }

    /// The device it is on.
    pub fn device(&self) -> &Device {
        self.parameters.flat().device()
    }

    /// The results for rows of inputs, recorded with the parameters as leaves: shape [rows, outputs] for
    /// [rows, inputs], or for [rows, ..] of as many elements a row.
    ///
    /// # Errors
    /// Another shape, element type or device, a tape that is used up, or memory runs out.
    pub fn forward(&self, tape: &Tape, inputs: &Tensor) -> Result<Var> {
        self.forward_each(tape, inputs, |_, _| ())
    }

    /// As [`forward`](Self::forward), and shows the results of each layer by its name.
    pub(super) fn forward_each(&self, tape: &Tape, inputs: &Tensor, mut see: impl FnMut(&str, &Var)) -> Result<Var> {
        let x = Var::constant(&self.rows(inputs)?);
        self.layers.iter().try_fold(x, |x, layer| {
            let result = layer.forward(tape, &x)?;
            see(layer.name(), &result);
            Ok(result)
        })
    }

    /// As [`forward`](Self::forward), with nothing kept.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn infer(&self, inputs: &Tensor) -> Result<Tensor> {
        self.layers.iter().try_fold(self.rows(inputs)?, |x, layer| layer.infer(&x))
    }

    /// Inputs of any rank as rows.
    fn rows(&self, inputs: &Tensor) -> Result<Tensor> {
        match inputs.shape().sizes() {
            [rows, rest @ ..] if rest.len() > 1 => inputs.reshape(&[*rows, rest.iter().product()]),
            _ => Ok(inputs.clone()),
        }
    }
}

impl MlpBuilder {
    /// The activation of the last layer; by default the identity, for logits.
    pub fn output(mut self, activation: Activation) -> Self {
        self.output = activation;
        self
    }

    /// What all weights are drawn from; by default [what suits](Activation::initializer) each layer's activation.
    pub fn initializer(mut self, initializer: Initializer) -> Self {
        self.weight = Some(initializer);
        self
    }

    /// What biases are drawn from; by default 0.
    pub fn bias(mut self, initializer: Initializer) -> Self {
        self.bias = initializer;
        self
    }

    /// The element type; by default f32.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// The key of the random draws; by default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// Fewer than two sizes, one of 0, an element type that is not floating point, or memory runs out.
    pub fn build(&self, device: &Device) -> Result<Mlp> {
        if self.sizes.len() < 2 || self.sizes.contains(&0) {
            let rule =
                format!("sizes {:?} do not make a network: at least two, none of them 0, are needed", self.sizes);
            return Err(Error::argument("mlp", rule));
        }
        let count = self.sizes.len() - 1;
        let plans = (0..count).map(|i| {
            let last = i + 1 == count;
            let name = if last { "output".to_owned() } else { format!("hidden{}", i + 1) };
            (name, if last { self.output } else { self.hidden })
        });
        let plans: Vec<_> = plans.collect();
        let specs = plans.iter().zip(self.sizes.windows(2)).flat_map(|((name, activation), units)| {
            let weight = self.weight.unwrap_or(activation.initializer());
            Linear::specs(name, units[0], units[1], weight, self.bias)
        });
        let parameters = Parameters::new(&specs.collect::<Vec<_>>(), self.dtype, self.seed, device)?;
        let layers = plans.iter().map(|(name, activation)| Linear::over(&parameters, name, *activation));
        Ok(Mlp { layers: layers.collect::<Result<_>>()?, parameters })
    }
}

impl AsRef<Parameters> for Mlp {
    fn as_ref(&self) -> &Parameters {
        &self.parameters
    }
}

impl fmt::Display for Mlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<_> = self.sizes().iter().map(usize::to_string).collect();
        let hidden = self.layers.iter().take(self.layers.len() - 1).map(|layer| layer.activation().to_string()).take(1);
        let output = self.layers.iter().rev().take(1).map(|layer| layer.activation().to_string());
        let activations: Vec<_> = hidden.chain(output).collect();
        write!(f, "{} {}", sizes.join("-"), activations.join(", "))
    }
}
