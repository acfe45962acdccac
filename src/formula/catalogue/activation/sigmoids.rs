//! Activations that are bounded on both sides.

use super::between;
use crate::formula;
use crate::formula::AnyFormula;

formula! {
    /// The logistic function 1 / (1 + e^-x). Range (0, 1). Error 3; derivative 2 of 1.
    pub fn sigmoid(x) = x.sigmoid(), derivative_from_output(y) = y * (1.0 - y);
    /// The hyperbolic tangent. Range (-1, 1). Error 3; derivative 3 of 1.
    pub fn tanh(x) = x.tanh(), derivative_from_output(y) = 1.0 - y * y;
    /// x / (1 + |x|). Range (-1, 1). Error 3; derivative 5.
    pub fn softsign(x) = {
        let near = x.clamp(-1e37, 1e37);
        (near / (1.0 + near.abs())).with_derivatives([(x, (1.0 + x.detach().abs()).recip().square())])
    };
    /// The square non-linearity SQNL: x - x |x| / 4 within -2 and 2, else the sign. Range [-1, 1].
    /// Error 2; derivative 1.
    pub fn sqnl(x) = {
        let near = between(x, -2.0, 2.0);
        near - 0.25 * near * near.abs()
    };
    /// The inverse square root unit x / sqrt(1 + `alpha` x^2). Range (-1 / sqrt(`alpha`), 1 / sqrt(`alpha`)).
    /// Error 4; derivative 4 of 1.
    pub fn isru(x; alpha) = {
        // Beyond, 1 is nothing beside the square, which would overflow.
        let near = x.clamp(-1e15, 1e15).detach();
        let square = near * near;
        let inverse = (1.0 + alpha.detach() * square).recip();
        let root = inverse.sqrt();
        let value = near * root;
        value.with_derivatives([(x, inverse * root), (alpha, -0.5 * value * (square * inverse))])
    };
    /// Soboleva's modified tanh (e^(`a` x) - e^(-`b` x)) / (e^(`c` x) + e^(-`d` x)): tanh with 1 everywhere. Range by
    /// parameters, (-1, 1) where `a` is `c` and `b` is `d`. Error 3 of 1; derivative 4 of 1.
    pub fn soboleva(x; a, b, c, d) = {
        let x = x.clamp(-1e5, 1e5);
        // Taken off every exponent, so that the denominator is between 1 and 2.
        let scale = (c * x).max(-d * x).detach();
        let above = (a * x - scale).exp_m1() - (-b * x - scale).exp_m1();
        above / ((c * x - scale).exp() + (-d * x - scale).exp())
    };
    /// e^(-x^2). Range (0, 1]. Error 2 of 1; derivative 2 of 1.
    pub fn gaussian(x) = {
        // Beyond, the result is 0, and the slope 0 times infinity.
        let near = x.clamp(-30.0, 30.0);
        (-(near * near)).exp()
    };
    /// sin(x) / x, 1 at 0. Range [-0.2173, 1]. Error 3; derivative 2 of 1.
    pub fn sinc(x) = {
        // By its series near 0, where the slope would be a difference of what is nearly equal.
        let square = x * x;
        let mut near = S::from(SINC[SINC.len() - 1]);
        for i in (0..SINC.len() - 1).rev() {
            near = near.mul_add(square, S::from(SINC[i]));
        }
        let far = x.abs().eq(f64::INFINITY).select(0.0, x.sin() / x);
        x.abs().lt(1.0).select(near, far)
    };
}

/// Every one of them, its run-time scalars at usual values.
pub(super) static ALL: &[&dyn AnyFormula] = &[
    &sigmoid,
    &tanh,
    &softsign,
    &sqnl,
    &isru { alpha: 1.0 },
    &soboleva { a: 1.0, b: 1.0, c: 1.0, d: 1.0 },
    &gaussian,
    &sinc,
];

/// (-1)^k / (2k + 1)!: of the powers of x^2.
const SINC: [f64; 9] = [
    1.0,
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
];
