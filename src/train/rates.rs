//! Schedules as a file describes them: of the learning rate, and of the momentum.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::optimization::Optimizer;
use crate::error::{Error, Result};
use crate::optim::Schedule;

/// How the learning rate goes on from where it starts, over all steps of a run that come after the warm-up. Shares are of the
/// learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Multiplied by a factor after every step.
    Exponential {
        /// The factor.
        factor: f64,
    },
    /// One share after the other, each for so many epochs; the last one stays.
    Phases {
        /// The shares and their epochs.
        phases: Vec<Phase>,
    },
    /// One cycle, of which it is the peak, on half waves of the cosine.
    OneCycle {
        /// Whether the momentum goes the other way, from 0.95 to 0.85 and back.
        #[serde(default)]
        momentum: bool,
        /// The share at the first step, 1/25 if not said otherwise.
        #[serde(default = "first")]
        from: f64,
        /// The share at the last step, 1/250,000 if not said otherwise.
        #[serde(default = "last")]
        to: f64,
        /// The part of all steps in which it rises, 0.3 if not said otherwise.
        #[serde(default = "rise")]
        rise: f64,
    },
}

/// Epochs with one learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// How many.
    pub epochs: u64,
    /// The share of the learning rate.
    pub share: f64,
}

/// A momentum that is begun with, on its way to that of the optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MomentumWarmUp {
    /// The momentum, or first beta, of the first step, 0.5 if not said otherwise.
    #[serde(default = "half")]
    pub from: f64,
    /// The steps on a straight line to the optimiser's own.
    pub steps: u64,
}

const fn first() -> f64 {
    1.0 / 25.0
}

const fn last() -> f64 {
    1.0 / 250_000.0
}

const fn rise() -> f64 {
    0.3
}

fn half() -> f64 {
    0.5
}

impl RatePlan {
    /// Every kind that needs no setting.
    pub const ALL: [Self; 4] = [
        Self::Constant {},
        Self::Linear { to: 0.0 },
        Self::Cosine { to: 0.0 },
        Self::OneCycle { momentum: false, from: first(), to: last(), rise: rise() },
    ];

    /// The name used in files and on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Constant {} => "constant",
            Self::Linear { .. } => "linear",
            Self::Cosine { .. } => "cosine",
            Self::Step { .. } => "step",
            Self::Exponential { .. } => "exponential",
            Self::Phases { .. } => "phases",
            Self::OneCycle { .. } => "one_cycle",
        }
    }

    /// Its numbers.
    fn settings(&self) -> Vec<f64> {
        match self {
            Self::Constant {} => Vec::new(),
            Self::Linear { to } | Self::Cosine { to } => vec![*to],
            Self::Step { factor, .. } | Self::Exponential { factor } => vec![*factor],
            Self::Phases { phases } => phases.iter().map(|phase| phase.share).collect(),
            Self::OneCycle { from, to, rise, .. } => vec![*from, *to, *rise],
        }
    }

    /// Whether the rate of a step depends on how many there are in all.
    pub(super) fn depends_on_length(&self) -> bool {
        matches!(self, Self::Linear { .. } | Self::Cosine { .. } | Self::OneCycle { .. })
    }

    /// The rates of the `epochs` epochs of a run, of so many steps each, the first `warm_up` of which lead up to `rate`.
    ///
    /// # Errors
    /// No step is left after the warm-up, or a setting is outside its range.
    pub fn rates(&self, rate: f64, warm_up: u64, epochs: u64, steps_per_epoch: u64) -> Result<Schedule> {
        let steps = (epochs * steps_per_epoch).checked_sub(warm_up).filter(|&steps| steps > 0).ok_or_else(|| {
            let all = epochs * steps_per_epoch;
            Error::argument("warm-up", format!("{warm_up} steps leave nothing of the {all} steps of the run"))
        })?;
        if let Some(setting) = self.settings().into_iter().find(|setting| !(setting.is_finite() && *setting >= 0.0)) {
            return Err(Error::argument("schedule", format!("{setting} is not a finite number, at least 0")));
        }
        let in_steps = |epochs: u64| epochs.saturating_mul(steps_per_epoch);
        let main = match self {
            Self::Constant {} => Schedule::constant(rate),
            Self::Linear { to } => Schedule::linear(rate, to * rate, steps),
            Self::Cosine { to } => Schedule::cosine(rate, to * rate, steps),
            Self::Step { factor, epochs } => Schedule::step(rate, *factor, in_steps(*epochs)),
            Self::Exponential { factor } => Schedule::exponential(rate, *factor),
            Self::Phases { phases } => {
                let phases = phases.iter().map(|phase| (in_steps(phase.epochs), phase.share * rate));
                Schedule::phases(&phases.collect::<Vec<_>>())
            }
            Self::OneCycle { .. } if warm_up > 0 => {
                Err(Error::argument("warm-up", "is part of one_cycle: leave it out"))
            }
            Self::OneCycle { from, to, rise, .. } => Schedule::cycle(from * rate, rate, to * rate, *rise, steps),
        }?;
        match warm_up {
            0 => Ok(main),
            // The first step is one of as many equal parts, and not none.
            _ => main.warm_up(warm_up, rate / (warm_up + 1) as f64),
        }
    }

    /// The momenta of a run of so many steps, where they change: with the rate, or from a warm-up to that of the optimiser.
    ///
    /// # Errors
    /// Both are asked for, the rule has no momentum, or a setting is outside its range.
    pub(super) fn momenta(
        &self,
        warm_up: Option<MomentumWarmUp>,
        optimizer: Optimizer,
        steps: u64,
    ) -> Result<Option<Schedule>> {
        let cycle = match self {
            Self::OneCycle { momentum: true, rise, .. } => Some(*rise),
            _ => None,
        };
        match (cycle, warm_up) {
            (None, None) => Ok(None),
            (Some(rise), None) => Schedule::cycle(0.95, 0.85, 0.95, rise, steps).map(Some),
            (Some(_), Some(_)) => Err(refused("is part of one_cycle with momentum: leave one of them out".into())),
            (None, Some(MomentumWarmUp { from, steps })) => {
                let own = optimizer
                    .momentum()
                    .ok_or_else(|| refused(format!("leads up to a momentum, and {} has none", optimizer.name())))?;
                if !(0.0..1.0).contains(&from) {
                    return Err(refused(format!("{from} is not at least 0 and below 1")));
                }
                Schedule::linear(from, own, steps).map(Some)
            }
        }
    }
}

