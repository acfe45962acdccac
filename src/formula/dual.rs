//! Dual numbers: a value and its derivative, so that evaluating a formula differentiates it exactly.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use super::scalar::{Mask, Scalar, elementary, mix_with_f64};

/// A value with its derivative in one variable.
///
/// `None` says that the value does not depend on the variable at all. It is known when the formula is compiled, so
/// nothing is computed for it, and an infinite factor beside it cannot turn it into NaN.
#[derive(Debug, Clone, Copy)]
pub struct Dual<S> {
    /// The value.
    pub value: S,
    /// The derivative, or nothing for a constant.
    pub derivative: Option<S>,
}

impl<S: Scalar> Dual<S> {
    /// The variable itself: derivative 1.
    #[inline(always)]
    pub fn variable(value: S) -> Self {
        Self { value, derivative: Some(S::from(1.0)) }
    }

    /// A value that does not depend on the variable.
    #[inline(always)]
    pub fn constant(value: S) -> Self {
        Self { value, derivative: None }
    }

    /// The derivative as a number: 0 for a constant.
    #[inline(always)]
    pub fn slope(self) -> S {
        match self.derivative {
            Some(derivative) => derivative,
            None => S::from(0.0),
        }
    }
}

/// The chain rule: `value` is a function of the dual number with derivative `outer`, computed only where it is wanted. A
/// macro, for what a closure computes is not always compiled for the lanes' instruction set.
macro_rules! chain {
    ($inner:expr, $value:expr, $outer:expr) => {{
        let value = $value;
        let derivative = match $inner.derivative {
            Some(derivative) => Some($outer * derivative),
            None => None,
        };
        Dual { value, derivative }
    }};
}

impl<S: Scalar> From<f64> for Dual<S> {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Self::constant(S::from(value))
    }
}

impl<S: Scalar> Neg for Dual<S> {
    type Output = Self;

    #[inline(always)]
    #[allow(clippy::manual_map, reason = "a closure may not be compiled for the lanes' instruction set")]
    fn neg(self) -> Self {
        let derivative = match self.derivative {
            Some(derivative) => Some(-derivative),
            None => None,
        };
        Self { value: -self.value, derivative }
    }
}

impl<S: Scalar> Add for Dual<S> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let derivative = match (self.derivative, other.derivative) {
            (Some(a), Some(b)) => Some(a + b),
            (Some(a), None) => Some(a),
            (None, b) => b,
        };
        Self { value: self.value + other.value, derivative }
    }
}

impl<S: Scalar> Sub for Dual<S> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let derivative = match (self.derivative, other.derivative) {
            (Some(a), Some(b)) => Some(a - b),
            (None, Some(b)) => Some(-b),
            (a, None) => a,
        };
        Self { value: self.value - other.value, derivative }
    }
}

impl<S: Scalar> Mul for Dual<S> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let derivative = match (self.derivative, other.derivative) {
            (Some(a), Some(b)) => Some(a.mul_add(other.value, self.value * b)),
            (Some(a), None) => Some(a * other.value),
            (None, Some(b)) => Some(self.value * b),
            (None, None) => None,
        };
        Self { value: self.value * other.value, derivative }
    }
}

impl<S: Scalar> Div for Dual<S> {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let derivative = match (self.derivative, other.derivative) {
            (Some(a), Some(b)) => Some((a - value * b) / other.value),
            (Some(a), None) => Some(a / other.value),
            (None, Some(b)) => Some(-(value * b) / other.value),
            (None, None) => None,
        };
        Self { value, derivative }
    }
}

mix_with_f64! { Dual<S>, [S: Scalar] }

