//! SIMD lanes as a scalar: one register of numbers, each going its own way through the formula.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use super::lanes::Lanes;
use super::math;
use super::scalar::{Mask, Scalar, elementary, mix_with_f64};
use crate::dtype::Element;

/// A register of lanes.
#[derive(Debug, Clone, Copy)]
pub struct Simd<L>(pub L);

impl<L: Lanes> From<f64> for Simd<L> {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Self(L::splat(L::Element::from_f64(value)))
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident),*) => {
        $(impl<L: Lanes> $trait for Simd<L> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0.$method(other.0))
            }
        })*
    };
}

arithmetic! { Add add, Sub sub, Mul mul, Div div }
mix_with_f64! { Simd<L>, [L: Lanes] }

impl<L: Lanes> Neg for Simd<L> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.neg())
    }
}

macro_rules! elementary_lanes {
    ($($(#[$doc:meta])* $name:ident $(|$x:ident, $y:ident| $derivative:expr)?;)*) => {
        $(#[inline(always)]
        fn $name(self) -> Self {
            Self(function::$name(self.0))
        })*
    };
}

impl<L: Lanes> Scalar for Simd<L> {
    type Mask = SimdMask<L>;

    #[inline(always)]
    fn lt(self, other: impl Into<Self>) -> SimdMask<L> {
        SimdMask(self.0.lt(other.into().0))
    }

    #[inline(always)]
    fn le(self, other: impl Into<Self>) -> SimdMask<L> {
        SimdMask(self.0.le(other.into().0))
    }

    #[inline(always)]
    fn eq(self, other: impl Into<Self>) -> SimdMask<L> {
        SimdMask(self.0.eq(other.into().0))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(self.0.mul_add(factor.0, term.0))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs())
    }

    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        Self(self.0.copysign(sign.0))
    }

    #[inline(always)]
    fn pow(self, exponent: Self) -> Self {
        Self(function::pow(self.0, exponent.0))
    }

    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self(math::sigmoid(self.0))
    }

    #[inline(always)]
    fn softplus(self) -> Self {
        Self(math::softplus(self.0))
    }

    elementary! { elementary_lanes }
}

/// One truth value per lane.
#[derive(Debug, Clone, Copy)]
pub struct SimdMask<L: Lanes>(L::Mask);

impl<L: Lanes> Mask<Simd<L>> for SimdMask<L> {
    #[inline(always)]
    fn select(self, yes: impl Into<Simd<L>>, no: impl Into<Simd<L>>) -> Simd<L> {
        Simd(L::select(self.0, yes.into().0, no.into().0))
    }
}

impl<L: Lanes> BitAnd for SimdMask<L> {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(L::mask_and(self.0, other.0))
    }
}

impl<L: Lanes> BitOr for SimdMask<L> {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(L::mask_or(self.0, other.0))
    }
}

impl<L: Lanes> Not for SimdMask<L> {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        Self(L::mask_not(self.0))
    }
}

/// The elementary functions under the names of the table: those of the crate, and what is one instruction.
mod function {
    use crate::formula::lanes::Lanes;
    pub use crate::formula::math::{
        acos, asin, atan, cbrt, cos, cosh, erf, erfc, exp, exp_m1, exp2, ln, ln_1p, log2, log10, pow, sin, sinh, tan,
        tanh,
    };

    macro_rules! instructions {
        ($($name:ident)*) => { $(#[inline(always)] pub fn $name<L: Lanes>(x: L) -> L { x.$name() })* };
    }

    instructions! { sqrt floor ceil trunc round }
}
