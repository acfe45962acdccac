//! Layers: linear with bias and ReLU, and layer normalisation, forward and with every gradient.

use rectify::formula::catalogue::activation;
use rectify::nn::layer::{Layer, LayerNorm, Pass};
use rectify::{Error, Result, Tape, Tensor, Var};

use super::{Workload, gives, scaled, values};

/// `[rows, inputs, outputs]`.
const LINEAR: [[usize; 3]; 4] = [[64, 784, 128], [128, 784, 512], [256, 1024, 1024], [512, 4096, 4096]];
/// `[rows, features]`.
const NORM: [[usize; 2]; 2] = [[128, 512], [4096, 1024]];

pub fn all() -> Vec<Workload> {
    let linear = LINEAR.iter().flat_map(|&shape| [linear(shape), linear_gradient(shape)]);
    linear.chain(NORM.iter().flat_map(|&shape| [norm(shape), norm_gradient(shape)])).collect()
}

/// Input, weight and bias.
fn factors([rows, inputs, outputs]: [usize; 3]) -> Result<[Tensor; 3]> {
    let weight = scaled(&[inputs, outputs], 2, (inputs as f64).powf(-0.5))?;
    Ok([values(&[rows, inputs], 1)?, weight, values(&[outputs], 3)?])
}

fn linear(shape: [usize; 3]) -> Workload {
    let [rows, inputs, outputs] = shape;
    Workload::new(format!("layer/linear_relu/{rows}x{inputs}x{outputs}"), move || {
        let [x, weight, bias] = factors(shape)?.map(|tensor| Var::constant(&tensor));
        gives(move || Ok([x.linear(&weight, &bias, activation::relu)?.into_tensor()]))
    })
    .large(inputs > 1024)
}

fn linear_gradient(shape: [usize; 3]) -> Workload {
    let [rows, inputs, outputs] = shape;
    Workload::new(format!("layer/linear_relu_gradient/{rows}x{inputs}x{outputs}"), move || {
        let (factors, gradient) = (factors(shape)?, values(&[rows, outputs], 4)?);
        gives(move || {
            let tape = Tape::new();
            let [x, weight, bias] = leaves(&tape, &factors)?;
            let y = x.linear(&weight, &bias, activation::relu)?;
            gradients(&y, &gradient, [&x, &weight, &bias])
        })
    })
    .large(inputs > 1024)
}

fn norm([rows, features]: [usize; 2]) -> Workload {
    Workload::new(format!("layer/norm/{rows}x{features}"), move || {
        let layer = LayerNorm::default().build(&[features])?;
        let x = Var::constant(&values(&[rows, features], 1)?);
        let parameters = [Var::constant(&values(&[features], 2)?), Var::constant(&values(&[features], 3)?)];
        gives(move || Ok([(layer.forward)(&x, &parameters, &Pass::training(0))?.into_tensor()]))
    })
}

fn norm_gradient([rows, features]: [usize; 2]) -> Workload {
    Workload::new(format!("layer/norm_gradient/{rows}x{features}"), move || {
        let layer = LayerNorm::default().build(&[features])?;
        let inputs = [values(&[rows, features], 1)?, values(&[features], 2)?, values(&[features], 3)?];
        let gradient = values(&[rows, features], 4)?;
        gives(move || {
            let tape = Tape::new();
            let [x, gain, shift] = leaves(&tape, &inputs)?;
            let parameters = [gain, shift];
            let y = (layer.forward)(&x, &parameters, &Pass::training(0))?;
            gradients(&y, &gradient, [&x, &parameters[0], &parameters[1]])
        })
    })
}

fn leaves(tape: &Tape, [a, b, c]: &[Tensor; 3]) -> Result<[Var; 3]> {
    Ok([tape.variable(a)?, tape.variable(b)?, tape.variable(c)?])
}

fn gradients(y: &Var, gradient: &Tensor, [a, b, c]: [&Var; 3]) -> Result<[Tensor; 3]> {
    let gradients = y.backward_with(gradient)?;
    let of = |leaf| gradients.of(leaf).cloned().ok_or_else(|| Error::gradient("bench", "a leaf has no gradient"));
    Ok([of(a)?, of(b)?, of(c)?])
}
