//! Adam.

use super::optimizer::{Rule, check_setting};
use crate::error::Result;
use crate::formula::AnyFormula;
use crate::formula::catalogue::update;

/// Adam (Kingma and Ba 2015): steps by the mean of past gradients over the root of their mean square, both corrected for
/// starting at 0. Weight decay adds `decay * weight` to the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Adam {
    /// Adam with this learning rate, betas 0.9 and 0.999, and epsilon 1e-8.
    pub fn new(rate: f64) -> Self {
        Self { rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// How much of the mean, and of the mean square, stays from step to step: each from 0 to below 1.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.beta1, self.beta2) = (beta1, beta2);
        self
    }

    /// What is added to the root of the mean square.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// The factor of L2 weight decay.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }
}

impl Rule for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn state(&self) -> &'static [&'static str] {
        &["mean", "square"]
    }

    fn formula(&self, step: u64) -> Box<dyn AnyFormula> {
        let Self { rate, beta1, beta2, epsilon, weight_decay: decay } = *self;
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        let (mean_correction, square_correction) = (correction(beta1), correction(beta2));
        Box::new(update::adam { rate, decay, beta1, beta2, epsilon, mean_correction, square_correction })
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    fn check(&self) -> Result<()> {
        check_setting("adam", "rate", self.rate, self.rate >= 0.0, "a number from 0")?;
        check_setting("adam", "beta1", self.beta1, (0.0..1.0).contains(&self.beta1), "from 0 to below 1")?;
        check_setting("adam", "beta2", self.beta2, (0.0..1.0).contains(&self.beta2), "from 0 to below 1")?;
        check_setting("adam", "epsilon", self.epsilon, self.epsilon >= 0.0, "a number from 0")?;
        check_setting("adam", "weight decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")
    }
}
