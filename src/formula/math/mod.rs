//! Elementary functions on lanes: each is written once, for f32 and f64 and for every instruction set.
//!
//! They are branch-free, except that sine, cosine and tangent leave huge arguments to a scalar routine, and they handle
//! every input: NaN gives NaN, infinities and signed zeros their limits, subnormals are neither flushed nor mistreated.
//! Errors are stated in units in the last place (ULP) of the result, as bounds that tests hold on every instruction set: over
//! bit patterns of every sign and exponent for f32, and against values of 160 bits for f64. A function gives the same bits on
//! every instruction set.

mod coefficients;
mod erf;
mod erf_table;
mod exp;
mod hyperbolic;
mod log;
mod power;
mod trig;

#[cfg(test)]
mod tests;

pub use coefficients::Elementary;
pub use erf::{erf, erfc};
pub use exp::{exp, exp_m1, exp2, sigmoid};
pub use hyperbolic::{cosh, sinh, tanh};
pub use log::{ln, ln_1p, log2, log10, softplus};
pub use power::{cbrt, pow};
pub use trig::{acos, asin, atan, cos, sin, tan};

use super::lanes::Lanes;

/// The polynomial with these coefficients, lowest power first, by Horner's rule.
#[inline(always)]
fn polynomial<L: Lanes>(x: L, coefficients: &[f64]) -> L {
    let mut sum = L::constant(0.0);
    for (i, &coefficient) in coefficients.iter().rev().enumerate() {
        sum = if i == 0 { L::constant(coefficient) } else { sum.mul_add(x, L::constant(coefficient)) };
    }
    sum
}

/// Each number in every lane of its own register.
#[inline(always)]
fn constants<L: Lanes, const N: usize>(values: [f64; N]) -> [L; N] {
    let mut lanes = [L::constant(0.0); N];
    for (lanes, value) in lanes.iter_mut().zip(values) {
        *lanes = L::constant(value);
    }
    lanes
}
