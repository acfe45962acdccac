//! Products of many terms and a small C, as the gradients of narrow layers are: threads share the terms.

use super::chunk::{Chunk, blocks};
use super::element;
use super::matrix::{MatrixMut, MatrixRef};
use super::scratch::Scratch;
use crate::device::cpu::threads::Threads;
use crate::formula::lanes::LaneElement;

/// Products of a vector and a matrix are computed as all others where there are as few results and as many terms.
pub const FEW_RESULTS: usize = 64;
/// See [`FEW_RESULTS`].
pub const MANY_TERMS: usize = 1024;
/// Multiplications of all blocks together that are worth a second thread, where a term of a row takes as long as eight.
const WORTH_SHARING: usize = 1 << 19;
/// The most elements of C: the sums of all blocks are kept until the end.
const MOST_ELEMENTS: usize = 4096;

/// Multiplies as [`batched`](super::batched): each block of terms, of those that a thread alone would add to C one after the
/// other, is summed on its own, and then they are added in that order. So the bits are those of one thread. Says whether it did:
/// where that would not pay, nothing is done.
pub fn multiply<E: LaneElement>(
    threads: &Threads,
    a: MatrixRef<'_, E>,
    b: MatrixRef<'_, E>,
    c: &MatrixMut<'_, E>,
    accumulate: bool,
) -> bool {
    let ([m, n], terms) = (c.sizes(), a.columns);
    let count = blocks(terms).count();
    let (few, many) = (
        m * n <= MOST_ELEMENTS,
        count >= 2 * threads.count() && (m * n).max(8 * m.min(n)).max(64) * terms >= WORTH_SHARING,
    );
    if threads.count() == 1 || !few || !many {
        return false;
    }
    let mut scratch = Scratch::take();
    let [sums] = scratch.split([count * m * n]);
    // SAFETY: the sums are a matrix of adjacent rows, borrowed until the last of them is written.
    let all = unsafe { MatrixMut::from_raw(sums.as_mut_ptr(), [count * m, n], n) };
    let each = count.div_ceil(threads.count() * 4).max(1);
    threads.run(count.div_ceil(each), &|task| {
        for (block, (term, depth)) in blocks(terms).enumerate().skip(task * each).take(each) {
            let (a, b) = (a.part([0, term], [m, depth]), b.part([term, 0], [depth, n]));
            // SAFETY: each block has rows of its own, and is summed once.
            let c = unsafe { all.part([block * m, 0], [m, n]) };
            element::multiply(Chunk { a, b, c, accumulate: false, is_vector: false });
        }
    });
    for (index, sums) in sums.chunks_exact(n).enumerate() {
        // SAFETY: a row of C, which is read only where it was written before or the product is added to it.
        let to = unsafe { std::slice::from_raw_parts_mut(c.at(index % m, 0), n) };
        if index < m && !accumulate {
            to.copy_from_slice(sums);
        } else {
            to.iter_mut().zip(sums).for_each(|(total, &sum)| *total = *total + sum);
        }
    }
    true
}
