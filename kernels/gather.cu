// Takes slices of the middle axis by index, as WORDs whatever their elements are.
// Bytes moved per element of the output: its size twice.

/// Words that a thread has on their way from memory.
#define UNROLL 4

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const WORD* input /* [outer, n, words] */, const void* indices /* [k] */, u32 index_type,
           WORD* output /* [outer, k, words] */, u64 outer, u64 n, u64 k, u64 words, u32 group_size, Report* reports,
           u32 site) {
    const Group group(group_size);
    // A group copies a piece of a slice.
    const u32 length = group.size * UNROLL;
    const u64 pieces = (words + length - 1) / length;
    const u64 piece = (u64)blockIdx.x * group.count() + group.index, slice = piece / pieces;
    if (slice >= outer * k) {
        return;
    }
    const u64 position = slice % k, start = piece % pieces * length + group.rank;
    const i64 index = Indices{indices, index_type}[position];
    const bool known = (u64)index < n;
    if (!known && slice == position && start == 0) {
        report(reports, site, position, index, n);
    }
    const WORD* const from = input + (slice / k * n + (known ? index : 0)) * words;
    WORD* const to = output + slice * words;
    WORD copied[UNROLL];
#pragma unroll
    for (int i = 0; i < UNROLL; i++) {
        const u64 place = start + i * group.size;
        copied[i] = known && place < words ? from[place] : WORD();
    }
#pragma unroll
    for (int i = 0; i < UNROLL; i++) {
        const u64 place = start + i * group.size;
        if (place < words) {
            to[place] = copied[i];
        }
    }
}
