//! Optimiser steps: each one pass over weights, gradients and state.

use crate::formula;
use crate::formula::{AnyFormula, Guarded};

formula! {
    /// Gradient descent with L2 weight decay: the new weight.
    pub fn sgd(weight, gradient; rate, decay) = weight - rate * (gradient + decay * weight);
    /// Gradient descent with momentum and L2 weight decay: the new weight and velocity. The velocity is
    /// `momentum * velocity + (1 - dampening) * gradient`; with `nesterov` 1 the step looks ahead by one velocity more, with 0
    /// it does not.
    pub fn sgd_momentum(weight, gradient, velocity; rate, decay, momentum, dampening, nesterov) -> 2 = {
        let gradient = gradient + decay * weight;
        let velocity = momentum * velocity + (1.0 - dampening) * gradient;
        let step = nesterov.eq(0.0).select(velocity, gradient + momentum * velocity);
        [weight - rate * step, velocity]
    };
    /// [`sgd_momentum`] of step `count`, counted from 1: without dampening in the first.
    pub fn sgd_momentum_counted(
        weight, gradient, velocity, count;
        rate, decay, momentum, dampening, nesterov
    ) -> 2 = {
        let dampening = count.eq(1.0).select(0.0, dampening);
        sgd_momentum::call(weight, gradient, velocity, rate, decay, momentum, dampening, nesterov)
    };
    /// Adam (Kingma and Ba 2015) with L2 weight decay: the new weight, mean and mean square of the gradient.
    /// `mean_correction` and `square_correction` are 1 - beta^t.
    pub fn adam(
        weight, gradient, mean, square;
        rate, decay, beta1, beta2, epsilon, mean_correction, square_correction
    ) -> 3 = {
        let gradient = gradient + decay * weight;
        let [step, mean, square] =
            adam_step::call(gradient, mean, square, beta1, beta2, epsilon, mean_correction, square_correction);
        [weight - rate * step, mean, square]
    };
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019): the decay is no part of the gradient, so that the mean
    /// square does not scale it.
    pub fn adamw(
        weight, gradient, mean, square;
        rate, decay, beta1, beta2, epsilon, mean_correction, square_correction
    ) -> 3 = {
        let [step, mean, square] =
            adam_step::call(gradient, mean, square, beta1, beta2, epsilon, mean_correction, square_correction);
        [weight - rate * (step + decay * weight), mean, square]
    };
    fn adam_step(gradient, mean, square; beta1, beta2, epsilon, mean_correction, square_correction) -> 3 = {
        let mean = beta1 * mean + (1.0 - beta1) * gradient;
        let square = beta2 * square + (1.0 - beta2) * gradient * gradient;
        [(mean / mean_correction) / ((square / square_correction).sqrt() + epsilon), mean, square]
    };
    /// [`adam`] of step `count`, counted from 1.
    pub fn adam_counted(weight, gradient, mean, square, count; rate, decay, beta1, beta2, epsilon) -> 3 = {
        let [first, second] = [correction::call(count, beta1), correction::call(count, beta2)];
        adam::call(weight, gradient, mean, square, rate, decay, beta1, beta2, epsilon, first, second)
    };
    /// [`adamw`] of step `count`, counted from 1.
    pub fn adamw_counted(weight, gradient, mean, square, count; rate, decay, beta1, beta2, epsilon) -> 3 = {
        let [first, second] = [correction::call(count, beta1), correction::call(count, beta2)];
        adamw::call(weight, gradient, mean, square, rate, decay, beta1, beta2, epsilon, first, second)
    };
    /// 1 - beta^count, without cancellation.
    fn correction(count; beta) = -(count * beta.ln()).exp_m1();
    /// RMSprop (Hinton 2012) with L2 weight decay: the new weight and mean square of the gradient.
    pub fn rmsprop(weight, gradient, square; rate, decay, alpha, epsilon) -> 2 = {
        let [step, square] = rmsprop_step::call(gradient + decay * weight, square, alpha, epsilon);
        [weight - rate * step, square]
    };
    /// RMSprop with momentum: the new weight, mean square and velocity.
    pub fn rmsprop_momentum(weight, gradient, square, velocity; rate, decay, alpha, epsilon, momentum) -> 3 = {
        let [step, square] = rmsprop_step::call(gradient + decay * weight, square, alpha, epsilon);
        let velocity = momentum * velocity + step;
        [weight - rate * velocity, square, velocity]
    };
    /// RMSprop by the variance in place of the mean square (Graves 2013): the new weight, mean square and mean.
    pub fn rmsprop_centered(weight, gradient, square, mean; rate, decay, alpha, epsilon) -> 3 = {
        let [step, square, mean] = centered_step::call(gradient + decay * weight, square, mean, alpha, epsilon);
        [weight - rate * step, square, mean]
    };
    /// RMSprop by the variance, with momentum: the new weight, mean square, mean and velocity.
    pub fn rmsprop_centered_momentum(
        weight, gradient, square, mean, velocity;
        rate, decay, alpha, epsilon, momentum
    ) -> 4 = {
        let [step, square, mean] = centered_step::call(gradient + decay * weight, square, mean, alpha, epsilon);
        let velocity = momentum * velocity + step;
        [weight - rate * velocity, square, mean, velocity]
    };
    fn rmsprop_step(gradient, square; alpha, epsilon) -> 2 = {
        let square = alpha * square + (1.0 - alpha) * gradient * gradient;
        [gradient / (square.sqrt() + epsilon), square]
    };
    fn centered_step(gradient, square, mean; alpha, epsilon) -> 3 = {
        let square = alpha * square + (1.0 - alpha) * gradient * gradient;
        let mean = alpha * mean + (1.0 - alpha) * gradient;
        // Rounding may leave less than nothing where the gradient does not vary.
        [gradient / ((square - mean * mean).relu().sqrt() + epsilon), square, mean]
    };
    /// Adagrad (Duchi, Hazan and Singer 2011) with L2 weight decay: the new weight and sum of squares of the gradient.
    pub fn adagrad(weight, gradient, sum; rate, decay, epsilon) -> 2 = {
        let gradient = gradient + decay * weight;
        let sum = sum + gradient * gradient;
        [weight - rate * gradient / (sum.sqrt() + epsilon), sum]
    };
    /// [`adagrad`] of step `count`, counted from 1, before which `rate` was divided by 1 + (`count` - 1) `rate_decay`.
    pub fn adagrad_counted(weight, gradient, sum, count; rate, decay, epsilon, rate_decay) -> 2 =
        adagrad::call(weight, gradient, sum, rate / (1.0 + (count - 1.0) * rate_decay), decay, epsilon);
    /// Lion (Chen et al. 2023) with decoupled weight decay: the new weight and mean of the gradient.
    pub fn lion(weight, gradient, mean; rate, decay, beta1, beta2) -> 2 = {
        let direction = (beta1 * mean + (1.0 - beta1) * gradient).sign();
        [weight - rate * (direction + decay * weight), beta2 * mean + (1.0 - beta2) * gradient]
    };
    /// An exponential average of weights: the new average.
    pub fn average(average, weight; decay) = decay * average + (1.0 - decay) * weight;
}

