// Softmax cross-entropy of every row against its label, and in the same pass its gradient: (softmax - one-hot) times scale.
// Bytes moved per element: the size of ELEMENT twice, once without gradient; once more if not HELD, from the second-level cache.

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    KERNEL(const ELEMENT* logits /* [rows, columns] */, const void* labels /* [rows] */, u32 label_type,
           ELEMENT* losses /* [rows] */, ELEMENT* gradient /* [rows, columns], or null */, REAL scale, u64 rows,
           u64 columns, Report* reports, u32 site) {
    Group group(GROUP);
    const u64 row = (u64)blockIdx.x * group.count() + group.index, start = row * columns;
    const bool inside = row < rows;
    const i64 label = inside ? Indices{labels, label_type}[row] : 0;
    const bool known = (u64)label < columns;
    const REAL logit = inside && known ? to_real(logits[start + label]) : REAL_NAN;
    Powers powers(group, logits + start, inside ? columns : 0);
    if (inside && group.rank == 0) {
        // The difference of two logits first: it is exact where the loss is small, and never lost beside their size.
        losses[row] = to_element<ELEMENT>(logarithm(powers.sum) + (powers.max - logit));
        if (!known) {
            report(reports, site, row, label, columns);
        }
    }
    if (gradient) {
        const REAL factor = scale / powers.sum;
        powers.store(gradient + start, (u64)label, [&](REAL power, bool is_label) -> REAL {
            return known ? power * factor - (is_label ? scale : 0) : 0;
        });
    }
}
