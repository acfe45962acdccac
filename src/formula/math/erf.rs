//! The error function and its complement.

use super::exp::split;
use super::{Elementary, polynomial};
use crate::formula::lanes::Lanes;

/// How far the centres of a table of the error function are apart.
pub const ERF_STEP: f64 = 67.0 / 256.0;

/// The error function. Error below 1.5 ULP.
#[inline(always)]
pub fn erf<L: Lanes>(x: L) -> L {
    match L::Element::ERF_TABLE {
        Some(table) => from_table(x, table),
        None => by_exponential(x),
    }
}

/// By the polynomial around the nearest of sixteen centres: half the steps of an exponential.
#[inline(always)]
fn from_table<L: Lanes>(x: L, table: &[[L::Element; 16]; 6]) -> L {
    let last = L::constant(15.0 * ERF_STEP);
    let magnitude = last.min(x.abs());
    let index = (magnitude * L::constant(1.0 / ERF_STEP)).round();
    let distance = index.mul_add(L::constant(-ERF_STEP), magnitude);
    let [centre, rest @ ..] = table;
    let mut sum = L::lookup(&rest[4], index);
    for i in (0..4).rev() {
        sum = sum.mul_add(distance, L::lookup(&rest[i], index));
    }
    // Around 0 the distance is x itself; around any other centre the function is more than the distance.
    sum.mul_add(distance, L::lookup(centre, index).max(distance)).copysign(x)
}

/// As 1 less an exponential, and by its series near 0.
#[inline(always)]
fn by_exponential<L: Lanes>(x: L) -> L {
    let one = L::constant(1.0);
    let magnitude = x.abs();
    let clamped = L::constant(L::Element::ERF_ONE).min(magnitude);
    let exponent = polynomial(clamped - L::constant(L::Element::ERF_CENTRE), L::Element::ERF_TAIL);
    let (mantissa, power) = split(exponent, L::constant(0.0));
    let far = (-mantissa).mul_add(power.exp2_integral(), one);
    L::select(magnitude.lt(one), near_zero(x), far.copysign(x))
}

/// The complementary error function 1 - erf(x), accurate where it is small. Error below 4 ULP; results are subnormal where
/// they should be.
#[inline(always)]
pub fn erfc<L: Lanes>(x: L) -> L {
    let clamped = L::constant(L::Element::ERFC_ZERO).min(x.abs());
    let centre = L::constant(L::Element::ERFC_CENTRE);
    let divisor = clamped + centre;
    let scaled = polynomial((clamped - centre) / divisor, L::Element::ERFC);
    let square = clamped * clamped;
    let (mantissa, power) = split(-square, -clamped.mul_add(clamped, -square));
    let upper = (scaled * mantissa / divisor).scale(power);
    let far = L::select(x.lt(L::constant(0.0)), L::constant(2.0) - upper, upper);
    L::select(x.abs().lt(L::constant(0.5)), L::constant(1.0) - near_zero(x), far)
}

/// The error function for |x| <= 1.
#[inline(always)]
fn near_zero<L: Lanes>(x: L) -> L {
    x.mul_add(polynomial(x * x, L::Element::ERF), x)
}
