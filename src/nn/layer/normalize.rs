//! Normalisation: by rows, and by features over the batch.

use super::super::initializer::Initializer;
use super::super::parameters::ParameterSpec;
use super::{Built, Layer, check, features};
use crate::autograd::Var;
use crate::device::Seed;
use crate::error::{Error, Result};
use crate::formula;
use crate::tensor::Tensor;

formula! {
    /// By mean and variance to mean 0 and variance 1.
    fn standardize(x, mean, variance; epsilon) = (x - mean) / (variance + epsilon).sqrt();
    /// A gain and a shift.
    fn gain_and_shift(x, gain, shift) = x * gain + shift;
    /// A share of the way from what was to what is.
    fn approach(from, to; share, factor) = from + share * (factor * to - from);
}

/// Layer normalisation (Ba, Kiros and Hinton 2016): each row, along the last axis, to mean 0 and variance 1, then a gain and a
/// shift that are learned, both `[features]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerNorm {
    /// What is added to the variance; 1e-5 by default.
    pub epsilon: f64,
}

/// Root mean square normalisation (Zhang and Sennrich 2019): each row, along the last axis, over the root of its mean square,
/// times a gain that is learned, `[features]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsNorm {
    /// What is added to the mean square; 1e-5 by default.
    pub epsilon: f64,
}

/// Batch normalisation (Ioffe and Szegedy 2015): each feature, along the last axis, to mean 0 and variance 1 over all others, then
/// a gain and a shift that are learned. After training, mean and variance are running ones, kept beside the parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// What is added to the variance; 1e-5 by default.
    pub epsilon: f64,
    /// How far a batch moves the running mean and variance; 0.1 by default.
    pub momentum: f64,
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self { epsilon: 1e-5 }
    }
}

impl Default for RmsNorm {
    fn default() -> Self {
        Self { epsilon: 1e-5 }
    }
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1 }
    }
}

impl Layer for LayerNorm {
    fn kind(&self) -> &'static str {
        "layer_norm"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { epsilon } = *self;
        check_epsilon("layer_norm", epsilon)?;
        let features = features("layer_norm", input)?;
        Ok(Built::new(input, gain_and_bias(features), move |x, parameters, _| match parameters {
            [gain, shift] => in_common_type([x, gain, shift], |[x, gain, shift]| x.layer_norm(gain, shift, epsilon)),
            _ => Err(Error::argument("layer_norm", "needs two parameters")),
        }))
    }
}

impl Layer for RmsNorm {
    fn kind(&self) -> &'static str {
        "rms_norm"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { epsilon } = *self;
        check_epsilon("rms_norm", epsilon)?;
        let [gain, _] = gain_and_bias(features("rms_norm", input)?);
        Ok(Built::new(input, [gain], move |x, parameters, _| match parameters {
            [gain] => in_common_type([x, gain], |[x, gain]| x.rms_norm(gain, epsilon)),
            _ => Err(Error::argument("rms_norm", "needs one parameter")),
        }))
    }
}

impl Layer for BatchNorm {
    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { epsilon, momentum } = *self;
        check_epsilon("batch_norm", epsilon)?;
        check("batch_norm", "momentum", momentum, (0.0..=1.0).contains(&momentum), "from 0 to 1")?;
        let features = features("batch_norm", input)?;
        let running = |name, value| ParameterSpec::new(name, &[features], Initializer::Constant(value)).untrained();
        let [gain, bias] = gain_and_bias(features);
        let parameters = [gain, bias, running("running_mean", 0.0), running("running_var", 1.0)];
        let axes: Vec<_> = (0..input.len()).collect();
        Ok(Built::new(input, parameters, move |x, parameters, pass| {
            let (wide, own) = (widened(x)?, all_widened(parameters)?);
            let [gain, shift, running_mean, running_variance] = &own[..] else {
                return Err(Error::argument("batch_norm", "needs four parameters"));
            };
            let (mean, variance) = if pass.is_training() {
                let (mean, variance) = (wide.mean(&axes)?, wide.variance(&axes, 0)?);
                let count = x.tensor().count() as f64 / features as f64;
                let unbiased = count / (count - 1.0).max(1.0);
                move_towards(running_mean.tensor(), mean.tensor(), momentum, 1.0)?;
                move_towards(running_variance.tensor(), variance.tensor(), momentum, unbiased)?;
                (mean, variance)
            } else {
                (running_mean.clone(), running_variance.clone())
            };
            let y = Var::zip(standardize { epsilon }, [&wide, &mean, &variance])?;
            as_wide_as(x, Var::zip(gain_and_shift, [&y, gain, shift])?)
        }))
    }
}

/// The same in f32 where it is in 16 bits: means and variances of many numbers need the room.
fn widened(x: &Var) -> Result<Var> {
    let wide = x.dtype().compute();
    if wide == x.dtype() { Ok(x.clone()) } else { x.cast(wide) }
}

fn all_widened(vars: &[Var]) -> Result<Vec<Var>> {
    vars.iter().map(widened).collect()
}

/// What `normalize` makes of these, in the type of the first; parameters of another type are not rounded to that, but all of
/// them are widened.
fn in_common_type<const N: usize>(vars: [&Var; N], normalize: impl Fn([&Var; N]) -> Result<Var>) -> Result<Var> {
    let x = vars[0];
    if vars.iter().all(|var| var.dtype() == x.dtype()) {
        return normalize(vars);
    }
    let wide = vars.into_iter().map(widened).collect::<Result<Vec<_>>>()?;
    as_wide_as(x, normalize(std::array::from_fn(|place| &wide[place]))?)
}

/// A result in the type of what it was made of.
fn as_wide_as(x: &Var, result: Var) -> Result<Var> {
    if result.dtype() == x.dtype() { Ok(result) } else { result.cast(x.dtype()) }
}

fn move_towards(running: &Tensor, now: &Tensor, share: f64, factor: f64) -> Result<()> {
    Tensor::update(&approach { share, factor }, &[running, now], &[running], Seed::default())
}

fn gain_and_bias(features: usize) -> [ParameterSpec; 2] {
    [("weight", 1.0), ("bias", 0.0)]
        .map(|(name, value)| ParameterSpec::new(name, &[features], Initializer::Constant(value)))
}

fn check_epsilon(layer: &'static str, epsilon: f64) -> Result<()> {
    check(layer, "epsilon", epsilon, epsilon >= 0.0 && epsilon.is_finite(), "a number from 0")
}
