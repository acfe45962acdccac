//! RMSprop.

use super::optimizer::{Rule, replace_momentum};
use super::update::Update;
use crate::error::{Result, check_setting};
use crate::formula::catalogue::update;

/// RMSprop (Hinton 2012): `square = alpha * square + (1 - alpha) * gradient²`, and a step of
/// `gradient / (sqrt(square) + epsilon)`. Centred (Graves 2013), the root is that of the variance, `square - mean²`. With
/// momentum, `velocity = momentum * velocity + step` takes the place of the step. Weight decay adds `decay * weight` to the
/// gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    rate: f64,
    alpha: f64,
    epsilon: f64,
    centered: bool,
    /// None where no velocity is kept.
    momentum: Option<f64>,
    weight_decay: f64,
}

impl RmsProp {
    /// With this learning rate, alpha 0.99 and epsilon 1e-8.
    pub fn new(rate: f64) -> Self {
        Self { rate, alpha: 0.99, epsilon: 1e-8, centered: false, momentum: None, weight_decay: 0.0 }
    }

    /// How much of the mean square stays from step to step: from 0 to below 1.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// What is added to the root.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether to divide by the root of the variance of the gradient in place of its mean square.
    pub fn centered(mut self, centered: bool) -> Self {
        self.centered = centered;
        self
    }

    /// How much of the velocity stays from step to step: from 0 to below 1. With 0 none is kept.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = Some(momentum).filter(|&momentum| momentum != 0.0);
        self
    }

    /// The factor of L2 weight decay.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }
}

impl Rule for RmsProp {
    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn state(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum) {
            (false, None) => &["square"],
            (false, Some(_)) => &["square", "velocity"],
            (true, None) => &["square", "mean"],
            (true, Some(_)) => &["square", "mean", "velocity"],
        }
    }

    fn formula(&self, _step: u64) -> Update {
        let Self { rate, alpha, epsilon, weight_decay: decay, .. } = *self;
        match (self.centered, self.momentum) {
            (false, None) => update::rmsprop { rate, decay, alpha, epsilon }.into(),
            (false, Some(momentum)) => update::rmsprop_momentum { rate, decay, alpha, epsilon, momentum }.into(),
            (true, None) => update::rmsprop_centered { rate, decay, alpha, epsilon }.into(),
            (true, Some(momentum)) => {
                update::rmsprop_centered_momentum { rate, decay, alpha, epsilon, momentum }.into()
            }
        }
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    fn set_momentum(&mut self, momentum: f64) -> Result<()> {
        replace_momentum("rmsprop", &mut self.momentum, momentum)
    }

    fn check(&self) -> Result<()> {
        let momentum = self.momentum.unwrap_or(0.0);
        check_setting("rmsprop", "rate", self.rate, self.rate >= 0.0, "a number from 0")?;
        check_setting("rmsprop", "alpha", self.alpha, (0.0..1.0).contains(&self.alpha), "from 0 to below 1")?;
        check_setting("rmsprop", "epsilon", self.epsilon, self.epsilon >= 0.0, "a number from 0")?;
        check_setting("rmsprop", "momentum", momentum, (0.0..1.0).contains(&momentum), "from 0 to below 1")?;
        check_setting("rmsprop", "weight decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")
    }
}
