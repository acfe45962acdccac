//! What goes on in a network: results and gradients by layer, looked at when asked and at no cost otherwise.

use serde::{Deserialize, Serialize};

use super::mlp::Mlp;
use super::network::Network;
use super::parameters::Parameters;
use crate::autograd::{Gradients, Tape, Var};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The results of every layer in one pass, held until this is dropped.
#[derive(Debug)]
pub struct Watched(Vec<(String, Var)>);

/// What the results of a layer are like.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultReport {
    /// The layer.
    pub layer: String,
    /// How the numbers are distributed.
    pub values: Distribution,
    /// The share of numbers that are exactly 0.
    pub zeros: f64,
    /// The share of units, along the last axis, that are exactly 0 for everything in the batch: dead, if they stay so.
    pub dead: f64,
    /// The share of numbers within a twentieth of a bound, where all are within 0..=1 (as of a sigmoid) or -1..=1 (as of tanh);
    /// none for other results.
    pub saturated: Option<f64>,
}

/// What a parameter, its gradient and its last change are like.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterReport {
    /// The parameter.
    pub name: String,
    /// How its numbers are distributed.
    pub values: Distribution,
    /// How its gradient is; none where the loss does not depend on it.
    pub gradient: Option<Distribution>,
    /// The Euclidean norm of its change over its own, if it was [remembered](Remembered) before the step. About 1e-3 is usual.
    pub update: Option<f64>,
}

/// How numbers are distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// The Euclidean norm of all of them as one vector.
    pub norm: f64,
    /// The least and the greatest of those that are finite.
    pub range: (f64, f64),
    /// How many lie in each of as many equal parts of the range.
    pub counts: [usize; BINS],
    /// How many are infinite or no numbers.
    pub unusable: usize,
}

/// Parts that the range of a distribution is cut into.
pub const BINS: usize = 30;

/// How near to a bound counts as saturated.
const NEAR: f64 = 0.05;

/// Parameters as they were, to see how far a step moved them.
#[derive(Debug)]
pub struct Remembered(Tensor);

impl Network {
    /// As [`forward`](Network::forward), with the results of every layer to look at.
    ///
    /// # Errors
    /// As [`forward`](Network::forward).
    pub fn forward_watched(&self, tape: &Tape, inputs: &Tensor) -> Result<(Var, Watched)> {
        Watched::during(|see| self.forward_each(tape, inputs, see))
    }
}

impl Mlp {
    /// As [`forward`](Mlp::forward), with the results of every layer to look at.
    ///
    /// # Errors
    /// As [`forward`](Mlp::forward).
    pub fn forward_watched(&self, tape: &Tape, inputs: &Tensor) -> Result<(Var, Watched)> {
        Watched::during(|see| self.forward_each(tape, inputs, see))
    }
}

impl Watched {
    /// With what a pass shows of its layers.
    fn during(pass: impl FnOnce(&mut dyn FnMut(&str, &Var)) -> Result<Var>) -> Result<(Var, Self)> {
        let mut watched = Vec::new();
        let result = pass(&mut |name, result| watched.push((name.to_owned(), result.clone())))?;
        Ok((result, Self(watched)))
    }

    /// The results of a layer, of the last of that name, to go on from: a penalty on a code, for one.
    pub fn get(&self, layer: &str) -> Option<&Var> {
        self.0.iter().rev().find(|(name, _)| name == layer).map(|(_, result)| result)
    }

    /// A report on every layer whose results are floating point numbers. Reads all results: meant for a batch now and then.
    ///
    /// # Errors
    /// The device failed.
    pub fn report(&self) -> Result<Vec<ResultReport>> {
        let floats = self.0.iter().filter(|(_, result)| result.dtype().is_float());
        floats.map(|(layer, result)| ResultReport::of(layer, result.tensor())).collect()
    }
}

