//! Optimiser steps: each one pass over weights, gradients and state.

use crate::formula;
use crate::formula::AnyFormula;

formula! {
    /// Gradient descent with L2 weight decay: the new weight.
    pub fn sgd(weight, gradient; rate, decay) = weight - rate * (gradient + decay * weight);
    /// Gradient descent with momentum and L2 weight decay: the new weight and velocity. The velocity is
    /// `momentum * velocity + gradient`; with `nesterov` 1 the step looks ahead by one velocity more, with 0 it does not.
    pub fn sgd_momentum(weight, gradient, velocity; rate, decay, momentum, nesterov) -> 2 = {
        let gradient = gradient + decay * weight;
        let velocity = momentum * velocity + gradient;
        let step = nesterov.eq(0.0).select(velocity, gradient + momentum * velocity);
        [weight - rate * step, velocity]
    };
    /// Adam (Kingma and Ba 2015) with L2 weight decay: the new weight, mean and mean square of the gradient.
    /// `mean_correction` and `square_correction` are 1 - beta^t.
    pub fn adam(
        weight, gradient, mean, square;
        rate, decay, beta1, beta2, epsilon, mean_correction, square_correction
    ) -> 3 = {
        let gradient = gradient + decay * weight;
        let mean = beta1 * mean + (1.0 - beta1) * gradient;
        let square = beta2 * square + (1.0 - beta2) * gradient * gradient;
        let step = (mean / mean_correction) / ((square / square_correction).sqrt() + epsilon);
        [weight - rate * step, mean, square]
    };
}

/// Every one of them, with usual settings.
pub static ALL: &[&dyn AnyFormula] = &[
    &sgd { rate: 0.1, decay: 1e-4 },
    &sgd_momentum { rate: 0.1, decay: 1e-4, momentum: 0.9, nesterov: 0.0 },
    &adam {
        rate: 0.001,
        decay: 1e-2,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        mean_correction: 0.1,
        square_correction: 0.001,
    },
];
