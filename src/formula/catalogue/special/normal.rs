//! The normal distribution and the inverses of the error function.

use super::ratio;
use crate::formula::{Mask, Operand, Scalar};

/// Where the standard normal distribution function is 1/2 + `offset`, given also the smaller of the probabilities to
/// either side: each is exact where the other is not. Infinite for a tail of 0, NaN for one below.
#[inline(always)]
pub fn quantile<S: Scalar>(offset: S, tail: S) -> S
where
    f64: Operand<S, S>,
{
    let centre = offset * ratio(0.1875 - offset * offset, CENTRE);
    let root = (-tail.ln()).sqrt();
    let beyond = root.le(5.0).select(ratio(root - 1.5, NEAR_TAIL), ratio(root - 5.0, FAR_TAIL));
    let beyond = tail.eq(0.0).select(f64::INFINITY, beyond);
    offset.abs().le(0.425).select(centre, beyond.copysign(offset))
}

/// The standard normal distribution function. The argument of the complementary error function is carried to twice the
/// precision, for far out the result is as sensitive to it as it is small.
#[inline(always)]
pub fn cumulative<S: Scalar>(x: S) -> S
where
    f64: Operand<S, S>,
{
    // -1 / sqrt(2) in a part of nine bits, whose products are exact up to one rounding, and the rest.
    const HIGH: f64 = -0.707_031_25;
    const LOW: f64 = -7.553_118_654_752_44e-5;
    let near = x.clamp(-50.0, 50.0);
    let argument = near * -std::f64::consts::FRAC_1_SQRT_2;
    let lost = near.mul_add(S::from(HIGH), -argument) + near * LOW;
    let correction = (-(argument * argument)).exp() * std::f64::consts::FRAC_2_SQRT_PI * lost;
    0.5 * (argument.erfc() - correction)
}

/// The density of the standard normal distribution.
#[inline(always)]
pub fn density<S: Scalar>(x: S) -> S
where
    f64: Operand<S, S>,
{
    (-0.5 * x * x).exp() * super::FRAC_1_SQRT_TAU
}

/// The quantile over its offset, by 3/16 less the square of that: within 2^-53.
const CENTRE: [&[f64]; 2] = [
    &[
        3.460_893_689_505_173_4,
        145.702_330_826_53,
        2_293.655_350_384_005_5,
        16_826.353_373_148_762,
        58_616.512_141_163_44,
        88_303.859_018_427_73,
        44_516.509_396_219_735,
        3_342.504_193_899_355,
    ],
    &[
        1.0,
        45.369_688_504_503_94,
        784.600_004_686_475_6,
        6_502.556_820_152_628,
        26_724.106_254_368_8,
        51_136.569_064_926_81,
        38_097.326_087_200_44,
        6_971.963_457_464_415,
    ],
];

/// The quantile by sqrt(-ln tail) - 3/2, for roots between 1.6 and 5: within 2^-53.
const NEAR_TAIL: [&[f64]; 2] = [
    &[
        1.251_372_929_057_053_4,
        4.417_878_136_485_677,
        5.861_370_018_429_885,
        3.906_441_825_113_173_4,
        1.424_596_135_800_592_5,
        0.282_243_849_755_344_5,
        0.027_428_929_380_235_504,
        0.000_957_641_522_066_006_3,
    ],
    &[
        1.0,
        2.144_626_216_195_994_6,
        1.825_056_627_927_675,
        0.780_852_840_965_528_4,
        0.173_791_382_152_781_56,
        0.018_387_894_833_778_944,
        0.000_677_040_068_864_560_1,
        1.295_434_464_783_075_3e-09,
    ],
];

/// The quantile by sqrt(-ln tail) - 5, for larger roots: within 2^-53.
const FAR_TAIL: [&[f64]; 2] = [
    &[
        6.657_904_643_501_103,
        5.462_305_009_163_763,
        1.783_708_867_276_103,
        0.296_233_522_647_914_7,
        0.026_485_486_651_824_413,
        0.001_239_312_701_168_541_4,
        2.700_566_737_399_605e-05,
        1.998_197_028_610_641_6e-07,
    ],
    &[
        1.0,
        0.599_609_929_115_823_2,
        0.136_811_091_387_172_48,
        0.014_852_179_690_356_203,
        0.000_784_865_851_396_223_3,
        1.838_976_844_309_07e-05,
        1.412_929_462_212_572_4e-07,
        2.007_595_068_001_178e-15,
    ],
];