/// Every one of them, with usual settings.
pub static ALL: &[&dyn AnyFormula] = &[
    &sgd { rate: 0.1, decay: 1e-4 },
    &sgd_momentum { rate: 0.1, decay: 1e-4, momentum: 0.9, dampening: 0.1, nesterov: 0.0 },
    &adam {
        rate: 0.001,
        decay: 1e-2,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        mean_correction: 0.1,
        square_correction: 0.001,
    },
    &adamw {
        rate: 0.001,
        decay: 1e-2,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        mean_correction: 0.1,
        square_correction: 0.001,
    },
    &rmsprop { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8 },
    &rmsprop_momentum { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8, momentum: 0.9 },
    &rmsprop_centered { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8 },
    &rmsprop_centered_momentum { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8, momentum: 0.9 },
    &adagrad { rate: 0.01, decay: 1e-4, epsilon: 1e-10 },
    &lion { rate: 1e-4, decay: 1e-2, beta1: 0.9, beta2: 0.99 },
    &average { decay: 0.999 },
    &Guarded(sgd { rate: 0.1, decay: 1e-4 }),
    &Guarded(sgd_momentum_counted { rate: 0.1, decay: 1e-4, momentum: 0.9, dampening: 0.1, nesterov: 0.0 }),
    &Guarded(adam_counted { rate: 0.001, decay: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    &Guarded(adamw_counted { rate: 0.001, decay: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    &Guarded(rmsprop { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8 }),
    &Guarded(rmsprop_momentum { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8, momentum: 0.9 }),
    &Guarded(rmsprop_centered { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8 }),
    &Guarded(rmsprop_centered_momentum { rate: 0.01, decay: 1e-4, alpha: 0.99, epsilon: 1e-8, momentum: 0.9 }),
    &Guarded(adagrad_counted { rate: 0.01, decay: 1e-4, epsilon: 1e-10, rate_decay: 1e-3 }),
    &Guarded(lion { rate: 1e-4, decay: 1e-2, beta1: 0.9, beta2: 0.99 }),
];
