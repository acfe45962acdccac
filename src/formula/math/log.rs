//! Logarithms, by splitting off the exponent: x = 2^k (1 + f) with 1 + f between the square roots of 1/2 and 2.
//!
//! ln(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)) with s = f / (2 + f), as in fdlibm: the leading terms are nearly exact.

use super::exp::exp;
use super::{Elementary, constants, polynomial};
use crate::formula::lanes::Lanes;

/// The natural logarithm. Error below 1 ULP; -inf at zero, NaN below.
#[inline(always)]
pub fn ln<L: Lanes>(x: L) -> L {
    let (fraction, exponent) = reduce(x);
    at_edges(x, natural(fraction, exponent, L::constant(0.0)))
}

/// ln(1 + x), accurate near zero. Error below 1 ULP; -inf at -1, NaN below.
#[inline(always)]
pub fn ln_1p<L: Lanes>(x: L) -> L {
    let one = L::constant(1.0);
    let sum = one + x;
    let (larger, smaller) = (x.max(one), x.min(one));
    let lost = smaller - (sum - larger);
    let (fraction, exponent) = reduce(sum);
    // ln(1 + f + l) = ln(1 + f) + l / (1 + f), where l is what rounding `sum` lost; it is so small that three terms of the
    // quotient's series are enough.
    let scaled = lost.scale(-exponent);
    let correction = scaled * (one - fraction).mul_add(-fraction, one);
    let result = at_edges(sum, natural(fraction, exponent, correction));
    L::select(x.abs().lt(L::constant(0.25 * f64::EPSILON)), x, result)
}

/// ln(1 + e^x), without overflow and accurate where it is small. Error below 2.5 ULP.
#[inline(always)]
pub fn softplus<L: Lanes>(x: L) -> L {
    let zero = L::constant(0.0);
    L::select(x.lt(zero), zero, x) + ln_1p_of_unit(exp(-x.abs()))
}

/// ln(1 + t) for 0 <= t <= 1.
#[inline(always)]
fn ln_1p_of_unit<L: Lanes>(t: L) -> L {
    let one = L::constant(1.0);
    // Above the square root of 2, 1 + t is halved.
    let upper = L::constant(std::f64::consts::SQRT_2 - 1.0).lt(t);
    let fraction = L::select(upper, (t - one) * L::constant(0.5), t);
    natural(fraction, L::select(upper, one, L::constant(0.0)), L::constant(0.0))
}

/// The binary logarithm. Error below 1 ULP; exact for powers of two; -inf at zero, NaN below.
#[inline(always)]
pub fn log2<L: Lanes>(x: L) -> L {
    let (fraction, exponent) = reduce(x);
    at_edges(x, based(fraction, exponent, L::constant(0.0), L::Element::LOG2_E))
}

/// The decimal logarithm. Error below 1 ULP; -inf at zero, NaN below.
#[inline(always)]
pub fn log10<L: Lanes>(x: L) -> L {
    let (fraction, exponent) = reduce(x);
    let [high, low] = constants(L::Element::LOG10_2);
    at_edges(x, based(fraction, exponent * high, exponent * low, L::Element::LOG10_E))
}

/// f and k of x = 2^k (1 + f).
#[inline(always)]
pub(super) fn reduce<L: Lanes>(x: L) -> (L, L) {
    let (significand, exponent) = x.decompose();
    let one = L::constant(1.0);
    let upper = L::constant(std::f64::consts::SQRT_2).lt(significand);
    let halved = L::select(upper, significand * L::constant(0.5), significand);
    (halved - one, L::select(upper, exponent + one, exponent))
}

/// ln(1 + f) - (f - f^2/2), and f^2/2.
#[inline(always)]
fn tail<L: Lanes>(f: L) -> (L, L) {
    let s = f / (L::constant(2.0) + f);
    let z = s * s;
    let half_square = L::constant(0.5) * f * f;
    (s * z.mul_add(polynomial(z, L::Element::LOG), half_square), half_square)
}

/// k ln 2 + ln(1 + f) + correction.
#[inline(always)]
fn natural<L: Lanes>(f: L, k: L, correction: L) -> L {
    let (tail, half_square) = tail(f);
    let small = k.mul_add(L::constant(L::Element::LN2_LOW), correction) + tail;
    k.mul_add(L::constant(L::Element::LN2_HIGH), f - (half_square - small))
}

/// whole + rest + ln(1 + f) * factor, with the product carried to twice the precision.
#[inline(always)]
fn based<L: Lanes>(f: L, whole: L, rest: L, factor: [f64; 2]) -> L {
    let [factor_high, factor_low] = constants::<L, 2>(factor);
    let (tail, half_square) = tail(f);
    let high = f - half_square;
    let low = ((f - high) - half_square) + tail;
    let product = high * factor_high;
    let error = high.mul_add(factor_high, -product);
    let small = error + low.mul_add(factor_high, high.mul_add(factor_low, rest));
    let sum = whole + product;
    sum + (((whole - sum) + product) + small)
}

/// `result` for positive finite x, and the limits elsewhere.
#[inline(always)]
fn at_edges<L: Lanes>(x: L, result: L) -> L {
    let zero = L::constant(0.0);
    let infinity = L::constant(f64::INFINITY);
    let positive = L::select(x.lt(infinity), result, x);
    let negative = L::select(x.eq(zero), -infinity, L::constant(f64::NAN));
    L::select(x.le(zero), negative, positive)
}
