//! Optimisers and schedules as a file describes them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::Parameters;
use crate::optim::{self, Adagrad, Adam, AdamW, Lion, RmsProp, Rule, Schedule, Sgd};

/// How parameters follow their gradients: a rule of [`optim`] with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the settings of the rule that each variant names")]
pub enum Optimizer {
    /// [`Sgd`].
    Sgd {
        #[serde(default = "momentum")]
        momentum: f64,
        #[serde(default)]
        dampening: f64,
        #[serde(default)]
        nesterov: bool,
    },
    /// [`RmsProp`].
    RmsProp {
        #[serde(default = "alpha")]
        alpha: f64,
        #[serde(default = "tiny")]
        epsilon: f64,
        #[serde(default)]
        centered: bool,
        #[serde(default)]
        momentum: f64,
    },
    /// [`Adagrad`].
    Adagrad {
        #[serde(default)]
        rate_decay: f64,
        #[serde(default)]
        initial_sum: f64,
        #[serde(default = "tiniest")]
        epsilon: f64,
    },
    /// [`Adam`].
    Adam {
        #[serde(default = "beta1")]
        beta1: f64,
        #[serde(default = "beta2")]
        beta2: f64,
        #[serde(default = "tiny")]
        epsilon: f64,
    },
    /// [`AdamW`].
    AdamW {
        #[serde(default = "beta1")]
        beta1: f64,
        #[serde(default = "beta2")]
        beta2: f64,
        #[serde(default = "tiny")]
        epsilon: f64,
    },
    /// [`Lion`].
    Lion {
        #[serde(default = "beta1")]
        beta1: f64,
        #[serde(default = "alpha")]
        beta2: f64,
    },
}

fn momentum() -> f64 {
    Optimizer::DEFAULT_MOMENTUM
}

fn alpha() -> f64 {
    0.99
}

fn beta1() -> f64 {
    0.9
}

fn beta2() -> f64 {
    0.999
}

fn tiny() -> f64 {
    1e-8
}

fn tiniest() -> f64 {
    1e-10
}

impl Optimizer {
    /// The momentum of SGD where none is given.
    pub const DEFAULT_MOMENTUM: f64 = 0.9;

    /// Every rule with its settings at the defaults.
    pub const ALL: [Self; 6] = [
        Self::Sgd { momentum: Self::DEFAULT_MOMENTUM, dampening: 0.0, nesterov: false },
        Self::RmsProp { alpha: 0.99, epsilon: 1e-8, centered: false, momentum: 0.0 },
        Self::Adagrad { rate_decay: 0.0, initial_sum: 0.0, epsilon: 1e-10 },
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        Self::Lion { beta1: 0.9, beta2: 0.99 },
    ];

    /// The name used in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::RmsProp { .. } => "rmsprop",
            Self::Adagrad { .. } => "adagrad",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::Lion { .. } => "lion",
        }
    }

    /// The learning rate where none is given.
    pub const fn default_learning_rate(self) -> f64 {
        match self {
            Self::Sgd { .. } => 0.05,
            Self::Adagrad { .. } => 0.01,
            Self::RmsProp { .. } | Self::Adam { .. } | Self::AdamW { .. } => 0.001,
            Self::Lion { .. } => 0.0002,
        }
    }

    /// The weight decay where none is given.
    pub const fn default_weight_decay(self) -> f64 {
        if matches!(self, Self::AdamW { .. } | Self::Lion { .. }) { 0.01 } else { 1e-4 }
    }

    /// The same with this momentum.
    ///
    /// # Errors
    /// The rule has none, or another name for it.
    pub fn with_momentum(self, momentum: f64) -> Result<Self> {
        match self {
            Self::Sgd { dampening, nesterov, .. } => Ok(Self::Sgd { momentum, dampening, nesterov }),
            Self::RmsProp { alpha, epsilon, centered, .. } => Ok(Self::RmsProp { alpha, epsilon, centered, momentum }),
            _ => Err(Error::argument(
                "momentum",
                format!("is for sgd and rmsprop; {} has none of that kind", self.name()),
            )),
        }
    }

    /// The rule at work on a model.
    pub(super) fn for_model(self, model: &impl AsRef<Parameters>, rate: f64, decay: f64) -> Result<optim::Optimizer> {
        match self {
            Self::Sgd { momentum, dampening, nesterov } => {
                let sgd = Sgd::new(rate).momentum(momentum).dampening(dampening).nesterov(nesterov);
                sgd.weight_decay(decay).for_model(model)
            }
            Self::RmsProp { alpha, epsilon, centered, momentum } => {
                let rmsprop = RmsProp::new(rate).alpha(alpha).epsilon(epsilon).centered(centered);
                rmsprop.momentum(momentum).weight_decay(decay).for_model(model)
            }
            Self::Adagrad { rate_decay, initial_sum, epsilon } => {
                let adagrad = Adagrad::new(rate).rate_decay(rate_decay).initial_sum(initial_sum).epsilon(epsilon);
                adagrad.weight_decay(decay).for_model(model)
            }
            Self::Adam { beta1, beta2, epsilon } => {
                Adam::new(rate).betas(beta1, beta2).epsilon(epsilon).weight_decay(decay).for_model(model)
            }
            Self::AdamW { beta1, beta2, epsilon } => {
                AdamW::new(rate).betas(beta1, beta2).epsilon(epsilon).weight_decay(decay).for_model(model)
            }
            Self::Lion { beta1, beta2 } => Lion::new(rate).betas(beta1, beta2).weight_decay(decay).for_model(model),
        }
    }
}

