//! Copies between views of one shape.

use super::map;
use super::queue::{Arguments, Grid, Key, Queue};
use crate::device::backend::Seed;
use crate::device::view::View;
use crate::error::Result;
use crate::formula::catalogue::activation;
use crate::formula::unit::{Copy, Operand, THREADS, copy_unit, map_blocks, transpose_unit};

/// Copies elements, converting between element types.
pub fn run(queue: &mut Queue<'_>, from: View<'_>, to: View<'_>) -> Result<()> {
    if from.dtype() != to.dtype() {
        return map::run(queue, &activation::linear, &[from], &[to], Seed::default());
    }
    if to.shape().count() == 0 {
        return Ok(());
    }
    let mut arguments = Arguments::new();
    arguments.pointer(from.address()).pointer(to.address());
    match Copy::new(Operand::from(&from), Operand::from(&to)) {
        Copy::Bytes(bytes) => queue.copy(from.address(), to.address(), bytes),
        Copy::Tiles(transpose) => {
            let (matrix, batch) = transpose.words();
            arguments.words(&matrix).words(batch);
            let key = Key { family: "transpose", formula: None, details: transpose.bytes() };
            let grid = Grid::new(transpose.blocks() as u32, transpose.threads() as u32);
            queue.launch(key, || transpose_unit(&transpose), grid, &arguments)
        }
        Copy::Vectors(walk) => {
            arguments.words(&walk.words);
            let key = Key { family: "copy", formula: None, details: walk.pattern.bytes() };
            let blocks = map_blocks(&walk.pattern, walk.count()).min(i32::MAX as usize);
            queue.launch(key, || copy_unit(&walk), Grid::new(blocks as u32, THREADS as u32), &arguments)
        }
    }
}
