//! AVX-512 registers: sixteen f32 or eight f64, with a mask register per comparison and per ragged end.

use std::arch::x86_64::*;

use super::table::{intrinsics, lanes};

lanes! {
    /// Sixteen f32 in a 512-bit register.
    F32x16 = [f32; 16] in __m512, mask __mmask16, bits __m512i, interleaved F32x16;
    memory {
        load(p) = _mm512_loadu_ps(p);
        store(x, p) = _mm512_storeu_ps(p, x);
        stream(x, p) = _mm512_stream_ps(p, x);
        fence() = _mm_sfence();
    }
    splat(x) = _mm512_set1_ps(x);
    operators {
        Add add(a, b) = _mm512_add_ps(a, b);
        Sub sub(a, b) = _mm512_sub_ps(a, b);
        Mul mul(a, b) = _mm512_mul_ps(a, b);
        Div div(a, b) = _mm512_div_ps(a, b);
    }
    unary {
        abs(a) = _mm512_abs_ps(a);
        sqrt(a) = _mm512_sqrt_ps(a);
        floor(a) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a);
        ceil(a) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(a);
        trunc(a) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a);
        round(a) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
    }
    binary {
        min(a, b) = _mm512_min_ps(a, b);
        max(a, b) = _mm512_max_ps(a, b);
        copysign(a, b) = _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0xD8>(
            _mm512_castps_si512(a), _mm512_castps_si512(b), _mm512_set1_epi32(i32::MIN)));
    }
    mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
    compare {
        lt(a, b) = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        le(a, b) = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
        eq(a, b) = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b);
    }
    mask {
        binary {
            mask_and(a, b) = a & b;
            mask_or(a, b) = a | b;
        }
        not(a) = !a;
        any(a) = a != 0;
        select(m, y, n) = _mm512_mask_blend_ps(m, n, y);
    }
    bits {
        of(a) = _mm512_castps_si512(a);
        into(a) = _mm512_castsi512_ps(a);
        splat(x) = _mm512_set1_epi32(x as i32);
        binary {
            bits_add(a, b) = _mm512_add_epi32(a, b);
            bits_sub(a, b) = _mm512_sub_epi32(a, b);
            bits_and(a, b) = _mm512_and_si512(a, b);
            bits_or(a, b) = _mm512_or_si512(a, b);
            bits_xor(a, b) = _mm512_xor_si512(a, b);
        }
        shl(a, n) = _mm512_sll_epi32(a, _mm_cvtsi32_si128(n as i32));
        shr(a, n) = _mm512_srl_epi32(a, _mm_cvtsi32_si128(n as i32));
        to_int(a) = _mm512_cvtps_epi32(a);
        from_int(a) = _mm512_cvtepi32_ps(a);
    }
    native {
        #[inline(always)]
        fn scale(self, power: Self) -> Self { Self(intrinsics!(_mm512_scalef_ps(self.0, power.0))) }
        #[inline(always)]
        fn lookup(table: &[f32; 16], index: Self) -> Self {
            // SAFETY: the table is a register of numbers.
            let table = unsafe { Self::load(table.as_ptr()) };
            Self(intrinsics!(_mm512_permutexvar_ps(_mm512_cvttps_epi32(index.0), table.0)))
        }
        #[inline(always)]
        fn upper(self, width: usize) -> Self {
            Self(intrinsics!(match width {
                8 => _mm512_shuffle_f32x4::<0b1110>(self.0, self.0),
                4 => _mm512_shuffle_f32x4::<0b01>(self.0, self.0),
                2 => _mm512_permute_ps::<0b1110>(self.0),
                _ => _mm512_permute_ps::<0b01>(self.0),
            }))
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f32, count: usize, rest: f32) -> Self {
            let first = ((1u32 << count.min(16)) - 1) as __mmask16;
            Self(intrinsics!(_mm512_mask_loadu_ps(_mm512_set1_ps(rest), first, from)))
        }
        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, count: usize) {
            let first = ((1u32 << count.min(16)) - 1) as __mmask16;
            intrinsics!(_mm512_mask_storeu_ps(to, first, self.0))
        }
        #[inline(always)]
        fn decompose(self) -> (Self, Self) {
            let significand = intrinsics!(_mm512_getmant_ps::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0));
            (Self(significand), Self(intrinsics!(_mm512_getexp_ps(self.0))))
        }
    }
}