impl ResultReport {
    fn of(layer: &str, result: &Tensor) -> Result<Self> {
        let numbers = numbers(result)?;
        let units = result.shape().last().copied().unwrap_or(1).max(1);
        let is_dead = |unit: usize| numbers.iter().skip(unit).step_by(units).all(|&x| x == 0.0);
        let dead = if numbers.is_empty() { 0 } else { (0..units).filter(|&unit| is_dead(unit)).count() };
        let values = Distribution::of(&numbers);
        let (least, most) = values.range;
        let bounds = match () {
            () if values.unusable > 0 || least < -1.0 || most > 1.0 => None,
            () if least < 0.0 => Some(-1.0),
            () => Some(0.0),
        };
        let saturated = bounds.map(|low| share(&numbers, |x| x < low + NEAR || x > 1.0 - NEAR));
        Ok(Self {
            layer: layer.to_owned(),
            zeros: share(&numbers, |x| x == 0.0),
            dead: dead as f64 / units as f64,
            saturated,
            values,
        })
    }
}

impl Remembered {
    /// The parameters as they are, in a copy.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn new(model: &impl AsRef<Parameters>) -> Result<Self> {
        Ok(Self(model.as_ref().flat().copy()?))
    }
}

impl ParameterReport {
    /// A report on every trained parameter, with the gradients of a backward pass, and as it was `before` the step that followed.
    /// Reads all of them: meant for a step now and then.
    ///
    /// # Errors
    /// Gradients or parameters are of another model, or the device failed.
    pub fn all(
        model: &impl AsRef<Parameters>,
        gradients: &Gradients,
        before: Option<&Remembered>,
    ) -> Result<Vec<Self>> {
        let parameters = model.as_ref();
        let flat = parameters.flat();
        if before.is_some_and(|Remembered(before)| before.shape() != flat.shape()) {
            return Err(Error::argument("report", "the parameters that were remembered are of another model"));
        }
        let gradient = gradients.flat(flat);
        let trained = parameters.iter().filter(|parameter| parameter.is_trained());
        let report = |parameter: &super::Parameter| {
            let part = |whole: &Tensor| numbers(&whole.with_layout(parameter.tensor.layout().clone()));
            let now = numbers(&parameter.tensor)?;
            let change = |old: Vec<f64>| {
                let square: f64 = now.iter().zip(&old).map(|(now, old)| (now - old).powi(2)).sum();
                square.sqrt() / norm(&old).max(f64::MIN_POSITIVE)
            };
            Ok(Self {
                name: parameter.name.clone(),
                values: Distribution::of(&now),
                gradient: gradient.map(part).transpose()?.map(|gradient| Distribution::of(&gradient)),
                update: before.map(|Remembered(before)| part(before)).transpose()?.map(change),
            })
        };
        trained.map(report).collect()
    }
}

impl Distribution {
    /// The distribution of these numbers.
    pub fn of(numbers: &[f64]) -> Self {
        let usable: Vec<f64> = numbers.iter().copied().filter(|x| x.is_finite()).collect();
        let count = usable.len().max(1) as f64;
        let mean = usable.iter().sum::<f64>() / count;
        let variance = usable.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let least = usable.iter().copied().fold(f64::INFINITY, f64::min);
        let most = usable.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = if usable.is_empty() { (0.0, 0.0) } else { (least, most) };
        let mut counts = [0; BINS];
        for x in &usable {
            let place = (x - range.0) / (range.1 - range.0) * BINS as f64;
            counts[(place as usize).min(BINS - 1)] += 1;
        }
        Self {
            mean,
            deviation: variance.sqrt(),
            norm: norm(&usable),
            range,
            counts,
            unusable: numbers.len() - usable.len(),
        }
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.cast(DType::F64)?.to_vec()
}

fn norm(numbers: &[f64]) -> f64 {
    numbers.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn share(numbers: &[f64], holds: impl Fn(f64) -> bool) -> f64 {
    numbers.iter().filter(|&&x| holds(x)).count() as f64 / numbers.len().max(1) as f64
}
