// Softmax of every row, or its logarithm if LOG: a group of threads for each row.
// Bytes moved per element: the size of ELEMENT twice; once more if not HELD, from the second-level cache.

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const ELEMENT* input /* [rows, columns] */, ELEMENT* output /* [rows, columns] */, u64 rows, u64 columns) {
    Group group(GROUP);
    const u64 row = (u64)blockIdx.x * group.count() + group.index, start = row * columns;
    Powers powers(group, input + start, row < rows ? columns : 0);
    const REAL norm = LOG ? logarithm(powers.sum) : 1 / powers.sum;
    powers.store(output + start, columns, [&](REAL x, bool) { return LOG ? x - norm : x * norm; });
}
