//! The CUDA backend: kernels compiled by NVRTC and cuBLASLt's products, queued on one stream of the device.

mod aligned;
mod arguments;
mod cache;
pub mod compile;
mod context;
mod copy;
mod custom;
pub mod facts;
mod fetch;
mod graph;
mod index;
pub mod library;
mod map;
mod matmul;
mod modules;
mod normalize;
mod nvtx;
mod once;
mod prefetch;
mod queue;
mod reduce;
mod report;
mod rows;
mod source;
mod staging;
mod stream;
mod submission;
mod survey;
mod usage;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::backend::{
    Backend, CapturedWork, Epilogue, Fetch, Kernel, Lane, Mark, Product, Reduction, Residual, Seed, Usage,
};
use super::view::View;
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::memory::{Buffer, Memory, Options, Stream};
use context::Context;
use fetch::Berths;
use graph::Executable;
use matmul::Matmul;
use modules::Modules;
use nvtx::Tool;
use once::Once;
use prefetch::Prefetch;
use queue::Queue;
use report::Report;
use source::DeviceMemory;
use staging::{Landing, Ring};
use stream::Event;
use submission::Submission;
pub use survey::survey;
use usage::Monitor;

/// A CUDA device that computes.
#[derive(Debug)]
pub struct Cuda(Engine);

/// What a device computes with. Fields are dropped in this order: what uses the device before the device.
struct Engine {
    modules: Modules,
    matmul: Matmul,
    uploads: Once<Mutex<Ring>>,
    landing: Landing,
    berths: Arc<Berths>,
    prefetch: Once<Mutex<Prefetch>>,
    report: Arc<Report>,
    /// Where work is captured.
    captured: Once<Submission>,
    compute: Arc<Submission>,
    memory: Memory,
    monitor: OnceLock<Option<Monitor>>,
    context: Arc<Context>,
}

impl Cuda {
    /// The device of this number.
    ///
    /// # Errors
    /// A library is missing, there is no such device, or it cannot be used.
    pub fn open(ordinal: usize) -> Result<Self> {
        Ok(Self(Engine::new(ordinal)?))
    }

    fn queue(&self) -> Result<Queue<'_>> {
        self.0.context.bind()?;
        Ok(Queue(&self.0))
    }
}

impl Engine {
    fn new(ordinal: usize) -> Result<Self> {
        let context = Context::open(ordinal)?;
        context.bind()?;
        let compute = Arc::new(Submission::new(&context)?);
        let options = Options::from_env();
        let memory = Memory::with(DeviceMemory::new(&context, &compute, options.pooled)?, options);
        Ok(Self {
            modules: Modules::new(&context),
            matmul: Matmul::new(),
            uploads: Once::new(),
            landing: Landing::new(),
            berths: Arc::default(),
            prefetch: Once::new(),
            report: Arc::new(Report::new(&context)?),
            captured: Once::new(),
            compute,
            memory,
            monitor: OnceLock::new(),
            context,
        })
    }

    /// Where this thread's work goes: to the compute stream, or to the one that is captured.
    #[inline]
    fn submission(&self) -> Result<&Submission> {
        if self.memory.working_stream() == Stream::MAIN { Ok(&self.compute) } else { self.captured() }
    }

    fn captured(&self) -> Result<&Submission> {
        self.captured.get_or_try(|| Submission::for_captures(&self.context))
    }

    /// The copy stream, made when first asked for. The context is bound.
    fn prefetch(&self) -> Result<MutexGuard<'_, Prefetch>> {
        let prefetch = self.prefetch.get_or_try(|| Prefetch::new(&self.context, &self.memory).map(Mutex::new))?;
        Ok(prefetch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for all work, and fails with what kernels reported.
    fn synchronize(&self) -> Result<()> {
        self.compute.synchronize()?;
        self.report.check()
    }
}

impl Backend for Cuda {
    fn name(&self) -> String {
        self.0.context.name().to_owned()
    }

    fn hardware(&self) -> String {
        let about = &self.0.context.facts().about;
        format!("{}, {}", about.name, about.uuid)
    }

    fn memory(&self) -> &Memory {
        &self.0.memory
    }

    fn upload(&self, bytes: &[u8], to: &Buffer) -> Result<()> {
        if bytes.len() > to.bytes() {
            return Err(Error::argument("upload", format!("{} bytes do not fit {}", bytes.len(), to.bytes())));
        }
        let Queue(engine) = self.queue()?;
        let ring = engine.uploads.get_or_try(|| Ring::new(&engine.context).map(Mutex::new))?;
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        for (part, bytes) in bytes.chunks(Ring::largest()).enumerate() {
            let filled = ring.fill(bytes, |event| engine.compute.record(event))?;
            let (context, to) = (engine.context.clone(), to.address() + (part * Ring::largest()) as u64);
            engine.compute.call(move |stream| filled.send(&context, to, stream))?;
        }
        Ok(())
    }

    fn download(&self, from: &Buffer, bytes: &mut [u8]) -> Result<()> {
        if bytes.len() > from.bytes() {
            return Err(Error::argument("download", format!("{} bytes are not in {}", bytes.len(), from.bytes())));
        }
        let Queue(engine) = self.queue()?;
        if bytes.is_empty() {
            return engine.synchronize();
        }
        engine.landing.receive(&engine.context, from.address(), bytes, |copy| {
            copy(engine.compute.flush()?.raw())?;
            engine.synchronize()
        })
    }

    fn fetch(&self, from: &Buffer, bytes: usize) -> Result<Fetch> {
        if bytes > from.bytes() {
            return Err(Error::argument("fetch", format!("{bytes} bytes are not in {}", from.bytes())));
        }
        let Queue(Engine { berths, context, compute, report, .. }) = self.queue()?;
        berths.fetch(context, compute, report, from.address(), bytes)
    }

