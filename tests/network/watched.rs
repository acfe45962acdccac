//! What is seen of a network while it trains, and the share of zeros of a code.

use rectify::data;
use rectify::nn::layer::{Activate, Dense};
use rectify::nn::watch::{Distribution, ParameterReport, Remembered};
use rectify::nn::{Activation, Initializer, Mlp, Network};
use rectify::optim::{Adam, Rule, Sgd, SparsityControl};
use rectify::{DType, Result, Tape, Tensor};

use super::devices::{device, on_devices};
use super::random;

on_devices! {
    reports_say_what_was_put_there,
    a_perceptron_shows_its_layers_too,
    gradients_and_updates_are_those_of_the_step,
}

fn reports_say_what_was_put_there() -> Result<()> {
    let network = Network::new(&[2])
        .add(Dense::new(3))
        .add(Activate::from(Activation::Relu))
        .add(Activate::from(Activation::Tanh))
        .dtype(DType::F64)
        .build(&device())?;
    let set = |name: &str, values: &[f64], sizes: &[usize]| {
        network.parameters().set(name, &Tensor::from_slice(values, sizes, &device())?)
    };
    // The second unit is never above 0, the third always far above.
    set("dense1.weight", &[1.0, -1.0, 5.0, 0.0, -1.0, 5.0], &[2, 3])?;
    set("dense1.bias", &[-1.0, 0.0, 0.0], &[3])?;
    let x = Tensor::from_slice(&[0.5, 1.0, 1.0, 0.5, 2.0, 2.0, 1.5, 0.25], &[4, 2], &device())?;
    let (_, watched) = network.forward_watched(&Tape::new(), &x)?;
    let [dense, relu, tanh] = &watched.report()?[..] else { panic!("three layers") };
    assert_eq!([&*dense.layer, &*relu.layer, &*tanh.layer], ["dense1", "relu1", "tanh1"]);
    // First unit: -0.5, 0, 1, 0.5; of it and of the second, 2 + 4 are 0 behind ReLU.
    assert_eq!((dense.zeros, dense.dead, dense.saturated), (1.0 / 12.0, 0.0, None));
    assert_eq!((relu.zeros, relu.dead), (6.0 / 12.0, 1.0 / 3.0));
    // Behind tanh, 6 are at the lower bound of 0..=1 and 4 at the upper one.
    assert_eq!(tanh.saturated, Some(10.0 / 12.0));
    assert_eq!(relu.values.range, (0.0, 20.0));
    assert_eq!(relu.values.counts.iter().sum::<usize>(), 12);
    assert_eq!(watched.get("relu1").map(|var| var.shape().sizes().to_vec()), Some(vec![4, 3]));
    assert!(watched.get("relu2").is_none());
    let odd = Distribution::of(&[f64::NAN, 1.0, f64::INFINITY, 3.0]);
    assert_eq!((odd.unusable, odd.mean, odd.deviation, odd.range), (2, 2.0, 1.0, (1.0, 3.0)));
    assert_eq!(Distribution::of(&[]).counts.iter().sum::<usize>(), 0);
    assert_eq!(Distribution::of(&[2.0, 2.0]).counts.iter().sum::<usize>(), 2, "a range of nothing holds them all");
    Ok(())
}

fn a_perceptron_shows_its_layers_too() -> Result<()> {
    let model = Mlp::new(&[4, 3, 2], Activation::Relu).build(&device())?;
    let x = random(&[5, 4], 1)?.cast(DType::F32)?;
    let (result, watched) = model.forward_watched(&Tape::new(), &x)?;
    let reports = watched.report()?;
    assert_eq!(reports.iter().map(|report| &*report.layer).collect::<Vec<_>>(), ["hidden1", "output"]);
    let output = watched.get("output").expect("the last layer").tensor().to_vec::<f32>()?;
    assert_eq!(output, result.tensor().to_vec::<f32>()?);
    assert_eq!(output, model.infer(&x)?.to_vec::<f32>()?);
    assert!(reports[0].values.range.0 >= 0.0 && reports[0].zeros > 0.0, "ReLU: {:?}", reports[0]);
    Ok(())
}

