//! Launches of the kernels that are given indices. One out of range is reported, and stands for zeros.

use smallvec::SmallVec;

use super::queue::{Arguments, Grid, Key, Queue};
use crate::device::view::View;
use crate::error::Result;
use crate::kernels::{self, GATHERED_WORDS, Groups, VECTOR_BYTES, index_type, summed_vectors, widths};

/// See [`Kernel::Gather`](crate::device::Kernel::Gather).
pub fn gather(queue: &mut Queue<'_>, input: View<'_>, indices: View<'_>, output: View<'_>) -> Result<()> {
    let ([outer, n, inner], k) = (sizes(input), indices.shape()[0]);
    let bytes = inner * input.dtype().size();
    if outer * k * bytes == 0 {
        return Ok(());
    }
    let word = largest_word(bytes as u64 | input.address() | output.address());
    let words = bytes / word;
    let groups = Groups::sharing(words, GATHERED_WORDS);
    let pieces = words.div_ceil(groups.size as usize * GATHERED_WORDS);
    let mut arguments = Arguments::new();
    arguments.pointer(input.address()).pointer(indices.address()).u32(index_type(indices.dtype()));
    arguments.pointer(output.address());
    sized(queue, "gather", &mut arguments, [outer, n, k, words], groups);
    let key = Key { family: "gather", formula: None, details: SmallVec::from_slice(&[word as u8]) };
    let grid = Grid::new(groups.blocks(outer * k * pieces), groups.threads);
    queue.launch(key, || kernels::gather(word), grid, &arguments)
}

/// See [`Kernel::ScatterAdd`](crate::device::Kernel::ScatterAdd).
pub fn scatter_add(
    queue: &mut Queue<'_>,
    gradient: View<'_>,
    indices: View<'_>,
    input_gradient: View<'_>,
) -> Result<()> {
    let ([outer, n, inner], k, dtype) = (sizes(input_gradient), indices.shape()[0], gradient.dtype());
    if outer * n * inner == 0 {
        return Ok(());
    }
    let bytes = (inner * dtype.size()) as u64;
    let word = largest_word(bytes | gradient.address() | input_gradient.address());
    let [whole, single] = widths(dtype);
    let width = if word == VECTOR_BYTES { whole } else { single };
    let vectors = summed_vectors(width);
    let groups = Groups::sharing(inner / width, vectors);
    let pieces = inner.div_ceil(groups.size as usize * vectors * width);
    let mut arguments = Arguments::new();
    arguments.pointer(gradient.address()).pointer(indices.address()).u32(index_type(indices.dtype()));
    arguments.pointer(input_gradient.address());
    sized(queue, "scatter_add", &mut arguments, [outer, n, k, inner], groups);
    let details = SmallVec::from_slice(&[dtype as u8, width as u8]);
    let key = Key { family: "scatter_add", formula: None, details };
    // Every piece of a slice scans the indices together with the same piece of the slices beside it.
    let blocks = groups.blocks(outer * n).saturating_mul(u32::try_from(pieces).unwrap_or(u32::MAX));
    queue.launch(key, || kernels::scatter_add(dtype, width), Grid::new(blocks, groups.threads), &arguments)
}

/// The largest power of two, up to a vector, that divides all numbers whose bits are in `bits`.
fn largest_word(bits: u64) -> usize {
    1 << bits.trailing_zeros().min(VECTOR_BYTES.ilog2())
}

/// What both kernels are told last.
fn sized(queue: &mut Queue<'_>, operation: &'static str, arguments: &mut Arguments, sizes: [usize; 4], groups: Groups) {
    let (reports, site) = queue.site(operation);
    sizes.iter().for_each(|&size| {
        arguments.u64(size as u64);
    });
    arguments.u32(groups.size).pointer(reports).u32(site);
}

/// The sizes of a view of shape [outer, n, inner].
fn sizes(view: View<'_>) -> [usize; 3] {
    [view.shape()[0], view.shape()[1], view.shape()[2]]
}
