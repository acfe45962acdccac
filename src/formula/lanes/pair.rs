//! Two registers that take every step together, so that neither waits for its own last result.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Lanes;

/// Two registers as one of twice the width.
#[derive(Debug, Clone, Copy)]
pub struct Pair<L>([L; 2]);

/// Functions of pairs: the function of the first registers, then of the second ones.
macro_rules! both {
    (numbers: $($name:ident($($other:ident),*);)*) => {
        $(#[inline(always)]
        fn $name(self $(, $other: Self)*) -> Self {
            Self([self.0[0].$name($($other.0[0]),*), self.0[1].$name($($other.0[1]),*)])
        })*
    };
    (masks: $($name:ident)*) => {
        $(#[inline(always)]
        fn $name(self, other: Self) -> Self::Mask {
            [self.0[0].$name(other.0[0]), self.0[1].$name(other.0[1])]
        })*
    };
    ($type:ident: $($name:ident)*) => {
        $(#[inline(always)]
        fn $name(a: Self::$type, b: Self::$type) -> Self::$type {
            [L::$name(a[0], b[0]), L::$name(a[1], b[1])]
        })*
    };
}

impl<L: Lanes> Lanes for Pair<L> {
    type Element = L::Element;
    type Mask = [L::Mask; 2];
    type Bits = [L::Bits; 2];
    type Interleaved = Self;
    const WIDTH: usize = 2 * L::WIDTH;

    #[inline(always)]
    unsafe fn load(from: *const L::Element) -> Self {
        // SAFETY: the caller vouches for both registers.
        unsafe { Self([L::load(from), L::load(from.add(L::WIDTH))]) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut L::Element) {
        // SAFETY: as above.
        unsafe {
            self.0[0].store(to);
            self.0[1].store(to.add(L::WIDTH));
        }
    }

    #[inline(always)]
    fn lookup(table: &[L::Element; 16], index: Self) -> Self {
        Self([L::lookup(table, index.0[0]), L::lookup(table, index.0[1])])
    }

    #[inline(always)]
    fn upper(self, width: usize) -> Self {
        let front = if width < L::WIDTH { self.0[0].upper(width) } else { self.0[1] };
        Self([front, self.0[1]])
    }

    #[inline(always)]
    unsafe fn stream(self, to: *mut L::Element) {
        // SAFETY: as above.
        unsafe {
            self.0[0].stream(to);
            self.0[1].stream(to.add(L::WIDTH));
        }
    }

    #[inline(always)]
    fn fence() {
        L::fence();
    }

    #[inline(always)]
    fn splat(value: L::Element) -> Self {
        Self([L::splat(value); 2])
    }

    both! { numbers:
        min(other); max(other); copysign(sign);
        abs(); sqrt(); floor(); ceil(); trunc(); round();
        mul_add(factor, addend);
    }
    both! { masks: lt le eq }
    both! { Mask: mask_and mask_or }
    both! { Bits: bits_add bits_sub bits_and bits_or bits_xor }

    #[inline(always)]
    fn mask_not(mask: Self::Mask) -> Self::Mask {
        [L::mask_not(mask[0]), L::mask_not(mask[1])]
    }

    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        L::any(L::mask_or(mask[0], mask[1]))
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self([L::select(mask[0], yes.0[0], no.0[0]), L::select(mask[1], yes.0[1], no.0[1])])
    }

    #[inline(always)]
    fn to_bits(self) -> Self::Bits {
        [self.0[0].to_bits(), self.0[1].to_bits()]
    }

    #[inline(always)]
    fn from_bits(bits: Self::Bits) -> Self {
        Self([L::from_bits(bits[0]), L::from_bits(bits[1])])
    }

    #[inline(always)]
    fn bits_splat(value: i64) -> Self::Bits {
        [L::bits_splat(value); 2]
    }

    #[inline(always)]
    fn bits_shl(bits: Self::Bits, count: u32) -> Self::Bits {
        [L::bits_shl(bits[0], count), L::bits_shl(bits[1], count)]
    }

    #[inline(always)]
    fn bits_shr(bits: Self::Bits, count: u32) -> Self::Bits {
        [L::bits_shr(bits[0], count), L::bits_shr(bits[1], count)]
    }

    #[inline(always)]
    fn to_int(self) -> Self::Bits {
        [self.0[0].to_int(), self.0[1].to_int()]
    }

    #[inline(always)]
    fn from_int(bits: Self::Bits) -> Self {
        Self([L::from_int(bits[0]), L::from_int(bits[1])])
    }
}

macro_rules! operators {
    ($($trait:ident $operator:ident)*) => {
        $(impl<L: Lanes> $trait for Pair<L> {
            type Output = Self;

            #[inline(always)]
            fn $operator(self, other: Self) -> Self {
                Self([self.0[0].$operator(other.0[0]), self.0[1].$operator(other.0[1])])
            }
        })*
    };
}

operators! { Add add Sub sub Mul mul Div div }

impl<L: Lanes> Neg for Pair<L> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self([self.0[0].neg(), self.0[1].neg()])
    }
}
