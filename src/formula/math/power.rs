//! Powers and roots.

use super::exp::{split, within};
use super::log::reduce;
use super::{Elementary, constants, polynomial};
use crate::formula::lanes::Lanes;

/// `base` to the power `exponent`, with the special cases of C's `pow`. Error below 1.25 ULP.
///
/// A negative base has a power only where the exponent is an integer; elsewhere the result is NaN. Whatever the other
/// argument, even NaN, `pow(x, 0)` and `pow(1, y)` are 1.
#[inline(always)]
pub fn pow<L: Lanes>(base: L, exponent: L) -> L {
    let (zero, one, infinity) = (L::constant(0.0), L::constant(1.0), L::constant(f64::INFINITY));
    let unit_to_infinite = L::mask_and(base.abs().eq(one), exponent.abs().eq(infinity));
    let magnitude = L::select(unit_to_infinite, one, positive_power(base.abs(), exponent));

    let half = exponent * L::constant(0.5);
    let integral = exponent.eq(exponent.trunc());
    let odd = L::mask_and(integral, L::mask_not(half.eq(half.trunc())));
    let signed = L::select(odd, magnitude.copysign(base), magnitude);

    let negative = L::mask_and(base.lt(zero), (-infinity).lt(base));
    let undefined = L::mask_and(negative, L::mask_not(integral));
    let defined = L::select(undefined, L::constant(f64::NAN), signed);
    L::select(L::mask_or(base.eq(one), exponent.eq(zero)), one, defined)
}

/// The cube root. Error below 1 ULP.
#[inline(always)]
pub fn cbrt<L: Lanes>(x: L) -> L {
    let (significand, exponent) = x.abs().decompose();
    let third = ((exponent + L::constant(0.5)) * L::constant(1.0 / 3.0)).floor();
    let rest = third.mul_add(L::constant(-3.0), exponent);
    let cube = significand * by_rest(rest, [1.0, 2.0, 4.0]);
    let mut root = polynomial(significand, L::Element::CBRT) * by_rest(rest, [1.0, CBRT_2, CBRT_4]);
    for _ in 0..L::Element::CBRT_STEPS {
        root = halley_step(root, cube);
    }
    let ordinary = L::mask_and(L::constant(0.0).lt(x.abs()), x.abs().lt(L::constant(f64::INFINITY)));
    L::select(ordinary, (root * third.exp2_integral()).copysign(x), x)
}

const CBRT_2: f64 = 1.259_921_049_894_873_2;
const CBRT_4: f64 = 1.587_401_051_968_199_5;

/// The value at index `rest`.
#[inline(always)]
fn by_rest<L: Lanes>(rest: L, values: [f64; 3]) -> L {
    let [zero, one, two] = constants(values);
    L::select(rest.eq(L::constant(2.0)), two, L::select(rest.eq(L::constant(1.0)), one, zero))
}

/// A better cube root of `cube`: the number of correct bits triples.
#[inline(always)]
fn halley_step<L: Lanes>(root: L, cube: L) -> L {
    let power = root * root * root;
    let excess = power - cube;
    (-root).mul_add(excess / (power + power + cube), root)
}

/// `base^exponent` for a base that is not negative.
#[inline(always)]
fn positive_power<L: Lanes>(base: L, exponent: L) -> L {
    let Double { high, low } = ln_double(base);
    let product = exponent * high;
    let error = exponent.mul_add(low, exponent.mul_add(high, -product));
    let clamped = within(product, L::Element::EXP_UNDERFLOW, L::Element::EXP_OVERFLOW);
    let (mantissa, power) = split(clamped, L::select(clamped.eq(product), error, L::constant(0.0)));
    mantissa.scale(power)
}

/// The natural logarithm to almost twice the precision, with its limits at zero and infinity.
#[inline(always)]
fn ln_double<L: Lanes>(x: L) -> Double<L> {
    let (fraction, exponent) = reduce(x);
    let logarithm = ln_1p_double(fraction);
    let whole =
        Double { high: exponent * L::constant(L::Element::LN2_HIGH), low: exponent * L::constant(L::Element::LN2_LOW) };
    let sum = whole.plus_smaller(logarithm);
    let infinity = L::constant(f64::INFINITY);
    let finite = L::select(x.eq(L::constant(0.0)), -infinity, sum.high);
    Double { high: L::select(x.lt(infinity), finite, x), low: sum.low }
}

/// ln(1 + f) = 2 s + s z (2/3 + z Q(z)) with s = f / (2 + f) and z = s^2.
#[inline(always)]
fn ln_1p_double<L: Lanes>(f: L) -> Double<L> {
    let two = L::constant(2.0);
    let divisor = two + f;
    let divisor_low = f - (divisor - two);
    let quotient = f / divisor;
    let remainder = (-quotient).mul_add(divisor_low, (-quotient).mul_add(divisor, f));
    // 1 / (2 + f) = (1 - s) / 2
    let half = L::constant(0.5);
    let s = Double { high: quotient, low: remainder * (-half).mul_add(quotient, half) };
    let z = s.times(s);
    let [high, low] = constants(L::Element::TWO_THIRDS);
    let series = Double { high: z.high * polynomial(z.high, L::Element::LOG_TAIL), low: L::constant(0.0) };
    let tail = Double { high, low }.plus_smaller(series).times(z).times(s);
    Double { high: s.high + s.high, low: s.low + s.low }.plus_smaller(tail)
}

/// The unevaluated sum of a number and one below its last place.
#[derive(Clone, Copy)]
struct Double<L> {
    high: L,
    low: L,
}

impl<L: Lanes> Double<L> {
    /// The sum with a number that is smaller in magnitude, unless this is zero.
    #[inline(always)]
    fn plus_smaller(self, other: Self) -> Self {
        let high = self.high + other.high;
        Self { high, low: ((self.high - high) + other.high) + (self.low + other.low) }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        let high = self.high * other.high;
        let error = self.high.mul_add(other.high, -high);
        Self { high, low: self.high.mul_add(other.low, self.low.mul_add(other.high, error)) }
    }
}