lanes! {
    /// Eight f64 in a 512-bit register.
    F64x8 = [f64; 8] in __m512d, mask __mmask8, bits __m512i, interleaved F64x8;
    memory {
        load(p) = _mm512_loadu_pd(p);
        store(x, p) = _mm512_storeu_pd(p, x);
        stream(x, p) = _mm512_stream_pd(p, x);
        fence() = _mm_sfence();
    }
    splat(x) = _mm512_set1_pd(x);
    operators {
        Add add(a, b) = _mm512_add_pd(a, b);
        Sub sub(a, b) = _mm512_sub_pd(a, b);
        Mul mul(a, b) = _mm512_mul_pd(a, b);
        Div div(a, b) = _mm512_div_pd(a, b);
    }
    unary {
        abs(a) = _mm512_abs_pd(a);
        sqrt(a) = _mm512_sqrt_pd(a);
        floor(a) = _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a);
        ceil(a) = _mm512_roundscale_pd::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(a);
        trunc(a) = _mm512_roundscale_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a);
        round(a) = _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
    }
    binary {
        min(a, b) = _mm512_min_pd(a, b);
        max(a, b) = _mm512_max_pd(a, b);
        copysign(a, b) = _mm512_castsi512_pd(_mm512_ternarylogic_epi64::<0xD8>(
            _mm512_castpd_si512(a), _mm512_castpd_si512(b), _mm512_set1_epi64(i64::MIN)));
    }
    mul_add(a, b, c) = _mm512_fmadd_pd(a, b, c);
    compare {
        lt(a, b) = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b);
        le(a, b) = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(a, b);
        eq(a, b) = _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(a, b);
    }
    mask {
        binary {
            mask_and(a, b) = a & b;
            mask_or(a, b) = a | b;
        }
        not(a) = !a;
        any(a) = a != 0;
        select(m, y, n) = _mm512_mask_blend_pd(m, n, y);
    }
    bits {
        of(a) = _mm512_castpd_si512(a);
        into(a) = _mm512_castsi512_pd(a);
        splat(x) = _mm512_set1_epi64(x);
        binary {
            bits_add(a, b) = _mm512_add_epi64(a, b);
            bits_sub(a, b) = _mm512_sub_epi64(a, b);
            bits_and(a, b) = _mm512_and_si512(a, b);
            bits_or(a, b) = _mm512_or_si512(a, b);
            bits_xor(a, b) = _mm512_xor_si512(a, b);
        }
        shl(a, n) = _mm512_sll_epi64(a, _mm_cvtsi32_si128(n as i32));
        shr(a, n) = _mm512_srl_epi64(a, _mm_cvtsi32_si128(n as i32));
        to_int(a) = _mm512_cvtpd_epi64(a);
        from_int(a) = _mm512_cvtepi64_pd(a);
    }
    native {
        #[inline(always)]
        fn scale(self, power: Self) -> Self { Self(intrinsics!(_mm512_scalef_pd(self.0, power.0))) }
        #[inline(always)]
        fn upper(self, width: usize) -> Self {
            Self(intrinsics!(match width {
                4 => _mm512_shuffle_f64x2::<0b1110>(self.0, self.0),
                2 => _mm512_shuffle_f64x2::<0b01>(self.0, self.0),
                _ => _mm512_permute_pd::<0b01>(self.0),
            }))
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f64, count: usize, rest: f64) -> Self {
            let first = ((1u32 << count.min(8)) - 1) as __mmask8;
            Self(intrinsics!(_mm512_mask_loadu_pd(_mm512_set1_pd(rest), first, from)))
        }
        #[inline(always)]
        unsafe fn store_first(self, to: *mut f64, count: usize) {
            let first = ((1u32 << count.min(8)) - 1) as __mmask8;
            intrinsics!(_mm512_mask_storeu_pd(to, first, self.0))
        }
        #[inline(always)]
        fn decompose(self) -> (Self, Self) {
            let significand = intrinsics!(_mm512_getmant_pd::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0));
            (Self(significand), Self(intrinsics!(_mm512_getexp_pd(self.0))))
        }
    }
}
