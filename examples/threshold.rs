//! Units set by hand: the network 2-4-1 of "Deep Learning from Scratch to GPU" (Djuric 2019), and what becomes of it when its
//! biases, which are subtracted, are updated as if they were added.

mod support;

use rectify::formula::Formula;
use rectify::formula::catalogue::activation::{relu, sigmoid, step, tanh};
use rectify::{DType, Device, Result, Tape, Tensor, Var};

/// How a bias that is subtracted follows from the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BiasUpdate {
    /// Against its gradient, as weights do.
    Downhill,
    /// Against the gradient of a bias that is added, as the series has it: uphill.
    Published,
}

/// Two layers; each takes its weighted inputs, less a bias, through an activation.
pub struct Toy {
    weights: [Tensor; 2],
    biases: [Tensor; 2],
}

/// What the hidden units make of the input, by activation.
pub struct Answers {
    /// Weighted inputs, less the bias, against 0.
    pub step: Vec<f64>,
    /// The same, and exact zeros below 0.
    pub relu: Vec<f64>,
    /// Through tanh.
    pub tanh: Vec<f64>,
    /// Through the logistic function.
    pub sigmoid: Vec<f64>,
    /// The output unit's answer, of hidden tanh and a logistic output.
    pub output: f64,
}

const X: [f64; 2] = [0.3, 0.9];
const RATE: f64 = 0.05;

impl Toy {
    /// The network with the numbers of the series, weights [inputs, units].
    pub fn new(device: &Device) -> Result<Self> {
        let tensor = |values: &[f64], sizes: &[usize]| Tensor::from_slice(values, sizes, device);
        let first = tensor(&[0.3, 0.1, 0.9, 0.0, 0.6, 2.0, 3.7, 1.0], &[2, 4])?;
        let weights = [first, tensor(&[0.75, 0.15, 0.22, 0.33], &[4, 1])?];
        Ok(Self { weights, biases: [tensor(&[0.7, 0.2, 1.1, 2.0], &[4])?, tensor(&[0.3], &[1])?] })
    }

    /// The hidden units for a row of inputs.
    fn hidden(&self, activation: impl Formula, x: &Tensor) -> Result<Vec<f64>> {
        x.matmul(&self.weights[0])?.sub(&self.biases[0])?.map(activation)?.to_vec()
    }

    /// What all kinds of hidden units make of one row of inputs.
    pub fn answers(&self, x: &Tensor) -> Result<Answers> {
        let all = [&self.weights[0], &self.biases[0], &self.weights[1], &self.biases[1]].map(Var::constant);
        Ok(Answers {
            step: self.hidden(step, x)?,
            relu: self.hidden(relu, x)?,
            tanh: self.hidden(tanh, x)?,
            sigmoid: self.hidden(sigmoid, x)?,
            output: forward(&all, x)?.item()?,
        })
    }

    /// One step of gradient descent; gives the cost before it: the sum of squared errors over twice their number.
    fn train(&mut self, x: &Tensor, target: &Tensor, update: BiasUpdate) -> Result<f64> {
        let tape = Tape::new();
        let [w1, w2] = [tape.variable(&self.weights[0])?, tape.variable(&self.weights[1])?];
        let [b1, b2] = [tape.variable(&self.biases[0])?, tape.variable(&self.biases[1])?];
        let all = [w1, b1, w2, b2];
        let loss = forward(&all, x)?.mean_squared_error(target)?.scale_shift(0.5, 0.0)?;
        let cost = loss.item()?;
        let gradients = loss.backward()?;
        let moved = |old: &Tensor, variable: &Var, rate: f64| match gradients.of(variable) {
            Some(gradient) => old.add(&gradient.scale_shift(-rate, 0.0)?),
            None => Ok(old.clone()),
        };
        let bias_rate = if update == BiasUpdate::Downhill { RATE } else { -RATE };
        let [w1, b1, w2, b2] = &all;
        self.weights = [moved(&self.weights[0], w1, RATE)?, moved(&self.weights[1], w2, RATE)?];
        self.biases = [moved(&self.biases[0], b1, bias_rate)?, moved(&self.biases[1], b2, bias_rate)?];
        Ok(cost)
    }
}

fn forward([w1, b1, w2, b2]: &[Var; 4], x: &Tensor) -> Result<Var> {
    Var::constant(x).matmul(w1)?.sub(b1)?.map(tanh)?.matmul(w2)?.sub(b2)?.map(sigmoid)
}

/// The input of the series as a row.
pub fn input(device: &Device) -> Result<Tensor> {
    Tensor::from_slice(&X, &[1, 2], device)
}

/// The cost of every epoch on two equal examples whose target is 0.5.
pub fn costs(update: BiasUpdate, epochs: usize, device: &Device) -> Result<Vec<f64>> {
    let mut toy = Toy::new(device)?;
    let x = input(device)?.broadcast_to(&[2, 2])?.contiguous()?;
    let target = Tensor::full(&[2, 1], 0.5, DType::F64, device)?;
    (0..epochs).map(|_| toy.train(&x, &target, update)).collect()
}

/// Exclusive or by threshold units set by hand: one of the two, and not both. Rows of two inputs of 0 or 1; shape [rows, 1].
pub fn exclusive_or(x: &Tensor) -> Result<Tensor> {
    let tensor = |values: &[f64], sizes: &[usize]| Tensor::from_slice(values, sizes, x.device());
    let either_and_both = x.matmul(&tensor(&[1.0, 1.0, 1.0, 1.0], &[2, 2])?)?;
    let hidden = either_and_both.sub(&tensor(&[0.5, 1.5], &[2])?)?.map(step)?;
    hidden.matmul(&tensor(&[1.0, -1.0], &[2, 1])?)?.sub(&tensor(&[0.5], &[1])?)?.map(step)
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    let found = Toy::new(&device)?.answers(&input(&device)?)?;
    for (name, units) in [("step", found.step), ("relu", found.relu), ("tanh", found.tanh), ("sigmoid", found.sigmoid)]
    {
        println!("{name:8} {units:7.2?}");
    }
    println!("tanh, then sigmoid: {:.10}", found.output);
    let corners = Tensor::from_slice(&[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], &[4, 2], &device)?;
    println!("exclusive or of 00, 01, 10, 11: {:?}", exclusive_or(&corners)?.to_vec::<f64>()?);

    let [downhill, published] = [BiasUpdate::Downhill, BiasUpdate::Published];
    let [downhill, published] = [costs(downhill, 221, &device)?, costs(published, 221, &device)?];
    println!("cost after     biases downhill     as published");
    for epoch in [1, 21, 221] {
        println!("{epoch:10} {:19.10e} {:16.10e}", downhill[epoch - 1], published[epoch - 1]);
    }
    let epochs: Vec<f64> = (1..=downhill.len()).map(|epoch| epoch as f64).collect();
    let digits = |costs: &[f64]| costs.iter().map(|cost| cost.log10()).collect::<Vec<_>>();
    let title = "Cost of the network 2-4-1, power of ten by epoch";
    let functions = [("downhill", &digits(&downhill)[..]), ("published", &digits(&published)[..])];
    support::curves("threshold", title, &epochs, &functions)
}
