// Applies `formula` to every element and brings the results together along the reduced axes, by a tree that shapes settle.
// Bytes moved per element: the size of each input that is not broadcast, once; per result: its size.
//
// The walk goes through groups of members of columns: groups and columns are kept, members reduced. A long member axis is
// cut into pieces, whose results are then members of another reduction.
//
// Needs operands.cuh. Defined by whoever assembles the unit besides: REAL and `formula`; KERNEL, the kernel's name; THREADS
// in a block; WIDTH, the elements in a vector, which divides the innermost axis of a walk that has any; UNROLL, the vectors
// a thread has in flight; PARAMETERS(X), which applies X to the index of each run-time scalar; COMBINE, one of the classes
// below; ROWS, whether there is one column and vectors are of members, not of columns; DENSE, whether results lie one
// behind the other.

struct Sum {
    __device__ static REAL identity() { return 0; }
    __device__ static REAL of(REAL a, REAL b) { return a + b; }
};

/// The larger; NaN where either is.
struct Max {
    __device__ static REAL identity() { return -REAL_INFINITY; }
    __device__ static REAL of(REAL a, REAL b) { return a < b || b != b ? b : a; }
};

/// The smaller; NaN where either is.
struct Min {
    __device__ static REAL identity() { return REAL_INFINITY; }
    __device__ static REAL of(REAL a, REAL b) { return b < a || b != b ? b : a; }
};

/// How the walk is cut.
struct Cut {
    u64 groups, members, columns;
    /// The members of a piece, fewer than 2^32, and the pieces of a group.
    u64 piece, pieces;
    /// A power of two: the threads that share a piece of a row, or those side by side along columns.
    u64 team;

    /// The members of the piece that starts here.
    __device__ u32 count_from(u64 start) const { return (u32)(members - start < piece ? members - start : piece); }
};

/// Everything that a result is computed from.
struct Operands {
    Inputs inputs;
    REAL parameters[1 PARAMETERS(COUNT)];

    /// Combines the formula's results for `N` elements side by side with as many others.
    template <int N> __device__ void add(Loaded<N>& loaded, REAL* others) const {
#pragma unroll
        for (int lane = 0; lane < N; lane++) {
            REAL numbers[INPUT_COUNT + 1], result[1];
            loaded.take_first(numbers);
            formula(numbers, parameters, numbers, result);
            others[lane] = COMBINE::of(others[lane], result[0]);
        }
    }
};

/// A thread's results so far: independent of each other, so that additions overlap and roundings stay few.
struct Partials {
    REAL lanes[UNROLL][WIDTH];

    __device__ Partials() {
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
#pragma unroll
            for (int lane = 0; lane < WIDTH; lane++) {
                lanes[i][lane] = COMBINE::identity();
            }
        }
    }

    /// Combines vectors of the walk: `count` of them, from the element `first` on, `step` elements apart.
    __device__ void add(const Operands& operands, const Walk& walk, u64 first, u64 step, u32 count) {
        for (u32 done = 0; done < count; done += UNROLL, first += UNROLL * step) {
            Loaded<WIDTH> loaded[UNROLL];
#pragma unroll
            for (int i = 0; i < UNROLL; i++) {
                if (done + i < count) {
                    loaded[i] = operands.inputs.load<WIDTH>(walk, walk.at(first + i * step));
                }
            }
#pragma unroll
            for (int i = 0; i < UNROLL; i++) {
                if (done + i < count) {
                    operands.add<WIDTH>(loaded[i], lanes[i]);
                }
            }
        }
    }

    /// Joins each lane's results in pairs, into those of the first vector.
    __device__ void join_vectors() {
#pragma unroll
        for (int step = 1; step < UNROLL; step *= 2) {
#pragma unroll
            for (int i = 0; i + step < UNROLL; i += 2 * step) {
#pragma unroll
                for (int lane = 0; lane < WIDTH; lane++) {
                    lanes[i][lane] = COMBINE::of(lanes[i][lane], lanes[i + step][lane]);
                }
            }
        }
    }

    /// Joins the lanes of the first vector in pairs.
    __device__ REAL join_lanes() {
#pragma unroll
        for (int step = 1; step < WIDTH; step *= 2) {
#pragma unroll
            for (int lane = 0; lane + step < WIDTH; lane += 2 * step) {
                lanes[0][lane] = COMBINE::of(lanes[0][lane], lanes[0][lane + step]);
            }
        }
        return lanes[0][0];
    }
};

/// How many of `count` things, dealt out in turns to `team` others, the one of this `rank` gets.
__device__ inline u32 share(u32 count, u32 rank, u32 team) { return count > rank ? (count - rank - 1) / team + 1 : 0; }

