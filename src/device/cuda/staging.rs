//! Copies between the host and the device, through pinned memory: the only kind that the device reads and writes by itself.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::CUstream;

use super::context::Context;
use super::once::Once;
use super::stream::Event;
use crate::error::Result;

/// Bytes of each half of a ring.
const HALF: usize = 2 << 20;

/// Pinned memory of the host.
pub struct Pinned {
    context: Arc<Context>,
    start: *mut u8,
    bytes: usize,
}

/// Memory for uploads. One half is filled while the device reads the other.
pub struct Ring {
    memory: Pinned,
    /// For each half, when the device has read it.
    read: [Event; 2],
    half: usize,
    used: usize,
}

/// A part of a ring that is filled, for the device to read.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    start: usize,
    bytes: usize,
}

// SAFETY: the memory is this value's own, and freed from any thread.
unsafe impl Send for Pinned {}
// SAFETY: it is written through a lock only, or by the device.
unsafe impl Sync for Pinned {}

impl Pinned {
    /// Memory that the device can reach by the same address. The context is bound.
    pub fn new(context: &Arc<Context>, bytes: usize) -> Result<Self> {
        /// For every context, and with an address for the device.
        const FLAGS: u32 = 1 | 2;
        let mut start = ptr::null_mut();
        // SAFETY: the context is bound, and an address is written.
        context.check(unsafe { context.driver.cuMemHostAlloc(&mut start, bytes, FLAGS) })?;
        Ok(Self { context: context.clone(), start: start.cast(), bytes })
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.start
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.context.enter() {
            // SAFETY: allocated once, and nothing on the device uses it: the driver waits for what does.
            self.context.keep(unsafe { self.context.driver.cuMemFreeHost(self.start.cast()) });
        }
    }
}

impl Ring {
    /// Two empty halves. The context is bound.
    pub fn new(context: &Arc<Context>) -> Result<Self> {
        let read = [Event::new(context)?, Event::new(context)?];
        Ok(Self { memory: Pinned::new(context, 2 * HALF)?, read, half: 0, used: 0 })
    }

    /// The most that is filled at once.
    pub const fn largest() -> usize {
        HALF
    }

    /// Puts at most [`largest`](Self::largest) bytes into the ring. Where the half in use has no room, `record` moves an
    /// event to the end of the copies queued, and the other half is waited for.
    pub fn fill(&mut self, bytes: &[u8], record: impl FnOnce(&Event) -> Result<()>) -> Result<Filled> {
        if self.used + bytes.len() > HALF {
            record(&self.read[self.half])?;
            let other = 1 - self.half;
            // A half that could not be waited for is not begun.
            self.read[other].synchronize()?;
            self.half = other;
            self.used = 0;
        }
        let place = self.half * HALF + self.used;
        // SAFETY: the place is within this half, which the device has read; the slice is not the ring's.
        let start = unsafe {
            let start = self.memory.start.add(place);
            start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            start
        };
        // Copies by the device are fastest from such boundaries.
        self.used += bytes.len().next_multiple_of(256);
        Ok(Filled { start: start.expose_provenance(), bytes: bytes.len() })
    }
}

impl Filled {
    /// Queues the copy to the device.
    pub fn send(self, context: &Context, to: u64, stream: CUstream) -> Result<()> {
        let from = ptr::with_exposed_provenance::<c_void>(self.start);
        // SAFETY: the part is not filled again before the device has read it, and the caller has a buffer of the size.
        context.check(unsafe { context.driver.cuMemcpyHtoDAsync_v2(to, from, self.bytes, stream) })
    }
}

/// Memory for downloads, made when first needed.
pub struct Landing(Once<Mutex<Pinned>>);

impl Landing {
    /// None yet.
    pub const fn new() -> Self {
        Self(Once::new())
    }

    /// Copies from the device into `bytes`. `queue` is called for each part with a closure that queues its copy on a stream, and
    /// waits for it.
    pub fn receive(
        &self,
        context: &Arc<Context>,
        from: u64,
        bytes: &mut [u8],
        mut queue: impl FnMut(&dyn Fn(CUstream) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        let memory = self.0.get_or_try(|| Pinned::new(context, HALF).map(Mutex::new))?;
        let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        for (part, to) in bytes.chunks_mut(memory.bytes).enumerate() {
            let from = from + (part * memory.bytes) as u64;
            queue(&|stream| {
                // SAFETY: the memory has room for a part, is locked until it has arrived, and the caller has a buffer.
                context
                    .check(unsafe { context.driver.cuMemcpyDtoHAsync_v2(memory.start.cast(), from, to.len(), stream) })
            })?;
            // SAFETY: as many bytes were just written there, by a copy that has ended.
            unsafe { to.as_mut_ptr().copy_from_nonoverlapping(memory.start, to.len()) };
        }
        Ok(())
    }
}
