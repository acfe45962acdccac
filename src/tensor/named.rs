//! The table of elementwise operations with a method of their own, here and on the variables of the floor above.

/// Calls `$then!` with the operations of one tensor and those of two: the documentation and the name, which is also the
/// formula's.
macro_rules! named {
    ($then:ident) => {
        $then! {
            one:
            /// The negative.
            neg
            /// The magnitude; derivative 0 at 0.
            abs
            /// -1, 0 or 1 by sign; derivative 0.
            sign
            /// The square.
            square
            /// 1 / x.
            recip
            /// e to the power of x.
            exp
            /// 2 to the power of x.
            exp2
            /// e to the power of x, minus 1.
            exp_m1
            /// Natural logarithm.
            ln
            /// Natural logarithm of 1 + x.
            ln_1p
            /// Logarithm to base 2.
            log2
            /// Logarithm to base 10.
            log10
            /// Square root.
            sqrt
            /// Cube root.
            cbrt
            /// Sine of an angle in radians.
            sin
            /// Cosine of an angle in radians.
            cos
            /// Tangent of an angle in radians.
            tan
            /// Inverse sine.
            asin
            /// Inverse cosine.
            acos
            /// Inverse tangent.
            atan
            /// Hyperbolic sine.
            sinh
            /// Hyperbolic cosine.
            cosh
            /// The error function.
            erf
            /// 1 minus the error function.
            erfc
            /// The largest whole number not above x; derivative 0.
            floor
            /// The smallest whole number not below x; derivative 0.
            ceil
            /// The whole number towards zero; derivative 0.
            trunc
            /// The nearest whole number, halves to even; derivative 0.
            round
            ;
            two:
            /// Sum.
            add
            /// Difference.
            sub
            /// Product.
            mul
            /// Quotient.
            div
            /// The larger of both; NaN where either is.
            maximum
            /// The smaller of both; NaN where either is.
            minimum
            /// The first to the power of the second.
            pow
            /// 1 where both are equal, else 0. Derivative 0.
            equal
            /// 1 where the first is smaller, else 0. Derivative 0.
            less
            ;
        }
    };
}

pub(crate) use named;
