//! The catalogue's formulas: recorded values, limits, kinks, and what identities demand.

mod catalogue {
    mod bound;
    mod edges;
    mod errors;
    mod identities;
    mod recorded;
}

use rectify::device::Seed;
use rectify::formula::AnyFormula;
use rectify::formula::catalogue::{activation, elementary, special};
use rectify::{Activation, DType, Device, Result, Tensor};

/// A formula by its name: an activation with its parameters, if they are not the usual ones, or another of the catalogue.
/// None is named by its type, for then the tests would compile it once more.
fn named(text: &str) -> Box<dyn AnyFormula> {
    if let Ok(activation) = text.parse::<Activation>() {
        return activation.formula();
    }
    let name = text.split('(').next().unwrap();
    let others = [elementary::ALL, special::ALL].into_iter().flatten().copied();
    let found = others.chain(activation::parametric()).find(|formula| formula.signature().name == name);
    found.unwrap_or_else(|| panic!("there is no formula {text}")).boxed()
}

/// The results of a formula of columns of numbers, on tensors of this element type.
fn results(formula: &dyn AnyFormula, columns: &[Vec<f64>], dtype: DType) -> Result<Vec<f64>> {
    let device = Device::cpu();
    let make = |column: &Vec<f64>| Tensor::from_slice(column, &[column.len()], &device)?.cast(dtype);
    let inputs: Vec<Tensor> = columns.iter().map(make).collect::<Result<_>>()?;
    Tensor::apply(formula, &inputs.iter().collect::<Vec<_>>(), Seed::default())?.cast(DType::F64)?.to_vec()
}

/// The derivatives in one input.
fn slopes(formula: &dyn AnyFormula, columns: &[Vec<f64>], input: usize, dtype: DType) -> Result<Vec<f64>> {
    let gradient = formula.gradient(input).expect("there is a gradient in this input");
    let ones = vec![1.0; columns[0].len()];
    results(&*gradient, &columns.iter().cloned().chain([ones]).collect::<Vec<_>>(), dtype)
}
