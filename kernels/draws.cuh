// Random draws: Philox 4x32-10, and its words as uniform and normal numbers; the same as on every other device.
// Bytes moved: none. Needs prelude.cuh; for normal numbers also DRAWS_NORMAL, and the formula `box_muller` in its namespace.

/// A counter of the generator, and what it makes of it.
struct Words {
    u32 words[4];
};

/// Four random words for a counter under a key (Salmon, Moraes, Dror and Shaw 2011).
__device__ inline Words philox(Words counter, u64 key) {
    u32 key0 = (u32)key, key1 = (u32)(key >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const u64 product0 = (u64)0xD2511F53 * counter.words[0], product1 = (u64)0xCD9E8D57 * counter.words[2];
        counter.words[0] = (u32)(product1 >> 32) ^ counter.words[1] ^ key0;
        counter.words[1] = (u32)product1;
        counter.words[2] = (u32)(product0 >> 32) ^ counter.words[3] ^ key1;
        counter.words[3] = (u32)product0;
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return counter;
}

/// The words of elements 4 `block` to 4 `block` + 3, for the draw number `index` of a formula.
__device__ inline Words block_of(u64 key, u32 stream, u32 index, u64 block) {
    const Words counter = {{(u32)block, (u32)(block >> 32), stream, index}};
    return philox(counter, key);
}

/// A number in [0, 1) from the bits of a word that the type can hold.
__device__ inline REAL uniform_of(u32 word) {
    return sizeof(REAL) == 4 ? (REAL)(word >> 8) * (REAL)(1.0 / 16777216) : (REAL)word * (REAL)(1.0 / 4294967296);
}

/// Turns the words of a block into numbers.
struct Uniform {
    __device__ static void convert(Words block, u64, REAL* numbers) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            numbers[i] = uniform_of(block.words[i]);
        }
    }
};

/// The numbers of the elements, from the first of the block on: nothing random.
struct Position {
    __device__ static void convert(Words, u64 first, REAL* numbers) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            numbers[i] = (REAL)(first + i);
        }
    }
};

#ifdef DRAWS_NORMAL
/// Two neighbours share a pair of words: the first gives the radius and is never 0, the second the angle.
struct Normal {
    __device__ static void convert(Words block, u64, REAL* numbers) {
#pragma unroll
        for (int i = 0; i < 4; i += 2) {
            const REAL radius = (REAL)((u64)block.words[i] + 1) * (REAL)(1.0 / 4294967296);
            const REAL pair[2] = {radius, uniform_of(block.words[i + 1])};
            box_muller::formula(pair, pair, pair, numbers + i);
        }
    }
};
#endif

/// The numbers of the `N` elements from `first` on, a multiple of `N`: element i has number i % 4 of block i / 4.
template <class Kind, int N> __device__ inline void draw(u64 key, u32 stream, u32 index, u64 first, REAL* numbers) {
#pragma unroll
    for (int start = 0; start < N; start += 4) {
        REAL block[4];
        const u64 number = (first + start) / 4;
        Kind::convert(block_of(key, stream, index, number), 4 * number, block);
        // Fewer than a block are chosen by comparison: registers cannot be indexed.
        const int skipped = N < 4 ? (int)(first % 4) : 0;
#pragma unroll
        for (int i = 0; i < (N < 4 ? N : 4); i++) {
            const REAL low = skipped & 1 ? block[(i + 1) % 4] : block[i];
            const REAL high = skipped & 1 ? block[(i + 3) % 4] : block[(i + 2) % 4];
            numbers[start + i] = skipped & 2 ? high : low;
        }
    }
}
