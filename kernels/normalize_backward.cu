// The gradient of normalisation in its input, from the mean and the scale of every row; its own mean is 0 if CENTERED.
// Bytes moved per element: the size of ELEMENT three times; twice more if not HELD, from the second-level cache.

/// Sums over a row: of the gradient of what is normalised, and of its products with that.
struct Sums {
    REAL slopes, products;
};

struct BothSums {
    __device__ Sums operator()(Sums a, Sums b) const { return Sums{a.slopes + b.slopes, a.products + b.products}; }
};

/// A part of what was normalised, and the same of its gradient.
struct Pieces {
    Piece normalized, slopes;

    __device__ void add_to(Sums& sums) const {
#pragma unroll
        for (int i = 0; i < VECTORS * WIDTH; i++) {
            sums.slopes += slopes.numbers[i];
            sums.products = multiply_add(slopes.numbers[i], normalized.numbers[i], sums.products);
        }
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const ELEMENT* input /* [rows, columns] */, const ELEMENT* gain /* [columns] */,
           const REAL* statistics /* [rows, 2] */, const ELEMENT* gradient /* [rows, columns] */,
           ELEMENT* input_gradient /* [rows, columns] */, u64 rows, u64 columns) {
    Group group(GROUP);
    const u64 row = (u64)blockIdx.x * group.count() + group.index, count = row < rows ? columns : 0;
    const REAL mean = count ? statistics[2 * row] : 0, scale = count ? statistics[2 * row + 1] : 0;
    Pieces pieces;
    const auto load = [&](u64 first) {
        const u64 start = row * columns + first;
        Piece gains;
        pieces.normalized.load(group.rank, input + start, count - first, mean);
        pieces.slopes.load(group.rank, gradient + start, count - first, 0);
        gains.load(group.rank, gain + first, count - first, 0);
#pragma unroll
        for (int i = 0; i < VECTORS * WIDTH; i++) {
            pieces.normalized.numbers[i] = (pieces.normalized.numbers[i] - mean) * scale;
            pieces.slopes.numbers[i] *= gains.numbers[i];
        }
    };
    Sums sums = {0, 0};
    for (u64 first = 0; first < (HELD ? 1 : count); first += Piece::LENGTH) {
        load(first);
        pieces.add_to(sums);
    }
    sums = group.reduce(sums, BothSums());
    const REAL slope = CENTERED ? sums.slopes / (REAL)columns : 0, product = sums.products / (REAL)columns;
    for (u64 first = 0; first < (HELD ? 1 : count); first += Piece::LENGTH) {
        if (!HELD) {
            load(first);
        }
        Piece::store(group.rank, input_gradient + row * columns + first, count - first, [&](int i, u32) {
            return multiply_add(-pieces.normalized.numbers[i], product, pieces.slopes.numbers[i] - slope) * scale;
        });
    }
}
