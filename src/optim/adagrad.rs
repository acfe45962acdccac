//! Adagrad.

use super::optimizer::Rule;
use super::update::Update;
use crate::error::{Result, check_setting};
use crate::formula::catalogue::update;

/// Adagrad (Duchi, Hazan and Singer 2011): `sum += gradient²`, `weight -= rate * gradient / (sqrt(sum) + epsilon)`. Rate decay
/// divides the rate of step t, counted from 1, by `1 + (t - 1) * decay`. Weight decay adds `decay * weight` to the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adagrad {
    rate: f64,
    rate_decay: f64,
    initial_sum: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Adagrad {
    /// With this learning rate and epsilon 1e-10; the sum of squares starts at 0.
    pub fn new(rate: f64) -> Self {
        Self { rate, rate_decay: 0.0, initial_sum: 0.0, epsilon: 1e-10, weight_decay: 0.0 }
    }

    /// How fast the rate falls.
    pub fn rate_decay(mut self, decay: f64) -> Self {
        self.rate_decay = decay;
        self
    }

    /// What the sum of squares starts at.
    pub fn initial_sum(mut self, sum: f64) -> Self {
        self.initial_sum = sum;
        self
    }

    /// What is added to the root of the sum.
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

impl Rule for Adagrad {
    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn state(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn initial_state(&self) -> f64 {
        self.initial_sum
    }

    fn formula(&self, step: u64) -> Update {
        let Self { rate, rate_decay, epsilon, weight_decay: decay, .. } = *self;
        let slower = rate / (1.0 + step.saturating_sub(1) as f64 * rate_decay);
        let plain = update::adagrad { rate: slower, decay, epsilon };
        Update::counting(plain, update::adagrad_counted { rate, decay, epsilon, rate_decay })
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    fn check(&self) -> Result<()> {
        check_setting("adagrad", "rate", self.rate, self.rate >= 0.0, "a number from 0")?;
        check_setting("adagrad", "rate decay", self.rate_decay, self.rate_decay >= 0.0, "a number from 0")?;
        check_setting("adagrad", "initial sum", self.initial_sum, self.initial_sum >= 0.0, "a number from 0")?;
        check_setting("adagrad", "epsilon", self.epsilon, self.epsilon >= 0.0, "a number from 0")?;
        check_setting("adagrad", "weight decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")
    }
}
