//! What a formula computes with: a number that may be a register of lanes, an f64, a dual number or an expression.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// Calls `$then!` with the table of elementary functions of one number.
///
/// A row is the function's documentation, its name and its derivative, where `x` is the argument and `y` the result; a
/// function without a derivative in its row is constant between its jumps.
/// Methods, the reference, the dual numbers, the expression graph and the tests are all generated from these rows.
macro_rules! elementary {
    ($then:ident) => {
        $then! {
            /// e to the power of x.
            exp |x, y| y;
            /// 2 to the power of x.
            exp2 |x, y| y * std::f64::consts::LN_2;
            /// e to the power of x, minus 1, exact near 0.
            exp_m1 |x, y| y + 1.0;
            /// Natural logarithm.
            ln |x, y| x.recip();
            /// Natural logarithm of 1 + x, exact near 0.
            ln_1p |x, y| (x + 1.0).recip();
            /// Logarithm to base 2.
            log2 |x, y| (x * std::f64::consts::LN_2).recip();
            /// Logarithm to base 10.
            log10 |x, y| (x * std::f64::consts::LN_10).recip();
            /// Square root.
            sqrt |x, y| y.recip() * 0.5;
            /// Cube root.
            cbrt |x, y| (y * y * 3.0).recip();
            /// Sine of an angle in radians.
            sin |x, y| x.cos();
            /// Cosine of an angle in radians.
            cos |x, y| -x.sin();
            /// Tangent of an angle in radians.
            tan |x, y| y * y + 1.0;
            /// Inverse sine, in radians.
            asin |x, y| (-(x * x) + 1.0).sqrt().recip();
            /// Inverse cosine, in radians.
            acos |x, y| -(-(x * x) + 1.0).sqrt().recip();
            /// Inverse tangent, in radians.
            atan |x, y| (x * x + 1.0).recip();
            /// Hyperbolic sine.
            sinh |x, y| x.cosh();
            /// Hyperbolic cosine.
            cosh |x, y| x.sinh();
            /// Hyperbolic tangent.
            tanh |x, y| -(y * y) + 1.0;
            /// The error function.
            erf |x, y| (-(x * x)).exp() * std::f64::consts::FRAC_2_SQRT_PI;
            /// 1 minus the error function, exact for large x.
            erfc |x, y| (-(x * x)).exp() * -std::f64::consts::FRAC_2_SQRT_PI;
            /// The largest whole number not above x.
            floor;
            /// The smallest whole number not below x.
            ceil;
            /// The whole number towards zero.
            trunc;
            /// The nearest whole number; halves go to the even one.
            round;
        }
    };
}

pub(crate) use elementary;

/// The four operations with `R` on the right, all giving `O`. `f64: Operand<S, S>` lets a formula write `0.5 * x`.
pub trait Operand<R, O>: Add<R, Output = O> + Sub<R, Output = O> + Mul<R, Output = O> + Div<R, Output = O> {}

impl<T, R, O> Operand<R, O> for T where
    T: Add<R, Output = O> + Sub<R, Output = O> + Mul<R, Output = O> + Div<R, Output = O>
{
}

