// The place of the largest element of every row, the first of equals; NaN counts as largest.
// Bytes moved per element: the size of ELEMENT.

typedef decltype(to_number(ELEMENT())) Number;

/// An element to compare, and its place in the row.
struct Candidate {
    Number value;
    u64 place;
};

/// Whether `a` is larger than `b`, where NaN is larger than any number.
__device__ inline bool exceeds(Number a, Number b) { return a > b || (a != a && b == b); }

struct Better {
    __device__ Candidate operator()(Candidate a, Candidate b) const {
        const bool first = exceeds(a.value, b.value) || (!exceeds(b.value, a.value) && a.place < b.place);
        return first ? a : b;
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const ELEMENT* input /* [rows, columns] */, i64* output /* [rows] */, u64 rows, u64 columns, u32 group_size) {
    Group group(group_size);
    const u64 row = (u64)blockIdx.x * group.count() + group.index;
    const ELEMENT* const elements = input + (row < rows ? row : 0) * columns;
    // Threads beyond the end of a short row vouch for its first element.
    Candidate best = {to_number(elements[0]), 0};
    for (u64 start = (u64)group.rank * WIDTH; start < columns; start += (u64)group.size * WIDTH) {
        const Vector<ELEMENT, WIDTH> vector = *(const Vector<ELEMENT, WIDTH>*)(elements + start);
#pragma unroll
        for (int lane = 0; lane < WIDTH; lane++) {
            const Number value = to_number(vector.lanes[lane]);
            if (exceeds(value, best.value)) {
                best = Candidate{value, start + lane};
            }
        }
    }
    best = group.reduce(best, Better());
    if (row < rows && group.rank == 0) {
        output[row] = (i64)best.place;
    }
}
