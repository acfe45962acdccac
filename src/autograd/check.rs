//! The numeric check of gradients: what finite differences say against what the backward pass says.

use super::tape::Tape;
use super::var::Var;
use crate::device::Seed;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// How [`check_gradient`] looks and what it accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckOptions {
    /// How far a number is moved to either side.
    pub step: f64,
    /// The difference accepted anywhere.
    pub absolute: f64,
    /// The difference accepted relative to the numeric gradient.
    pub relative: f64,
    /// Where to look.
    pub probe: Probe,
    /// What to do where the function has a kink or a jump.
    pub kinks: Kinks,
}

/// Where [`check_gradient`] looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Along every element of every input: two evaluations each.
    EveryElement,
    /// Along this many random directions, all inputs moved at once: for functions of many numbers.
    Directions(usize),
}

/// What to do where the differences to the left and to the right disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinks {
    /// Compare all the same: a function without kinks is expected.
    Compare,
    /// Leave the place out: neither side is the gradient.
    Skip,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { step: 1e-6, absolute: 1e-5, relative: 1e-3, probe: Probe::EveryElement, kinks: Kinks::Compare }
    }
}

/// Checks the gradients of a function of f64 tensors against central differences. A result of any shape is weighed with
/// fixed random factors to one number.
///
/// # Errors
/// A gradient is wrong: the error names input, element, and what both sides say. Or an input is not f64, or the function
/// fails.
///
/// ```
/// use rectify::autograd::{CheckOptions, check_gradient};
/// use rectify::{Device, Tensor};
/// let x = Tensor::from_slice(&[0.5, -1.5], &[2], &Device::cpu())?;
/// check_gradient(|vars| vars[0].exp()?.sum(&[]), &[x], &CheckOptions::default())?;
/// # Ok::<(), rectify::Error>(())
/// ```
pub fn check_gradient(
    function: impl Fn(&[Var]) -> Result<Var>,
    inputs: &[Tensor],
    options: &CheckOptions,
) -> Result<()> {
    for input in inputs {
        if input.dtype() != DType::F64 {
            return Err(Error::dtype("check_gradient", &[input.dtype()], "is too coarse for differences: use f64"));
        }
    }
    let mut check = Check::new(function, inputs, options)?;
    match options.probe {
        Probe::EveryElement => (0..inputs.len())
            .try_for_each(|input| (0..inputs[input].count()).try_for_each(|element| check.element(input, element))),
        Probe::Directions(count) => (0..count).try_for_each(|direction| check.direction(direction)),
    }
}

struct Check<'a, F> {
    function: F,
    inputs: &'a [Tensor],
    options: &'a CheckOptions,
    /// The factors of the result's elements.
    weights: Vec<f64>,
    values: Vec<Vec<f64>>,
    analytic: Vec<Vec<f64>>,
    unmoved: f64,
}

impl<'a, F: Fn(&[Var]) -> Result<Var>> Check<'a, F> {
    fn new(function: F, inputs: &'a [Tensor], options: &'a CheckOptions) -> Result<Self> {
        let tape = Tape::new();
        let vars = inputs.iter().map(|input| tape.variable(input)).collect::<Result<Vec<_>>>()?;
        let result = function(&vars)?;
        let weights = Tensor::uniform(result.shape(), 0.5, 1.5, DType::F64, Seed::default(), result.tensor().device())?;
        let gradients = result.backward_with(&weights)?;
        let analytic = vars.iter().map(|var| match gradients.of(var) {
            Some(gradient) => gradient.to_vec(),
            None => Ok(vec![0.0; var.shape().count()]),
        });
        let analytic = analytic.collect::<Result<Vec<_>>>()?;
        let values = inputs.iter().map(Tensor::to_vec).collect::<Result<Vec<_>>>()?;
        let mut check = Self { function, inputs, options, weights: weights.to_vec()?, values, analytic, unmoved: 0.0 };
        check.unmoved = check.evaluate()?;
        Ok(check)
    }

    /// Moves one element.
    fn element(&mut self, input: usize, element: usize) -> Result<()> {
        let value = self.values[input][element];
        let sides = [1.0, -1.0].map(|side| {
            self.values[input][element] = value + side * self.options.step;
            self.evaluate()
        });
        self.values[input][element] = value;
        let analytic = self.analytic[input][element];
        self.compare(sides, analytic, || {
            format!("input {input}, element {:?}", place(self.inputs[input].shape(), element))
        })
    }

    /// Moves every element of every input along one random direction.
    fn direction(&mut self, number: usize) -> Result<()> {
        let mut directions = Vec::with_capacity(self.inputs.len());
        for (i, input) in self.inputs.iter().enumerate() {
            let seed = Seed::new(1 + number as u64, i as u32);
            directions
                .push(Tensor::uniform(input.shape(), -1.0, 1.0, DType::F64, seed, input.device())?.to_vec::<f64>()?);
        }
        let unmoved = self.values.clone();
        let sides = [1.0, -1.0].map(|side| {
            let moved = unmoved.iter().zip(&directions).map(|(values, direction)| {
                values.iter().zip(direction).map(|(value, d)| value + side * self.options.step * d).collect()
            });
            self.values = moved.collect();
            self.evaluate()
        });
        self.values = unmoved;
        let analytic = self.analytic.iter().zip(&directions).map(|(gradient, direction)| dot(gradient, direction));
        self.compare(sides, analytic.sum(), || format!("direction {number}"))
    }

    fn compare(&self, sides: [Result<f64>; 2], analytic: f64, place: impl FnOnce() -> String) -> Result<()> {
        let [above, below] = sides;
        let (above, below, step) = (above?, below?, self.options.step);
        let numeric = (above - below) / (2.0 * step);
        let accepts = |a: f64, b: f64| (a - b).abs() <= self.options.absolute + self.options.relative * b.abs();
        let (right, left) = ((above - self.unmoved) / step, (self.unmoved - below) / step);
        let smooth = (right - left).abs() <= 10.0 * (self.options.absolute + self.options.relative * numeric.abs());
        if accepts(analytic, numeric) || (self.options.kinks == Kinks::Skip && !smooth) {
            return Ok(());
        }
        let rule = format!("{}: the backward pass gives {analytic}, differences give {numeric}", place());
        Err(Error::gradient("check_gradient", rule))
    }

    /// The function at the current values, weighed to one number.
    fn evaluate(&self) -> Result<f64> {
        let vars = self
            .inputs
            .iter()
            .zip(&self.values)
            .map(|(input, values)| Ok(Var::constant(&Tensor::from_slice(values, input.shape(), input.device())?)));
        let vars = vars.collect::<Result<Vec<_>>>()?;
        Ok(dot(&(self.function)(&vars)?.tensor().to_vec()?, &self.weights))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The indices of element `element` in row-major order.
fn place(shape: &[usize], mut element: usize) -> Vec<usize> {
    let mut indices = vec![0; shape.len()];
    for (index, &size) in indices.iter_mut().zip(shape).rev() {
        *index = element % size;
        element /= size;
    }
    indices
}
