// What kernels on rows share: the threads that work on a row together, and reductions among them.
// Bytes moved: none by itself. Needs ELEMENT, the type of the elements.

#define WARP 32
#define ALL_LANES 0xffffffffu

/// e^x; where results have 16 bits, to 20 bits or more.
__device__ inline f32 exponential(f32 x) {
#ifdef __CUDACC_RTC__
    if (sizeof(ELEMENT) == 2) {
        f32 power;
        asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x * 1.44269504f));
        return power;
    }
#endif
    return expf(x);
}
__device__ inline f64 exponential(f64 x) { return exp(x); }
__device__ inline f32 logarithm(f32 x) { return logf(x); }
__device__ inline f64 logarithm(f64 x) { return log(x); }

/// The larger number; the other one where one is NaN.
__device__ inline f32 larger(f32 a, f32 b) { return fmaxf(a, b); }
__device__ inline f64 larger(f64 a, f64 b) { return fmax(a, b); }

/// a * b + c, rounded once.
__device__ inline f32 multiply_add(f32 a, f32 b, f32 c) { return fmaf(a, b, c); }
__device__ inline f64 multiply_add(f64 a, f64 b, f64 c) { return fma(a, b, c); }

/// The value of the lane whose number differs from this one's in the bits of `offset`.
template <class Value> __device__ inline Value across_lanes(Value value, u32 offset) {
    u32 words[sizeof(Value) / sizeof(u32)];
    static_assert(sizeof words == sizeof value, "lanes exchange whole words");
    memcpy(words, &value, sizeof value);
#pragma unroll
    for (u32 i = 0; i < sizeof(Value) / sizeof(u32); i++) {
        words[i] = __shfl_xor_sync(ALL_LANES, words[i], (int)offset);
    }
    memcpy(&value, words, sizeof value);
    return value;
}

/// The threads that work on a row together: a power of two that lie side by side.
struct Group {
    u32 size;
    /// The number of this thread in its group.
    u32 rank;
    /// The number of this group in its block.
    u32 index;
    u32 turn;

    __device__ explicit Group(u32 size) : size(size), rank(threadIdx.x & (size - 1)), index(threadIdx.x / size), turn(0) {}

    /// The groups in a block.
    __device__ u32 count() const { return blockDim.x / size; }

    /// What `combine`, which commutes, makes of the values of all threads: the same in each, by a tree that depends on the
    /// size of the group alone. Every thread of the block takes part.
    template <class Value, class Combine> __device__ Value reduce(Value value, const Combine& combine) {
        for (u32 offset = (size < WARP ? size : WARP) / 2; offset > 0; offset /= 2) {
            value = combine(value, across_lanes(value, offset));
        }
        if (size <= WARP) {
            return value;
        }
        // Two places in turns: who writes to one again has met all who read it at the barrier of the other.
        __shared__ Value partials[2][WARP];
        Value* const warps = partials[turn++ & 1];
        if (threadIdx.x % WARP == 0) {
            warps[threadIdx.x / WARP] = value;
        }
        __syncthreads();
        const u32 own = size / WARP;
        value = warps[index * own + (threadIdx.x & (own - 1))];
        for (u32 offset = own / 2; offset > 0; offset /= 2) {
            value = combine(value, across_lanes(value, offset));
        }
        return value;
    }
};

struct Sum {
    __device__ REAL operator()(REAL a, REAL b) const { return a + b; }
};

struct Max {
    __device__ REAL operator()(REAL a, REAL b) const { return larger(a, b); }
};

// What an element is compared and summed as: itself, or f32 where it has 16 bits.

template <class T> __device__ inline T to_number(T element) { return element; }
__device__ inline f32 to_number(f16 element) { return (f32)to_real(element); }
__device__ inline f32 to_number(bf16 element) { return (f32)to_real(element); }

template <class T> __device__ inline void store_number(T* element, T number) { *element = number; }
__device__ inline void store_number(f16* element, f32 number) { *element = to_f16(number); }
__device__ inline void store_number(bf16* element, f32 number) { *element = to_bf16(number); }