/// How the learning rate goes on from where it starts, over all steps of a run that come after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RatePlan {
    /// It stays.
    Constant {},
    /// On a straight line to this share of itself.
    Linear {
        /// The share, 0 if not said otherwise.
        #[serde(default)]
        to: f64,
    },
    /// On half a wave of the cosine to this share of itself.
    Cosine {
        /// The share, 0 if not said otherwise.
        #[serde(default)]
        to: f64,
    },
    /// Multiplied by a factor after every so many epochs.
    Step {
        /// The factor.
        factor: f64,
        /// The epochs.
        epochs: u64,
    },
    /// One cycle, of which it is the peak.
    OneCycle {
        /// Whether the momentum goes the other way, from 0.95 to 0.85 and back.
        #[serde(default)]
        momentum: bool,
    },
}

impl RatePlan {
    /// Every kind that needs no setting.
    pub const ALL: [Self; 4] =
        [Self::Constant {}, Self::Linear { to: 0.0 }, Self::Cosine { to: 0.0 }, Self::OneCycle { momentum: false }];

    /// The name used in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant {} => "constant",
            Self::Linear { .. } => "linear",
            Self::Cosine { .. } => "cosine",
            Self::Step { .. } => "step",
            Self::OneCycle { .. } => "one_cycle",
        }
    }

    /// The rates of the `epochs` epochs of a run, of so many steps each, the first `warm_up` of which lead up to `rate`.
    ///
    /// # Errors
    /// No step is left after the warm-up, or a setting is outside its range.
    pub fn rates(self, rate: f64, warm_up: u64, epochs: u64, steps_per_epoch: u64) -> Result<Schedule> {
        let steps = (epochs * steps_per_epoch).checked_sub(warm_up).filter(|&steps| steps > 0).ok_or_else(|| {
            let all = epochs * steps_per_epoch;
            Error::argument("warm-up", format!("{warm_up} steps leave nothing of the {all} steps of the run"))
        })?;
        let main = match self {
            Self::Constant {} => Schedule::constant(rate),
            Self::Linear { to } => Schedule::linear(rate, to * rate, steps),
            Self::Cosine { to } => Schedule::cosine(rate, to * rate, steps),
            Self::Step { factor, epochs } => Schedule::step(rate, factor, epochs.saturating_mul(steps_per_epoch)),
            Self::OneCycle { .. } if warm_up > 0 => {
                Err(Error::argument("warm-up", "is part of one_cycle: leave it out"))
            }
            Self::OneCycle { .. } => Schedule::one_cycle(rate, steps),
        }?;
        match warm_up {
            0 => Ok(main),
            // The first step is one of as many equal parts, and not none.
            _ => main.warm_up(warm_up, rate / (warm_up + 1) as f64),
        }
    }

    /// The momenta that go with them, where they change.
    pub(super) fn momenta(self, steps: u64) -> Result<Option<Schedule>> {
        match self {
            Self::OneCycle { momentum: true } => Schedule::one_cycle_momentum(steps).map(Some),
            _ => Ok(None),
        }
    }
}

impl fmt::Display for RatePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
