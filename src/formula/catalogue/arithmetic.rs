//! Arithmetic and elementary functions of tensors.

use crate::formula;
use crate::formula::AnyFormula;

formula! {
    /// Sum.
    pub fn add(a, b) = a + b;
    /// Difference.
    pub fn sub(a, b) = a - b;
    /// Product.
    pub fn mul(a, b) = a * b;
    /// Quotient.
    pub fn div(a, b) = a / b;
    /// The larger of both; NaN where either is.
    pub fn maximum(a, b) = a.max(b);
    /// The smaller of both; NaN where either is.
    pub fn minimum(a, b) = a.min(b);
    /// The first to the power of the second.
    pub fn pow(a, b) = a.pow(b);
    /// 1 where both are equal, else 0. Derivative 0.
    pub fn equal(a, b) = a.eq(b).select(1.0, 0.0);
    /// 1 where the first is smaller, else 0. Derivative 0.
    pub fn less(a, b) = a.lt(b).select(1.0, 0.0);
    /// The second where the first is not 0, else the third.
    pub fn choose(mask, yes, no) = mask.eq(0.0).select(no, yes);
    /// The negative.
    pub fn neg(x) = -x;
    /// The magnitude; derivative 0 at 0.
    pub fn abs(x) = x.abs();
    /// -1, 0 or 1 by sign; derivative 0.
    pub fn sign(x) = x.sign();
    /// The square.
    pub fn square(x) = x.square();
    /// 1 / x.
    pub fn recip(x) = x.recip();
    /// e to the power of x.
    pub fn exp(x) = x.exp(), derivative_from_output(y) = y;
    /// 2 to the power of x.
    pub fn exp2(x) = x.exp2();
    /// e to the power of x, minus 1.
    pub fn exp_m1(x) = x.exp_m1(), derivative_from_output(y) = y + 1.0;
    /// Natural logarithm.
    pub fn ln(x) = x.ln();
    /// Natural logarithm of 1 + x.
    pub fn ln_1p(x) = x.ln_1p();
    /// Logarithm to base 2.
    pub fn log2(x) = x.log2();
    /// Logarithm to base 10.
    pub fn log10(x) = x.log10();
    /// Square root.
    pub fn sqrt(x) = x.sqrt(), derivative_from_output(y) = 0.5 / y;
    /// Cube root.
    pub fn cbrt(x) = x.cbrt();
    /// The sine of an angle in radians. Range [-1, 1]. Error 2; derivative 2.
    pub fn sin(x) = x.sin();
    /// Cosine of an angle in radians.
    pub fn cos(x) = x.cos();
    /// Tangent of an angle in radians.
    pub fn tan(x) = x.tan();
    /// Inverse sine.
    pub fn asin(x) = x.asin();
    /// Inverse cosine.
    pub fn acos(x) = x.acos();
    /// The inverse tangent. Range (-pi/2, pi/2). Error 3; derivative 2 of 1.
    pub fn atan(x) = x.atan();
    /// Hyperbolic sine.
    pub fn sinh(x) = x.sinh();
    /// Hyperbolic cosine.
    pub fn cosh(x) = x.cosh();
    /// The error function.
    pub fn erf(x) = x.erf();
    /// 1 minus the error function.
    pub fn erfc(x) = x.erfc();
    /// The largest whole number not above x; derivative 0.
    pub fn floor(x) = x.floor();
    /// The smallest whole number not below x; derivative 0.
    pub fn ceil(x) = x.ceil();
    /// The whole number towards zero; derivative 0.
    pub fn trunc(x) = x.trunc();
    /// The nearest whole number, halves to even; derivative 0.
    pub fn round(x) = x.round();
    /// `factor` times x plus `term`.
    pub fn scale_shift(x; factor, term) = x * factor + term;
    /// x within `low..=high`; derivative 1 inside, 0 outside.
    pub fn clamp(x; low, high) = x.clamp(low, high);
    /// The square of x minus a center, as a variance sums it.
    pub fn squared_difference(x, center) = (x - center).square();
}

/// Every one of them, with values for the run-time scalars.
pub static ALL: &[&dyn AnyFormula] = &[
    &add,
    &sub,
    &mul,
    &div,
    &maximum,
    &minimum,
    &pow,
    &equal,
    &less,
    &choose,
    &neg,
    &abs,
    &sign,
    &square,
    &recip,
    &exp,
    &exp2,
    &exp_m1,
    &ln,
    &ln_1p,
    &log2,
    &log10,
    &sqrt,
    &cbrt,
    &sin,
    &cos,
    &tan,
    &asin,
    &acos,
    &atan,
    &sinh,
    &cosh,
    &erf,
    &erfc,
    &floor,
    &ceil,
    &trunc,
    &round,
    &scale_shift { factor: -1.5, term: 0.25 },
    &clamp { low: -0.5, high: 0.5 },
    &squared_difference,
];
