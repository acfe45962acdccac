//! Activation functions, by family.
//!
//! Documentation gives the formula, the range, and the derivative where there is a choice. At kinks it is that of the left
//! side: 0 for ReLU at 0. Where a function jumps it is that of the side the value belongs to. NaN gives NaN, and what
//! overflows on the way gives the limit.
//!
//! The last sentence says how far value and derivative may be off, and where parameters are inputs the derivatives in them, in
//! units of the rounding error: 2^-53 in f64, and 2^-24 in f32 and in 16 bits, whose own rounding comes in addition. That is
//! relative to the true number or, where it says "of 1", to 1 if that is larger: where results cancel, or follow a rounded exponent
//! down to 0. Next to the smallest numbers of a type nothing is relative. `tests/catalogue` holds it at the usual parameters, or at
//! a few where they are inputs; what others make cancel may be off by more.

mod parametric;
mod rectifiers;
mod sigmoids;
mod smooth;

use crate::formula::{AnyFormula, Mask, Scalar};

pub use parametric::*;
pub use rectifiers::*;
pub use sigmoids::*;
pub use smooth::*;

/// Every activation of one number, its run-time scalars at usual values.
pub fn all() -> impl Iterator<Item = &'static dyn AnyFormula> {
    [rectifiers::ALL, sigmoids::ALL, smooth::ALL].into_iter().flatten().copied()
}

/// Every activation whose parameters are inputs, and those that draw.
pub fn parametric() -> impl Iterator<Item = &'static dyn AnyFormula> {
    parametric::ALL.iter().copied()
}

/// x within `low..=high`, as [`clamp`](Scalar::clamp), with the derivatives of the left sides: 0 at `low`, 1 at `high`.
#[inline(always)]
fn between<S: Scalar>(x: S, low: impl Into<S>, high: impl Into<S>) -> S {
    let (low, high) = (low.into(), high.into());
    x.le(low).select(low, high.lt(x).select(high, x))
}

/// Beyond, every gate is shut or open to the last bit.
const SHUT: f64 = 800.0;

/// x within the range where a gate opens.
#[inline(always)]
fn ajar<S: Scalar>(x: S) -> S {
    x.clamp(-SHUT, SHUT)
}

/// x times a gate that opens from 0 to 1 as x grows, given their product where the gate is [`ajar`]: so that no infinity
/// meets a 0.
#[inline(always)]
fn gated<S: Scalar>(x: S, product: S) -> S {
    x.gt(SHUT).select(x, product)
}
