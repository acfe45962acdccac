//! Where the pool takes a device's memory from.
//!
//! The pool above keeps what it has and hands it out again without asking, so what is needed below is a driver allocator
//! that neither stops the device when a segment is taken or given back, nor keeps anything for itself: the driver's
//! stream-ordered pool with a release threshold of 0, on a stream of its own that never computes. Taking a segment waits for
//! nothing; giving one back is queued behind the work of all streams. A raised threshold would cache the same memory twice.
//! Where the driver has no such pools, and without pooling (for a memory checker, which then sees each buffer), every
//! segment is a plain allocation of exactly its size.

use std::ptr;
use std::sync::Arc;

use cudarc::driver::sys::{
    CUmemAllocationHandleType, CUmemAllocationType, CUmemLocationType, CUmemPoolProps, CUmemoryPool,
};

use super::context::Context;
use super::library::Failure;
use super::stream::{CudaStream, Event};
use super::submission::Submission;
use crate::error::{Error, Result};
use crate::memory::{Refused, SEGMENT_ALIGNMENT, Source};

/// The memory of a device.
#[derive(Debug)]
pub struct DeviceMemory {
    context: Arc<Context>,
    compute: Arc<Submission>,
    pool: Option<DriverPool>,
}

/// A stream-ordered pool of the driver.
struct DriverPool {
    context: Arc<Context>,
    raw: CUmemoryPool,
    stream: CudaStream,
    event: Event,
}

// SAFETY: handles are names for the driver, which may be called from any thread.
unsafe impl Send for DriverPool {}
// SAFETY: as above.
unsafe impl Sync for DriverPool {}

impl DeviceMemory {
    /// The memory of a device, whose computing is queued by `compute`. The context is bound.
    pub fn new(context: &Arc<Context>, compute: &Arc<Submission>, pooled: bool) -> Result<Self> {
        let pool = (pooled && context.facts().has_pools).then(|| DriverPool::new(context)).transpose()?;
        Ok(Self { context: context.clone(), compute: compute.clone(), pool })
    }

    fn take(&self, bytes: usize) -> Result<u64, Failure> {
        let mut address = 0;
        let driver = self.context.driver;
        match &self.pool {
            // SAFETY: the pool and its stream live; the address is valid once the stream has come to it.
            Some(pool) => unsafe {
                driver.cuMemAllocFromPoolAsync(&mut address, bytes, pool.raw, pool.stream.raw())?;
                // What cannot be waited for is given back, where the driver still takes anything.
                driver.cuStreamSynchronize(pool.stream.raw()).inspect_err(|_| {
                    let _ = driver.cuMemFreeAsync(address, pool.stream.raw());
                })?;
            },
            // SAFETY: an address is written.
            None => unsafe { driver.cuMemAlloc_v2(&mut address, bytes)? },
        }
        Ok(address)
    }

    /// Gives a range back behind all that is queued.
    fn give(&self, address: u64) -> Result<(), Failure> {
        let driver = self.context.driver;
        // SAFETY: the range is one that was taken, and whoever calls this has no more work to queue that touches it.
        unsafe {
            let Some(pool) = &self.pool else {
                driver.cuCtxSynchronize()?;
                return driver.cuMemFree_v2(address);
            };
            let ordered = self.context.for_streams(|stream| {
                if stream == pool.stream.raw() {
                    return Ok(());
                }
                pool.event.record(stream)?;
                pool.stream.wait_raw(&pool.event)
            });
            // Where the order cannot be queued, the host waits for it.
            ordered.or_else(|_| driver.cuCtxSynchronize())?;
            driver.cuMemFreeAsync(address, pool.stream.raw())
        }
    }
}

// SAFETY: the driver's ranges are disjoint and valid until freed; one that is not aligned as the pool needs it is refused.
unsafe impl Source for DeviceMemory {
    fn name(&self) -> String {
        self.context.name().to_owned()
    }

    fn acquire(&self, bytes: usize) -> Result<u64, Refused> {
        let failed = |error: Error| Refused::Failed(rule(error));
        self.context.bind().map_err(failed)?;
        let address = self.take(bytes).map_err(|failure| match failure.is_out_of_memory() {
            true => Refused::Exhausted,
            false => failed(self.context.error(failure)),
        })?;
        if address.is_multiple_of(SEGMENT_ALIGNMENT as u64) {
            return Ok(address);
        }
        self.context.keep(self.give(address));
        Err(Refused::Failed(format!("the driver gave memory at {address:#x}, no multiple of {SEGMENT_ALIGNMENT}")))
    }

    unsafe fn surrender(&self, address: u64, _bytes: usize) -> Result<(), String> {
        if !self.context.enter() {
            return Ok(());
        }
        // Work that cannot be queued is dropped, and touches the range no more.
        let queued = self.compute.flush().map(drop);
        let given = self.context.check(self.give(address));
        queued.and(given).map_err(rule)
    }

    fn capacity(&self) -> Option<(usize, usize)> {
        if !self.context.enter() {
            return None;
        }
        let (mut free, mut total) = (0, 0);
        // SAFETY: two numbers are written.
        unsafe { self.context.driver.cuMemGetInfo_v2(&mut free, &mut total) }.ok()?;
        Some((free, total))
    }
}

/// What an error says, without the device that the pool names itself.
fn rule(error: Error) -> String {
    match error {
        Error::Device { rule, .. } => rule,
        other => other.to_string(),
    }
}

impl DriverPool {
    fn new(context: &Arc<Context>) -> Result<Self> {
        // SAFETY: a struct of numbers and a pointer, for all of which 0 is a value that stands for none.
        let mut properties: CUmemPoolProps = unsafe { std::mem::zeroed() };
        properties.allocType = CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
        properties.handleTypes = CUmemAllocationHandleType::CU_MEM_HANDLE_TYPE_NONE;
        properties.location.type_ = CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
        properties.location.id = context.facts().raw;
        let mut raw = ptr::null_mut();
        let (stream, event) = (CudaStream::new(context)?, Event::new(context)?);
        // SAFETY: the context is bound, the properties are whole, and a handle is written.
        context.check(unsafe { context.driver.cuMemPoolCreate(&mut raw, &properties) })?;
        Ok(Self { context: context.clone(), raw, stream, event })
    }
}

impl Drop for DriverPool {
    fn drop(&mut self) {
        if self.context.enter() {
            // SAFETY: created once, and every range of it is given back.
            self.context.keep(unsafe { self.context.driver.cuMemPoolDestroy(self.raw) });
        }
    }
}

impl std::fmt::Debug for DriverPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DriverPool({:?})", self.stream)
    }
}
