// The gradient of gather: sums slices into the places they were taken from, in the order of the indices, without atomics.
// Bytes moved: every element of both tensors once; the indices once per block, from the second-level cache.

// Indices that a thread looks at in one step; matching slices that it has on their way from memory.
#define LOOKED_AT 4
#define IN_FLIGHT 2
#define TILE (THREADS * LOOKED_AT)

typedef decltype(to_number(ELEMENT())) Number;

/// Those of a tile of indices that fall on the slices of a block, in order: each a position in the tile and, in the lower 16
/// bits, the distance of the place from that of the block's first slice.
struct Matches {
    u32 packed[TILE];
    u32 per_warp[THREADS / WARP];

    /// Puts down what each thread found, and gives how many there are; every thread of the block takes part.
    __device__ u32 gather(const bool (&wanted)[LOOKED_AT], const u32 (&found)[LOOKED_AT]) {
        const u32 warp = threadIdx.x / WARP, below = (1u << threadIdx.x % WARP) - 1;
        u32 before = 0, in_warp = 0;
#pragma unroll
        for (int i = 0; i < LOOKED_AT; i++) {
            const u32 lanes = __ballot_sync(ALL_LANES, wanted[i]);
            before += __popc(lanes & below);
            in_warp += __popc(lanes);
        }
        if (threadIdx.x % WARP == 0) {
            per_warp[warp] = in_warp;
        }
        __syncthreads();
        u32 total = 0;
        for (u32 i = 0; i < THREADS / WARP; i++) {
            before += i < warp ? per_warp[i] : 0;
            total += per_warp[i];
        }
#pragma unroll
        for (int i = 0; i < LOOKED_AT; i++) {
            if (wanted[i]) {
                packed[before++] = found[i];
            }
        }
        __syncthreads();
        return total;
    }
};

/// A slice as the registers of a group have it, VECTORS of a thread, or as much of it as they hold.
struct Slice {
    Vector<ELEMENT, WIDTH> vectors[VECTORS];

    __device__ void load(const ELEMENT* from, u32 step, u64 count) {
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            if (v * step < count) {
                vectors[v] = *(const Vector<ELEMENT, WIDTH>*)(from + v * step);
            }
        }
    }

    __device__ void add_to(Number (&sums)[VECTORS * WIDTH]) const {
#pragma unroll
        for (int v = 0; v < VECTORS * WIDTH; v++) {
            sums[v] += to_number(vectors[v / WIDTH].lanes[v % WIDTH]);
        }
    }
};

// One block at once is enough: more would have the compiler keep sums in memory.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    KERNEL(const ELEMENT* gradient /* [outer, k, inner] */, const void* indices /* [k] */, u32 index_type,
           ELEMENT* input_gradient /* [outer, n, inner] */, u64 outer, u64 n, u64 k, u64 inner, u32 group_size,
           Report* reports, u32 site) {
    __shared__ Matches matches;
    const Group group(group_size);
    const Indices places = {indices, index_type};
    // A group sums one piece of one slice, and the groups of a block work on slices that follow each other.
    const u32 step = group.size * WIDTH;
    const u64 pieces = (inner + step * VECTORS - 1) / (step * VECTORS);
    const u64 first = blockIdx.x / pieces * group.count(), first_place = first % n, slice = first + group.index;
    const u64 start = blockIdx.x % pieces * (step * VECTORS) + group.rank * WIDTH;
    // What this thread has of its slice; none of slices that are not there.
    const u64 count = slice < outer * n && start < inner ? inner - start : 0;
    const u32 distance = group.index % n;
    const ELEMENT* from = gradient + slice / n * k * inner + start;
    Number sums[VECTORS * WIDTH] = {};
    for (u64 tile = 0; tile < k; tile += TILE, from += TILE * inner) {
        bool wanted[LOOKED_AT];
        u32 found[LOOKED_AT];
#pragma unroll
        for (int i = 0; i < LOOKED_AT; i++) {
            const u32 in_tile = threadIdx.x * LOOKED_AT + i;
            const u64 position = tile + in_tile;
            const i64 index = position < k ? places[position] : 0;
            const u64 from_first = (u64)index - first_place + ((u64)index < first_place ? n : 0);
            wanted[i] = position < k && (u64)index < n && from_first < group.count();
            found[i] = in_tile << 16 | (u32)from_first;
            if ((u64)index >= n && blockIdx.x == 0) {
                report(reports, site, position, index, n);
            }
        }
        const u32 total = matches.gather(wanted, found);
        for (u32 match = 0; match < total; match += IN_FLIGHT) {
            bool mine[IN_FLIGHT];
            Slice slices[IN_FLIGHT];
#pragma unroll
            for (int i = 0; i < IN_FLIGHT; i++) {
                const u32 packed = match + i < total ? matches.packed[match + i] : 0xffff;
                mine[i] = (packed & 0xffff) == distance;
                slices[i].load(from + (packed >> 16) * inner, step, mine[i] ? count : 0);
            }
#pragma unroll
            for (int i = 0; i < IN_FLIGHT; i++) {
                if (mine[i]) {
                    slices[i].add_to(sums);
                }
            }
        }
    }
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        if (v * step < count) {
            Vector<ELEMENT, WIDTH> vector;
#pragma unroll
            for (int lane = 0; lane < WIDTH; lane++) {
                store_number(&vector.lanes[lane], sums[v * WIDTH + lane]);
            }
            *(Vector<ELEMENT, WIDTH>*)(input_gradient + slice * inner + start + v * step) = vector;
        }
    }
}
