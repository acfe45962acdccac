//! Activations: forward, their gradient from what autograd keeps, and both through autograd.

use rectify::device::Seed;
use rectify::formula::catalogue::arithmetic;
use rectify::nn::Activation;
use rectify::{Error, Tape, Tensor, Var};

use super::{Workload, gives, values};

const NAMES: [&str; 9] = ["relu", "leaky_relu", "sigmoid", "tanh", "softplus", "elu", "gelu", "gelu_tanh", "silu"];
/// Within the caches, and beyond most.
const COUNTS: [usize; 2] = [1 << 16, 1 << 24];

pub fn all() -> Vec<Workload> {
    let passes = |name| COUNTS.into_iter().flat_map(move |count| [forward(name, count), backward(name, count)]);
    let through = |name| COUNTS.into_iter().map(move |count| through(name, count));
    let adds = COUNTS.into_iter().map(add);
    NAMES.into_iter().flat_map(passes).chain(adds).chain(NAMES.into_iter().flat_map(through)).collect()
}

fn forward(name: &'static str, count: usize) -> Workload {
    Workload::new(format!("forward/{name}/{count}"), move || {
        let (x, formula) = (values(&[count], 1)?, name.parse::<Activation>()?.formula());
        gives(move || Ok([Tensor::apply(&*formula, &[&x], Seed::default())?]))
    })
}

/// The gradient from what the forward pass keeps: the output where that is enough, else the input.
fn backward(name: &'static str, count: usize) -> Workload {
    Workload::new(format!("backward/{name}/{count}"), move || {
        let (kept, gradient) = (values(&[count], 1)?, values(&[count], 2)?);
        let formula = name.parse::<Activation>()?.formula();
        let from_output = formula.gradient_from_output();
        let kept = match from_output {
            Some(_) => Tensor::apply(&*formula, &[&kept], Seed::default())?,
            None => kept,
        };
        let Some(formula) = from_output.or_else(|| formula.gradient(0)) else {
            return Err(Error::gradient("bench", "has no gradient").into());
        };
        gives(move || Ok([Tensor::apply(&*formula, &[&kept, &gradient], Seed::default())?]))
    })
}

/// Forward and backward as one who trains writes it.
fn through(name: &'static str, count: usize) -> Workload {
    Workload::new(format!("autograd/{name}/{count}"), move || {
        let (x, gradient) = (values(&[count], 1)?, values(&[count], 2)?);
        let formula = name.parse::<Activation>()?.formula();
        gives(move || {
            let tape = Tape::new();
            let leaf = tape.variable(&x)?;
            let gradients = Var::apply(&*formula, &[&leaf], Seed::default())?.backward_with(&gradient)?;
            let of_x = gradients.of(&leaf).cloned();
            Ok([of_x.ok_or_else(|| Error::gradient("bench", "the leaf has no gradient"))?])
        })
    })
    .large(count > 1 << 20)
}

fn add(count: usize) -> Workload {
    Workload::new(format!("forward/add/{count}"), move || {
        let (a, b) = (values(&[count], 1)?, values(&[count], 2)?);
        gives(move || Ok([Tensor::zip(arithmetic::add, [&a, &b])?]))
    })
}
