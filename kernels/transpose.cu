// Copies elements as they are where source and destination are contiguous along different axes: tiles through shared memory.
// Bytes moved per element: twice its size.
//
// Needs operands.cuh, whose walk goes through the batch alone. Defined by whoever assembles the unit besides: KERNEL, the
// kernel's name; THREADS in a block, a multiple of 32; T, a word of an element's size; PACK, the elements that a thread
// reads and writes at once.

#define TILE (32 * PACK)
#define TEAMS (THREADS / 32)

/// One matrix of the batch: the source is contiguous along its rows' numbers, the destination along its columns.
struct Matrix {
    u64 rows, columns;
    /// Elements between neighbouring columns of the source, and neighbouring rows of the destination.
    u64 from_stride, to_stride;
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const T* from /* [batch][columns][rows] */, T* to /* [batch][rows][columns] */, Matrix matrix, Walk walk) {
    // One element more than a tile is wide: neither rows nor columns of it fall into one bank.
    __shared__ T tile[TILE][TILE + 1];
    const u64 across = (matrix.columns + TILE - 1) / TILE, down = (matrix.rows + TILE - 1) / TILE;
    const u64 rest = blockIdx.x / across;
    const u64 column = (blockIdx.x - rest * across) * TILE, row = rest % down * TILE;
    const Place place = walk.at(rest / down);
    const u32 lane = threadIdx.x % 32 * PACK, team = threadIdx.x / 32;
    from += walk.offset<0, -1, ANY>(place);
    to += walk.offset<1, -1, ANY>(place);
    // Vectors of PACK elements divide rows and columns.
    Vector<T, PACK> loaded[TILE / TEAMS];
#pragma unroll
    for (u32 i = 0; i < TILE / TEAMS; i++) {
        const u32 at = i * TEAMS + team;
        if (column + at < matrix.columns && row + lane < matrix.rows) {
            loaded[i] = *(const Vector<T, PACK>*)(from + (column + at) * matrix.from_stride + row + lane);
        }
    }
#pragma unroll
    for (u32 i = 0; i < TILE / TEAMS; i++) {
#pragma unroll
        for (int j = 0; j < PACK; j++) {
            tile[i * TEAMS + team][lane + j] = loaded[i].lanes[j];
        }
    }
    __syncthreads();
#pragma unroll
    for (u32 i = 0; i < TILE / TEAMS; i++) {
        const u32 at = i * TEAMS + team;
        if (row + at < matrix.rows && column + lane < matrix.columns) {
            Vector<T, PACK> vector;
#pragma unroll
            for (int j = 0; j < PACK; j++) {
                vector.lanes[j] = tile[lane + j][at];
            }
            *(Vector<T, PACK>*)(to + (row + at) * matrix.to_stride + column + lane) = vector;
        }
    }
}
