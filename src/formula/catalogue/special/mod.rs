//! Special functions. Errors are stated in units of the rounding error, 2^-24 for f32 and 2^-53 for f64, relative to the
//! result; `tests/catalogue` holds them. Derivatives of inverses grow with the exponential of the result's square, and so
//! do their errors with that square.

mod gamma_functions;
mod normal;

use crate::formula;
use crate::formula::{AnyFormula, Operand, Scalar};

formula! {
    /// The inverse of the error function, infinite at -1 and 1 and NaN outside. Error below 5 units.
    pub fn erf_inv(x) = {
        let y = normal::quantile(0.5 * x, 0.5 * (1.0 - x.abs())) * std::f64::consts::FRAC_1_SQRT_2;
        let value = y.detach();
        y.with_derivatives([(x, (value * value).exp() * HALF_SQRT_PI)])
    };
    /// The inverse of 1 minus the error function, infinite at 0 and 2 and NaN outside. Error below 5 units.
    pub fn erfc_inv(x) = {
        let y = normal::quantile(0.5 * (1.0 - x), 0.5 * x.min(2.0 - x)) * std::f64::consts::FRAC_1_SQRT_2;
        let value = y.detach();
        y.with_derivatives([(x, (value * value).exp() * -HALF_SQRT_PI)])
    };
    /// The standard normal distribution function. Error below 8 units, far down the tail too.
    pub fn normal_cdf(x) = normal::cumulative(x).with_derivatives([(x, normal::density(x.detach()))]);
    /// The inverse of the standard normal distribution function, infinite at 0 and 1 and NaN outside. Error below 5 units.
    pub fn normal_quantile(x) = {
        let y = normal::quantile(x - 0.5, x.min(1.0 - x));
        y.with_derivatives([(x, normal::density(y.detach()).recip())])
    };
    /// The gamma function: NaN at whole numbers below 0. Error below 8 units from 0 on; below, near a pole, it grows as the
    /// distance from that shrinks.
    pub fn gamma(x) = {
        let y = gamma_functions::gamma(x);
        y.with_derivatives([(x, y.detach() * gamma_functions::digamma(x.detach()))])
    };
    /// The natural logarithm of the magnitude of the gamma function; infinite at 0 and whole numbers below.
    /// Error below 5 units from 0 on; below, of the result or of 1, whichever is larger.
    pub fn ln_gamma(x) = gamma_functions::ln_gamma(x).with_derivatives([(x, gamma_functions::digamma(x.detach()))]);
}

/// Every one of them.
pub static ALL: &[&dyn AnyFormula] = &[&erf_inv, &erfc_inv, &normal_cdf, &normal_quantile, &gamma, &ln_gamma];

/// 1 / sqrt(2 pi).
const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
const HALF_SQRT_PI: f64 = 0.886_226_925_452_758;

/// The polynomial with these coefficients, lowest power first.
#[inline(always)]
fn series<S: Scalar>(x: S, coefficients: &[f64]) -> S
where
    f64: Operand<S, S>,
{
    let mut sum = S::from(coefficients[coefficients.len() - 1]);
    for i in (0..coefficients.len() - 1).rev() {
        sum = sum.mul_add(x, S::from(coefficients[i]));
    }
    sum
}

/// The quotient of two polynomials.
#[inline(always)]
fn ratio<S: Scalar>(x: S, [above, below]: [&[f64]; 2]) -> S
where
    f64: Operand<S, S>,
{
    series(x, above) / series(x, below)
}
