//! Adam and AdamW.

use super::optimizer::Rule;
use super::update::Update;
use crate::error::{Result, check_setting};
use crate::formula::catalogue::update;

/// Steps by the mean of past gradients over the root of their mean square, both corrected for starting at 0:
/// [`Adam`] and [`AdamW`], which differ in what weight decay means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveMoments<const DECOUPLED: bool> {
    rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

/// Adam (Kingma and Ba 2015). Weight decay, if asked for, adds `decay * weight` to the gradient.
pub type Adam = AdaptiveMoments<false>;

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019): the decay takes `rate * decay * weight` off the weight,
/// whatever the gradients.
pub type AdamW = AdaptiveMoments<true>;

impl<const DECOUPLED: bool> AdaptiveMoments<DECOUPLED> {
    const NAME: &str = if DECOUPLED { "adamw" } else { "adam" };

    /// With this learning rate, betas 0.9 and 0.999, and epsilon 1e-8; weight decay 0.01 for AdamW, none for Adam.
    pub fn new(rate: f64) -> Self {
        Self { rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: if DECOUPLED { 0.01 } else { 0.0 } }
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

    /// The factor of weight decay.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }
}

impl<const DECOUPLED: bool> Rule for AdaptiveMoments<DECOUPLED> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn state(&self) -> &'static [&'static str] {
        &["mean", "square"]
    }

    fn formula(&self, step: u64) -> Update {
        let Self { rate, beta1, beta2, epsilon, weight_decay: decay } = *self;
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        let (mean_correction, square_correction) = (correction(beta1), correction(beta2));
        if DECOUPLED {
            let plain = update::adamw { rate, decay, beta1, beta2, epsilon, mean_correction, square_correction };
            Update::counting(plain, update::adamw_counted { rate, decay, beta1, beta2, epsilon })
        } else {
            let plain = update::adam { rate, decay, beta1, beta2, epsilon, mean_correction, square_correction };
            Update::counting(plain, update::adam_counted { rate, decay, beta1, beta2, epsilon })
        }
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
        check_setting(Self::NAME, "rate", self.rate, self.rate >= 0.0, "a number from 0")?;
        check_setting(Self::NAME, "beta1", self.beta1, (0.0..1.0).contains(&self.beta1), "from 0 to below 1")?;
        check_setting(Self::NAME, "beta2", self.beta2, (0.0..1.0).contains(&self.beta2), "from 0 to below 1")?;
        check_setting(Self::NAME, "epsilon", self.epsilon, self.epsilon >= 0.0, "a number from 0")?;
        check_setting(Self::NAME, "weight decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")
    }
}
