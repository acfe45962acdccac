//! Launches of kernels that a person wrote.

use smallvec::SmallVec;

use super::queue::{Arguments, Grid, Key, Queue};
use crate::device::backend::Given;
use crate::error::Result;
use crate::kernels::{CustomKernel, Launch, USUAL_SHARED_BYTES};

/// Compiles a kernel that was not met before, holds the launch against what the device has, and queues it. Nothing is
/// launched where there are no blocks.
pub fn run(queue: &mut Queue<'_>, kernel: &CustomKernel, launch: Launch, given: &[Given<'_>]) -> Result<()> {
    if launch.grid.contains(&0) {
        return Ok(());
    }
    let key = Key { family: "custom", formula: None, details: SmallVec::from_slice(&kernel.number().to_le_bytes()) };
    let compiled = queue.compiled(key, || kernel.unit().clone())?;
    let limits = compiled.limits(queue.context())?.promised(kernel.most_threads());
    if let Some(rule) = launch.fault(limits) {
        return Err(kernel.fault(kernel.line(), format!("cannot be launched with {rule}")));
    }
    if limits.declared_bytes + launch.shared_bytes > USUAL_SHARED_BYTES {
        // All there is, whatever this launch takes: another one may still wait for its turn.
        compiled.allow_shared(queue.context(), limits.shared_bytes - limits.declared_bytes)?;
    }
    let mut arguments = Arguments::new();
    for &one in given {
        match one {
            Given::Input(view) | Given::Output(view) => arguments.pointer(view.address()),
            Given::Number(number) => arguments.u64(number.bits()),
        };
    }
    let grid = Grid { blocks: launch.grid, block: launch.block, shared_bytes: launch.shared_bytes };
    queue.launch_compiled(&compiled, grid, &arguments)
}
