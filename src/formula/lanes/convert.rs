//! Slices of 16-bit numbers to f32 and back, on the instruction set of the machine.

use half::{bf16, f16};

use super::Isa;
use crate::dtype::Element;

/// Widens each element of `from` into the element of `to` at its place, exactly; a NaN comes out quiet.
///
/// Works on the shorter of the two lengths.
pub fn widen<H: HalfElement>(from: &[H], to: &mut [f32]) {
    widen_on(Isa::current(), from, to);
}

/// Rounds each element of `from`, to nearest with ties to even, into the element of `to` at its place.
///
/// What is too large becomes infinite, what is small becomes subnormal or zero, and a NaN stays NaN, quiet. Works on the
/// shorter of the two lengths.
pub fn narrow<H: HalfElement>(from: &[f32], to: &mut [H]) {
    narrow_on(Isa::current(), from, to);
}

/// A 16-bit floating point type: f16 or bf16.
pub trait HalfElement: Element + Convert {}

impl HalfElement for f16 {}
impl HalfElement for bf16 {}

pub(super) fn widen_on<H: HalfElement>(isa: Isa, from: &[H], to: &mut [f32]) {
    match isa.narrowed() {
        // SAFETY: `narrowed` returns only what the machine has.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { x86::widen_avx512(from, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { x86::widen_avx2(from, to) },
        _ => widen_rest(0, from, to),
    }
}

pub(super) fn narrow_on<H: HalfElement>(isa: Isa, from: &[f32], to: &mut [H]) {
    match isa.narrowed() {
        // SAFETY: `narrowed` returns only what the machine has.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { x86::narrow_avx512(from, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { x86::narrow_avx2(from, to) },
        _ => narrow_rest(0, from, to),
    }
}

/// Conversions of one element, and of as many whole registers as fit where hardware has an instruction for them.
pub trait Convert: Sized + Copy {
    /// The same value.
    fn widened(self) -> f32;
    /// The nearest value, ties to even.
    fn narrowed(value: f32) -> Self;

    /// Widens whole registers from the front and returns how many elements that were.
    ///
    /// # Safety
    /// The machine has AVX-512.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn widen_512(_from: &[Self], _to: &mut [f32]) -> usize {
        0
    }

    /// Widens whole registers from the front and returns how many elements that were.
    ///
    /// # Safety
    /// The machine has F16C.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn widen_256(_from: &[Self], _to: &mut [f32]) -> usize {
        0
    }

    /// Narrows whole registers from the front and returns how many elements that were.
    ///
    /// # Safety
    /// The machine has AVX-512.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn narrow_512(_from: &[f32], _to: &mut [Self]) -> usize {
        0
    }

    /// Narrows whole registers from the front and returns how many elements that were.
    ///
    /// # Safety
    /// The machine has F16C.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn narrow_256(_from: &[f32], _to: &mut [Self]) -> usize {
        0
    }
}

/// A bf16 is the upper half of an f32, so that both directions are integer arithmetic that the compiler vectorises.
impl Convert for bf16 {
    #[inline(always)]
    fn widened(self) -> f32 {
        let bits = u32::from(self.to_bits()) << 16;
        let quiet = if bits & 0x7FFF_FFFF > 0x7F80_0000 { 0x0040_0000 } else { 0 };
        f32::from_bits(bits | quiet)
    }

    #[inline(always)]
    fn narrowed(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7FFF + ((bits >> 16) & 1)) >> 16;
        let quiet = (bits >> 16) | 0x0040;
        Self::from_bits(if bits & 0x7FFF_FFFF > 0x7F80_0000 { quiet } else { rounded } as u16)
    }
}

impl Convert for f16 {
    #[inline(always)]
    fn widened(self) -> f32 {
        self.to_f32()
    }

