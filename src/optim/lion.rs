//! Lion.

use super::optimizer::Rule;
use super::update::Update;
use crate::error::{Result, check_setting};
use crate::formula::catalogue::update;

/// Lion (Chen et al. 2023, Symbolic Discovery of Optimization Algorithms): a step of
/// `sign(beta1 * mean + (1 - beta1) * gradient)`, then `mean = beta2 * mean + (1 - beta2) * gradient`. Weight decay takes
/// `rate * decay * weight` off the weight. Rates are a third to a tenth of Adam's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lion {
    rate: f64,
    beta1: f64,
    beta2: f64,
    weight_decay: f64,
}

impl Lion {
    /// With this learning rate, betas 0.9 and 0.99, and no weight decay.
    pub fn new(rate: f64) -> Self {
        Self { rate, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }

    /// The shares of the mean in the step, and in the next mean: each from 0 to below 1.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.beta1, self.beta2) = (beta1, beta2);
        self
    }

    /// The factor of decoupled weight decay.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }
}

impl Rule for Lion {
    fn name(&self) -> &'static str {
        "lion"
    }

    fn state(&self) -> &'static [&'static str] {
        &["mean"]
    }

    fn formula(&self, _step: u64) -> Update {
        let Self { rate, beta1, beta2, weight_decay: decay } = *self;
        update::lion { rate, decay, beta1, beta2 }.into()
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Changes the first beta.
    fn set_momentum(&mut self, momentum: f64) -> Result<()> {
        check_setting("set_momentum", "beta1", momentum, (0.0..1.0).contains(&momentum), "from 0 to below 1")?;
        self.beta1 = momentum;
        Ok(())
    }

    fn check(&self) -> Result<()> {
        check_setting("lion", "rate", self.rate, self.rate >= 0.0, "a number from 0")?;
        check_setting("lion", "beta1", self.beta1, (0.0..1.0).contains(&self.beta1), "from 0 to below 1")?;
        check_setting("lion", "beta2", self.beta2, (0.0..1.0).contains(&self.beta2), "from 0 to below 1")?;
        check_setting("lion", "weight decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")
    }
}
