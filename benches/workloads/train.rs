//! Whole steps of training: forward, backward, update.

use rectify::optim::Rule;
use rectify::{Activation, Mlp, Optimizer, Result, Sgd, Tape};

use super::{Workload, device, gives, is_gpu, labels, scaled, values};

pub fn all() -> Vec<Workload> {
    vec![
        classifier(&[784, 128, 10], 64),
        classifier(&[784, 512, 256, 10], 128),
        classifier(&[4096, 4096, 4096, 10], 256).large(true),
        classifier(&[10_000, 5000, 1000, 10], if is_gpu() { 10_000 } else { 256 }).large(true),
        regression(&[4, 32, 16, 1], 10_000),
        regression(&[4, 16, 64, 8, 1], 10_000),
    ]
}

fn name(sizes: &[usize], rows: usize) -> String {
    let sizes: Vec<_> = sizes.iter().map(usize::to_string).collect();
    format!("train/{}/{rows}", sizes.join("-"))
}

/// A perceptron with the weights that every side starts with, and SGD with momentum.
fn prepared(sizes: &[usize], hidden: Activation) -> Result<(Mlp, Optimizer)> {
    let model = Mlp::new(sizes, hidden).build(device())?;
    for (nth, (layer, sizes)) in model.layers().iter().zip(sizes.windows(2)).enumerate() {
        let weight = scaled(sizes, 10 + nth as u64, (sizes[0] as f64).powf(-0.5))?;
        model.parameters().set(&format!("{}.weight", layer.name()), &weight)?;
    }
    let sgd = Sgd::new(0.01).momentum(0.9).for_model(&model)?;
    Ok((model, sgd))
}

/// ReLU and softmax cross-entropy.
fn classifier(sizes: &'static [usize], rows: usize) -> Workload {
    Workload::new(name(sizes, rows), move || {
        let (model, mut sgd) = prepared(sizes, Activation::Relu)?;
        let (images, labels) = (values(&[rows, sizes[0]], 1)?, labels(rows, sizes[sizes.len() - 1])?);
        gives(move || {
            let loss = model.forward(&Tape::new(), &images)?.cross_entropy(&labels)?;
            sgd.step(&model, &loss.backward()?)?;
            Ok([loss.into_tensor(), model.layers()[0].weight().clone()])
        })
    })
}

/// Tanh and mean squared error.
fn regression(sizes: &'static [usize], rows: usize) -> Workload {
    Workload::new(name(sizes, rows), move || {
        let (model, mut sgd) = prepared(sizes, Activation::Tanh)?;
        let (inputs, targets) = (values(&[rows, sizes[0]], 1)?, values(&[rows, sizes[sizes.len() - 1]], 2)?);
        gives(move || {
            let loss = model.forward(&Tape::new(), &inputs)?.mean_squared_error(&targets)?;
            sgd.step(&model, &loss.backward()?)?;
            Ok([loss.into_tensor(), model.layers()[0].weight().clone()])
        })
    })
}