#if ROWS
/// Joins one number of each thread of a team, which is a part of a warp or the whole block; the first thread gets the result.
__device__ inline REAL join_team(REAL number, u32 team) {
    for (u32 distance = team < 32 ? team / 2 : 16; distance > 0; distance /= 2) {
        number = COMBINE::of(number, __shfl_xor_sync(0xffffffff, number, distance));
    }
    if (team > 32) {
        __shared__ REAL warps[THREADS / 32];
        if (threadIdx.x % 32 == 0) {
            warps[threadIdx.x / 32] = number;
        }
        __syncthreads();
        number = warps[threadIdx.x % (THREADS / 32)];
#pragma unroll
        for (u32 distance = THREADS / 64; distance > 0; distance /= 2) {
            number = COMBINE::of(number, __shfl_xor_sync(0xffffffff, number, distance));
        }
    }
    return number;
}
#else
/// Joins the results of the threads of a block that have the same place among `across` columns; the first row of threads
/// gets the results.
__device__ inline void join_rows(REAL* lanes, u32 across) {
    __shared__ REAL shared[WIDTH][THREADS];
    for (u32 half = THREADS / across / 2; half > 0; half /= 2) {
#pragma unroll
        for (int lane = 0; lane < WIDTH; lane++) {
            shared[lane][threadIdx.x] = lanes[lane];
        }
        __syncthreads();
        if (threadIdx.x < half * across) {
#pragma unroll
            for (int lane = 0; lane < WIDTH; lane++) {
                lanes[lane] = COMBINE::of(lanes[lane], shared[lane][threadIdx.x + half * across]);
            }
        }
        __syncthreads();
    }
}
#endif

#define OUTPUT_PARAMETER(index, access, type, outer) type* output /* [groups][pieces][columns], as the walk steps */,
#define STORE(index, access, type, outer)                                                                              \
    output[DENSE ? number : walk.offset<INPUT_COUNT, outer, STEP_OF_##access>(walk.at(first))] = to_element<type>(result);
#define STEP_OF_Broadcast SAME
#define STEP_OF_Repeated SAME
#define STEP_OF_Contiguous NEXT
#define STEP_OF_Strided ANY
#define PARAMETER(index) REAL parameter##index,
#define ARGUMENT(index) parameter##index,
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(INPUTS(INPUT_PARAMETER) OUTPUTS(OUTPUT_PARAMETER) PARAMETERS(PARAMETER) REAL scale, Cut cut, Walk walk) {
    const Operands operands = {{INPUTS(INPUT_ARGUMENT)}, {PARAMETERS(ARGUMENT) 0}};
    const u32 team = (u32)cut.team, rank = threadIdx.x % team, other = threadIdx.x / team, teams = THREADS / team;
    Partials partials;
#if ROWS
    const u64 row = (u64)blockIdx.x * teams + other;
    const bool exists = row < cut.groups * cut.pieces;
    const u64 group = cut.pieces == 1 ? row : row / cut.pieces, start = (row - group * cut.pieces) * cut.piece;
    const u64 first = group * cut.members + start;
    const u32 count = exists ? cut.count_from(start) : 0;
    partials.add(operands, walk, first + rank * WIDTH, team * WIDTH, share(count / WIDTH, rank, team));
    partials.join_vectors();
    REAL result = partials.join_lanes();
#if RANK == 0 && WIDTH > 1
    for (u32 at = count / WIDTH * WIDTH + rank; at < count; at += team) {
        Loaded<1> loaded = operands.inputs.load<1>(walk, walk.at(first + at));
        operands.add<1>(loaded, &result);
    }
#endif
    result = join_team(result, team) * scale;
    if (exists && rank == 0) {
        const u64 number = row;
        OUTPUTS(STORE)
    }
#else
    // Columns of all groups stand side by side in tiles, which a block has a piece of.
    const u64 columns = cut.groups * cut.columns, width = (u64)team * WIDTH, tiles = (columns + width - 1) / width;
    const u64 piece = blockIdx.x / tiles, column = (blockIdx.x - piece * tiles) * width + rank * WIDTH;
    const u64 group = column / cut.columns, start = piece * cut.piece;
    const u64 base = group * cut.members * cut.columns + column - group * cut.columns;
    if (column < columns) {
        const u32 count = share(cut.count_from(start), other, teams);
        partials.add(operands, walk, base + (start + other) * cut.columns, teams * cut.columns, count);
    }
    partials.join_vectors();
    join_rows(partials.lanes[0], team);
    if (column < columns && other == 0) {
#pragma unroll
        for (int lane = 0; lane < WIDTH; lane++) {
            const u64 number = (group * cut.pieces + piece) * cut.columns + column - group * cut.columns + lane;
            const u64 first = base + lane;
            const REAL result = partials.lanes[0][lane] * scale;
            OUTPUTS(STORE)
        }
    }
#endif
}
