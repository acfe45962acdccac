//! The crate's own formulas.

pub mod activation;
pub mod arithmetic;
pub mod create;
pub mod elementary;
pub mod loss;
pub mod special;
pub mod update;

use super::any::AnyFormula;

/// Every formula, each followed by its gradients.
pub fn all() -> impl Iterator<Item = Box<dyn AnyFormula>> {
    let others = [arithmetic::ALL, elementary::ALL, special::ALL, create::ALL, loss::ALL, update::ALL];
    let activations = activation::all().chain(activation::parametric());
    activations.chain(others.into_iter().flatten().copied()).flat_map(with_gradients)
}

/// A formula, followed by its gradients.
pub fn with_gradients(formula: &dyn AnyFormula) -> impl Iterator<Item = Box<dyn AnyFormula>> {
    let gradients = (0..formula.signature().inputs).filter_map(|input| formula.gradient(input));
    std::iter::once(formula.boxed()).chain(gradients).chain(formula.gradient_from_output())
}
