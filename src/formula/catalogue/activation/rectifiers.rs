//! Piecewise linear activations.

use super::{apl_hinge, between, srelu_left, srelu_right};
use crate::formula;
use crate::formula::AnyFormula;

formula! {
    /// 0 below 0, else 1. Range {0, 1}. Derivative 0. Error 0; derivative 0.
    pub fn step(x) = x.lt(0.0).select(0.0, x.is_nan().select(x.detach(), 1.0));
    /// x. Range (-inf, inf). Error 0; derivative 0.
    pub fn linear(x) = x;
    /// max(x, 0), with exact zeros. Range [0, inf). Derivative 0 at 0. Error 0; derivative 0.
    pub fn relu(x) = x.relu(), derivative_from_output(y) = y.gt(0.0).select(1.0, 0.0);
    /// x above 0, `slope` x below. Range (-inf, inf). Derivative `slope` at 0. Error 1; derivative 0.
    pub fn leaky_relu(x; slope) = x.gt(0.0).select(x, slope * x);
    /// x within 0 and `ceiling`: ReLU6 for 6. Range [0, `ceiling`]. Derivative 0 at 0, 1 at `ceiling`.
    /// Error 0; derivative 0.
    pub fn clipped_relu(x; ceiling) = between(x, 0.0, ceiling);
    /// max(x, `threshold`) - `threshold`, with exact zeros. Range [0, inf). Derivative 0 at `threshold`.
    /// Error 1; derivative 0.
    pub fn shifted_relu(x; threshold) = x.le(threshold).select(0.0, x - threshold);
    /// x above `threshold`, else `value`. Range `value` and (`threshold`, inf). Derivative 0 at `threshold`.
    /// Error 0; derivative 0.
    pub fn threshold(x; threshold, value) = x.le(threshold).select(value, x);
    /// x outside of -`threshold` to `threshold`, 0 inside. Range 0 and the outside. Derivative 0 at both ends.
    /// Error 0; derivative 0.
    pub fn hard_shrink(x; threshold) = x.abs().le(threshold).select(0.0, x);
    /// x, `threshold` closer to 0, and 0 from there. Range (-inf, inf). Derivative 1 at -`threshold`, 0 at `threshold`.
    /// Error 1; derivative 0.
    pub fn soft_shrink(x; threshold) = x - between(x, -threshold, threshold);
    /// x within 0 and 1 after x / 6 + 1 / 2. Range [0, 1]. Derivative 0 at -3, 1 / 6 at 3. Error 2 of 1; derivative 1.
    pub fn hard_sigmoid(x) = x.le(-3.0).select(0.0, x.gt(3.0).select(1.0, x / 6.0 + 0.5));
    /// x within -1 and 1. Range [-1, 1]. Derivative 0 at -1, 1 at 1. Error 0; derivative 0.
    pub fn hard_tanh(x) = between(x, -1.0, 1.0);
    /// The S-shaped rectifier: x, with `left_slope` up to `left` and `right_slope` beyond `right`, which is above.
    /// Range (-inf, inf). Derivative `left_slope` at `left`, 1 at `right`. Error 3 of 1; derivative 0.
    pub fn srelu(x; left, left_slope, right, right_slope) =
        srelu_right::call(srelu_left::call(x, left, left_slope), right, right_slope);
    /// The adaptive piecewise linear unit of two hinges: max(x, 0) + `slope1` max(`hinge1` - x, 0) + `slope2`
    /// max(`hinge2` - x, 0). Range by parameters. Derivative at kinks that of the left side.
    /// Error 3 of 1; derivative 1.
    pub fn apl(x; slope1, hinge1, slope2, hinge2) =
        x.relu() + apl_hinge::call(x, slope1, hinge1) + apl_hinge::call(x, slope2, hinge2);
}

/// Every one of them, its run-time scalars at usual values.
pub(super) static ALL: &[&dyn AnyFormula] = &[
    &step,
    &linear,
    &relu,
    &leaky_relu { slope: 0.01 },
    &clipped_relu { ceiling: 6.0 },
    &shifted_relu { threshold: 1.0 },
    &threshold { threshold: 1.0, value: 0.0 },
    &hard_shrink { threshold: 0.5 },
    &soft_shrink { threshold: 0.5 },
    &hard_sigmoid,
    &hard_tanh,
    &srelu { left: -1.0, left_slope: 0.1, right: 1.0, right_slope: 0.1 },
    &apl { slope1: 0.2, hinge1: 0.0, slope2: 0.1, hinge2: -1.0 },
];
