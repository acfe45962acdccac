//! Lanes: the floating point numbers of one hardware register, and programs that run on whichever registers a machine has.
//!
//! A [`Program`] is written once, generic over [`Lanes`], and [`dispatch`] runs it on the widest instruction set found at
//! run time. Every operation means the same on every instruction set, down to the last bit, so a result depends on the
//! machine only where the order of a reduction depends on [`Lanes::WIDTH`].

mod convert;
mod isa;
mod table;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
mod pair;
mod plain;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

pub use convert::{HalfElement, narrow, widen};
pub use isa::{Isa, Program, dispatch, dispatch_on};

use super::math::Elementary;
use crate::dtype::Element;

/// The most lanes any register has.
pub const MAX_WIDTH: usize = 16;

/// An element type that registers hold: f32 or f64.
pub trait LaneElement:
    Element
    + Elementary
    + isa::Registers
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// Bits of the significand that are stored: 23 or 52.
    const SIGNIFICAND_BITS: u32;
    /// What is added to an exponent when it is stored: 127 or 1023.
    const EXPONENT_BIAS: i64;
}

impl LaneElement for f32 {
    const SIGNIFICAND_BITS: u32 = f32::MANTISSA_DIGITS - 1;
    const EXPONENT_BIAS: i64 = f32::MAX_EXP as i64 - 1;
}

impl LaneElement for f64 {
    const SIGNIFICAND_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    const EXPONENT_BIAS: i64 = f64::MAX_EXP as i64 - 1;
}