    fn prefetch(&self, bytes: &[u8]) -> Result<Buffer> {
        let Queue(engine) = self.queue()?;
        engine.prefetch()?.send(&engine.context, &engine.memory, bytes)
    }

    fn arrive(&self, buffer: &mut Buffer) -> Result<()> {
        let Queue(engine) = self.queue()?;
        engine.prefetch()?.arrive(&engine.memory, &engine.compute, buffer)
    }

    fn copy(&self, from: View<'_>, to: View<'_>) -> Result<()> {
        copy::run(&mut self.queue()?, from, to)
    }

    fn map(&self, formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>], seed: Seed) -> Result<()> {
        map::run(&mut self.queue()?, formula, inputs, outputs, seed)
    }

    fn reduce(
        &self,
        reduction: Reduction,
        formula: &dyn AnyFormula,
        inputs: &[View<'_>],
        output: View<'_>,
    ) -> Result<()> {
        reduce::run(&mut self.queue()?, reduction, formula, inputs, output)
    }

    fn matmul(&self, product: &Product<'_>, epilogue: Option<&Epilogue<'_>>) -> Result<Residual> {
        matmul::run(&mut self.queue()?, product, epilogue)
    }

    fn launch(&self, kernel: Kernel<'_>) -> Result<()> {
        let queue = &mut self.queue()?;
        match kernel {
            Kernel::Softmax { log, input, output } => rows::softmax(queue, log, input, output),
            Kernel::SoftmaxBackward { log, output, gradient, input_gradient } => {
                rows::softmax_backward(queue, log, output, gradient, input_gradient)
            }
            Kernel::CrossEntropy { logits, labels, losses, gradient, scale } => {
                rows::cross_entropy(queue, logits, labels, losses, gradient, scale)
            }
            Kernel::Normalize(norm) => normalize::forward(queue, norm),
            Kernel::NormalizeBackward(norm) => normalize::backward(queue, norm),
            Kernel::ArgMax { input, output } => rows::argmax(queue, input, output),
            Kernel::Gather { input, indices, output } => index::gather(queue, input, indices, output),
            Kernel::ScatterAdd { gradient, indices, input_gradient } => {
                index::scatter_add(queue, gradient, indices, input_gradient)
            }
            Kernel::Custom { kernel, launch, arguments, .. } => custom::run(queue, kernel, launch, arguments),
        }
    }

    fn usage(&self) -> Option<Usage> {
        let monitor = self.0.monitor.get_or_init(|| Monitor::of(&self.0.context.facts().about.uuid));
        monitor.as_ref()?.usage()
    }

    fn has_ranges(&self) -> bool {
        Tool::attached().is_some()
    }

    fn open_range(&self, name: &str) {
        Tool::attached().into_iter().for_each(|tool| tool.push(name));
    }

    fn close_range(&self) {
        Tool::attached().into_iter().for_each(Tool::pop);
    }

    fn mark(&self, lane: Lane) -> Result<Mark> {
        let Queue(engine) = self.queue()?;
        let event = Arc::new(Event::timed(&engine.context)?);
        match lane {
            Lane::Compute => {
                let (context, event, queue) = (engine.context.clone(), event.clone(), Queue(engine));
                let is_captured = queue.is_captured();
                engine.submission()?.call(move |stream| {
                    context.check(if is_captured { event.record_in_runs(stream) } else { event.record(stream) })
                })?;
            }
            Lane::Copy => engine.prefetch()?.record(&engine.context, &event)?,
        }
        Ok(Mark(Box::new(event)))
    }

    fn seconds_between(&self, from: &Mark, to: &Mark) -> Result<f64> {
        self.queue()?;
        match (from.0.downcast_ref::<Arc<Event>>(), to.0.downcast_ref::<Arc<Event>>()) {
            (Some(from), Some(to)) => Ok(f64::from(to.milliseconds_since(from)?) / 1e3),
            _ => Err(Error::argument("seconds_between", "a mark is of another device")),
        }
    }

    /// Without a pool, what captured work leaves free goes back to the driver, and the work could not run again.
    fn can_capture(&self) -> bool {
        self.0.memory.is_pooled()
    }

    fn begin_capture(&self) -> Result<()> {
        let Queue(engine) = self.queue()?;
        graph::begin(&engine.context, engine.captured()?.flush()?.raw())
    }

    fn end_capture(&self) -> Result<CapturedWork> {
        let Queue(engine) = self.queue()?;
        let submission = engine.captured()?;
        let flushed = submission.flush().map(drop);
        let ended = graph::end(&engine.context, submission.flush()?.raw());
        flushed.and(ended).map(|graph| Box::new(graph) as CapturedWork)
    }

    fn replay(&self, work: &CapturedWork) -> Result<()> {
        let Queue(engine) = self.queue()?;
        match work.downcast_ref::<Executable>() {
            Some(graph) => graph.launch(engine.compute.flush()?.raw()),
            None => Err(Error::argument("replay", "the work was captured on another device")),
        }
    }

    fn synchronize(&self) -> Result<()> {
        self.queue()?.0.synchronize()
    }
}

impl Drop for Cuda {
    /// Lets the device come to rest before what it works with goes. An error has nobody left to go to.
    fn drop(&mut self) {
        if self.0.context.enter() {
            let _ = self.0.compute.synchronize();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, modules, matmul, compute, .. } = self;
        write!(f, "{} with {modules:?}, {matmul:?}, {compute:?}", context.name())
    }
}