fn refused(rule: String) -> Error {
    Error::argument("momentum_warm_up", rule)
}

impl fmt::Display for RatePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<const N: usize>(schedule: &Schedule, steps: [u64; N]) -> [f64; N] {
        steps.map(|step| schedule.at(step))
    }

    #[test]
    fn phases_are_epochs_with_shares_of_the_rate() {
        let phases = [(1, 1.0), (2, 0.5), (1, 0.25)].map(|(epochs, share)| Phase { epochs, share }).to_vec();
        let plan = RatePlan::Phases { phases };
        let rates = plan.rates(0.5, 0, 4, 10).unwrap();
        assert_eq!(at(&rates, [0, 9, 10, 29, 30, 99]), [0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
        let after_a_warm_up = plan.rates(0.5, 3, 4, 10).unwrap();
        assert_eq!(at(&after_a_warm_up, [0, 2, 3, 12, 13]), [0.125, 0.375, 0.5, 0.5, 0.25]);
        assert!(!plan.depends_on_length());
    }

    #[test]
    fn factors_of_steps_and_cycles_of_any_shape() {
        let rates = RatePlan::Exponential { factor: 0.5 }.rates(0.8, 0, 1, 10).unwrap();
        assert_eq!(at(&rates, [0, 1, 3]), [0.8, 0.4, 0.1]);
        let cycle = RatePlan::OneCycle { momentum: false, from: 0.25, to: 0.5, rise: 0.5 };
        let found = at(&cycle.rates(0.8, 0, 2, 10).unwrap(), [0, 9, 19, 20]);
        assert!(found.iter().zip([0.2, 0.8, 0.4, 0.4]).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        let (usual, own) = (RatePlan::ALL[3].rates(0.8, 0, 2, 10).unwrap(), Schedule::one_cycle(0.8, 20).unwrap());
        assert!((0..25).all(|step| (usual.at(step) - own.at(step)).abs() < 1e-15));
        let refused = |plan: RatePlan| plan.rates(0.1, 0, 2, 10).unwrap_err().to_string();
        assert!(refused(RatePlan::Linear { to: -1.0 }).contains("schedule: -1 is not a finite number, at least 0"));
        assert!(refused(RatePlan::Exponential { factor: f64::NAN }).contains("schedule: NaN is not a finite number"));
        assert!(refused(RatePlan::Phases { phases: Vec::new() }).contains("phases: there is no phase"));
        let none = RatePlan::Phases { phases: vec![Phase { epochs: 0, share: 1.0 }] };
        assert!(refused(none).contains("phases: a length of 0 steps"));
    }

    #[test]
    fn a_momentum_leads_up_to_that_of_the_optimiser() {
        let [sgd, rmsprop, adagrad, adam, ..] = Optimizer::ALL;
        let plan = RatePlan::Constant {};
        let momenta = |from, rule| plan.momenta(Some(MomentumWarmUp { from, steps: 8 }), rule, 100);
        for rule in [sgd, adam, rmsprop.with_momentum(0.9).unwrap()] {
            let found = at(&momenta(0.5, rule).unwrap().unwrap(), [0, 4, 8, 50]);
            assert!(found.iter().zip([0.5, 0.7, 0.9, 0.9]).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        }
        let refused = |schedule: Result<Option<Schedule>>| schedule.unwrap_err().to_string();
        assert!(refused(momenta(0.5, adagrad)).contains("leads up to a momentum, and adagrad has none"));
        assert!(refused(momenta(0.5, rmsprop)).contains("rmsprop has none"));
        assert!(refused(momenta(1.0, sgd)).contains("momentum_warm_up: 1 is not at least 0 and below 1"));
        let cycle = RatePlan::OneCycle { momentum: true, from: 0.1, to: 0.0, rise: 0.5 };
        let found = cycle.momenta(None, sgd, 20).unwrap().unwrap();
        let found = at(&found, [0, 9, 19]);
        assert!(found.iter().zip([0.95, 0.85, 0.95]).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        let both = cycle.momenta(Some(MomentumWarmUp { from: 0.5, steps: 8 }), sgd, 20);
        assert!(refused(both).contains("is part of one_cycle with momentum"));
        assert!(plan.momenta(None, sgd, 20).unwrap().is_none());
    }
}
