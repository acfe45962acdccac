// What a CUDA compiler knows by itself, for a host compiler. A simulated NVRTC puts it in front of every unit.
#pragma once

#include "kernel.h"

#define __device__
#define __global__
#define __launch_bounds__(...)
#define __shared__ static
#define __restrict__ __restrict
#define __forceinline__ inline
#define __constant__ static

// In the section of what is initialised: the other one holds shared memory and nothing else.
static SimulatedIndex threadIdx = {1, 0, 0}, blockIdx = {1, 0, 0}, blockDim = {1, 1, 1}, gridDim = {1, 1, 1};
static const SimulatedRuntime* simulated_runtime = (const SimulatedRuntime*)1;

extern "C" {
float expf(float), exp2f(float), expm1f(float), logf(float), log1pf(float), log2f(float), log10f(float), sqrtf(float),
    cbrtf(float), sinf(float), cosf(float), tanf(float), asinf(float), acosf(float), atanf(float), sinhf(float),
    coshf(float), tanhf(float), erff(float), erfcf(float), floorf(float), ceilf(float), truncf(float), rintf(float),
    fabsf(float), powf(float, float), copysignf(float, float), fmaf(float, float, float), fmaxf(float, float),
    fminf(float, float), ldexpf(float, int);
double exp(double), exp2(double), expm1(double), log(double), log1p(double), log2(double), log10(double), sqrt(double),
    cbrt(double), sin(double), cos(double), tan(double), asin(double), acos(double), atan(double), sinh(double),
    cosh(double), tanh(double), erf(double), erfc(double), floor(double), ceil(double), trunc(double), rint(double),
    fabs(double), pow(double, double), copysign(double, double), fma(double, double, double), fmax(double, double),
    fmin(double, double), ldexp(double, int);
}

inline void __syncthreads() { simulated_runtime->barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
    uint64_t values[32];
    simulated_runtime->exchange(mask, 0, values);
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

namespace simulated {
inline unsigned lane() { return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32; }

template <class T> T from_lane(unsigned mask, T value, unsigned source) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "lanes exchange words");
    uint64_t bits = 0, values[32];
    __builtin_memcpy(&bits, &value, sizeof value);
    simulated_runtime->exchange(mask, bits, values);
    __builtin_memcpy(&value, &values[source % 32], sizeof value);
    return value;
}
} // namespace simulated

template <class T> T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
    const unsigned lane = simulated::lane();
    return simulated::from_lane(mask, value, lane / width * width + source % width);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
    const unsigned lane = simulated::lane(), other = lane ^ bits;
    return simulated::from_lane(mask, value, other / width <= lane / width ? other : lane);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    const unsigned lane = simulated::lane(), other = lane + delta;
    return simulated::from_lane(mask, value, other / width == lane / width ? other : lane);
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    const unsigned lane = simulated::lane();
    return simulated::from_lane(mask, value, lane % width >= delta ? lane - delta : lane);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    uint64_t values[32];
    simulated_runtime->exchange(mask, predicate != 0, values);
    unsigned ballot = 0;
    for (int i = 0; i < 32; i++) {
        ballot |= (mask >> i & 1) && values[i] == 1 ? 1u << i : 0;
    }
    return ballot;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
template <class T> T __ldg(const T* from) { return *from; }
template <class T> T __ldcs(const T* from) { return *from; }
template <class T> void __stcs(T* to, T value) { *to = value; }

// Threads take turns, so that what is not interrupted is atomic.
template <class T> T atomicAdd(T* place, T value) {
    static_assert((T)0.5 == (T)0, "sums of floating point numbers depend on their order");
    const T old = *place;
    *place += value;
    return old;
}
template <class T> T atomicMax(T* place, T value) {
    const T old = *place;
    *place = old < value ? value : old;
    return old;
}
template <class T> T atomicMin(T* place, T value) {
    const T old = *place;
    *place = value < old ? value : old;
    return old;
}
template <class T> T atomicExch(T* place, T value) {
    const T old = *place;
    *place = value;
    return old;
}
template <class T> T atomicCAS(T* place, T expected, T value) {
    const T old = *place;
    *place = old == expected ? value : old;
    return old;
}

// What a launch has to know of a kernel, from its type.
template <class F> struct SimulatedTrampoline;
template <class T> struct SimulatedIsPointer {
    static const unsigned char value = 0;
};
template <class T> struct SimulatedIsPointer<T*> {
    static const unsigned char value = 1;
};
template <unsigned... I> struct SimulatedPlaces {};
template <unsigned N, unsigned... I> struct SimulatedCount : SimulatedCount<N - 1, N - 1, I...> {};
template <unsigned... I> struct SimulatedCount<0, I...> {
    typedef SimulatedPlaces<I...> type;
};
template <class... P> struct SimulatedTrampoline<void (*)(P...)> {
    static const unsigned count = sizeof...(P);
    static const unsigned char* pointers() {
        static const unsigned char are[] = {SimulatedIsPointer<P>::value..., 0};
        return are;
    }
    static const unsigned* sizes() {
        static const unsigned are[] = {sizeof(P)..., 1};
        return are;
    }
    template <void (*kernel)(P...), unsigned... I> static void call(void** parameters, SimulatedPlaces<I...>) {
        kernel(*(P*)parameters[I]...);
    }
    template <void (*kernel)(P...)> static void invoke(void** parameters) {
        call<kernel>(parameters, typename SimulatedCount<sizeof...(P)>::type());
    }
};
#define SIMULATED_TEXT(name) #name
#define SIMULATED_NAME(name) SIMULATED_TEXT(name)
#define SIMULATED_ENTRY(kernel)                                                                                        \
    {SIMULATED_NAME(kernel), SimulatedTrampoline<decltype(&kernel)>::count,                                            \
     SimulatedTrampoline<decltype(&kernel)>::pointers(), SimulatedTrampoline<decltype(&kernel)>::sizes(),              \
     SimulatedTrampoline<decltype(&kernel)>::invoke<kernel>}
