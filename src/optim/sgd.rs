//! Stochastic gradient descent.

use super::optimizer::{Rule, replace_momentum};
use super::update::Update;
use crate::error::{Error, Result, check_setting};
use crate::formula::catalogue::update;

/// Gradient descent, with momentum if asked for: `velocity = momentum * velocity + (1 - dampening) * gradient`,
/// `weight -= rate * velocity`; Nesterov's form looks ahead by one velocity more (Sutskever et al. 2013). The first velocity is
/// the gradient, whatever the dampening. Weight decay adds `decay * weight` to the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    rate: f64,
    /// None where no velocity is kept.
    momentum: Option<f64>,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Sgd {
    /// Plain gradient descent with this learning rate.
    pub fn new(rate: f64) -> Self {
        Self { rate, momentum: None, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// How much of the velocity stays from step to step: from 0 to below 1. With 0 none is kept.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = Some(momentum).filter(|&momentum| momentum != 0.0);
        self
    }

    /// The share of the gradient that does not go into the velocity: from 0 to 1.
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.dampening = dampening;
        self
    }

    /// Whether to look ahead; needs momentum, and no dampening.
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
        if self.momentum.is_none() { &[] } else { &["velocity"] }
    }

    fn formula(&self, step: u64) -> Update {
        let Self { rate, momentum, nesterov, weight_decay: decay, .. } = *self;
        let Some(momentum) = momentum else { return update::sgd { rate, decay }.into() };
        let nesterov = f64::from(u8::from(nesterov));
        let of_first = update::sgd_momentum { rate, decay, momentum, dampening: 0.0, nesterov };
        let dampening = self.dampening;
        let counted = update::sgd_momentum_counted { rate, decay, momentum, dampening, nesterov };
        Update::counting(if step == 1 { of_first } else { update::sgd_momentum { dampening, ..of_first } }, counted)
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    fn set_momentum(&mut self, momentum: f64) -> Result<()> {
        replace_momentum("sgd", &mut self.momentum, momentum)
    }

    fn check(&self) -> Result<()> {
        let momentum = self.momentum.unwrap_or(0.0);
        check_setting("sgd", "rate", self.rate, self.rate >= 0.0, "a number from 0")?;
        check_setting("sgd", "momentum", momentum, (0.0..1.0).contains(&momentum), "from 0 to below 1")?;
        check_setting("sgd", "dampening", self.dampening, (0.0..=1.0).contains(&self.dampening), "from 0 to 1")?;
        check_setting("sgd", "weight decay", self.weight_decay, self.weight_decay >= 0.0, "a number from 0")?;
        if self.nesterov && (momentum == 0.0 || self.dampening != 0.0) {
            return Err(Error::argument("sgd", "nesterov needs momentum above 0 and no dampening"));
        }
        Ok(())
    }
}
