//! AVX2 registers with fused multiply-add: eight f32 or four f64; a mask is a register of all-ones and all-zeros lanes.

use std::arch::x86_64::*;

use super::table::{intrinsics, lanes};

/// 1.5 * 2^52: added to an f64 below 2^51 it leaves the nearest integer in the low bits of the significand, which is the
/// conversion that AVX2 lacks.
const INTEGER_MAGIC: f64 = 6_755_399_441_055_744.0;

lanes! {
    /// Eight f32 in a 256-bit register.
    F32x8 = [f32; 8] in __m256, mask __m256, bits __m256i, interleaved super::pair::Pair<F32x8>;
    memory {
        load(p) = _mm256_loadu_ps(p);
        store(x, p) = _mm256_storeu_ps(p, x);
        stream(x, p) = _mm256_stream_ps(p, x);
        fence() = _mm_sfence();
    }
    splat(x) = _mm256_set1_ps(x);
    operators {
        Add add(a, b) = _mm256_add_ps(a, b);
        Sub sub(a, b) = _mm256_sub_ps(a, b);
        Mul mul(a, b) = _mm256_mul_ps(a, b);
        Div div(a, b) = _mm256_div_ps(a, b);
    }
    unary {
        abs(a) = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        sqrt(a) = _mm256_sqrt_ps(a);
        floor(a) = _mm256_floor_ps(a);
        ceil(a) = _mm256_ceil_ps(a);
        trunc(a) = _mm256_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a);
        round(a) = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
    }
    binary {
        min(a, b) = _mm256_min_ps(a, b);
        max(a, b) = _mm256_max_ps(a, b);
        copysign(a, b) = _mm256_or_ps(
            _mm256_andnot_ps(_mm256_set1_ps(-0.0), a), _mm256_and_ps(_mm256_set1_ps(-0.0), b));
    }
    mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
    compare {
        lt(a, b) = _mm256_cmp_ps::<_CMP_LT_OQ>(a, b);
        le(a, b) = _mm256_cmp_ps::<_CMP_LE_OQ>(a, b);
        eq(a, b) = _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b);
    }
    mask {
        binary {
            mask_and(a, b) = _mm256_and_ps(a, b);
            mask_or(a, b) = _mm256_or_ps(a, b);
        }
        not(a) = _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1)));
        any(a) = _mm256_movemask_ps(a) != 0;
        select(m, y, n) = _mm256_blendv_ps(n, y, m);
    }
    bits {
        of(a) = _mm256_castps_si256(a);
        into(a) = _mm256_castsi256_ps(a);
        splat(x) = _mm256_set1_epi32(x as i32);
        binary {
            bits_add(a, b) = _mm256_add_epi32(a, b);
            bits_sub(a, b) = _mm256_sub_epi32(a, b);
            bits_and(a, b) = _mm256_and_si256(a, b);
            bits_or(a, b) = _mm256_or_si256(a, b);
            bits_xor(a, b) = _mm256_xor_si256(a, b);
        }
        shl(a, n) = _mm256_sll_epi32(a, _mm_cvtsi32_si128(n as i32));
        shr(a, n) = _mm256_srl_epi32(a, _mm_cvtsi32_si128(n as i32));
        to_int(a) = _mm256_cvtps_epi32(a);
        from_int(a) = _mm256_cvtepi32_ps(a);
    }
    native {
        #[inline(always)]
        fn lookup(table: &[f32; 16], index: Self) -> Self {
            // SAFETY: the table is two registers of numbers.
            let (low, high) = unsafe { (Self::load(table.as_ptr()), Self::load(table.as_ptr().add(8))) };
            Self(intrinsics!({
                let index = _mm256_cvttps_epi32(index.0);
                let is_high = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
                let low = _mm256_permutevar8x32_ps(low.0, index);
                _mm256_blendv_ps(low, _mm256_permutevar8x32_ps(high.0, index), is_high)
            }))
        }
        #[inline(always)]
        fn upper(self, width: usize) -> Self {
            Self(intrinsics!(match width {
                4 => _mm256_permute2f128_ps::<0x11>(self.0, self.0),
                2 => _mm256_permute_ps::<0b1110>(self.0),
                _ => _mm256_permute_ps::<0b01>(self.0),
            }))
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f32, count: usize, rest: f32) -> Self {
            Self(intrinsics!({
                let places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
                let first = _mm256_cmpgt_epi32(_mm256_set1_epi32(count.min(8) as i32), places);
                let elements = _mm256_maskload_ps(from, first);
                _mm256_blendv_ps(_mm256_set1_ps(rest), elements, _mm256_castsi256_ps(first))
            }))
        }
    }
}

