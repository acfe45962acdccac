//! Streams and events of the driver, each given back when dropped.

use std::fmt;
use std::ptr;
use std::sync::Arc;

use cudarc::driver::sys::{CUevent, CUstream};

use super::context::Context;
use super::library::Failure;
use crate::error::Result;

/// Not ordered with the driver's own default stream.
const NON_BLOCKING: u32 = 1;
/// With a time, and without one: recording and waiting are all it is for then.
const WITH_TIMING: u32 = 0;
const WITHOUT_TIMING: u32 = 2;
/// For an event that a graph moves when it runs.
const EXTERNAL: u32 = 1;
/// The driver's code for work that has not ended.
const NOT_READY: i32 = 600;

/// A queue of work on the device.
pub struct CudaStream {
    context: Arc<Context>,
    raw: CUstream,
}

/// A point in the work of a stream.
pub struct Event {
    context: Arc<Context>,
    raw: CUevent,
}

// SAFETY: a handle is a name for the driver, which may be called from any thread.
unsafe impl Send for CudaStream {}
// SAFETY: as above.
unsafe impl Sync for CudaStream {}
// SAFETY: as above.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl CudaStream {
    /// A new stream. The context is bound.
    pub fn new(context: &Arc<Context>) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the context is bound, and a handle is written.
        context.check(unsafe { context.driver.cuStreamCreateWithPriority(&mut raw, NON_BLOCKING, 0) })?;
        context.add_stream(raw);
        Ok(Self { context: context.clone(), raw })
    }

    /// A new stream that nothing ever runs on: it is there to be captured. The context is bound.
    pub fn for_captures(context: &Arc<Context>) -> Result<Self> {
        let stream = Self::new(context)?;
        // Whoever waits for all streams must not touch one that is captured.
        context.remove_stream(stream.raw);
        Ok(stream)
    }

    /// The driver's handle.
    pub fn raw(&self) -> CUstream {
        self.raw
    }

    /// Waits for all work queued so far.
    pub fn synchronize(&self) -> Result<()> {
        // SAFETY: the stream lives as long as this value.
        self.context.check(unsafe { self.context.driver.cuStreamSynchronize(self.raw) })
    }

    /// Work queued from here on waits for an event's last record.
    pub fn wait(&self, event: &Event) -> Result<()> {
        self.context.check(self.wait_raw(event))
    }

    /// As [`wait`](Self::wait), with what the driver says.
    pub fn wait_raw(&self, event: &Event) -> Result<(), Failure> {
        // SAFETY: both live as long as these values.
        unsafe { self.context.driver.cuStreamWaitEvent(self.raw, event.raw, 0) }
    }
}

impl Event {
    /// A new event, that counts as passed until it is recorded. The context is bound.
    pub fn new(context: &Arc<Context>) -> Result<Self> {
        Self::with(context, WITHOUT_TIMING)
    }

    /// As [`new`](Self::new), and it remembers when it passed.
    pub fn timed(context: &Arc<Context>) -> Result<Self> {
        Self::with(context, WITH_TIMING)
    }

    fn with(context: &Arc<Context>, flags: u32) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the context is bound, and a handle is written.
        context.check(unsafe { context.driver.cuEventCreate(&mut raw, flags) })?;
        Ok(Self { context: context.clone(), raw })
    }

    /// The time from when an earlier event passed to when this one did. Both are timed, and have passed.
    pub fn milliseconds_since(&self, earlier: &Self) -> Result<f32> {
        let mut time = 0.0;
        // SAFETY: both events live; one number is written.
        self.context.check(unsafe { self.context.driver.cuEventElapsedTime(&mut time, earlier.raw, self.raw) })?;
        Ok(time)
    }

    /// Moves the event to the end of what is queued on a stream.
    pub fn record(&self, stream: CUstream) -> Result<(), Failure> {
        // SAFETY: the event lives as long as this value; the caller has a living stream.
        unsafe { self.context.driver.cuEventRecord(self.raw, stream) }
    }

    /// Has a stream that is captured move the event in each run, to the end of what it captured so far.
    pub fn record_in_runs(&self, stream: CUstream) -> Result<(), Failure> {
        // SAFETY: the event lives as long as this value; the caller has a living stream.
        unsafe { self.context.driver.cuEventRecordWithFlags(self.raw, stream, EXTERNAL) }
    }

    /// Waits on the host until the event has passed; does not stop where it has already.
    pub fn synchronize(&self) -> Result<()> {
        // SAFETY: the event lives as long as this value.
        match unsafe { self.context.driver.cuEventQuery(self.raw) } {
            Err(Failure { code: NOT_READY, .. }) => {}
            result => return self.context.check(result),
        }
        // SAFETY: as above.
        self.context.check(unsafe { self.context.driver.cuEventSynchronize(self.raw) })
    }
}

impl Drop for CudaStream {
    fn drop(&mut self) {
        self.context.remove_stream(self.raw);
        if self.context.enter() {
            // SAFETY: created once, and not used again; the driver lets queued work end.
            self.context.keep(unsafe { self.context.driver.cuStreamDestroy_v2(self.raw) });
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if self.context.enter() {
            // SAFETY: created once, and not used again.
            self.context.keep(unsafe { self.context.driver.cuEventDestroy_v2(self.raw) });
        }
    }
}

impl fmt::Debug for CudaStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CudaStream({})", self.context.name())
    }
}
