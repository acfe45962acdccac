//! Optimisers as a file describes them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::Parameters;
use crate::optim::{self, Adagrad, Adam, AdamW, Lion, RmsProp, Rule, Sgd};

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

    /// How much of past gradients stays: the factor of a velocity, or the first beta; none for a rule that keeps nothing of the kind.
    pub const fn momentum(self) -> Option<f64> {
        match self {
            Self::Sgd { momentum, .. } => Some(momentum),
            Self::RmsProp { momentum, .. } if momentum > 0.0 => Some(momentum),
            Self::Adam { beta1, .. } | Self::AdamW { beta1, .. } | Self::Lion { beta1, .. } => Some(beta1),
            Self::RmsProp { .. } | Self::Adagrad { .. } => None,
        }
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
