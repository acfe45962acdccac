//! Layers and networks: gradients against finite differences, values against plain loops, and what a network of them does.

#[path = "../devices/mod.rs"]
mod devices;
mod gradients;
mod images;
mod networks;
mod noise;
mod precision;
mod statistics;
mod watched;

use devices::device;
use rectify::device::Seed;
use rectify::nn::layer::{Built, Layer, Pass};
use rectify::{DType, Result, Tensor, Var};

/// Normal numbers in f64.
fn random(sizes: &[usize], key: u64) -> Result<Tensor> {
    Tensor::normal(sizes, 0.0, 1.0, DType::F64, Seed::new(key, 0), &device())
}

/// Random numbers for every parameter of a layer; the running ones of statistics are positive.
fn random_parameters(built: &Built) -> Result<Vec<Tensor>> {
    let draw = |(nth, spec): (usize, &rectify::nn::ParameterSpec)| {
        let drawn = random(&spec.sizes, 100 + nth as u64)?;
        if spec.trained { Ok(drawn) } else { drawn.square()?.scale_shift(1.0, 0.5) }
    };
    built.parameters.iter().enumerate().map(draw).collect()
}

/// The results of a layer for a batch and these parameters, in row-major order.
fn run(layer: &dyn Layer, x: &Tensor, parameters: &[Tensor], pass: &Pass) -> Result<Tensor> {
    let built = layer.build(&x.shape()[1..])?;
    let parameters: Vec<_> = parameters.iter().map(Var::constant).collect();
    let result = (built.forward)(&Var::constant(x), &parameters, pass)?.into_tensor();
    assert_eq!(result.shape()[1..], built.output, "{layer:?} makes the sizes it says");
    Ok(result)
}

/// Fails unless both hold the same numbers within rounding.
fn assert_close(what: &str, found: &Tensor, expected: &[f64]) -> Result<()> {
    let found: Vec<f64> = found.to_vec()?;
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-10 * (1.0 + b.abs()), "{what}: element {place} is {a}, expected {b}");
    }
    Ok(())
}
