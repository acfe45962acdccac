//! What is handed to the compute stream, in order: at once where it can be, after what waits for a kernel that is still
//! being compiled otherwise.
//!
//! The host runs ahead through the operations of a step while their kernels are compiled side by side; whoever needs the
//! results waits for them.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::CUstream;
use smallvec::SmallVec;

use super::arguments::{Arguments, Grid};
use super::context::Context;
use super::modules::Kernel;
use super::stream::{CudaStream, Event};
use crate::error::Result;

/// The compute stream, and the work that cannot be queued on it yet.
pub struct Submission {
    context: Arc<Context>,
    stream: CudaStream,
    waiting: Mutex<VecDeque<Work>>,
}

enum Work {
    Launch { kernel: Arc<Kernel>, grid: Grid, arguments: Box<Arguments> },
    Call(Box<dyn FnOnce(CUstream) -> Result<()> + Send>),
}

impl Submission {
    /// A new stream with nothing to do. The context is bound.
    pub fn new(context: &Arc<Context>) -> Result<Self> {
        Ok(Self { context: context.clone(), stream: CudaStream::new(context)?, waiting: Mutex::default() })
    }

    /// A stream whose work is captured, not done. The context is bound.
    pub fn for_captures(context: &Arc<Context>) -> Result<Self> {
        Ok(Self { context: context.clone(), stream: CudaStream::for_captures(context)?, waiting: Mutex::default() })
    }

    /// Queues a launch.
    #[inline]
    pub fn launch(&self, kernel: &Arc<Kernel>, grid: Grid, arguments: &Arguments) -> Result<()> {
        let mut waiting = self.waiting();
        if waiting.is_empty() && kernel.is_compiled() {
            return launch(&self.context, kernel, grid, arguments, self.stream.raw());
        }
        waiting.push_back(Work::Launch { kernel: kernel.clone(), grid, arguments: Box::new(arguments.clone()) });
        self.advance(&mut waiting)
    }

    /// Queues what `call` queues on the stream.
    #[inline]
    pub fn call(&self, call: impl FnOnce(CUstream) -> Result<()> + Send + 'static) -> Result<()> {
        let mut waiting = self.waiting();
        if waiting.is_empty() {
            return call(self.stream.raw());
        }
        waiting.push_back(Work::Call(Box::new(call)));
        self.advance(&mut waiting)
    }

    /// Waits until everything is on the stream. Where something could not be put there, what came after it is dropped:
    /// it would have worked on nothing.
    pub fn flush(&self) -> Result<&CudaStream> {
        let mut waiting = self.waiting();
        while let Some(work) = waiting.pop_front() {
            self.run(work).inspect_err(|_| waiting.clear())?;
        }
        Ok(&self.stream)
    }

    /// Waits on the host for all work.
    pub fn synchronize(&self) -> Result<()> {
        self.flush()?.synchronize()
    }

    /// Work queued from here on waits for the event.
    pub fn wait(&self, event: &Event) -> Result<()> {
        self.flush()?.wait(event)
    }

    /// Moves the event to the end of the work queued so far.
    pub fn record(&self, event: &Event) -> Result<()> {
        let stream = self.flush()?;
        self.context.check(event.record(stream.raw()))
    }

    /// Puts work on the stream up to the first kernel that is not compiled yet.
    fn advance(&self, waiting: &mut VecDeque<Work>) -> Result<()> {
        while waiting.front().is_some_and(Work::is_ready) {
            let Some(work) = waiting.pop_front() else { break };
            self.run(work).inspect_err(|_| waiting.clear())?;
        }
        Ok(())
    }

    fn run(&self, work: Work) -> Result<()> {
        match work {
            Work::Launch { kernel, grid, arguments } => {
                launch(&self.context, &kernel, grid, &arguments, self.stream.raw())
            }
            Work::Call(call) => call(self.stream.raw()),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Work>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    fn is_ready(&self) -> bool {
        match self {
            Self::Launch { kernel, .. } => kernel.is_compiled(),
            Self::Call(_) => true,
        }
    }
}

fn launch(context: &Context, kernel: &Kernel, grid: Grid, arguments: &Arguments, stream: CUstream) -> Result<()> {
    let function = kernel.function(context)?;
    let mut pointers: SmallVec<[*mut c_void; 24]> = arguments.pointers().collect();
    let ([x, y, z], [width, height, depth]) = (grid.blocks, grid.block);
    // SAFETY: the arguments are those of the kernel, as whoever assembled its unit has it; buffers they lead to are released
    // in the order of this stream.
    context.check(unsafe {
        context.driver.cuLaunchKernel(
            function,
            x,
            y,
            z,
            width,
            height,
            depth,
            grid.shared_bytes,
            stream,
            pointers.as_mut_ptr(),
            std::ptr::null_mut(),
        )
    })
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submission({:?}, {} waiting)", self.stream, self.waiting().len())
    }
}
