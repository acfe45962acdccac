//! NEON registers of AArch64: four f32 or two f64; a mask is a register of all-ones and all-zeros lanes.

use std::arch::aarch64::*;

use super::table::{intrinsics, lanes};

lanes! {
    /// Four f32 in a 128-bit register.
    F32x4 = [f32; 4] in float32x4_t, mask uint32x4_t, bits uint32x4_t, interleaved super::pair::Pair<F32x4>;
    memory {
        load(p) = vld1q_f32(p);
        store(x, p) = vst1q_f32(p, x);
        stream(x, p) = vst1q_f32(p, x);
        fence() = ();
    }
    splat(x) = vdupq_n_f32(x);
    operators {
        Add add(a, b) = vaddq_f32(a, b);
        Sub sub(a, b) = vsubq_f32(a, b);
        Mul mul(a, b) = vmulq_f32(a, b);
        Div div(a, b) = vdivq_f32(a, b);
    }
    unary {
        abs(a) = vabsq_f32(a);
        sqrt(a) = vsqrtq_f32(a);
        floor(a) = vrndmq_f32(a);
        ceil(a) = vrndpq_f32(a);
        trunc(a) = vrndq_f32(a);
        round(a) = vrndnq_f32(a);
    }
    binary {
        min(a, b) = vbslq_f32(vcltq_f32(a, b), a, b);
        max(a, b) = vbslq_f32(vcgtq_f32(a, b), a, b);
        copysign(a, b) = vbslq_f32(vdupq_n_u32(1 << 31), b, a);
    }
    mul_add(a, b, c) = vfmaq_f32(c, a, b);
    compare {
        lt(a, b) = vcltq_f32(a, b);
        le(a, b) = vcleq_f32(a, b);
        eq(a, b) = vceqq_f32(a, b);
    }
    mask {
        binary {
            mask_and(a, b) = vandq_u32(a, b);
            mask_or(a, b) = vorrq_u32(a, b);
        }
        not(a) = vmvnq_u32(a);
        any(a) = vmaxvq_u32(a) != 0;
        select(m, y, n) = vbslq_f32(m, y, n);
    }
    bits {
        of(a) = vreinterpretq_u32_f32(a);
        into(a) = vreinterpretq_f32_u32(a);
        splat(x) = vdupq_n_u32(x as u32);
        binary {
            bits_add(a, b) = vaddq_u32(a, b);
            bits_sub(a, b) = vsubq_u32(a, b);
            bits_and(a, b) = vandq_u32(a, b);
            bits_or(a, b) = vorrq_u32(a, b);
            bits_xor(a, b) = veorq_u32(a, b);
        }
        shl(a, n) = vshlq_u32(a, vdupq_n_s32(n as i32));
        shr(a, n) = vshlq_u32(a, vdupq_n_s32(-(n as i32)));
        to_int(a) = vreinterpretq_u32_s32(vcvtnq_s32_f32(a));
        from_int(a) = vcvtq_f32_s32(vreinterpretq_s32_u32(a));
    }
}

lanes! {
    /// Two f64 in a 128-bit register.
    F64x2 = [f64; 2] in float64x2_t, mask uint64x2_t, bits uint64x2_t, interleaved super::pair::Pair<F64x2>;
    memory {
        load(p) = vld1q_f64(p);
        store(x, p) = vst1q_f64(p, x);
        stream(x, p) = vst1q_f64(p, x);
        fence() = ();
    }
    splat(x) = vdupq_n_f64(x);
    operators {
        Add add(a, b) = vaddq_f64(a, b);
        Sub sub(a, b) = vsubq_f64(a, b);
        Mul mul(a, b) = vmulq_f64(a, b);
        Div div(a, b) = vdivq_f64(a, b);
    }
    unary {
        abs(a) = vabsq_f64(a);
        sqrt(a) = vsqrtq_f64(a);
        floor(a) = vrndmq_f64(a);
        ceil(a) = vrndpq_f64(a);
        trunc(a) = vrndq_f64(a);
        round(a) = vrndnq_f64(a);
    }
    binary {
        min(a, b) = vbslq_f64(vcltq_f64(a, b), a, b);
        max(a, b) = vbslq_f64(vcgtq_f64(a, b), a, b);
        copysign(a, b) = vbslq_f64(vdupq_n_u64(1 << 63), b, a);
    }
    mul_add(a, b, c) = vfmaq_f64(c, a, b);
    compare {
        lt(a, b) = vcltq_f64(a, b);
        le(a, b) = vcleq_f64(a, b);
        eq(a, b) = vceqq_f64(a, b);
    }
    mask {
        binary {
            mask_and(a, b) = vandq_u64(a, b);
            mask_or(a, b) = vorrq_u64(a, b);
        }
        not(a) = veorq_u64(a, vdupq_n_u64(u64::MAX));
        any(a) = vmaxvq_u32(vreinterpretq_u32_u64(a)) != 0;
        select(m, y, n) = vbslq_f64(m, y, n);
    }
    bits {
        of(a) = vreinterpretq_u64_f64(a);
        into(a) = vreinterpretq_f64_u64(a);
        splat(x) = vdupq_n_u64(x as u64);
        binary {
            bits_add(a, b) = vaddq_u64(a, b);
            bits_sub(a, b) = vsubq_u64(a, b);
            bits_and(a, b) = vandq_u64(a, b);
            bits_or(a, b) = vorrq_u64(a, b);
            bits_xor(a, b) = veorq_u64(a, b);
        }
        shl(a, n) = vshlq_u64(a, vdupq_n_s64(n as i64));
        shr(a, n) = vshlq_u64(a, vdupq_n_s64(-(n as i64)));
        to_int(a) = vreinterpretq_u64_s64(vcvtnq_s64_f64(a));
        from_int(a) = vcvtq_f64_s64(vreinterpretq_s64_u64(a));
    }
}