macro_rules! elementary_rules {
    ($($(#[$doc:meta])* $name:ident $(|$x:ident, $y:ident| $derivative:expr)?;)*) => {
        $(#[inline(always)]
        fn $name(self) -> Self {
            let result = Self::constant(self.value.$name());
            $(
                // A rule needs the argument, the result, or both.
                let ($x, $y) = (self.value, result.value);
                let _ = ($x, $y);
                let result = chain!(self, $y, $derivative);
            )?
            result
        })*
    };
}

impl<S: Scalar> Scalar for Dual<S> {
    type Mask = DualMask<S::Mask>;

    #[inline(always)]
    fn lt(self, other: impl Into<Self>) -> Self::Mask {
        DualMask(self.value.lt(other.into().value))
    }

    #[inline(always)]
    fn le(self, other: impl Into<Self>) -> Self::Mask {
        DualMask(self.value.le(other.into().value))
    }

    #[inline(always)]
    fn eq(self, other: impl Into<Self>) -> Self::Mask {
        DualMask(self.value.eq(other.into().value))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        let derivative = (self * factor + term).derivative;
        Self { value: self.value.mul_add(factor.value, term.value), derivative }
    }

    #[inline(always)]
    fn abs(self) -> Self {
        chain!(self, self.value.abs(), self.value.sign())
    }

    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        let value = self.value.copysign(sign.value);
        // The sign of the result relative to the argument's: d|x|/dx times the sign taken over.
        chain!(self, value, self.value.sign() * S::from(1.0).copysign(sign.value))
    }

    #[inline(always)]
    fn pow(self, exponent: Self) -> Self {
        let value = self.value.pow(exponent.value);
        let base: Self = chain!(self, value, exponent.value * self.value.pow(exponent.value - 1.0));
        // A base of 0 stays 0 under any positive exponent: its logarithm must not make the derivative NaN.
        let raised: Self = chain!(exponent, value, value.eq(0.0).select(0.0, value * self.value.ln()));
        Self { value, derivative: (base + raised).derivative }
    }

    #[inline(always)]
    fn detach(self) -> Self {
        Self::constant(self.value)
    }

    #[inline(always)]
    fn with_derivatives<const N: usize>(self, told: [(Self, Self); N]) -> Self {
        let mut derivative = None;
        for i in 0..N {
            let (variable, slope) = told[i];
            derivative = match (derivative, variable.derivative) {
                (sum, None) => sum,
                (None, Some(inner)) => Some(slope.value * inner),
                (Some(sum), Some(inner)) => Some(slope.value.mul_add(inner, sum)),
            };
        }
        Self { value: self.value, derivative }
    }

    #[inline(always)]
    fn square(self) -> Self {
        chain!(self, self.value.square(), self.value + self.value)
    }

    #[inline(always)]
    fn recip(self) -> Self {
        let value = self.value.recip();
        chain!(self, value, -(value * value))
    }

    #[inline(always)]
    fn sigmoid(self) -> Self {
        // The value and what it leaves to 1, each as exact where it is small.
        let decayed = (-self.value.abs()).exp();
        let share = (decayed + 1.0).recip();
        let (small, large) = (decayed * share, share);
        let is_small = self.value.lt(0.0);
        let value = is_small.select(small, large);
        chain!(self, value, small * large)
    }

    #[inline(always)]
    fn softplus(self) -> Self {
        chain!(self, self.value.softplus(), self.value.sigmoid())
    }

    elementary! { elementary_rules }
}

/// The outcome of a comparison of the values; a choice takes the derivative along with the value.
#[derive(Debug, Clone, Copy)]
pub struct DualMask<M>(M);

impl<S: Scalar> Mask<Dual<S>> for DualMask<S::Mask> {
    #[inline(always)]
    fn select(self, yes: impl Into<Dual<S>>, no: impl Into<Dual<S>>) -> Dual<S> {
        let (yes, no) = (yes.into(), no.into());
        let derivative = match (yes.derivative, no.derivative) {
            (None, None) => None,
            _ => Some(self.0.select(yes.slope(), no.slope())),
        };
        Dual { value: self.0.select(yes.value, no.value), derivative }
    }
}

impl<M: BitAnd<Output = M>> BitAnd for DualMask<M> {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl<M: BitOr<Output = M>> BitOr for DualMask<M> {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl<M: Not<Output = M>> Not for DualMask<M> {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        Self(!self.0)
    }
}