    #[inline(always)]
    fn narrowed(value: f32) -> Self {
        Self::from_f32(value)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn widen_512(from: &[Self], to: &mut [f32]) -> usize {
        // SAFETY: the caller vouches for the instructions.
        unsafe { x86::widen_f16_512(from, to) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn widen_256(from: &[Self], to: &mut [f32]) -> usize {
        // SAFETY: the caller vouches for the instructions.
        unsafe { x86::widen_f16_256(from, to) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn narrow_512(from: &[f32], to: &mut [Self]) -> usize {
        // SAFETY: the caller vouches for the instructions.
        unsafe { x86::narrow_f16_512(from, to) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn narrow_256(from: &[f32], to: &mut [Self]) -> usize {
        // SAFETY: the caller vouches for the instructions.
        unsafe { x86::narrow_f16_256(from, to) }
    }
}

// Plain loops: what iterators add is not compiled for the instruction set of the function they end up in.
#[inline(always)]
fn widen_rest<H: Convert>(done: usize, from: &[H], to: &mut [f32]) {
    let count = from.len().min(to.len());
    let (from, to) = (&from[..count], &mut to[..count]);
    let mut i = done;
    while i < count {
        to[i] = from[i].widened();
        i += 1;
    }
}

#[inline(always)]
fn narrow_rest<H: Convert>(done: usize, from: &[f32], to: &mut [H]) {
    let count = from.len().min(to.len());
    let (from, to) = (&from[..count], &mut to[..count]);
    let mut i = done;
    while i < count {
        to[i] = H::narrowed(from[i]);
        i += 1;
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use half::f16;

    use super::{Convert, narrow_rest, widen_rest};

    macro_rules! on {
        ($features:literal: $widen:ident = $widen_registers:ident, $narrow:ident = $narrow_registers:ident) => {
            #[target_feature(enable = $features)]
            pub fn $widen<H: Convert>(from: &[H], to: &mut [f32]) {
                // SAFETY: this function has the instructions.
                let done = unsafe { H::$widen_registers(from, to) };
                widen_rest(done, from, to);
            }

            #[target_feature(enable = $features)]
            pub fn $narrow<H: Convert>(from: &[f32], to: &mut [H]) {
                // SAFETY: this function has the instructions.
                let done = unsafe { H::$narrow_registers(from, to) };
                narrow_rest(done, from, to);
            }
        };
    }

    on!("avx512f,avx512bw,avx512vl,avx2,f16c": widen_avx512 = widen_512, narrow_avx512 = narrow_512);
    on!("avx2,f16c": widen_avx2 = widen_256, narrow_avx2 = narrow_256);

    macro_rules! f16_registers {
        (
            $features:literal, $width:literal:
            $widen:ident($half:ident, $full:ident) = $widen_body:expr;
            $narrow:ident($full2:ident, $half2:ident) = $narrow_body:expr;
        ) => {
            #[target_feature(enable = $features)]
            pub fn $widen(from: &[f16], to: &mut [f32]) -> usize {
                for (from, to) in from.chunks_exact($width).zip(to.chunks_exact_mut($width)) {
                    let ($half, $full) = (from.as_ptr(), to.as_mut_ptr());
                    // SAFETY: both chunks are one register long.
                    unsafe { $widen_body }
                }
                from.len().min(to.len()) / $width * $width
            }

            #[target_feature(enable = $features)]
            pub fn $narrow(from: &[f32], to: &mut [f16]) -> usize {
                for (from, to) in from.chunks_exact($width).zip(to.chunks_exact_mut($width)) {
                    let ($full2, $half2) = (from.as_ptr(), to.as_mut_ptr());
                    // SAFETY: both chunks are one register long.
                    unsafe { $narrow_body }
                }
                from.len().min(to.len()) / $width * $width
            }
        };
    }

    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

    f16_registers! {
        "avx512f", 16:
        widen_f16_512(half, full) = _mm512_storeu_ps(full, _mm512_cvtph_ps(_mm256_loadu_si256(half.cast())));
        narrow_f16_512(full, half) =
            _mm256_storeu_si256(half.cast(), _mm512_cvtps_ph::<NEAREST>(_mm512_loadu_ps(full)));
    }

    f16_registers! {
        "f16c", 8:
        widen_f16_256(half, full) = _mm256_storeu_ps(full, _mm256_cvtph_ps(_mm_loadu_si128(half.cast())));
        narrow_f16_256(full, half) =
            _mm_storeu_si128(half.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(full)));
    }
}
