//! What one call of the backend queues its work with.

use super::Engine;
use super::arguments::{Arguments, Grid};
use super::modules::Key;
use crate::error::Result;
use crate::kernels::Unit;
use crate::memory::{Buffer, Stream};
use crate::scope;

/// The compute stream of a device that is bound to this thread.
#[derive(Clone, Copy)]
pub struct Queue<'a>(pub(super) &'a Engine);

impl Queue<'_> {
    /// Queues a kernel. The arguments are those of the unit's kernel.
    #[inline]
    pub fn launch(&mut self, key: Key, unit: impl FnOnce() -> Unit, grid: Grid, arguments: &Arguments) -> Result<()> {
        let kernel = self.0.modules.kernel(key, unit)?;
        self.0.compute.launch(&kernel, grid, arguments)
    }

    /// Memory for the time of this call: given back when dropped, and used again by what is queued after that.
    pub fn scratch(&self, bytes: usize) -> Result<Buffer> {
        let _scope = scope::enter("scratch");
        self.0.memory.allocate(bytes, Stream::MAIN)
    }

    /// Copies between two places of the device.
    pub fn copy(&mut self, from: u64, to: u64, bytes: usize) -> Result<()> {
        let context = self.0.context.clone();
        // SAFETY: views are in bounds of their buffers, which are released in the order of this stream.
        self.0.compute.call(move |stream| context.check(unsafe {
            context.driver.cuMemcpyDtoDAsync_v2(to, from, bytes, stream)
        }))
    }

    /// Sets every byte of a place of the device.
    pub fn fill(&mut self, to: u64, byte: u8, bytes: usize) -> Result<()> {
        let context = self.0.context.clone();
        // SAFETY: as for a copy.
        self.0.compute.call(move |stream| context.check(unsafe {
            context.driver.cuMemsetD8Async(to, byte, bytes, stream)
        }))
    }

    /// The address where a kernel reports an index out of range, and the number that stands for this operation.
    pub fn site(&mut self, operation: &'static str) -> (u64, u32) {
        self.0.report.site(operation)
    }
}