macro_rules! declare {
    ($($(#[$doc:meta])* $name:ident $(|$x:ident, $y:ident| $derivative:expr)?;)*) => {
        $($(#[$doc])* fn $name(self) -> Self;)*
    };
}

/// A number a formula can be evaluated with.
///
/// Scalars are `Copy` and mix with `f64` constants on either side, so that a formula reads like one. Comparisons give a
/// [`Mask`](Scalar::Mask), which chooses between two scalars; there is no branching, because one scalar may stand for
/// many numbers.
///
/// A function generic over `S: Scalar` that writes a constant on the left (`0.5 * x`) adds `where f64: Operand<S, S>`, as
/// [`formula!`](crate::formula!) does by itself.
pub trait Scalar: Copy + From<f64> + Neg<Output = Self> + Operand<Self, Self> + Operand<f64, Self> {
    /// The outcome of a comparison.
    type Mask: Mask<Self>;

    /// Whether this is below `other`; false where either is NaN.
    fn lt(self, other: impl Into<Self>) -> Self::Mask;

    /// Whether this is at most `other`; false where either is NaN.
    fn le(self, other: impl Into<Self>) -> Self::Mask;

    /// Whether this equals `other`; false where either is NaN.
    fn eq(self, other: impl Into<Self>) -> Self::Mask;

    /// `self * factor + term`, rounded once where the hardware can.
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// The magnitude. Derivative 0 at 0.
    fn abs(self) -> Self;

    /// The magnitude of this with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;

    /// This to the power of `exponent`, as IEEE 754 `pow`.
    fn pow(self, exponent: Self) -> Self;

    elementary! { declare }

    /// Whether this is above `other`; false where either is NaN.
    #[inline(always)]
    fn gt(self, other: impl Into<Self>) -> Self::Mask {
        other.into().lt(self)
    }

    /// Whether this is at least `other`; false where either is NaN.
    #[inline(always)]
    fn ge(self, other: impl Into<Self>) -> Self::Mask {
        other.into().le(self)
    }

    /// Whether this is not a number.
    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        !self.eq(self)
    }

    /// The larger of both; NaN where either is.
    #[inline(always)]
    fn max(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        (self.lt(other) | other.is_nan()).select(other, self)
    }

    /// The smaller of both; NaN where either is.
    #[inline(always)]
    fn min(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        (other.lt(self) | other.is_nan()).select(other, self)
    }

    /// The nearest number within `low..=high`; NaN stays NaN.
    #[inline(always)]
    fn clamp(self, low: impl Into<Self>, high: impl Into<Self>) -> Self {
        let (low, high) = (low.into(), high.into());
        self.lt(low).select(low, high.lt(self).select(high, self))
    }

    /// -1, 0 or 1 by sign; NaN stays NaN. Derivative 0.
    #[inline(always)]
    fn sign(self) -> Self {
        let one = Self::from(1.0).copysign(self).detach();
        (self.eq(0.0) | self.is_nan()).select(self.detach(), one)
    }

    /// The same value as a constant: derivatives do not pass.
    #[inline(always)]
    fn detach(self) -> Self {
        self
    }

    /// The same value, its derivative told: pairs of a variable and the derivative in it. For where differentiating the
    /// steps that led to the value would lose digits, or meet infinity over infinity.
    #[inline(always)]
    fn with_derivatives<const N: usize>(self, _told: [(Self, Self); N]) -> Self {
        self
    }

    /// 1 / x.
    #[inline(always)]
    fn recip(self) -> Self {
        Self::from(1.0) / self
    }

    /// x * x.
    #[inline(always)]
    fn square(self) -> Self {
        self * self
    }

    /// max(x, 0) with an exact zero for every x <= 0. Derivative 0 at 0.
    #[inline(always)]
    fn relu(self) -> Self {
        self.le(0.0).select(0.0, self)
    }

    /// The logistic function 1 / (1 + e^-x), without overflow: small results are as exact as large ones.
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let decayed = (-self.abs()).exp();
        self.lt(0.0).select(decayed, 1.0) / (decayed + 1.0)
    }

    /// ln(1 + e^x), without overflow.
    #[inline(always)]
    fn softplus(self) -> Self {
        self.relu() + (-self.abs()).exp().ln_1p()
    }
}

/// The outcome of a comparison of scalars.
pub trait Mask<S>: Copy + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self> {
    /// `yes` where the comparison holds, else `no`.
    fn select(self, yes: impl Into<S>, no: impl Into<S>) -> S;
}

/// Implements the four operations between a type and `f64`, both ways round, through `From<f64>`: the type, and its
/// generic parameters in brackets.
macro_rules! mix_with_f64 {
    ($type:ty, $generics:tt) => {
        $crate::formula::scalar::mix_with_f64! { @each $type, $generics, Add add, Sub sub, Mul mul, Div div }
    };
    (@each $type:ty, $generics:tt, $($trait:ident $method:ident),+) => {
        $($crate::formula::scalar::mix_with_f64! { @one $type, $generics, $trait $method })+
    };
    (@one $type:ty, [$($generics:tt)*], $trait:ident $method:ident) => {
        impl<$($generics)*> std::ops::$trait<f64> for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: f64) -> Self {
                std::ops::$trait::$method(self, Self::from(other))
            }
        }
        impl<$($generics)*> std::ops::$trait<$type> for f64 {
            type Output = $type;
            #[inline(always)]
            fn $method(self, other: $type) -> $type {
                std::ops::$trait::$method(<$type>::from(self), other)
            }
        }
    };
}

pub(crate) use mix_with_f64;
