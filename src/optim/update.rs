//! The formula of a step in two forms.

use crate::formula::{AnyFormula, Formula, Guarded};

/// What a step does to each weight: a formula from weight, gradient and state to weight and state. Made [from](From) the formula.
///
/// After a [`LossScale`](super::LossScale) it is [`Guarded`], and the host does not know how many steps were skipped: a rule whose
/// formula depends on that gives a second one, which is [told](Self::counting) on the device.
pub struct Update {
    pub(super) plain: Box<dyn AnyFormula>,
    pub(super) guarded: Box<dyn AnyFormula>,
}

impl<F: Formula> From<F> for Update {
    fn from(formula: F) -> Self {
        Self::counting(formula, formula)
    }
}

impl Update {
    /// Of a formula for this very step, and one of any step that has as its last input the number of the step, counted from 1
    /// without those skipped.
    pub fn counting(plain: impl Formula, counted: impl Formula) -> Self {
        Self { plain: Box::new(plain), guarded: Box::new(Guarded(counted)) }
    }
}
