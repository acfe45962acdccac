//! Plain lanes: arrays worked through element by element with `std`'s arithmetic, on any machine and under Miri.

use std::array::from_fn;

use super::table::{intrinsics, lanes};

macro_rules! plain_lanes {
    ($(#[$attribute:meta])* $name:ident = [$element:ident; $width:literal], bits $bits:ident, integers $int:ident) => {
        lanes! {
            $(#[$attribute])*
            $name = [$element; $width] in [$element; $width], mask [bool; $width], bits [$bits; $width],
            interleaved $name;
            memory {
                load(p) = p.cast::<[$element; $width]>().read_unaligned();
                store(x, p) = p.cast::<[$element; $width]>().write_unaligned(x);
                stream(x, p) = p.cast::<[$element; $width]>().write_unaligned(x);
                fence() = ();
            }
            splat(x) = [x; $width];
            operators {
                Add add(a, b) = from_fn(|i| a[i] + b[i]);
                Sub sub(a, b) = from_fn(|i| a[i] - b[i]);
                Mul mul(a, b) = from_fn(|i| a[i] * b[i]);
                Div div(a, b) = from_fn(|i| a[i] / b[i]);
            }
            unary {
                abs(a) = a.map($element::abs);
                sqrt(a) = a.map($element::sqrt);
                floor(a) = a.map($element::floor);
                ceil(a) = a.map($element::ceil);
                trunc(a) = a.map($element::trunc);
                round(a) = a.map($element::round_ties_even);
            }
            binary {
                min(a, b) = from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] });
                max(a, b) = from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] });
                copysign(a, b) = from_fn(|i| a[i].copysign(b[i]));
            }
            mul_add(a, b, c) = from_fn(|i| a[i].mul_add(b[i], c[i]));
            compare {
                lt(a, b) = from_fn(|i| a[i] < b[i]);
                le(a, b) = from_fn(|i| a[i] <= b[i]);
                eq(a, b) = from_fn(|i| a[i] == b[i]);
            }
            mask {
                binary {
                    mask_and(a, b) = from_fn(|i| a[i] & b[i]);
                    mask_or(a, b) = from_fn(|i| a[i] | b[i]);
                }
                not(a) = a.map(|truth| !truth);
                any(a) = a.contains(&true);
                select(m, y, n) = from_fn(|i| if m[i] { y[i] } else { n[i] });
            }
            bits {
                of(a) = a.map($element::to_bits);
                into(a) = a.map($element::from_bits);
                splat(x) = [x as $bits; $width];
                binary {
                    bits_add(a, b) = from_fn(|i| a[i].wrapping_add(b[i]));
                    bits_sub(a, b) = from_fn(|i| a[i].wrapping_sub(b[i]));
                    bits_and(a, b) = from_fn(|i| a[i] & b[i]);
                    bits_or(a, b) = from_fn(|i| a[i] | b[i]);
                    bits_xor(a, b) = from_fn(|i| a[i] ^ b[i]);
                }
                shl(a, n) = a.map(|bits| bits << n);
                shr(a, n) = a.map(|bits| bits >> n);
                to_int(a) = a.map(|x| x.round_ties_even() as $int as $bits);
                from_int(a) = a.map(|bits| bits as $int as $element);
            }
        }
    };
}

plain_lanes! {
    /// Eight f32 in an array.
    F32x8 = [f32; 8], bits u32, integers i32
}

plain_lanes! {
    /// Four f64 in an array.
    F64x4 = [f64; 4], bits u64, integers i64
}
