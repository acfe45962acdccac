//! Stochastic gradient descent.

use super::optimizer::{Rule, check_setting};
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::update;

/// Gradient descent, with momentum if asked for: `velocity = momentum * velocity + gradient`,
/// `weight -= rate * velocity`; Nesterov's form looks ahead by one velocity more. Weight decay adds `decay * weight` to the
/// gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    rate: f64,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Sgd {
    /// Plain gradient descent with this learning rate.
    pub fn new(rate: f64) -> Self {
        Self { rate, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// How much of the velocity stays from step to step: from 0 to below 1.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether to look ahead; needs momentum.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    /// The factor of L2 weight decay.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }
}

impl Rule for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn state(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["velocity"] }
    }

    fn formula(&self, _step: u64) -> Box<dyn AnyFormula> {
        let Self { rate, momentum, nesterov, weight_decay: decay } = *self;
        match momentum {
            0.0 => Box::new(update::sgd { rate, decay }),
            _ => Box::new(update::sgd_momentum { rate, decay, momentum, nesterov: f64::from(u8::from(nesterov)) }),
        }
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    fn check(&self) -> Result<()> {
        check_setting("sgd", "rate", self.rate, self.rate >= 0.0, "a number from 0")?;
        check_setting("sgd", "momentum", self.momentum, (0.0..1.0).contains(&self.momentum), "from 0 to below 1")?;
        check_setting("sgd", "weight decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::argument("sgd", "nesterov needs momentum above 0"));
        }
        Ok(())
    }
}