lanes! {
    /// Four f64 in a 256-bit register.
    F64x4 = [f64; 4] in __m256d, mask __m256d, bits __m256i, interleaved super::pair::Pair<F64x4>;
    memory {
        load(p) = _mm256_loadu_pd(p);
        store(x, p) = _mm256_storeu_pd(p, x);
        stream(x, p) = _mm256_stream_pd(p, x);
        fence() = _mm_sfence();
    }
    splat(x) = _mm256_set1_pd(x);
    operators {
        Add add(a, b) = _mm256_add_pd(a, b);
        Sub sub(a, b) = _mm256_sub_pd(a, b);
        Mul mul(a, b) = _mm256_mul_pd(a, b);
        Div div(a, b) = _mm256_div_pd(a, b);
    }
    unary {
        abs(a) = _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
        sqrt(a) = _mm256_sqrt_pd(a);
        floor(a) = _mm256_floor_pd(a);
        ceil(a) = _mm256_ceil_pd(a);
        trunc(a) = _mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a);
        round(a) = _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
    }
    binary {
        min(a, b) = _mm256_min_pd(a, b);
        max(a, b) = _mm256_max_pd(a, b);
        copysign(a, b) = _mm256_or_pd(
            _mm256_andnot_pd(_mm256_set1_pd(-0.0), a), _mm256_and_pd(_mm256_set1_pd(-0.0), b));
    }
    mul_add(a, b, c) = _mm256_fmadd_pd(a, b, c);
    compare {
        lt(a, b) = _mm256_cmp_pd::<_CMP_LT_OQ>(a, b);
        le(a, b) = _mm256_cmp_pd::<_CMP_LE_OQ>(a, b);
        eq(a, b) = _mm256_cmp_pd::<_CMP_EQ_OQ>(a, b);
    }
    mask {
        binary {
            mask_and(a, b) = _mm256_and_pd(a, b);
            mask_or(a, b) = _mm256_or_pd(a, b);
        }
        not(a) = _mm256_xor_pd(a, _mm256_castsi256_pd(_mm256_set1_epi32(-1)));
        any(a) = _mm256_movemask_pd(a) != 0;
        select(m, y, n) = _mm256_blendv_pd(n, y, m);
    }
    bits {
        of(a) = _mm256_castpd_si256(a);
        into(a) = _mm256_castsi256_pd(a);
        splat(x) = _mm256_set1_epi64x(x);
        binary {
            bits_add(a, b) = _mm256_add_epi64(a, b);
            bits_sub(a, b) = _mm256_sub_epi64(a, b);
            bits_and(a, b) = _mm256_and_si256(a, b);
            bits_or(a, b) = _mm256_or_si256(a, b);
            bits_xor(a, b) = _mm256_xor_si256(a, b);
        }
        shl(a, n) = _mm256_sll_epi64(a, _mm_cvtsi32_si128(n as i32));
        shr(a, n) = _mm256_srl_epi64(a, _mm_cvtsi32_si128(n as i32));
        to_int(a) = {
            let magic = _mm256_set1_pd(INTEGER_MAGIC);
            _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(a, magic)), _mm256_castpd_si256(magic))
        };
        from_int(a) = {
            let magic = _mm256_set1_pd(INTEGER_MAGIC);
            _mm256_sub_pd(_mm256_castsi256_pd(_mm256_add_epi64(a, _mm256_castpd_si256(magic))), magic)
        };
    }
    native {
        #[inline(always)]
        fn upper(self, width: usize) -> Self {
            Self(intrinsics!(match width {
                2 => _mm256_permute2f128_pd::<0x11>(self.0, self.0),
                _ => _mm256_permute_pd::<0b01>(self.0),
            }))
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f64, count: usize, rest: f64) -> Self {
            Self(intrinsics!({
                let places = _mm256_setr_epi64x(0, 1, 2, 3);
                let first = _mm256_cmpgt_epi64(_mm256_set1_epi64x(count.min(4) as i64), places);
                let elements = _mm256_maskload_pd(from, first);
                _mm256_blendv_pd(_mm256_set1_pd(rest), elements, _mm256_castsi256_pd(first))
            }))
        }
    }
}
