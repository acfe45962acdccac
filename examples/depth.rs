//! Depth with sigmoids and with rectifiers: how much gradient is left of it at the first layer, and what is learned.

mod support;

use rectify::data::Loader;
use rectify::nn::watch::ParameterReport;
use rectify::optim::Rule;
use rectify::{Activation, Adam, Device, Mlp, Result, Tape, data};
use support::samples;

const PIXELS: [usize; 1] = [64];
const UNITS: usize = 32;

/// What is seen of a network of one depth.
pub struct Outcome {
    /// The norm of the gradient of the first layer's weights before training, over that of the last layer's.
    pub gradient: f64,
    /// The share of test digits that it classifies right after training.
    pub accuracy: f64,
}

/// A network with so many hidden layers of real digits.
pub fn run(activation: Activation, depth: usize, epochs: u32, device: &Device) -> Result<Outcome> {
    let data::Split { train, test } = data::digits()?;
    let sizes = [&PIXELS[..], &vec![UNITS; depth], &[10]].concat();
    let model = Mlp::new(&sizes, activation).seed(2).build(device)?;
    let all = Loader::new(&train, &PIXELS, device).all()?;
    let gradients = model.forward(&Tape::new(), &all.inputs)?.cross_entropy(&all.targets)?.backward()?;
    let reports = ParameterReport::all(&model, &gradients, None)?;
    let norm = |name| reports.iter().find(|report| report.name == name)?.gradient.as_ref().map(|g| g.norm);
    let gradient = norm("hidden1.weight").zip(norm("output.weight")).map_or(f64::NAN, |(first, last)| first / last);
    let mut adam = Adam::new(0.003).for_model(&model)?;
    samples::each_batch(Loader::new(&train, &PIXELS, device), (64, epochs), |batch| {
        let loss = model.forward(&Tape::new(), &batch.inputs)?.cross_entropy(&batch.targets)?;
        adam.step(&model, &loss.backward()?)
    })?;
    let accuracy = samples::accuracy(Loader::new(&test, &PIXELS, device), |inputs| model.infer(inputs))?;
    Ok(Outcome { gradient, accuracy })
}

fn main() -> Result<()> {
    let device = Device::auto()?;
    let depths = [1, 2, 3, 4, 5, 6, 7, 8];
    let by_depth =
        |activation| depths.iter().map(|&depth| run(activation, depth, 10, &device)).collect::<Result<Vec<_>>>();
    let (sigmoid, relu) = (by_depth(Activation::Sigmoid)?, by_depth(Activation::Relu)?);
    println!("hidden   gradient of the first layer   digits right after");
    println!("layers       over that of the last           ten epochs");
    println!("              sigmoid        relu        sigmoid     relu");
    for ((depth, sigmoid), relu) in depths.iter().zip(&sigmoid).zip(&relu) {
        let [right, right_relu] = [sigmoid, relu].map(|outcome| outcome.accuracy * 100.0);
        println!("{depth:5} {:15.2e} {:11.2e} {right:12.1} % {right_relu:6.1} %", sigmoid.gradient, relu.gradient);
    }
    let digits = |outcomes: &[Outcome]| outcomes.iter().map(|outcome| outcome.gradient.log10()).collect::<Vec<_>>();
    let title = "Gradient of the first layer, power of ten by hidden layers";
    let functions = [("sigmoid", &digits(&sigmoid)[..]), ("relu", &digits(&relu)[..])];
    support::curves("depth", title, &depths.map(|depth| depth as f64), &functions)
}
