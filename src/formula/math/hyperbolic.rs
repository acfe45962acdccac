//! Hyperbolic functions, from the exponential and its difference to one.

use super::exp::{keep_tiny, scaled_exp_m1, split};
use super::{Elementary, polynomial};
use crate::formula::lanes::Lanes;

/// The hyperbolic tangent. Error below 1.5 ULP.
#[inline(always)]
pub fn tanh<L: Lanes>(x: L) -> L {
    let (one, two) = (L::constant(1.0), L::constant(2.0));
    let magnitude = x.abs();
    let square = x * x;
    let near = (magnitude * square).mul_add(polynomial(square, L::Element::TANH), magnitude);
    let clamped = L::constant(L::Element::TANH_ONE).min(magnitude);
    let (mantissa, power) = split(clamped + clamped, L::constant(0.0));
    let far = one - two / mantissa.mul_add(power.exp2_integral(), one);
    L::select(magnitude.lt(L::constant(0.55)), near, far).copysign(x)
}

/// The hyperbolic sine. Error below 2.2 ULP.
#[inline(always)]
pub fn sinh<L: Lanes>(x: L) -> L {
    let quarter = scaled_exp_m1(magnitude(x), -2.0);
    // With t = e^x - 1: sinh x = t - t^2 / (2 (1 + t))
    let ratio = quarter / (quarter + L::constant(0.25));
    let half = (-ratio).mul_add(quarter, quarter + quarter);
    keep_tiny(x, (half + half).copysign(x))
}

/// The hyperbolic cosine. Error below 1.5 ULP.
#[inline(always)]
pub fn cosh<L: Lanes>(x: L) -> L {
    let (mantissa, power) = split(magnitude(x), L::constant(0.0));
    let quarter = mantissa * (power - L::constant(2.0)).exp2_integral();
    (quarter + quarter) + L::constant(0.125) / quarter
}

/// |x|, up to where half its exponential is infinite.
#[inline(always)]
fn magnitude<L: Lanes>(x: L) -> L {
    L::constant(L::Element::COSH_OVERFLOW).min(x.abs())
}
