//! The reference: f64 as a scalar, one number at a time, on the standard library's functions.

use super::scalar::{Mask, Scalar, elementary};

macro_rules! elementary_reference {
    ($($(#[$doc:meta])* $name:ident $(|$x:ident, $y:ident| $derivative:expr)?;)*) => {
        $(#[inline] fn $name(self) -> Self { function::$name(self) })*
    };
}

impl Scalar for f64 {
    type Mask = bool;

    #[inline]
    fn lt(self, other: impl Into<Self>) -> bool {
        self < other.into()
    }

    #[inline]
    fn le(self, other: impl Into<Self>) -> bool {
        self <= other.into()
    }

    #[inline]
    fn eq(self, other: impl Into<Self>) -> bool {
        self == other.into()
    }

    #[inline]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        f64::mul_add(self, factor, term)
    }

    #[inline]
    fn abs(self) -> Self {
        f64::abs(self)
    }

    #[inline]
    fn copysign(self, sign: Self) -> Self {
        f64::copysign(self, sign)
    }

    #[inline]
    fn pow(self, exponent: Self) -> Self {
        self.powf(exponent)
    }

    elementary! { elementary_reference }
}

impl Mask<f64> for bool {
    #[inline]
    fn select(self, yes: impl Into<f64>, no: impl Into<f64>) -> f64 {
        if self { yes.into() } else { no.into() }
    }
}

/// The elementary functions under the names of the table.
mod function {
    pub use libm::{erf, erfc};

    macro_rules! standard {
        ($($name:ident)*) => { $(pub fn $name(x: f64) -> f64 { f64::$name(x) })* };
    }

    standard! {
        exp exp2 exp_m1 ln ln_1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh floor ceil trunc
    }

    pub fn round(x: f64) -> f64 {
        x.round_ties_even()
    }
}
