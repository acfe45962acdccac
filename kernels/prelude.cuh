// What every kernel stands on: element types and their conversions, constants, vectors of elements.
// Bytes moved: none by itself. Needs REAL defined as the type computed in: float or double. Includes nothing.

// A host compiler sees plain functions; NVRTC knows these words by itself.
#ifndef __CUDACC_RTC__
#define __device__
#define __global__
#define __launch_bounds__(...)
#define memcpy __builtin_memcpy
#endif

// How many blocks a multiprocessor must have room for at once: with 0 the compiler chooses, and may spill registers for one
// block more; with 1 a thread has all registers there are.
#ifndef BLOCKS
#define BLOCKS 0
#endif

#define REAL_INFINITY ((REAL)bits_as<f32>(0x7f800000u))
#define REAL_NAN ((REAL)bits_as<f32>(0x7fc00000u))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;
typedef float f32;
typedef double f64;

/// 16-bit IEEE floating point: widened to compute with, rounded when stored.
struct f16 {
    u16 bits;
};

/// 16-bit brain floating point: the upper half of an f32.
struct bf16 {
    u16 bits;
};

/// The value of one type with the bits of another of its size.
template <class To, class From> __device__ inline To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From), "the types differ in size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

// From an element to a number: exact, but for an i64 beyond 2^53.

template <class T> __device__ inline REAL to_real(T element) { return (REAL)element; }

__device__ inline REAL to_real(bf16 element) { return (REAL)bits_as<f32>((u32)element.bits << 16); }

__device__ inline REAL to_real(f16 element) {
#ifdef __CUDACC_RTC__
    f32 value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(element.bits));
#else
    const u32 sign = (u32)(element.bits & 0x8000) << 16, magnitude = element.bits & 0x7fff;
    // A subnormal number counts steps of 2^-24; the others keep their bits under an exponent with another bias.
    const f32 subnormal = (f32)magnitude * (1.0f / 16777216);
    const u32 bias = magnitude < 0x7c00 ? (127u - 15) << 23 : (255u - 31) << 23;
    const u32 positive = magnitude < 0x0400 ? bits_as<u32>(subnormal) : (magnitude << 13) + bias;
    const f32 value = bits_as<f32>(sign | positive);
#endif
    return (REAL)value;
}

// From a number to an element: the nearest, halves to even; integers truncate towards zero and saturate, NaN becomes 0.

/// Drops the last `count` bits of the magnitude of an f32, rounding to nearest, halves to even.
__device__ inline u32 round_bits(u32 magnitude, u32 count) {
    return (magnitude + (1u << (count - 1)) - 1 + ((magnitude >> count) & 1)) >> count;
}

__device__ inline bf16 to_bf16(f32 value) {
    bf16 element;
#if defined(__CUDACC_RTC__) && __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(element.bits) : "f"(value));
#else
    element.bits = value == value ? (u16)round_bits(bits_as<u32>(value), 16) : (u16)0x7fff;
#endif
    return element;
}

__device__ inline f16 to_f16(f32 value) {
    f16 element;
#ifdef __CUDACC_RTC__
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(element.bits) : "f"(value));
#else
    const u32 bits = bits_as<u32>(value), magnitude = bits & 0x7fffffff;
    u32 half;
    if (value != value) {
        half = 0x7fff;
    } else if (magnitude >= 0x477ff000) {
        half = 0x7c00; // 65520 and beyond
    } else if (magnitude >= 0x38800000) {
        half = round_bits(magnitude - ((127u - 15) << 23), 13);
    } else {
        // In the sum, the last place of the f32 is the step of the subnormal f16: the addition rounds.
        half = bits_as<u32>(bits_as<f32>(magnitude) + 0.5f) - 0x3f000000;
    }
    element.bits = (u16)((bits >> 16 & 0x8000) | half);
#endif
    return element;
}

/// An f32 beside `value` whose last bit tells that something was cut off, so that rounding it further gives what
/// rounding `value` at once would.
__device__ inline f32 round_to_odd(f64 value) {
    const f32 nearest = (f32)value;
    const u32 bits = bits_as<u32>(nearest);
    if (value != value || (f64)nearest == value || bits & 1) {
        return nearest;
    }
    const bool beyond = value < 0 ? (f64)nearest < value : (f64)nearest > value;
    return bits_as<f32>(beyond ? bits - 1 : bits + 1);
}

__device__ inline f32 round_to_odd(f32 value) { return value; }

template <class T, T LEAST, T MOST> __device__ inline T saturate(REAL value) {
    if (value != value) {
        return 0;
    }
    return value <= (REAL)LEAST ? LEAST : value >= (REAL)MOST ? MOST : (T)value;
}

template <class T> struct Stored;

template <> struct Stored<f64> {
    __device__ static f64 of(REAL value) { return (f64)value; }
};
template <> struct Stored<f32> {
    __device__ static f32 of(REAL value) { return (f32)value; }
};
template <> struct Stored<f16> {
    __device__ static f16 of(REAL value) { return to_f16(round_to_odd(value)); }
};
template <> struct Stored<bf16> {
    __device__ static bf16 of(REAL value) { return to_bf16(round_to_odd(value)); }
};
template <> struct Stored<u8> {
    __device__ static u8 of(REAL value) { return saturate<u8, 0, 0xff>(value); }
};
template <> struct Stored<u32> {
    __device__ static u32 of(REAL value) { return saturate<u32, 0, 0xffffffff>(value); }
};
template <> struct Stored<i32> {
    __device__ static i32 of(REAL value) { return saturate<i32, -0x7fffffff - 1, 0x7fffffff>(value); }
};
template <> struct Stored<i64> {
    __device__ static i64 of(REAL value) {
        return saturate<i64, -0x7fffffffffffffff - 1, 0x7fffffffffffffff>(value);
    }
};

/// The element that stands for a number.
template <class T> __device__ inline T to_element(REAL value) { return Stored<T>::of(value); }

/// `N` elements that lie side by side, read and written by one instruction where they make up 16 bytes or less.
template <class T, int N> struct alignas(sizeof(T) * N) Vector {
    T lanes[N];

    /// The first element; the others move up.
    __device__ T take_first() {
        const T first = lanes[0];
#pragma unroll
        for (int lane = 1; lane < N; lane++) {
            lanes[lane - 1] = lanes[lane];
        }
        return first;
    }

    /// Puts an element behind the others, which move up over the first.
    __device__ void put_last(T element) {
#pragma unroll
        for (int lane = 1; lane < N; lane++) {
            lanes[lane - 1] = lanes[lane];
        }
        lanes[N - 1] = element;
    }
};
