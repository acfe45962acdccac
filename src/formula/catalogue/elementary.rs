//! Powers, inverse hyperbolic functions, remainders and what else a vector library has beside arithmetic.

use std::f64::consts::LN_2;

use crate::formula;
use crate::formula::{AnyFormula, Mask, Scalar};

formula! {
    /// 10 to the power of x.
    pub fn exp10(x) = S::from(10.0).pow(x);
    /// x to the power `exponent`.
    pub fn powx(x; exponent) = x.pow(exponent);
    /// x to the power 2/3: the square of the cube root, of negative numbers too.
    pub fn pow2o3(x) = {
        let root = x.cbrt();
        (root * root).with_derivatives([(x, TWO_THIRDS * root.detach().recip())])
    };
    /// x to the power 3/2.
    pub fn pow3o2(x) = {
        let root = x.sqrt();
        (x * root).with_derivatives([(x, 1.5 * root.detach())])
    };
    /// 1 over the square root.
    pub fn inv_sqrt(x) = x.sqrt().recip();
    /// 1 over the cube root.
    pub fn inv_cbrt(x) = x.cbrt().recip();
    /// The length of the hypotenuse, sqrt(a^2 + b^2), without overflow on the way. Derivatives 0 at the origin.
    pub fn hypot(a, b) = {
        let length = length(a, b);
        let divisor = length.eq(0.0).select(1.0, length).detach();
        length.with_derivatives([(a, a.detach() / divisor), (b, b.detach() / divisor)])
    };
    /// Inverse hyperbolic sine.
    pub fn asinh(x) = {
        let a = x.abs();
        let square = a * a;
        let near = (a + square / (1.0 + (square + 1.0).sqrt())).ln_1p();
        let value = a.gt(HUGE).select(a.ln() + LN_2, near).copysign(x);
        value.with_derivatives([(x, length(x.detach(), S::from(1.0)).recip())])
    };
    /// Inverse hyperbolic cosine; NaN below 1.
    pub fn acosh(x) = {
        let above = x - 1.0;
        let roots = above.sqrt() * (above + 2.0).sqrt();
        let value = x.gt(HUGE).select(x.ln() + LN_2, (above + roots).ln_1p());
        value.with_derivatives([(x, roots.detach().recip())])
    };
    /// Inverse hyperbolic tangent; infinite at -1 and 1, NaN outside.
    pub fn atanh(x) = {
        let a = x.abs();
        let value = (0.5 * (2.0 * a / (1.0 - a)).ln_1p()).copysign(x);
        value.with_derivatives([(x, ((1.0 - x) * (1.0 + x)).detach().recip())])
    };
    /// Sine and cosine of an angle in radians.
    pub fn sin_cos(x) -> 2 = [x.sin(), x.cos()];
    /// What x has behind the point, with its sign. Derivative 1.
    pub fn fract(x) = x.abs().eq(f64::INFINITY).select(0.0, x - x.trunc());
    /// What x has behind the point and before it, both with its sign. Derivatives 1 and 0.
    pub fn modf(x) -> 2 = [fract::call(x), x.trunc()];
    /// The remainder of a / b with the sign of a. Exact while the quotient is below 2^23 in f32 and 2^52 in f64, and NaN
    /// from there on.
    pub fn fmod(a, b) = {
        let quotient = (a / b).trunc();
        let rest = (-quotient).mul_add(b, a);
        // A quotient that was rounded up to a whole number takes one b too many.
        let beyond = (a.gt(0.0) & rest.lt(0.0)) | (a.lt(0.0) & rest.gt(0.0));
        let rest = beyond.select(rest + b.abs().copysign(a), rest);
        b.abs().eq(f64::INFINITY).select(finite(a), known(quotient, rest))
    };
    /// The remainder of a / b by the nearest whole quotient, as IEEE 754 has it; of two as near the even one. Exact while
    /// the quotient is below 2^23 in f32 and 2^52 in f64, and NaN from there on.
    pub fn remainder(a, b) = {
        let quotient = (a / b).round();
        let rest = (-quotient).mul_add(b, a);
        let half = 0.5 * b.abs();
        let rest = rest.abs().gt(half).select(rest - b.abs().copysign(rest), rest);
        b.abs().eq(f64::INFINITY).select(finite(a), known(quotient, rest))
    };
    /// The magnitude of the first with the sign of the second.
    pub fn copysign(a, b) = a.copysign(b);
    /// The larger of both; where one is NaN the other.
    pub fn fmax(a, b) = (b.lt(a) | b.is_nan()).select(a, b);
    /// The smaller of both; where one is NaN the other.
    pub fn fmin(a, b) = (a.lt(b) | b.is_nan()).select(a, b);
    /// (a x + b) / (c y + d).
    pub fn linear_fraction(x, y; a, b, c, d) = (a * x + b) / (c * y + d);
}

/// Every one of them, with values for the run-time scalars.
pub static ALL: &[&dyn AnyFormula] = &[
    &exp10,
    &powx { exponent: 2.5 },
    &pow2o3,
    &pow3o2,
    &inv_sqrt,
    &inv_cbrt,
    &hypot,
    &asinh,
    &acosh,
    &atanh,
    &sin_cos,
    &fract,
    &modf,
    &fmod,
    &remainder,
    &copysign,
    &fmax,
    &fmin,
    &linear_fraction { a: 1.5, b: -0.25, c: 0.5, d: 2.0 },
];

const TWO_THIRDS: f64 = 2.0 / 3.0;
/// From here on 1 is nothing beside the square.
const HUGE: f64 = 1e9;

/// sqrt(a^2 + b^2).
#[inline(always)]
fn length<S: Scalar>(a: S, b: S) -> S {
    let (a, b) = (a.abs(), b.abs());
    let (long, short) = (a.max(b), a.min(b));
    let ratio = short / long;
    let ordinary = long * (ratio * ratio + 1.0).sqrt();
    (long.eq(0.0) | long.eq(f64::INFINITY)).select(long, ordinary)
}

/// `a`, or NaN where it is infinite.
#[inline(always)]
fn finite<S: Scalar>(a: S) -> S {
    a.abs().lt(f64::INFINITY).select(a, f64::NAN)
}

/// `rest`, or NaN where the quotient has no place for halves.
#[inline(always)]
fn known<S: Scalar>(quotient: S, rest: S) -> S {
    let quotient = quotient.abs();
    quotient.lt(quotient + 0.5).select(rest, f64::NAN)
}
