//! Activations whose parameters are inputs: learned per tensor or, by broadcasting, per unit; and one that draws its slope.

use super::{elu, isrlu, isru, sharp_softplus, soft_exponential, squareplus, swish};
use crate::formula;
use crate::formula::AnyFormula;

formula! {
    /// x above 0, `slope` x below (He et al. 2015). Range (-inf, inf). Derivative `slope` at 0.
    /// Error 1; derivative 0; in parameters 0.
    pub fn prelu(x, slope) = x.gt(0.0).select(x, slope * x);
    /// max(x, `threshold`) - `threshold`, with exact zeros. Range [0, inf). Derivative 0 at `threshold`.
    /// Error 1; derivative 0; in parameters 0.
    pub fn threshold_relu(x, threshold) = x.le(threshold).select(0.0, x - threshold);
    /// x above `left`, `left` + `slope` (x - `left`) below: the left half of SReLU. Range (-inf, inf). Derivative `slope`
    /// at `left`. Error 3 of 1; derivative 0; in parameters 1.
    pub fn srelu_left(x, left, slope) = x.le(left).select(left + slope * (x - left), x);
    /// x up to `right`, `right` + `slope` (x - `right`) beyond: the right half of SReLU, to follow the left one. Range
    /// (-inf, inf). Derivative 1 at `right`. Error 3 of 1; derivative 0; in parameters 1.
    pub fn srelu_right(x, right, slope) = x.gt(right).select(right + slope * (x - right), x);
    /// max(x, 0) + `slope` max(`at` - x, 0): an adaptive piecewise linear unit of one hinge. Range by parameters.
    /// Derivative at kinks that of the left side. Error 3 of 1; derivative 1; in parameters 1.
    pub fn parametric_apl(x, slope, at) = x.relu() + apl_hinge::call(x, slope, at);
    /// `slope` max(`at` - x, 0): one more hinge of an adaptive piecewise linear unit. Range by the sign of `slope`.
    /// Derivative -`slope` at `at`. Error 2; derivative 0; in parameters 1.
    pub fn apl_hinge(x, slope, at) = {
        let distance = at - x;
        slope * distance.lt(0.0).select(0.0, distance)
    };
    /// [`elu`] with a learned depth. Error 3; derivative 3 of 1; in parameters 2.
    pub fn parametric_elu(x, alpha) = elu::call(x, alpha);
    /// [`swish`] with a learned slope. Error 4 of 1; derivative 4 of 1; in parameters 9 of 1.
    pub fn parametric_swish(x, slope) = swish::call(x, slope);
    /// [`sharp_softplus`] with a learned sharpness. Error 4 of 1; derivative 2 of 1; in parameters 7 of 1.
    pub fn parametric_softplus(x, sharpness) = sharp_softplus::call(x, sharpness);
    /// [`squareplus`] with a learned `b`. Error 3; derivative 7; in parameters 2 of 1.
    pub fn parametric_squareplus(x, b) = squareplus::call(x, b);
    /// [`isru`] with a learned bound. Error 4; derivative 4 of 1; in parameters 6 of 1.
    pub fn parametric_isru(x, alpha) = isru::call(x, alpha);
    /// [`isrlu`] with a learned bound. Error 4; derivative 4 of 1; in parameters 6 of 1.
    pub fn parametric_isrlu(x, alpha) = isrlu::call(x, alpha);
    /// [`soft_exponential`] with a learned shape; its derivative in `alpha` loses digits where that is close to 0, and
    /// what is rounded of `alpha` x comes in addition. Error 4 of 1; derivative 4; in parameters 30 of 1.
    pub fn parametric_soft_exponential(x, alpha) = soft_exponential::call(x, alpha);
    /// x above 0, below it x times a slope drawn between `low` and `high` (Xu et al. 2015); for inference their mean goes
    /// to [`leaky_relu`](super::leaky_relu). Range (-inf, inf). Derivative the slope at 0.
    /// Error 3; derivative 2.
    pub fn rrelu(x; low, high; chance: uniform) = prelu::call(x, low + (high - low) * chance);
}

/// Every one of them.
pub(super) static ALL: &[&dyn AnyFormula] = &[
    &prelu,
    &threshold_relu,
    &srelu_left,
    &srelu_right,
    &parametric_apl,
    &apl_hinge,
    &parametric_elu,
    &parametric_swish,
    &parametric_softplus,
    &parametric_squareplus,
    &parametric_isru,
    &parametric_isrlu,
    &parametric_soft_exponential,
    &rrelu { low: 0.125, high: 1.0 / 3.0 },
];
