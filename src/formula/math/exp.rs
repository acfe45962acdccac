//! Exponentials, by splitting off a power of two: e^x = 2^n e^r with |r| <= ln 2 / 2.

use std::f64::consts::{LN_2, LOG2_E};

use super::{Elementary, polynomial};
use crate::formula::lanes::Lanes;

/// e^x. Error below 1.1 ULP; results below the smallest normal number are subnormal.
#[inline(always)]
pub fn exp<L: Lanes>(x: L) -> L {
    let zero = L::constant(0.0);
    let (mantissa, power) = split(within(x, L::Element::EXP_UNDERFLOW, L::Element::EXP_OVERFLOW), zero);
    mantissa.scale(power)
}

/// 2^x. Error below 1.1 ULP; results below the smallest normal number are subnormal.
#[inline(always)]
pub fn exp2<L: Lanes>(x: L) -> L {
    let x = within(x, LOG2_E * L::Element::EXP_UNDERFLOW, LOG2_E * L::Element::EXP_OVERFLOW);
    let power = x.round();
    let fraction = (x - power) * L::constant(LN_2);
    (L::constant(1.0) + fraction_m1(fraction)).scale(power)
}

/// e^x - 1, accurate near zero. Error below 1.75 ULP.
#[inline(always)]
pub fn exp_m1<L: Lanes>(x: L) -> L {
    let half = scaled_exp_m1(within(x, L::Element::EXP_M1_FLOOR, L::Element::EXP_OVERFLOW), -1.0);
    keep_tiny(x, half + half)
}

/// The logistic function 1 / (1 + e^-x). Error below 2.4 ULP; results are subnormal where they should be, since nothing
/// overflows on the way.
#[inline(always)]
pub fn sigmoid<L: Lanes>(x: L) -> L {
    let one = L::constant(1.0);
    let decayed = exp(-x.abs());
    L::select(x.lt(L::constant(0.0)), decayed, one) / (one + decayed)
}

/// e^(high + low) as a mantissa between 0.7 and 1.5 and a power of two, for a `low` below the last place of `high`.
#[inline(always)]
pub(super) fn split<L: Lanes>(high: L, low: L) -> (L, L) {
    let (power, fraction) = reduce(high);
    (L::constant(1.0) + fraction_m1(fraction + low), power)
}

/// 2^`shift` (e^x - 1), without overflow on the way.
#[inline(always)]
pub(super) fn scaled_exp_m1<L: Lanes>(x: L, shift: f64) -> L {
    let (power, fraction) = reduce(x);
    let scale = (power + L::constant(shift)).exp2_integral();
    scale.mul_add(fraction_m1(fraction), scale - L::constant(shift.exp2()))
}

/// `result`, or `x` itself where it is so small that a function with slope 1 at zero cannot tell it from its result.
#[inline(always)]
pub(super) fn keep_tiny<L: Lanes>(x: L, result: L) -> L {
    L::select(x.abs().lt(L::constant(1e-30)), x, result)
}

/// `x` brought into `low..=high`; NaN stays NaN.
#[inline(always)]
pub(super) fn within<L: Lanes>(x: L, low: f64, high: f64) -> L {
    L::constant(low).max(L::constant(high).min(x))
}

/// The integer n nearest to x / ln 2, and x - n ln 2.
#[inline(always)]
fn reduce<L: Lanes>(x: L) -> (L, L) {
    let power = (x * L::constant(LOG2_E)).round();
    let rest = power.mul_add(L::constant(-L::Element::LN2_HIGH), x);
    (power, power.mul_add(L::constant(-L::Element::LN2_LOW), rest))
}

/// e^r - 1 for |r| <= ln 2 / 2.
#[inline(always)]
fn fraction_m1<L: Lanes>(r: L) -> L {
    (r * r).mul_add(polynomial(r, L::Element::EXP), r)
}
