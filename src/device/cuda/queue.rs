//! What one call of the backend queues its work with.

use std::sync::Arc;

use cudarc::driver::sys::CUstream;

use super::Engine;
pub use super::arguments::{Arguments, Grid};
use super::context::Context;
use super::matmul::Matmul;
pub use super::modules::{Kernel, Key};
use crate::error::Result;
use crate::kernels::Unit;
use crate::memory::{Buffer, Memory, Stream};
use crate::scope;

/// The compute stream of a device that is bound to this thread.
#[derive(Clone, Copy)]
pub struct Queue<'a>(pub(super) &'a Engine);

impl<'a> Queue<'a> {
    /// Queues a kernel. The arguments are those of the unit's kernel.
    #[inline]
    pub fn launch(&mut self, key: Key, unit: impl FnOnce() -> Unit, grid: Grid, arguments: &Arguments) -> Result<()> {
        let kernel = self.0.modules.kernel(key, unit)?;
        self.0.submission()?.launch(&kernel, grid, arguments)
    }

    /// The kernel of a key, compiled and loaded: an error of its text is told here.
    pub fn compiled(&self, key: Key, unit: impl FnOnce() -> Unit) -> Result<Arc<Kernel>> {
        let kernel = self.0.modules.kernel(key, unit)?;
        kernel.function(&self.0.context)?;
        Ok(kernel)
    }

    /// Queues a kernel that is [compiled](Self::compiled).
    pub fn launch_compiled(&mut self, kernel: &Arc<Kernel>, grid: Grid, arguments: &Arguments) -> Result<()> {
        self.0.submission()?.launch(kernel, grid, arguments)
    }

    /// Memory for the time of this call: given back when dropped, and used again by what is queued after that.
    pub fn scratch(&self, bytes: usize) -> Result<Buffer> {
        let _scope = scope::enter("scratch");
        self.0.memory.allocate(bytes, self.0.memory.working_stream())
    }

    /// Copies between two places of the device.
    pub fn copy(&mut self, from: u64, to: u64, bytes: usize) -> Result<()> {
        let context = self.0.context.clone();
        self.0.submission()?.call(move |stream| {
            // SAFETY: views are in bounds of their buffers, which are released in the order of this stream.
            context.check(unsafe { context.driver.cuMemcpyDtoDAsync_v2(to, from, bytes, stream) })
        })
    }

    /// Queues what `call` queues on the stream it is given.
    pub fn call(&mut self, call: impl FnOnce(CUstream) -> Result<()> + Send + 'static) -> Result<()> {
        self.0.submission()?.call(call)
    }

    /// The stream, once everything asked for so far is on it.
    pub fn settled(&self) -> Result<CUstream> {
        Ok(self.0.submission()?.flush()?.raw())
    }

    /// Whether the work is captured, and not done yet.
    pub fn is_captured(&self) -> bool {
        self.0.memory.working_stream() != Stream::MAIN
    }

    /// The device's context.
    pub fn context(&self) -> &'a Arc<Context> {
        &self.0.context
    }

    /// The device's memory.
    pub fn memory(&self) -> &'a Memory {
        &self.0.memory
    }

    /// What matrices are multiplied with.
    pub fn matmul(&self) -> &'a Matmul {
        &self.0.matmul
    }

    /// The address where a kernel reports an index out of range, and the number that stands for this operation.
    pub fn site(&mut self, operation: &'static str) -> (u64, u32) {
        self.0.report.site(operation)
    }
}
