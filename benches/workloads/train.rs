//! Whole steps of training: forward, backward, update.

use rectify::optim::Rule;
use rectify::{Activation, Mlp, Result, Sgd, Tape};

use super::{Operation, Workload, device, labels, random};

pub fn all() -> Vec<Workload> {
    vec![
        classifier(&[784, 128, 10], 64),
        classifier(&[784, 512, 256, 10], 128),
        regression(&[4, 32, 16, 1], 10_000),
        regression(&[4, 16, 64, 8, 1], 10_000),
    ]
}

fn name(sizes: &[usize], rows: usize) -> String {
    let sizes: Vec<_> = sizes.iter().map(usize::to_string).collect();
    format!("train/{}/{rows}", sizes.join("-"))
}

/// ReLU and softmax cross-entropy, SGD with momentum.
fn classifier(sizes: &'static [usize], rows: usize) -> Workload {
    Workload::new(name(sizes, rows), move || -> Result<Operation> {
        let model = Mlp::new(sizes, Activation::Relu).seed(7).build(device())?;
        let mut sgd = Sgd::new(0.01).momentum(0.9).for_model(&model)?;
        let (images, labels) = (random(&[rows, sizes[0]], 1)?, labels(rows, sizes[sizes.len() - 1])?);
        Ok(Box::new(move || {
            let loss = model.forward(&Tape::new(), &images)?.cross_entropy(&labels)?;
            sgd.step(&model, &loss.backward()?)
        }))
    })
}

/// Tanh and mean squared error, SGD with momentum.
fn regression(sizes: &'static [usize], rows: usize) -> Workload {
    Workload::new(name(sizes, rows), move || -> Result<Operation> {
        let model = Mlp::new(sizes, Activation::Tanh).seed(7).build(device())?;
        let mut sgd = Sgd::new(0.01).momentum(0.9).for_model(&model)?;
        let (inputs, targets) = (random(&[rows, sizes[0]], 1)?, random(&[rows, sizes[sizes.len() - 1]], 2)?);
        Ok(Box::new(move || {
            let loss = model.forward(&Tape::new(), &inputs)?.mean_squared_error(&targets)?;
            sgd.step(&model, &loss.backward()?)
        }))
    })
}
