//! What each element adds to a loss, before the mean or the sum. The square of a difference is
//! [`squared_difference`](super::arithmetic::squared_difference).

use crate::formula;
use crate::formula::AnyFormula;

formula! {
    /// |x - target|; derivative 0 where both are equal.
    pub fn absolute_error(x, target) = (x - target).abs();
    /// (x - target)² / 2 up to a difference of `delta`, from there on the line that goes on from it (Huber 1964).
    pub fn huber(x, target; delta) = {
        let error = (x - target).abs();
        error.le(delta).select(0.5 * error * error, delta * (error - 0.5 * delta))
    };
    /// Cross-entropy of the probability 1 / (1 + e^-logit) against the probability `target`, without overflow:
    /// ln(1 + e^logit) - target * logit.
    pub fn binary_cross_entropy(logit, target) = {
        // ln(1 + e^x) is max(x, 0) + ln(1 + e^-|x|): so added up, nothing cancels for a target of 0 or 1.
        let below = logit.le(0.0).select(logit, -logit);
        logit.relu() - logit * target + below.exp().ln_1p()
    };
    /// max(0, margin - target * x), for a target of 1 or -1 (Cortes and Vapnik 1995).
    pub fn hinge(x, target; margin) = (margin - target * x).relu();
    /// max(0, margin - correct + x), where `correct` is the score of the right class; 0 for that class itself, where `chosen`
    /// is not 0 (Weston and Watkins 1999).
    pub fn class_hinge(x, correct, chosen; margin) = chosen.eq(0.0).select((margin - correct + x).relu(), 0.0);
    /// target * (ln target - log_probability), 0 for a target of 0 (Kullback and Leibler 1951).
    pub fn kl_divergence(log_probability, target) =
        target.eq(0.0).select(0.0, target * (target.ln() - log_probability));
    /// -weight * (kept * target + spread) * log_probability, 0 where a factor before the logarithm is: cross-entropy against
    /// probabilities that are smoothed (Szegedy et al. 2016) if `kept` is below 1.
    pub fn soft_cross_entropy(log_probability, target, weight; kept, spread) = {
        let share = weight * (kept * target + spread);
        share.eq(0.0).select(0.0, -(share * log_probability))
    };
}

/// Every one of them, with values for the run-time scalars.
pub static ALL: &[&dyn AnyFormula] = &[
    &absolute_error,
    &huber { delta: 1.0 },
    &binary_cross_entropy,
    &hinge { margin: 1.0 },
    &class_hinge { margin: 1.0 },
    &kl_divergence,
    &soft_cross_entropy { kept: 0.9, spread: 0.01 },
];