fn gradients_and_updates_are_those_of_the_step() -> Result<()> {
    let network = Network::new(&[4]).add(Dense::new(3).weight(Initializer::Constant(0.5))).add(Dense::new(1));
    let network = network.dtype(DType::F64).build(&device())?;
    let before = Remembered::new(&network)?;
    let gradients = network.forward(&Tape::new(), &random(&[5, 4], 1)?)?.square()?.mean(&[])?.backward()?;
    Sgd::new(0.01).for_model(&network)?.step(&network, &gradients)?;
    let reports = ParameterReport::all(&network, &gradients, Some(&before))?;
    assert_eq!(reports.len(), 4);
    let weight = &reports[0];
    assert_eq!(weight.name, "dense1.weight");
    let gradient = weight.gradient.as_ref().expect("the loss depends on it");
    // A step of plain descent is the gradient times the rate, over the norm of twelve halves.
    let expected = 0.01 * gradient.norm / 3f64.sqrt();
    assert!((weight.update.expect("remembered") / expected - 1.0).abs() < 1e-9);
    assert!(ParameterReport::all(&network, &gradients, None)?[0].update.is_none());
    let other = Network::new(&[2]).add(Dense::new(2)).build(&device())?;
    assert!(ParameterReport::all(&network, &gradients, Some(&Remembered::new(&other)?)).is_err());
    Ok(())
}

/// An autoencoder of the digits whose code is to be 0 in 70 % of its places.
#[test]
fn a_code_comes_to_the_share_of_zeros_that_was_asked_for() -> Result<()> {
    let target = 0.7;
    let train = data::digits()?.train;
    let network = Network::new(&[64])
        .add_named("code", Dense::new(48).activation(Activation::Relu))
        .add_named("picture", Dense::new(64).activation(Activation::Sigmoid))
        .seed(4)
        .build(&device())?;
    let mut adam = Adam::new(0.003).for_model(&network)?;
    let mut control = SparsityControl::new(target)?;
    let (mut zeros, mut first, mut last) = (0.0, f64::NAN, f64::NAN);
    for epoch in 0..40 {
        for indices in data::Batches::new(train.samples(), 64)?.shuffled(1).epoch(epoch) {
            let pixels = pixels(&train, &indices)?;
            let tape = Tape::new();
            let (picture, watched) = network.forward_watched(&tape, &pixels)?;
            let code = watched.get("code").expect("the code");
            let error = picture.mean_squared_error(&pixels)?;
            let penalty = code.abs()?.mean(&[])?.scale_shift(control.factor(), 0.0)?;
            zeros = code.tensor().equal(&Tensor::zeros(&[], DType::F32, &device())?)?.mean(&[])?.item()?;
            last = error.item()?;
            first = if first.is_nan() { last } else { first };
            control.observe(zeros);
            adam.step(&network, &error.add(&penalty)?.backward()?)?;
        }
    }
    let all: Vec<usize> = (0..train.samples()).collect();
    let (_, watched) = network.forward_watched(&Tape::new(), &pixels(&train, &all)?)?;
    let found = watched.report()?[0].zeros;
    println!("zeros {found:.3} of the set, {zeros:.3} of the last batch; error {first:.4} to {last:.4}");
    assert!((found - target).abs() < 0.02, "{found} are 0, {target} were asked for");
    assert!(last < first / 4.0, "and the picture is rebuilt: {first} to {last}");
    Ok(())
}

/// Pixels from 0 to 1. Shape [samples, 64].
fn pixels(set: &data::Dataset, indices: &[usize]) -> Result<Tensor> {
    let mut floats = vec![0f32; indices.len() * 64];
    set.normalise(indices, &data::Normalisation::UNIT, &mut floats)?;
    Tensor::from_slice(&floats, &[indices.len(), 64], &device())
}
