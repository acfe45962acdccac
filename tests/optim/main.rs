//! Optimisers, schedules and what surrounds a step, against numbers recorded from PyTorch (tools/record_optimizers.py).

use devices::{device, fresh, on_devices};
use rectify::nn::{Initializer, ParameterSpec, Parameters};
use rectify::{DType, Gradients, Result, Tape, Tensor};
use serde_json::Value;

#[path = "../devices/mod.rs"]
mod devices;
mod gradients;
mod schedules;
mod skipped;
mod stopping;
mod traces;
mod weights;

/// An entry of the recording.
fn recorded(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../data/optimizers.json")).unwrap();
    all.get(name).unwrap_or_else(|| panic!("{name} was not recorded")).clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// The largest relative difference.
fn difference(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let relative = got.iter().zip(want).map(|(got, want)| (got - want).abs() / want.abs().max(1e-12));
    relative.fold(0.0, |worst, one| if one > worst || one.is_nan() { one } else { worst })
}

/// Parameters of f64, of these names, sizes and values.
fn parameters(parts: &[(&str, &[usize], &[f64])]) -> Result<Parameters> {
    let spec =
        |&(name, sizes, _): &(&str, &[usize], &[f64])| ParameterSpec::new(name, sizes, Initializer::Constant(0.0));
    let parameters = Parameters::new(&parts.iter().map(spec).collect::<Vec<_>>(), DType::F64, 0, &device())?;
    for &(name, sizes, values) in parts {
        parameters.set(name, &Tensor::from_slice(values, sizes, &device())?)?;
    }
    Ok(parameters)
}

/// Gradients of these parameters that are these numbers, in their type, by way of a loss that has them.
fn gradients(parameters: &Parameters, numbers: &[f64]) -> Result<Gradients> {
    let tape = Tape::new();
    let (mut loss, mut start) = (None, 0);
    for parameter in parameters.iter() {
        let end = start + parameter.tensor.count();
        let slope = Tensor::from_slice(&numbers[start..end], parameter.tensor.shape(), &device())?;
        let slope = slope.cast(parameter.tensor.dtype())?;
        let part = tape.parameter(&parameter.tensor)?.mul(&tape.constant(&slope))?.sum(&[])?;
        loss = Some(match loss {
            None => part,
            Some(loss) => part.add(&loss)?,
        });
        start = end;
    }
    loss.unwrap().backward()
}
