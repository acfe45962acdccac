//! Values of the series "Deep Learning from Scratch to GPU" (Djuric 2019), to the precision printed there.

mod devices;

use devices::{device, on_devices};
use rectify::formula::Formula;
use rectify::formula::catalogue::activation::{linear, relu, sigmoid, step, tanh};
use rectify::nn::{Activation, Initializer, Mlp};
use rectify::optim::{Rule, Sgd};
use rectify::{DType, Element, Result, Tape, Tensor, Var};

on_devices! {
    products_of_the_toy_network,
    activations_of_the_toy_network,
    sigmoid_and_its_derivative,
    the_function_learned_in_part_14,
    parameter_counts,
    the_toy_network_answers,
    training_costs_with_the_right_sign,
    training_costs_as_published,
    a_stack_without_activation_is_one_product,
}

/// The first layer of the toy network 2-4-1, a row for each unit.
const W1: [f64; 8] = [0.3, 0.6, 0.1, 2.0, 0.9, 3.7, 0.0, 1.0];
/// What the first layer subtracts.
const BIAS1: [f64; 4] = [0.7, 0.2, 1.1, 2.0];
/// The second layer.
const W2: [f64; 4] = [0.75, 0.15, 0.22, 0.33];
const BIAS2: f64 = 0.3;
const X: [f64; 2] = [0.3, 0.9];

fn tensor(values: &[f64], sizes: &[usize]) -> Tensor {
    Tensor::from_slice(values, sizes, &device()).unwrap()
}

/// Weights are [inputs, outputs] here and [outputs, inputs] in the series.
fn toy_w1() -> Tensor {
    tensor(&W1, &[4, 2]).transpose(0, 1).unwrap()
}

fn negated(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| -value).collect()
}

fn hidden(activation: impl Formula) -> Vec<f64> {
    let [x, w, b] = [tensor(&X, &[1, 2]), toy_w1(), tensor(&negated(&BIAS1), &[4])].map(|t| Var::constant(&t));
    x.linear(&w, &b, activation).unwrap().tensor().to_vec().unwrap()
}

fn assert_printed(values: &[f64], expected: &[f64], digits: i32) {
    assert_eq!(values.len(), expected.len());
    for (value, expected) in values.iter().zip(expected) {
        // Half a unit of the last printed digit, and room for a tie.
        assert!((value - expected).abs() <= 0.500001 * 10f64.powi(-digits), "{values:?} is not {expected}");
    }
}

fn products_of_the_toy_network() {
    let product = tensor(&X, &[1, 2]).matmul(&toy_w1()).unwrap();
    assert_printed(&product.to_vec().unwrap(), &[0.63, 1.83, 3.6, 0.9], 2);
    let second = product.matmul(&tensor(&W2, &[4, 1])).unwrap();
    assert_printed(&second.to_vec().unwrap(), &[1.84], 2);
}

fn activations_of_the_toy_network() {
    assert_printed(&hidden(linear), &[-0.07, 1.63, 2.5, -1.1], 2);
    assert_eq!(hidden(step), [0.0, 1.0, 1.0, 0.0]);
    assert_printed(&hidden(relu), &[0.0, 1.63, 2.5, 0.0], 2);
    assert_eq!((hidden(relu)[0], hidden(relu)[3]), (0.0, 0.0), "zeros of ReLU are exact");
    assert_printed(&hidden(tanh), &[-0.07, 0.93, 0.99, -0.80], 2);
    assert_printed(&hidden(sigmoid), &[0.48, 0.84, 0.92, 0.25], 2);
}

fn sigmoid_and_its_derivative() -> Result<()> {
    let tape = Tape::new();
    let x = tape.variable(&tensor(&[-0.6, 0.0, 0.2, 0.5, 0.7, 1.0], &[6]))?;
    let y = x.map(sigmoid)?;
    assert_printed(&y.tensor().to_vec()?, &[0.35, 0.50, 0.55, 0.62, 0.67, 0.73], 2);
    let gradients = y.sum(&[])?.backward()?;
    assert_printed(&gradients.of(&x).unwrap().to_vec()?, &[0.23, 0.25, 0.25, 0.24, 0.22, 0.20], 2);
    Ok(())
}

fn the_function_learned_in_part_14() -> Result<()> {
    // The series stores its inputs in f32 and computes this value in f64.
    let [a, b, c, d] = [0.3f32, 0.1, 0.9, 0.33].map(|x| tensor(&[f64::from(x)], &[1]));
    let sum = a.sin()?.add(&b.cos()?)?.add(&c.map(tanh)?)?.add(&d.square()?)?;
    assert_printed(&[sum.item()?], &[2.1157222504], 10);
    Ok(())
}

fn parameter_counts() -> Result<()> {
    for (sizes, count) in [("3-4-2", 26), ("3-4-4-1", 41), ("784-128-10", 101_770)] {
        assert_eq!(Mlp::described(sizes, Activation::Relu)?.build(&device())?.parameter_count(), count);
    }
    Ok(())
}

