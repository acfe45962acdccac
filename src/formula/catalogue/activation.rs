//! Activation functions. Derivatives at kinks are those of the left side: 0 for ReLU at 0.

use crate::formula;
use crate::formula::AnyFormula;

/// sqrt(2 / pi), of the tanh form of GELU.
const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;

formula! {
    /// The binary step: 0 below 0, else 1. Derivative 0.
    pub fn step(x) = x.lt(0.0).select(0.0, x.is_nan().select(x.detach(), 1.0));
    /// The identity.
    pub fn linear(x) = x;
    /// max(x, 0), with exact zeros.
    pub fn relu(x) = x.relu(), derivative_from_output(y) = y.gt(0.0).select(1.0, 0.0);
    /// x above 0, `slope` times x below.
    pub fn leaky_relu(x; slope) = x.gt(0.0).select(x, slope * x);
    /// The logistic function 1 / (1 + e^-x).
    pub fn sigmoid(x) = x.sigmoid(), derivative_from_output(y) = y * (1.0 - y);
    /// The hyperbolic tangent.
    pub fn tanh(x) = x.tanh(), derivative_from_output(y) = 1.0 - y * y;
    /// ln(1 + e^x).
    pub fn softplus(x) = x.softplus();
    /// x above 0, `alpha` (e^x - 1) below.
    pub fn elu(x; alpha) = x.gt(0.0).select(x, alpha * x.exp_m1()),
        derivative_from_output(y) = y.gt(0.0).select(1.0, y + alpha);
    /// x times the standard normal distribution function at x.
    pub fn gelu(x) = 0.5 * x * (1.0 + (x * std::f64::consts::FRAC_1_SQRT_2).erf());
    /// GELU by its tanh approximation.
    pub fn gelu_tanh(x) = {
        // Beyond, the tanh is 1 to the last bit, and a cube that overflows would make the derivative NaN.
        let near = x.clamp(-10.0, 10.0);
        0.5 * x * (1.0 + (SQRT_2_OVER_PI * (near + 0.044715 * near * near * near)).tanh())
    };
    /// x times the logistic function of x; also called swish.
    pub fn silu(x) = x * x.sigmoid();
}

/// Every activation, its run-time scalar at the usual value.
pub static ALL: &[&dyn AnyFormula] = &[
    &step,
    &linear,
    &relu,
    &leaky_relu { slope: 0.01 },
    &sigmoid,
    &tanh,
    &softplus,
    &elu { alpha: 1.0 },
    &gelu,
    &gelu_tanh,
    &silu,
];
