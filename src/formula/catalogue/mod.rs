//! The crate's own formulas.

pub mod activation;
pub mod arithmetic;
pub mod create;
pub mod loss;
pub mod update;

use super::any::AnyFormula;

/// Every formula, each followed by its gradients.
pub fn all() -> impl Iterator<Item = Box<dyn AnyFormula>> {
    [activation::ALL, arithmetic::ALL, create::ALL, loss::ALL, update::ALL]
        .into_iter()
        .flatten()
        .flat_map(|&formula| with_gradients(formula))
}

/// A formula, followed by its gradients.
pub fn with_gradients(formula: &dyn AnyFormula) -> impl Iterator<Item = Box<dyn AnyFormula>> {
    let gradients = (0..formula.signature().inputs).filter_map(|input| formula.gradient(input));
    std::iter::once(formula.boxed()).chain(gradients).chain(formula.gradient_from_output())
}