/// How the bias, which the series subtracts in the forward pass, is updated.
#[derive(Clone, Copy, PartialEq)]
enum BiasUpdate {
    /// Downhill.
    Corrected,
    /// As if it were added, as the series has it: uphill.
    Published,
}

/// The toy network, tanh then sigmoid, of this element type.
fn toy<E: Element>() -> Result<Mlp> {
    let model = Mlp::new(&[2, 4, 1], Activation::Tanh)
        .output(Activation::Sigmoid)
        .initializer(Initializer::Constant(0.0))
        .dtype(E::DTYPE)
        .build(&device())?;
    let parameters = model.parameters();
    parameters.set("hidden1.weight", &toy_w1())?;
    parameters.set("hidden1.bias", &tensor(&negated(&BIAS1), &[4]))?;
    parameters.set("output.weight", &tensor(&W2, &[4, 1]))?;
    parameters.set("output.bias", &tensor(&[-BIAS2], &[1]))?;
    Ok(model)
}

/// The costs after 1, 20, 200 and 2000 more epochs on the same weights: two equal examples, target 0.5, rate 0.05, and the
/// sum of squared errors over twice their number, from the last forward pass before the last update.
fn costs<E: Element>(convention: BiasUpdate) -> Result<[f64; 4]> {
    let model = toy::<E>()?;
    let mut sgd = Sgd::new(0.05).for_model(&model)?;
    let x = tensor(&[X, X].concat(), &[2, 2]).cast(E::DTYPE)?;
    let target = tensor(&[0.5, 0.5], &[2, 1]).cast(E::DTYPE)?;
    let uphill = Tensor::full(&[1], -1.0, E::DTYPE, &device())?;
    let mut costs = [0.0; 4];
    for (cost, epochs) in costs.iter_mut().zip([1, 20, 200, 2000]) {
        for _ in 0..epochs {
            let tape = Tape::new();
            let loss = model.forward(&tape, &x)?.mean_squared_error(&target)?.scale_shift(0.5, 0.0)?;
            *cost = loss.item()?;
            let before = model.parameters().flat().copy()?;
            sgd.step(&model, &loss.backward()?)?;
            if convention == BiasUpdate::Published {
                mirror_biases(&model, &before, &uphill)?;
            }
        }
    }
    Ok(costs)
}

/// Turns the step the biases made from `before` around.
fn mirror_biases(model: &Mlp, before: &Tensor, uphill: &Tensor) -> Result<()> {
    let mut start = 0;
    for parameter in model.parameters().iter() {
        let end = start + parameter.tensor.count();
        if parameter.name.ends_with("bias") {
            let old = before.slice(0, start..end)?;
            let change = parameter.tensor.sub(&old)?.mul(uphill)?;
            model.parameters().set(&parameter.name, &old.add(&change)?)?;
        }
        start = end;
    }
    Ok(())
}

fn assert_close(values: [f64; 4], expected: [f64; 4], relative: f64) {
    for (value, expected) in values.iter().zip(expected) {
        assert!((value / expected - 1.0).abs() < relative, "{values:?} is not {expected}");
    }
}

fn the_toy_network_answers() -> Result<()> {
    let answer = toy::<f64>()?.infer(&tensor(&X, &[1, 2]))?;
    assert_printed(&[answer.item()?], &[0.4352126044], 10);
    Ok(())
}

fn training_costs_with_the_right_sign() -> Result<()> {
    let [one, twenty, two_hundred, two_thousand] = costs::<f64>(BiasUpdate::Corrected)?;
    assert_printed(&[one, twenty], &[0.0020987033, 0.0011995524], 10);
    assert!((two_hundred / 3.9567e-6 - 1.0).abs() < 1e-4, "{two_hundred}");
    assert!((1e-30..2e-30).contains(&two_thousand), "{two_thousand}");
    Ok(())
}

fn training_costs_as_published() -> Result<()> {
    let exact = [0.0020987033, 0.0017663573, 3.0462971e-4, 5.388e-12];
    assert_close(costs::<f64>(BiasUpdate::Published)?, exact, 1e-4);
    // The series computes in f32, where the last cost is a matter of rounding.
    let [one, twenty, two_hundred, _] = costs::<f32>(BiasUpdate::Published)?;
    assert_close([one, twenty, two_hundred, 1.0], [0.0020987028, 0.0017663558, 3.0463107e-4, 1.0], 2e-5);
    Ok(())
}

fn a_stack_without_activation_is_one_product() -> Result<()> {
    let model = Mlp::new(&[3, 5, 4, 2], Activation::Linear).dtype(DType::F64).seed(1).build(&device())?;
    let weight = |name: &str| model.parameters().get(name).unwrap().clone();
    let product = weight("hidden1.weight").matmul(&weight("hidden2.weight"))?.matmul(&weight("output.weight"))?;
    let x = tensor(&[0.5, -1.0, 2.0, 1.0, 0.0, 3.0], &[2, 3]);
    let difference = model.infer(&x)?.sub(&x.matmul(&product)?)?.abs()?.max(&[])?.item()?;
    assert!(difference < 1e-14, "{difference}");
    Ok(())
}
