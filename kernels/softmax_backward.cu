// The gradient of softmax, or of its logarithm if LOG, from its output y: y (dy - sum(y dy)), or dy - e^y sum(dy).
// Bytes moved per element: the size of ELEMENT three times; twice more if not HELD, from the second-level cache.

/// A part of the output, and the same of its gradient.
struct Pieces {
    Piece outputs, gradients;

    /// What it adds to the sum.
    __device__ REAL sum() const {
        REAL sum = 0;
#pragma unroll
        for (int i = 0; i < VECTORS * WIDTH; i++) {
            const REAL y = outputs.numbers[i], dy = gradients.numbers[i];
            sum = LOG ? sum + dy : multiply_add(y, dy, sum);
        }
        return sum;
    }

    /// The gradient of the number `i` of the input.
    __device__ REAL result(int i, REAL sum) const {
        const REAL y = outputs.numbers[i], dy = gradients.numbers[i];
        return LOG ? multiply_add(-exponential(y), sum, dy) : y * (dy - sum);
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const ELEMENT* output /* [rows, columns] */, const ELEMENT* gradient /* [rows, columns] */,
           ELEMENT* input_gradient /* [rows, columns] */, u64 rows, u64 columns) {
    Group group(GROUP);
    const u64 row = (u64)blockIdx.x * group.count() + group.index, count = row < rows ? columns : 0;
    Pieces pieces;
    const auto load = [&](u64 first) {
        const u64 start = row * columns + first;
        pieces.outputs.load(group.rank, output + start, count - first, 0);
        pieces.gradients.load(group.rank, gradient + start, count - first, 0);
    };
    REAL sum = 0;
    if (HELD) {
        load(0);
        sum = pieces.sum();
    } else {
        for (u64 first = 0; first < count; first += Piece::LENGTH) {
            load(first);
            sum += pieces.sum();
        }
    }
    sum = group.reduce(sum, Sum());
    for (u64 first = 0; first < (HELD ? 1 : count); first += Piece::LENGTH) {
        if (!HELD) {
            load(first);
        }
        ELEMENT* const to = input_gradient + row * columns + first;
        Piece::store(group.rank, to, count - first, [&](int i, u32) { return pieces.result(i, sum); });
    }
}
