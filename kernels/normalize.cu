// Layer normalisation of every row, or root mean square normalisation if not CENTERED: a group of threads for each row.
// Bytes moved per element: the size of ELEMENT twice; twice more if not HELD, from the second-level cache.

__device__ inline f32 square_root(f32 x) { return sqrtf(x); }
__device__ inline f64 square_root(f64 x) { return sqrt(x); }

/// A row that is read as often as it takes, or once if HELD.
class Row {
    Group& group;
    const ELEMENT* const row;

  public:
    const u64 columns;
    Piece piece;

    __device__ Row(Group& group, const ELEMENT* row /* [columns] */, u64 columns) : group(group), row(row), columns(columns) {
        if (HELD) {
            piece.load(group.rank, row, columns, 0);
        }
    }

    /// Calls `work` with the place of each piece, which is at hand then.
    template <class Work> __device__ void walk(const Work& work) {
        for (u64 first = 0; first < (HELD ? 1 : columns); first += Piece::LENGTH) {
            if (!HELD) {
                piece.load(group.rank, row + first, columns - first, 0);
            }
            work(first);
        }
    }

    /// The sum of what `term` makes of each element. Every thread of the block takes part.
    template <class Term> __device__ REAL sum(const Term& term) {
        REAL sum = 0;
        walk([&](u64 first) {
#pragma unroll
            for (int i = 0; i < VECTORS * WIDTH; i++) {
                const bool inside = (i / WIDTH * GROUP + group.rank) * WIDTH < columns - first;
                sum += inside ? term(piece.numbers[i]) : 0;
            }
        });
        return group.reduce(sum, Sum());
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const ELEMENT* input /* [rows, columns] */, const ELEMENT* gain /* [columns] */,
           const ELEMENT* shift /* [columns], or none */, ELEMENT* output /* [rows, columns] */,
           REAL* statistics /* [rows, 2], or none */, REAL epsilon, u64 rows, u64 columns) {
    Group group(GROUP);
    const u64 index = (u64)blockIdx.x * group.count() + group.index;
    Row row(group, input + index * columns, index < rows ? columns : 0);
    const REAL mean = CENTERED ? row.sum([](REAL x) { return x; }) / (REAL)columns : 0;
    const REAL squares = row.sum([&](REAL x) { return (x - mean) * (x - mean); });
    const REAL scale = 1 / square_root(squares / (REAL)columns + epsilon);
    row.walk([&](u64 first) {
        Piece gains, shifts;
        gains.load(group.rank, gain + first, row.columns - first, 0);
        shifts.load(group.rank, shift + first, shift ? row.columns - first : 0, 0);
        Piece::store(group.rank, output + index * columns + first, row.columns - first, [&](int i, u32) {
            return multiply_add((row.piece.numbers[i] - mean) * scale, gains.numbers[i], shifts.numbers[i]);
        });
    });
    if (statistics && index < rows && group.rank == 0) {
        statistics[2 * index] = mean;
        statistics[2 * index + 1] = scale;
    }
}
