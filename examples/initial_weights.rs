//! Initial weights: too large ones saturate units, whose slopes are next to 0, and training stalls; too small ones leave little
//! of the input.

mod support;

use rectify::data::Loader;
use rectify::nn::layer::Dense;
use rectify::nn::{Activation, Initializer, Network};
use rectify::optim::Rule;
use rectify::{Device, Result, Sgd, Tape, data};
use support::samples;

const PIXELS: [usize; 1] = [64];
const UNITS: usize = 64;

/// What is seen of a network with initial weights of one size.
pub struct Outcome {
    /// The share of results of the last hidden layer that are next to a bound of tanh, before training.
    pub saturated: f64,
    /// The loss on the training set after training.
    pub loss: f64,
    /// The share of test digits that it classifies right.
    pub accuracy: f64,
}

/// A network of tanh units whose weights are normal, with this many times the deviation that keeps the size of results.
pub fn run(scale: f64, epochs: u32, device: &Device) -> Result<Outcome> {
    let data::Split { train, test } = data::digits()?;
    let deviation = scale / (UNITS as f64).sqrt();
    let hidden = || Dense::new(UNITS).activation(Activation::Tanh).weight(Initializer::Normal { mean: 0.0, deviation });
    let network = Network::new(&PIXELS).add(hidden()).add(hidden()).add(hidden()).add(Dense::new(10)).seed(6);
    let network = network.build(device)?;
    let all = Loader::new(&train, &PIXELS, device).all()?;
    let (_, watched) = network.forward_watched(&Tape::new(), &all.inputs)?;
    let saturated =
        watched.report()?.iter().find(|report| report.layer == "dense3").and_then(|report| report.saturated);
    let mut sgd = Sgd::new(0.05).momentum(0.9).for_model(&network)?;
    samples::each_batch(Loader::new(&train, &PIXELS, device), (64, epochs), |batch| {
        let loss = network.forward(&Tape::new(), &batch.inputs)?.cross_entropy(&batch.targets)?;
        sgd.step(&network, &loss.backward()?)
    })?;
    let loss = network.forward(&Tape::new(), &all.inputs)?.cross_entropy(&all.targets)?.item()?;
    let accuracy = samples::accuracy(Loader::new(&test, &PIXELS, device), |inputs| network.infer(inputs))?;
    Ok(Outcome { saturated: saturated.unwrap_or(0.0), loss, accuracy })
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    let powers: Vec<f64> = (-6..=6).map(f64::from).collect();
    let outcomes = powers.iter().map(|power| run(power.exp2(), 5, &device)).collect::<Result<Vec<_>>>()?;
    println!("times the usual   saturated     loss   right");
    for (power, Outcome { saturated, loss, accuracy }) in powers.iter().zip(&outcomes) {
        let [saturated, accuracy] = [saturated, accuracy].map(|share| share * 100.0);
        println!("{:15} {saturated:9.1} % {loss:8.4} {accuracy:5.1} %", power.exp2());
    }
    let saturated: Vec<f64> = outcomes.iter().map(|outcome| outcome.saturated).collect();
    let losses: Vec<f64> = outcomes.iter().map(|outcome| outcome.loss).collect();
    let title = "By the power of two that initial weights are multiplied by";
    support::curves("initial-weights", title, &powers, &[("saturated", &saturated), ("loss", &losses)])
}
