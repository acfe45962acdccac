// The gradients of gain and shift of a normalisation, summed over slabs of rows: a block for some columns of a slab.
// Bytes moved per element: the size of ELEMENT twice.

/// What the threads of a block sum, to be added up across its groups.
struct Partials {
    REAL gain[THREADS * WIDTH], shift[THREADS * WIDTH];
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const ELEMENT* input /* [rows, columns] */, const REAL* statistics /* [rows, 2] */,
           const ELEMENT* gradient /* [rows, columns] */, REAL* gain_sums /* [slabs, columns] */,
           REAL* shift_sums /* [slabs, columns] */, u64 rows, u64 columns, u64 height, u32 group_size) {
    __shared__ Partials partials;
    // The threads of a group have a vector of columns each; groups take the rows of the slab in turns.
    const Group group(group_size);
    const u32 tile = group.size * WIDTH;
    const u64 tiles = (columns + tile - 1) / tile, slab = blockIdx.x / tiles, first = blockIdx.x % tiles * tile;
    const u64 column = first + group.rank * WIDTH, end = (slab + 1) * height;
    REAL gains[WIDTH] = {}, shifts[WIDTH] = {};
    if (column < columns) {
#pragma unroll 4
        for (u64 row = slab * height + group.index; row < (end < rows ? end : rows); row += group.count()) {
            const REAL mean = statistics[2 * row], scale = statistics[2 * row + 1];
            const Vector<ELEMENT, WIDTH> x = *(const Vector<ELEMENT, WIDTH>*)(input + row * columns + column);
            const Vector<ELEMENT, WIDTH> dy = *(const Vector<ELEMENT, WIDTH>*)(gradient + row * columns + column);
#pragma unroll
            for (int lane = 0; lane < WIDTH; lane++) {
                const REAL slope = to_real(dy.lanes[lane]);
                gains[lane] = multiply_add((to_real(x.lanes[lane]) - mean) * scale, slope, gains[lane]);
                shifts[lane] += slope;
            }
        }
    }
#pragma unroll
    for (int lane = 0; lane < WIDTH; lane++) {
        partials.gain[threadIdx.x * WIDTH + lane] = gains[lane];
        partials.shift[threadIdx.x * WIDTH + lane] = shifts[lane];
    }
    __syncthreads();
    for (u32 place = threadIdx.x; place < tile && first + place < columns; place += THREADS) {
        REAL gain = 0, shift = 0;
        for (u32 other = place; other < THREADS * WIDTH; other += tile) {
            gain += partials.gain[other];
            shift += partials.shift[other];
        }
        gain_sums[slab * columns + first + place] = gain;
        shift_sums[slab * columns + first + place] = shift;
    }
}