/// A vector of floating point numbers in one hardware register.
///
/// Every method is inlined into the program that `dispatch` compiles for the instruction set. Lanes are numbered from 0 in
/// memory order.
pub trait Lanes:
    Copy
    + Send
    + Sync
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// The type of one lane.
    type Element: LaneElement;
    /// One truth value per lane.
    type Mask: Copy;
    /// One integer per lane, as wide as the element.
    type Bits: Copy;
    /// Lanes for long chains of operations: as many of these registers side by side as it takes, and there is room for, to
    /// keep the machine busy while each waits for its last result. At most 64 bytes.
    type Interleaved: Lanes<Element = Self::Element>;
    /// The number of lanes.
    const WIDTH: usize;

    /// Reads `WIDTH` elements from `from`, which need not be aligned.
    ///
    /// # Safety
    /// `from` is valid for reads of `WIDTH` elements.
    unsafe fn load(from: *const Self::Element) -> Self;

    /// Writes `WIDTH` elements to `to`, which need not be aligned.
    ///
    /// # Safety
    /// `to` is valid for writes of `WIDTH` elements.
    unsafe fn store(self, to: *mut Self::Element);

    /// Writes past the caches where the hardware can: for results larger than a cache that nothing reads soon.
    ///
    /// # Safety
    /// `to` is valid for writes of `WIDTH` elements and aligned to their size in bytes, and the thread calls
    /// [`fence`](Self::fence) before anything reads them.
    unsafe fn stream(self, to: *mut Self::Element);

    /// Orders this thread's [`stream`](Self::stream) writes before whatever it does next.
    fn fence();

    /// The same value in every lane.
    fn splat(value: Self::Element) -> Self;

    /// The smaller of the two; `other` where either is NaN.
    fn min(self, other: Self) -> Self;
    /// The larger of the two; `other` where either is NaN.
    fn max(self, other: Self) -> Self;
    /// The magnitude of this with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// The largest integer not above.
    fn floor(self) -> Self;
    /// The smallest integer not below.
    fn ceil(self) -> Self;
    /// The integer part.
    fn trunc(self) -> Self;
    /// The nearest integer, ties to even.
    fn round(self) -> Self;
    /// `self * factor + addend`, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// Less than; false where either is NaN.
    fn lt(self, other: Self) -> Self::Mask;
    /// Less than or equal; false where either is NaN.
    fn le(self, other: Self) -> Self::Mask;
    /// Equal; false where either is NaN.
    fn eq(self, other: Self) -> Self::Mask;
    /// True where both are.
    fn mask_and(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// True where either is.
    fn mask_or(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// True where `mask` is false.
    fn mask_not(mask: Self::Mask) -> Self::Mask;
    /// Whether `mask` is true in any lane.
    fn any(mask: Self::Mask) -> bool;
    /// `yes` where `mask` is true, `no` elsewhere.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// The bit patterns.
    fn to_bits(self) -> Self::Bits;
    /// The numbers with these bit patterns.
    fn from_bits(bits: Self::Bits) -> Self;
    /// The low bits of `value` in every lane.
    fn bits_splat(value: i64) -> Self::Bits;
    /// The wrapping sum.
    fn bits_add(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// The wrapping difference.
    fn bits_sub(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// Bitwise and.
    fn bits_and(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// Bitwise or.
    fn bits_or(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// Bitwise exclusive or.
    fn bits_xor(a: Self::Bits, b: Self::Bits) -> Self::Bits;
    /// Shifts left by `count`, which is less than the bits of a lane.
    fn bits_shl(bits: Self::Bits, count: u32) -> Self::Bits;
    /// Shifts right by `count`, which is less than the bits of a lane, bringing in zeros.
    fn bits_shr(bits: Self::Bits, count: u32) -> Self::Bits;
    /// The nearest integer, ties to even, for magnitudes below 2^31 (f32) or 2^51 (f64); unspecified elsewhere.
    fn to_int(self) -> Self::Bits;
    /// The number nearest to a signed integer, of magnitude below 2^31 (f32) or 2^51 (f64).
    fn from_int(bits: Self::Bits) -> Self;

    /// `value`, rounded to the element type, in every lane: how constants are written once for f32 and f64.
    #[inline(always)]
    fn constant(value: f64) -> Self {
        Self::splat(Self::Element::from_f64(value))
    }

    /// 2^self for integers whose power is a normal number; unspecified elsewhere.
    #[inline(always)]
    fn exp2_integral(self) -> Self {
        let stored = Self::bits_add(self.to_int(), Self::bits_splat(Self::Element::EXPONENT_BIAS));
        Self::from_bits(Self::bits_shl(stored, Self::Element::SIGNIFICAND_BITS))
    }

    /// `self * 2^power`, rounded once, for integral powers of magnitude at most 252 (f32) or 2044 (f64).
    #[inline(always)]
    fn scale(self, power: Self) -> Self {
        let half = (power * Self::constant(0.5)).floor();
        self * half.exp2_integral() * (power - half).exp2_integral()
    }

    /// Significand and exponent of finite non-zero numbers: `self = significand * 2^exponent`, 1 <= |significand| < 2.
    /// Unspecified elsewhere.
    #[inline(always)]
    fn decompose(self) -> (Self, Self) {
        let bits = Self::Element::SIGNIFICAND_BITS;
        let smallest_normal = Self::constant(2.0).scale(Self::constant(-Self::Element::EXPONENT_BIAS as f64));
        let lift = Self::constant((bits + 1) as f64);
        let subnormal = self.abs().lt(smallest_normal);
        let normal = Self::select(subnormal, self * lift.exp2_integral(), self);
        let stored = Self::bits_shr(normal.abs().to_bits(), bits);
        let exponent = Self::from_int(stored) - Self::constant(Self::Element::EXPONENT_BIAS as f64);
        let below_exponent = Self::bits_splat((1 << bits) - 1);
        let one = Self::constant(1.0);
        let significand =
            Self::from_bits(Self::bits_or(Self::bits_and(normal.to_bits(), below_exponent), one.to_bits()));
        (significand.copysign(self), exponent - Self::select(subnormal, lift, Self::constant(0.0)))
    }

    /// Reads the first `count` elements, at most `WIDTH`, and fills the other lanes with `rest`.
    ///
    /// # Safety
    /// `from` is valid for reads of `count` elements.
    #[inline(always)]
    unsafe fn load_first(from: *const Self::Element, count: usize, rest: Self::Element) -> Self {
        let mut lanes = [rest; MAX_WIDTH];
        // SAFETY: the caller vouches for `from`; the array has room for any count up to WIDTH.
        unsafe { copy_first(from, lanes.as_mut_ptr(), count.min(Self::WIDTH)) };
        Self::from_array(lanes)
    }

    /// Writes the first `count` lanes, at most `WIDTH`.
    ///
    /// # Safety
    /// `to` is valid for writes of `count` elements.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut Self::Element, count: usize) {
        let lanes = self.to_array();
        // SAFETY: the caller vouches for `to`; the array holds any count up to WIDTH.
        unsafe { copy_first(lanes.as_ptr(), to, count.min(Self::WIDTH)) };
    }

    /// The lanes, followed by zeros.
    #[inline(always)]
    fn to_array(self) -> [Self::Element; MAX_WIDTH] {
        let mut lanes = [Self::Element::default(); MAX_WIDTH];
        // SAFETY: the array has room for the widest register.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }

    /// The first `WIDTH` elements.
    #[inline(always)]
    fn from_array(lanes: [Self::Element; MAX_WIDTH]) -> Self {
        // SAFETY: the array holds the widest register.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    /// Applies a scalar function lane by lane: for rare cases that vectorise badly.
    #[inline(always)]
    fn map(self, function: impl Fn(Self::Element) -> Self::Element) -> Self {
        Self::from_array(self.to_array().map(function))
    }

    /// The entries of a table at these indices, whole numbers from 0 to 15; any of them where an index is NaN.
    #[inline(always)]
    fn lookup(table: &[Self::Element; 16], index: Self) -> Self {
        let mut lanes = index.to_array();
        for lane in 0..Self::WIDTH {
            lanes[lane] = table[lanes[lane].to_f64() as usize % 16];
        }
        Self::from_array(lanes)
    }

    /// The `width` lanes from lane `width` on, a power of two below `WIDTH`, moved to the front; what comes behind them is unspecified.
    #[inline(always)]
    fn upper(self, width: usize) -> Self {
        let mut lanes = self.to_array();
        lanes.copy_within(width..Self::WIDTH, 0);
        Self::from_array(lanes)
    }

    /// Combines the lanes in a fixed order: the upper half with the lower, until one is left.
    #[inline(always)]
    fn reduce(self, combine: impl Fn(Self, Self) -> Self) -> Self::Element {
        let mut lanes = self;
        let mut width = Self::WIDTH;
        while width > 1 {
            width /= 2;
            lanes = combine(lanes, lanes.upper(width));
        }
        lanes.to_array()[0]
    }

    /// The sum of the lanes, in the order of [`reduce`](Self::reduce).
    #[inline(always)]
    fn sum(self) -> Self::Element {
        self.reduce(|a, b| a + b)
    }
}

/// Asks the hardware for a cache line, where there is a way to ask; any address will do.
#[inline(always)]
pub fn prefetch<E>(place: *const E) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has it, and it touches nothing that a program could see.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Copies at most `MAX_WIDTH` elements in pieces of sizes known here, each a move or two: a call would cost more than they do.
///
/// # Safety
/// Both are valid for `count` elements, and do not overlap.
#[inline(always)]
unsafe fn copy_first<E: Element>(from: *const E, to: *mut E, count: usize) {
    let mut done = 0;
    macro_rules! pieces {
        ($($size:literal)*) => {
            $(if count & $size != 0 {
                // SAFETY: the pieces follow each other and have `count` elements together.
                unsafe { to.add(done).cast::<[E; $size]>().write_unaligned(from.add(done).cast::<[E; $size]>().read_unaligned()) };
                done += $size;
            })*
        };
    }
    pieces!(16 8 4 2 1);
    debug_assert_eq!(done, count);
}
