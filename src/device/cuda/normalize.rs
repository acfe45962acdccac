//! Launches of normalisation by rows: the rows one by one, and the sums over them in two stages.

use smallvec::SmallVec;

use super::aligned::Aligned;
use super::queue::{Arguments, Grid, Key, Queue};
use super::reduce;
use super::rows::{grid, piece_key, sizes};
use crate::device::backend::Reduction;
use crate::device::normalize::{Normalize, NormalizeBackward};
use crate::device::view::View;
use crate::dtype::DType;
use crate::error::Result;
use crate::formula::Precision;
use crate::formula::catalogue::activation;
use crate::kernels::{self, Groups, Piece};
use crate::shape::{Layout, Shape};

/// Blocks that keep a large device busy.
const BLOCKS: usize = 512;
/// Rows of a slab that a group sums, at least.
const LEAST_ROWS: usize = 8;
/// Threads that sum a row of a slab, at most.
const WIDEST_GROUP: u32 = 32;

/// See [`Kernel::Normalize`](crate::device::Kernel::Normalize).
pub fn forward(queue: &mut Queue<'_>, norm: Normalize<'_>) -> Result<()> {
    let ([rows, columns], dtype, centered) = (sizes(norm.input), norm.input.dtype(), norm.centered);
    if rows * columns == 0 {
        return Ok(());
    }
    let piece = Piece::new(dtype, columns, 1);
    let from = Aligned::input(queue, norm.input, piece.width)?;
    let gain = Aligned::input(queue, norm.gain, piece.width)?;
    let shift = norm.shift.map(|shift| Aligned::input(queue, shift, piece.width)).transpose()?;
    let to = Aligned::output(queue, norm.output, piece.width)?;
    let mut arguments = Arguments::new();
    arguments.pointer(from.address).pointer(gain.address).pointer(shift.as_ref().map_or(0, |shift| shift.address));
    arguments.pointer(to.address).pointer(norm.statistics.map_or(0, |statistics| statistics.address()));
    arguments.real(Precision::of([dtype]), norm.epsilon).u64(rows as u64).u64(columns as u64);
    let family = if centered { "layer_norm" } else { "rms_norm" };
    let unit = || kernels::normalize(dtype, centered, piece);
    queue.launch(piece_key(family, dtype, piece), unit, grid(piece.groups(), rows), &arguments)?;
    to.finish(queue, norm.output)
}

/// See [`Kernel::NormalizeBackward`](crate::device::Kernel::NormalizeBackward).
pub fn backward(queue: &mut Queue<'_>, norm: NormalizeBackward<'_>) -> Result<()> {
    let ([rows, columns], dtype) = (sizes(norm.input), norm.input.dtype());
    if columns == 0 {
        return Ok(());
    }
    let piece = Piece::new(dtype, columns, 2);
    let input = Aligned::input(queue, norm.input, piece.width)?;
    let gradient = Aligned::input(queue, norm.gradient, piece.width)?;
    if norm.gain_gradient.is_some() || norm.shift_gradient.is_some() {
        let slabs = Slabs::new(dtype, rows, columns, piece.width);
        sum_rows(queue, &norm, [input.address, gradient.address], slabs)?;
    }
    let Some(target) = norm.input_gradient.filter(|_| rows > 0) else { return Ok(()) };
    let gain = Aligned::input(queue, norm.gain, piece.width)?;
    let to = Aligned::output(queue, target, piece.width)?;
    let mut arguments = Arguments::new();
    arguments.pointer(input.address).pointer(gain.address).pointer(norm.statistics.address());
    arguments.pointer(gradient.address).pointer(to.address).u64(rows as u64).u64(columns as u64);
    let family = if norm.centered { "layer_norm_backward" } else { "rms_norm_backward" };
    let unit = || kernels::normalize_backward(dtype, norm.centered, piece);
    queue.launch(piece_key(family, dtype, piece), unit, grid(piece.groups(), rows), &arguments)?;
    to.finish(queue, target)
}

/// How the rows are divided that gradients of gain and shift are summed over: by their shape alone.
#[derive(Clone, Copy)]
struct Slabs {
    sizes: [usize; 2],
    dtype: DType,
    width: usize,
    /// Rows of each.
    height: usize,
    count: usize,
    groups: Groups,
    /// Parts of a row, each for the groups of another block.
    tiles: usize,
}

impl Slabs {
    fn new(dtype: DType, rows: usize, columns: usize, width: usize) -> Self {
        let mut groups = Groups::sharing(columns / width, 1);
        groups.size = groups.size.min(WIDEST_GROUP);
        let tiles = columns.div_ceil(groups.size as usize * width);
        let least = LEAST_ROWS * (groups.threads / groups.size) as usize;
        let height = rows.div_ceil(BLOCKS.div_ceil(tiles)).max(least);
        Self { sizes: [rows, columns], dtype, width, height, count: rows.div_ceil(height), groups, tiles }
    }
}

/// Sums over slabs, and then the slabs.
fn sum_rows(queue: &mut Queue<'_>, norm: &NormalizeBackward<'_>, inputs: [u64; 2], slabs: Slabs) -> Result<()> {
    let ([rows, columns], compute) = (slabs.sizes, slabs.dtype.compute());
    let partials = Layout::contiguous(Shape::new(&[slabs.count, columns])?);
    let bytes = slabs.count * columns * compute.size();
    let sums = [queue.scratch(bytes)?, queue.scratch(bytes)?];
    if rows > 0 {
        let mut arguments = Arguments::new();
        arguments.pointer(inputs[0]).pointer(norm.statistics.address()).pointer(inputs[1]);
        arguments.pointer(sums[0].address()).pointer(sums[1].address());
        arguments.u64(rows as u64).u64(columns as u64).u64(slabs.height as u64).u32(slabs.groups.size);
        let Slabs { dtype, width, .. } = slabs;
        let details = SmallVec::from_slice(&[dtype as u8, width as u8]);
        let key = Key { family: "normalize_sums", formula: None, details };
        let blocks = u32::try_from(slabs.count * slabs.tiles).unwrap_or(u32::MAX);
        let grid = Grid::new(blocks, slabs.groups.threads);
        queue.launch(key, || kernels::normalize_sums(dtype, width), grid, &arguments)?;
    }
    for (sums, target) in sums.iter().zip([norm.gain_gradient, norm.shift_gradient]) {
        let Some(target) = target else { continue };
        join(queue, View::new(sums, &partials, compute)?, target)?;
    }
    Ok(())
}

/// The sum of the slabs, in the type of the gradient.
fn join(queue: &mut Queue<'_>, partials: View<'_>, target: View<'_>) -> Result<()> {
    let layout = target.layout().broadcast_to("normalize", partials.shape())?;
    let output = View::new(target.buffer(), &layout, target.dtype())?;
    reduce::run(queue, Reduction::Sum { scale: 1.0 }, &activation::linear, &[partials], output)
}
