//! Activations that are curved and unbounded.

use super::{ajar, gated, isru};
use crate::formula;
use crate::formula::AnyFormula;

/// 2 sqrt(2 / pi), of the tanh form of GELU.
const TWICE_SQRT_2_OVER_PI: f64 = 1.595_769_121_605_730_8;
/// The scale and the depth at which SELU keeps mean 0 and variance 1 (Klambauer et al. 2017).
const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

formula! {
    /// ln(1 + e^x). Range (0, inf). Error 3; derivative 4.
    pub fn softplus(x) = x.softplus();
    /// x above 0, `alpha` (e^x - 1) below. Range (-`alpha`, inf). Derivative `alpha` at 0. Error 2; derivative 2 of 1.
    pub fn elu(x; alpha) = x.gt(0.0).select(x, alpha * x.exp_m1()),
        derivative_from_output(y) = y.gt(0.0).select(1.0, y + alpha);
    /// x times the standard normal distribution function at x. Range [-0.17, inf). Error 3 of 1; derivative 3 of 1.
    pub fn gelu(x) = {
        let near = ajar(x);
        gated(x, 0.5 * near * (1.0 + (near * std::f64::consts::FRAC_1_SQRT_2).erf()))
    };
    /// GELU by its tanh form: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). Range [-0.17, inf).
    /// Error 3 of 1; derivative 4 of 1.
    pub fn gelu_tanh(x) = {
        // Beyond, the gate is shut or open to the last bit, and a cube that overflows would make the derivative NaN.
        let near = x.clamp(-30.0, 30.0);
        // Half of 1 + tanh(z) is the logistic function of 2 z, of which small values are exact.
        let gate = (TWICE_SQRT_2_OVER_PI * (near + 0.044715 * near * near * near)).sigmoid();
        x.gt(30.0).select(x, near * gate)
    };
    /// x / (1 + e^-x), also called swish. Range [-0.2785, inf). Error 4; derivative 4 of 1.
    pub fn silu(x) = {
        let near = ajar(x);
        gated(x, near * near.sigmoid())
    };
    /// 1.0507 x above 0, 1.0507 * 1.6733 (e^x - 1) below. Range (-1.7581, inf). Derivative 1.7581 at 0.
    /// Error 3; derivative 3 of 1.
    pub fn selu(x) = SELU[0] * x.gt(0.0).select(x, SELU[1] * x.exp_m1());
    /// x above 0, `alpha` (e^(x / `alpha`) - 1) below. Range (-`alpha`, inf). Error 2; derivative 2 of 1.
    pub fn celu(x; alpha) = x.gt(0.0).select(x, alpha * (x / alpha).exp_m1());
    /// x above `c`, (e^(`a` x) - 1) / `b` below. Range (-1 / `b`, inf). Derivative `a` / `b` e^(`a` `c`) at `c`.
    /// Error 3 of 1; derivative 2 of 1.
    pub fn delu(x; a, b, c) = x.gt(c).select(x, (a * x).exp_m1() / b);
    /// x times x + 3 within 0 and 6, over 6. Range [-0.375, inf). Derivative 0 at -3, 3 / 2 at 3.
    /// Error 3; derivative 3.
    pub fn hard_swish(x) = x.le(-3.0).select(0.0, x.gt(3.0).select(x, x * (x + 3.0) / 6.0));
    /// x tanh(ln(1 + e^x)). Range [-0.3089, inf). Error 5; derivative 4 of 1.
    pub fn mish(x) = {
        let near = ajar(x);
        // With e^x as z the gate is z (z + 2) / (z (z + 2) + 2); above 0 all over z^2, so that there is but e^-|x|.
        let (decayed, is_below) = ((-near.abs()).exp().detach(), near.lt(0.0));
        let above = is_below.select(decayed * (decayed + 2.0), 1.0 + 2.0 * decayed);
        let below = above + 2.0 * is_below.select(1.0, decayed * decayed);
        let slope = 4.0 * decayed * (1.0 + decayed) * is_below.select(1.0, decayed) / (below * below);
        gated(x, near * (above / below).with_derivatives([(near, slope)]))
    };
    /// x / (1 + e^-x) above 0, (e^x - 1) / (1 + e^-x) below. Range [-0.1716, inf). Error 5; derivative 4 of 1.
    pub fn elish(x) = x.le(0.0).select(x.exp_m1() * x.sigmoid(), silu::call(x));
    /// (sqrt(x^2 + 1) - 1) / 2 + x. Range (-inf, inf). Error 4; derivative 4.
    pub fn bent_identity(x) = {
        let near = x.clamp(-1e9, 1e9).detach();
        let root = (near * near + 1.0).sqrt();
        let far = x * x.gt(0.0).select(1.5, 0.5) - 0.5;
        let value = x.abs().gt(1e9).select(far, 0.5 * near * near / (root + 1.0) + x);
        value.with_derivatives([(x, 0.5 * near / root + 1.0)])
    };
    /// ln(1 / (1 + e^-x)). Range (-inf, 0). Error 3; derivative 4.
    pub fn log_sigmoid(x) = -(-x).softplus();
    /// x - tanh(x). Range (-inf, inf). Error 2 of 1; derivative 6.
    pub fn tanh_shrink(x) = {
        let tanh = x.tanh();
        (x - tanh).with_derivatives([(x, tanh.detach().square())])
    };
    /// x tanh(x). Range [0, inf). Error 3; derivative 4.
    pub fn lisht(x) = {
        // Beyond, the tanh is 1 or -1 to the last bit.
        let near = x.clamp(-400.0, 400.0);
        let tanh = near.tanh().detach();
        let decayed = (-2.0 * near.abs()).exp().detach();
        // 1 - tanh(x)^2 without the difference.
        let slope = 4.0 * decayed / (1.0 + decayed).square();
        x.abs().gt(400.0).select(x.abs(), near * tanh.with_derivatives([(near, slope)]))
    };
    /// x / (1 + e^(-`slope` x)). Range by `slope`, from -0.2785 / `slope` on. Error 3 of 1; derivative 4 of 1.
    pub fn swish(x; slope) = {
        let near = x.clamp(-HUGE, HUGE);
        let gate = (slope * near).sigmoid();
        (near.eq(x) | gate.eq(0.0)).select(near * gate, x * gate.detach())
    };
    /// ln(1 + e^(`sharpness` x)) / `sharpness`. Range (0, inf). Error 3 of 1; derivative 2 of 1.
    pub fn sharp_softplus(x; sharpness) = {
        let near = x.clamp(-HUGE, HUGE);
        let z = (sharpness * near).detach();
        // The derivative in the sharpness is an entropy: of positive terms, where by the quotient what is nearly equal cancels.
        let below = -ajar(z).abs();
        let entropy = below.softplus() - below * below.sigmoid();
        let value = (z.softplus() / sharpness).detach();
        let slope = -(entropy / (sharpness * sharpness)).detach();
        x.gt(HUGE).select(x, value.with_derivatives([(near, z.sigmoid()), (sharpness, slope)]))
    };
    /// (x + sqrt(x^2 + `b`)) / 2: ReLU for 0. Range (0, inf). Error 3; derivative 7.
    pub fn squareplus(x; b) = {
        // Half the sum of x's magnitude and the root; below 0 the result is b / 4 over that, where the sum would cancel.
        let magnitude = x.gt(0.0).select(x, -x);
        let near = magnitude.min(1e15);
        let half = magnitude.gt(1e15).select(magnitude, 0.5 * (near + (near * near + b).sqrt()));
        x.gt(0.0).select(half, 0.25 * b / half.max(1e-37))
    };
    /// x above 0, x / sqrt(1 + `alpha` x^2) below. Range (-1 / sqrt(`alpha`), inf). Error 4; derivative 4 of 1.
    pub fn isrlu(x; alpha) = x.gt(0.0).select(x, isru::call(x, alpha));
    /// -ln(1 - `alpha` (x + `alpha`)) / `alpha` for `alpha` below 0, x for 0, (e^(`alpha` x) - 1) / `alpha` + `alpha`
    /// above. Range (`alpha` - 1 / `alpha`, inf) above 0, (-inf, inf) for 0. Error 3 of 1; derivative 3.
    pub fn soft_exponential(x; alpha) = {
        let low = x.lt(-HUGE).select(-HUGE, x);
        let logarithm = -(-(alpha * (x + alpha))).ln_1p() / alpha;
        let (t, inverse) = (alpha * low, alpha.recip());
        let (rise, power) = (t.detach().exp_m1(), t.detach().exp());
        // The derivative in alpha, so that neither a product nor a difference of it is one of infinities.
        let grown = t.gt(1.0).select(low + rise * (low - inverse), low * power - rise * inverse) * inverse + 1.0;
        let exponential = (rise * inverse + alpha).with_derivatives([(x, power), (alpha, grown.detach())]);
        let (one, slope) = (S::from(1.0), 0.5 * x * x + 1.0);
        let identity = x.with_derivatives([(x, one), (alpha, slope.detach())]);
        alpha.eq(0.0).select(identity, alpha.lt(0.0).select(logarithm, exponential))
    };
}

/// Every one of them, its run-time scalars at usual values.
pub(super) static ALL: &[&dyn AnyFormula] = &[
    &softplus,
    &elu { alpha: 1.0 },
    &gelu,
    &gelu_tanh,
    &silu,
    &selu,
    &celu { alpha: 1.0 },
    &delu { a: 1.0, b: 2.0, c: 1.25643 },
    &hard_swish,
    &mish,
    &elish,
    &bent_identity,
    &log_sigmoid,
    &tanh_shrink,
    &lisht,
    &swish { slope: 1.0 },
    &sharp_softplus { sharpness: 1.0 },
    &squareplus { b: 4.0 },
    &isrlu { alpha: 1.0 },
    &soft_exponential { alpha: 0.5 },
];

/// Finite where infinity would meet a 0, and beyond all that matters.
const HUGE: f64 = 1e30;
