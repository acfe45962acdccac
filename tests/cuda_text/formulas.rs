//! The formulas under test.

use rectify::formula;
use rectify::formula::catalogue::{self, activation, update};
use rectify::formula::{AnyFormula, Biased};

/// The first step of Adam, at the usual settings but for some decay.
pub const ADAM: update::adam = update::adam {
    rate: 0.001,
    decay: 1e-2,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    mean_correction: 0.1,
    square_correction: 0.001,
};

formula! {
    /// A self-regularised activation.
    pub fn mish(x) = x * x.softplus().tanh();
    /// Keeps an element with probability `keep`, and its expectation.
    pub fn dropout(x; keep; chance: uniform) = chance.lt(keep).select(x / keep, 0.0);
    /// Noise of two kinds: products alone, so that nothing cancels.
    pub fn noise(x; scale; deviate: normal, chance: uniform) = x * (scale * deviate * chance);
    /// Three steps that change nothing, and one that turns -0 into 0.
    pub fn neutral(x) = (x * 1.0 - 0.0) / 1.0 + 0.0;
    /// Constants that C++ has no literal for, and one that f32 does not hold.
    pub fn constants(x) -> 4 = [
        x.lt(0.0).select(f64::NAN, f64::INFINITY),
        x.lt(0.0).select(-f64::INFINITY, 1e300),
        x.lt(0.0).select(1e-42, 0.1),
        x.lt(0.0).select(-0.0, -1e300),
    ];
}

/// Every formula of the catalogue and some more, each followed by its gradients.
pub fn all() -> Vec<Box<dyn AnyFormula>> {
    let others: &[&dyn AnyFormula] = &[
        &update::sgd_momentum { rate: 0.1, decay: 1e-4, momentum: 0.9, dampening: 0.1, nesterov: 1.0 },
        &Biased(activation::gelu),
        &mish,
        &dropout { keep: 0.75 },
        &noise { scale: 0.5 },
        &neutral,
        &constants,
    ];
    catalogue::all().chain(others.iter().flat_map(|&formula| catalogue::with_gradients(formula))).collect()
}
