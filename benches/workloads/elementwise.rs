//! Activations and optimiser updates over 16 million elements.

use rectify::device::Seed;
use rectify::formula::AnyFormula;
use rectify::formula::catalogue::{arithmetic, update};
use rectify::nn::Activation;
use rectify::{Result, Tensor};

use super::{Operation, Workload, random};

const COUNT: usize = 1 << 24;
/// Parameters of an optimiser step.
const PARAMETERS: usize = 10_000_000;

pub fn all() -> Vec<Workload> {
    let activations = ["relu", "leaky_relu", "sigmoid", "tanh", "softplus", "elu", "gelu", "gelu_tanh", "silu"];
    let passes = activations.into_iter().flat_map(|name| [forward(name), backward(name)]);
    passes.chain([add(), sgd(), adam()]).collect()
}

fn forward(name: &'static str) -> Workload {
    Workload::new(format!("forward/{name}"), move || -> Result<Operation> {
        let (x, formula) = (random(&[COUNT], 1)?, name.parse::<Activation>()?.formula());
        Ok(Box::new(move || Tensor::apply(&*formula, &[&x], Seed::default()).map(drop)))
    })
}

/// The gradient from what the forward pass keeps: the output where that is enough, else the input.
fn backward(name: &'static str) -> Workload {
    Workload::new(format!("backward/{name}"), move || -> Result<Operation> {
        let (kept, gradient, formula) =
            (random(&[COUNT], 1)?, random(&[COUNT], 2)?, name.parse::<Activation>()?.formula());
        let from_output = formula.gradient_from_output();
        let kept = match from_output {
            Some(_) => Tensor::apply(&*formula, &[&kept], Seed::default())?,
            None => kept,
        };
        let Some(formula) = from_output.or_else(|| formula.gradient(0)) else {
            return Err(rectify::Error::gradient("bench", "has no gradient"));
        };
        Ok(Box::new(move || Tensor::apply(&*formula, &[&kept, &gradient], Seed::default()).map(drop)))
    })
}

fn add() -> Workload {
    Workload::new("forward/add", || -> Result<Operation> {
        let (a, b) = (random(&[COUNT], 1)?, random(&[COUNT], 2)?);
        Ok(Box::new(move || Tensor::zip(arithmetic::add, [&a, &b]).map(drop)))
    })
}

fn sgd() -> Workload {
    let formula = update::sgd_momentum { rate: 1e-3, decay: 0.0, momentum: 0.9, dampening: 0.0, nesterov: 0.0 };
    optimizer("sgd_momentum", 1, formula)
}

fn adam() -> Workload {
    let formula = update::adam {
        rate: 1e-3,
        decay: 0.0,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        mean_correction: 0.5,
        square_correction: 0.5,
    };
    optimizer("adam", 2, formula)
}

/// One pass over weights and `states` numbers kept for each.
fn optimizer(name: &str, states: usize, formula: impl rectify::Formula) -> Workload {
    Workload::new(format!("update/{name}"), move || -> Result<Operation> {
        let gradient = random(&[PARAMETERS], 2)?;
        let tensors =
            (0..=states).map(|key| random(&[PARAMETERS], 3 + key as u64)?.square()).collect::<Result<Vec<_>>>()?;
        Ok(Box::new(move || {
            let outputs: Vec<_> = tensors.iter().collect();
            let inputs = [&outputs[..1], &[&gradient], &outputs[1..]].concat();
            Tensor::update(&formula as &dyn AnyFormula, &inputs, &outputs, Seed::default())
        }))
    })
}
