//! The convolutional network of Deep Diamond's benchmark (Djuric 2020), on digits drawn by a program in MNIST's format.

mod support;

use rectify::data::Loader;
use rectify::nn::layer::{Conv2d, Dense, Dropout, Flatten, MaxPool2d};
use rectify::nn::{Activation, Network};
use rectify::optim::Rule;
use rectify::report::GrayImage;
use rectify::{Adam, Device, Result, Tape, data};
use support::samples;

const SIZES: [usize; 3] = [28, 28, 1];

/// How large, and for how long.
pub struct Settings {
    /// Filters of the two convolutions.
    pub filters: [usize; 2],
    /// Units of the dense layer.
    pub units: usize,
    /// Training samples; a sixth as many are for the test.
    pub samples: usize,
    /// Passes over them.
    pub epochs: u32,
}

/// What came of it.
pub struct Outcome {
    /// The network, trained.
    pub network: Network,
    /// The loss of every step.
    pub losses: Vec<f64>,
    /// The share of test samples that were classified right.
    pub accuracy: f64,
}

/// As published: 1.2 million parameters.
pub const PUBLISHED: Settings = Settings { filters: [32, 64], units: 128, samples: 6000, epochs: 3 };

/// The network: two convolutions, the largest of each 2x2 pixels, two dense layers, and dropout before each of those.
pub fn network(settings: &Settings, device: &Device) -> Result<Network> {
    let conv = |filters| Conv2d::new(filters, [3, 3]).activation(Activation::Relu);
    Network::new(&SIZES)
        .add(conv(settings.filters[0]))
        .add(conv(settings.filters[1]))
        .add(MaxPool2d::new([2, 2]))
        .add(Dropout(0.25))
        .add(Flatten)
        .add(Dense::new(settings.units).activation(Activation::Relu))
        .add(Dropout(0.5))
        .add(Dense::new(10))
        .seed(1)
        .build(device)
}

/// Trains it with Adam in batches of 64, and tests it.
pub fn run(settings: &Settings, device: &Device) -> Result<Outcome> {
    let digits = data::synthetic(settings.samples, 1)?;
    let network = network(settings, device)?;
    let mut adam = Adam::new(0.001).for_model(&network)?;
    let mut losses = Vec::new();
    samples::each_batch(Loader::new(&digits.train, &SIZES, device), (64, settings.epochs), |batch| {
        let loss = network.forward(&Tape::new(), &batch.inputs)?.cross_entropy(&batch.targets)?;
        losses.push(loss.item()?);
        adam.step(&network, &loss.backward()?)
    })?;
    let accuracy = samples::accuracy(Loader::new(&digits.test, &SIZES, device), |inputs| network.infer(inputs))?;
    Ok(Outcome { network, losses, accuracy })
}

/// The windows of the first convolution, from the least weight, black, to the greatest.
fn windows(network: &Network) -> Result<Vec<GrayImage>> {
    let Some(weight) = network.parameters().get("conv2d1.weight") else { return Ok(Vec::new()) };
    let (low, high) = (weight.min(&[])?.item()?, weight.max(&[])?.item()?);
    let shares: Vec<f32> = weight.scale_shift(255.0 / (high - low), -255.0 * low / (high - low))?.to_vec()?;
    let filters = weight.shape()[1];
    let window = |nth: usize| shares.iter().skip(nth).step_by(filters).map(|&share| share as u8).collect();
    Ok((0..filters).map(|nth| GrayImage { width: 3, height: 3, pixels: window(nth) }).collect())
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    print!("{}", network(&PUBLISHED, &device)?);
    let Outcome { network, losses, accuracy } = run(&PUBLISHED, &device)?;
    println!("{:.2} % of the test digits are right after {} steps", accuracy * 100.0, losses.len());
    let steps: Vec<f64> = (1..=losses.len()).map(|step| step as f64).collect();
    let chance = vec![10f64.ln(); losses.len()];
    support::curves("cnn", "Loss by step", &steps, &[("loss", &losses), ("chance", &chance)])?;
    support::pictures("cnn-windows", 8, &windows(&network)?)
}
