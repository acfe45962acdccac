//! The gamma function, its logarithm and the derivative of that.

use std::f64::consts::{LN_2, PI};

use super::{ratio, series};
use crate::formula::{Mask, Operand, Scalar};

/// The gamma function: exact for whole numbers up to 7, NaN at whole numbers below 0, infinite at 0.
///
/// Below 8 from the numbers between 1 and 2, as gamma(x + 1) = x gamma(x); from there by Stirling's series; at negative
/// numbers by reflection.
#[inline(always)]
pub fn gamma<S: Scalar>(x: S) -> S
where
    f64: Operand<S, S>,
{
    let a = x.abs();
    let fraction = a - a.floor();
    let unit = (fraction * (fraction - 1.0)).mul_add(ratio(fraction, GAMMA), S::from(1.0));
    let mut product = S::from(1.0);
    for k in 1..7 {
        let factor = a - f64::from(k);
        product = product * factor.ge(1.0).select(factor, 1.0);
    }
    let low = a.lt(1.0).select(unit / a, unit * product);
    // Half the exponent of each, for the power overflows long before the result.
    let half = a.pow((a - 0.5) * 0.5) * (-0.5 * a).exp();
    let high = half * (SQRT_TAU * stirling(a).exp()) * half;
    let positive = a.lt(8.0).select(low, a.gt(172.0).select(f64::INFINITY, high));
    let reflected = -PI / (a * positive * sin_pi(a));
    let negative = a.eq(a.floor()).select(f64::NAN, reflected);
    x.lt(0.0).select(negative, positive.copysign(x))
}

/// The natural logarithm of the magnitude of the gamma function; infinite at 0 and at whole numbers below.
#[inline(always)]
pub fn ln_gamma<S: Scalar>(x: S) -> S
where
    f64: Operand<S, S>,
{
    let a = x.abs();
    let small = a.lt(1.0);
    let t = small.select(a, a - 1.0);
    let unit = t * (t - 1.0) * ratio(t, LN_GAMMA);
    let ln = a.ln();
    let high = (a - 0.5) * (ln - 1.0) + (stirling(a) + HALF_LN_TAU_M1);
    let from_one = a.lt(8.0).select(unit, high);
    let positive = small.select(from_one - ln, from_one);
    // gamma(-a) = -pi / (sin(pi a) gamma(1 + a))
    let next = small.select(from_one, from_one + ln);
    let negative = LN_PI - sin_pi(a).abs().ln() - next;
    a.eq(f64::INFINITY).select(a, x.lt(0.0).select(negative, positive))
}

/// The derivative of [`ln_gamma`]: of numbers below 8 from those from there on, as digamma(x) = digamma(x + 1) - 1 / x.
#[inline(always)]
pub fn digamma<S: Scalar>(x: S) -> S
where
    f64: Operand<S, S>,
{
    let reflect = x.lt(0.0);
    let p = reflect.select(1.0 - x, x);
    let mut shift = S::from(0.0);
    for k in 0..8 {
        shift = shift + (p + f64::from(k)).recip();
    }
    let is_large = p.ge(8.0);
    let large = is_large.select(p, p + 8.0);
    let inverse = large.recip();
    let square = inverse * inverse;
    let tail = 0.5 * inverse + square * series(square, DIGAMMA);
    let positive = large.ln() - tail - is_large.select(0.0, shift);
    let angle = (x - x.round()) * PI;
    reflect.select(positive - PI / angle.tan(), positive)
}

const LN_PI: f64 = 1.144_729_885_849_400_2;
const HALF_LN_TAU_M1: f64 = 0.5 * (LN_2 + LN_PI - 1.0);
/// sqrt(2 pi).
const SQRT_TAU: f64 = 2.506_628_274_631_000_2;

/// sin(pi a) for a from 0 on.
#[inline(always)]
fn sin_pi<S: Scalar>(a: S) -> S
where
    f64: Operand<S, S>,
{
    let whole = a.round();
    let half = whole * 0.5;
    let sin = ((a - whole) * PI).sin();
    half.eq(half.floor()).select(sin, -sin)
}

/// What Stirling's formula leaves of ln gamma(a), for a from 8 on.
#[inline(always)]
fn stirling<S: Scalar>(a: S) -> S
where
    f64: Operand<S, S>,
{
    let inverse = a.recip();
    inverse * series(inverse * inverse, STIRLING)
}

/// B(2k) / (2k (2k - 1)) for k from 1: of 1 / a and its odd powers.
const STIRLING: &[f64] = &[
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// B(2k) / 2k for k from 1: of 1 / x^2 and its powers.
const DIGAMMA: &[f64] = &[
    1.0 / 12.0,
    -1.0 / 120.0,
    1.0 / 252.0,
    -1.0 / 240.0,
    1.0 / 132.0,
    -691.0 / 32_760.0,
    1.0 / 12.0,
    -3617.0 / 8160.0,
];

/// (gamma(1 + t) - 1) / (t (t - 1)) for t between 0 and 1: within 2^-54.
const GAMMA: [&[f64]; 2] = [
    &[
        0.577_215_664_901_532_9,
        0.396_480_894_459_398_27,
        0.062_377_283_171_114_045,
        0.003_499_342_106_597_769_6,
        0.003_267_071_362_861_108_6,
        0.000_368_791_998_530_535_26,
        4.039_370_539_202_23e-05,
        4.596_715_025_673_637e-06,
    ],
    &[
        1.0,
        1.400_379_916_965_230_5,
        0.248_557_816_369_354_92,
        -0.176_931_665_549_346_06,
        -0.013_844_712_759_554_862,
        0.010_341_784_914_547_972,
        -0.000_923_450_220_941_512_3,
    ],
];

/// ln gamma(1 + t) / (t (t - 1)) for t between 0 and 7: within 2^-53.
const LN_GAMMA: [&[f64]; 2] = [
    &[
        0.577_215_664_901_532_9,
        1.782_610_314_596_628_6,
        2.167_561_836_976_939_4,
        1.325_951_545_699_742,
        0.434_038_851_598_786,
        0.075_157_049_696_338_9,
        0.006_424_741_044_117_724_5,
        0.000_233_466_611_552_963_53,
        2.565_514_259_396_981_5e-06,
        1.641_520_218_926_102_5e-09,
    ],
    &[
        1.0,
        3.513_178_533_477_836,
        4.978_623_396_860_174,
        3.665_950_340_857_421_4,
        1.509_939_738_440_417,
        0.350_293_458_170_430_1,
        0.044_069_042_894_585_395,
        0.002_754_722_929_218_313_7,
        7.204_491_301_653_349e-05,
        5.288_635_594_261_932e-07,
    ],
];
