//! What stands between a device's handles and its backend: it passes calls on, and writes them down while somebody records.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smallvec::SmallVec;

use super::super::backend::{
    Backend, CapturedWork, Epilogue, Fetch, Kernel, Lane, Mark, Product, Reduction, Residual, Seed, Usage,
};
use super::super::graph::{Gathered, Next, Telling, Tellings};
use super::super::view::View;
use super::{Call, Recording, Span, Work};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::formula::{AnyFormula, Role};
use crate::memory::{Buffer, Diverted, Memory, Stream};
use crate::scope::Label;

/// A backend with a log.
pub(in crate::device) struct Recorder {
    backend: Box<dyn Backend>,
    is_on: AtomicBool,
    log: Mutex<Option<Log>>,
    /// What the thread that captures has written down.
    gathered: Mutex<Option<Gathered>>,
}

struct Log {
    start: Instant,
    origin: Mark,
    calls: Vec<(Call, When)>,
    dropped: u64,
}

/// When the device was busy with a call.
enum When {
    /// Between these marks.
    Between([Mark; 2]),
    /// As the call says.
    Known,
}

/// A call before it is made.
struct Entry {
    operation: &'static str,
    formula: Option<Cow<'static, str>>,
    dtype: DType,
    sizes: SmallVec<[usize; 4]>,
    lane: Lane,
}

/// Why captured work cannot take anything from the host.
const COPIES: &str =
    "captured work would run again with what was copied once: make the tensor before, or give it as an input";
/// Why it cannot give anything to it.
const WAITS: &str = "captured work has not run yet, and cannot wait for itself: read results after the run";

impl Recorder {
    pub fn new(backend: Box<dyn Backend>) -> Self {
        let is_on = AtomicBool::new(backend.has_ranges());
        Self { backend, is_on, log: Mutex::default(), gathered: Mutex::default() }
    }

    /// What to call: the backend itself, or this where calls are written down or captured.
    #[inline]
    pub fn backend(&self) -> &dyn Backend {
        if self.is_on.load(Ordering::Relaxed) { self } else { &*self.backend }
    }

    pub fn start(&self) -> Result<()> {
        let mut log = self.log();
        if log.is_some() {
            return Err(Error::argument(
                "record",
                "the calls of this device are recorded already: drop that recording",
            ));
        }
        self.backend.synchronize()?;
        let origin = self.backend.mark(Lane::Compute)?;
        *log = Some(Log { start: Instant::now(), origin, calls: Vec::new(), dropped: 0 });
        self.is_on.store(true, Ordering::Relaxed);
        Ok(())
    }

    pub fn stop(&self) {
        *self.log() = None;
        self.turn_off();
    }

    pub fn is_recording(&self) -> bool {
        self.log().is_some()
    }

    /// Begins to write down what this thread asks for, whose allocations are diverted to `stream` meanwhile. `inputs` are not
    /// kept for the graph.
    pub fn begin_capture(&self, stream: Stream, inputs: &[&Buffer]) -> Result<Diverted> {
        let memory = self.memory();
        let Some(diverted) = memory.divert(stream) else {
            let rule = "work of this device is being captured already: captures take turns, and none is within another";
            return Err(Error::argument("capture", rule));
        };
        memory.depend(Stream::MAIN, stream);
        let tellings = Tellings::new(memory)?;
        self.backend.begin_capture()?;
        let inputs = inputs.iter().map(|input| input.id()).collect();
        *self.gathered() = Some(Gathered { stream, inputs, tellings, calls: Vec::new() });
        self.is_on.store(true, Ordering::Relaxed);
        Ok(diverted)
    }

    pub fn end_capture(&self) -> Result<(CapturedWork, Gathered)> {
        let gathered = self.gathered().take();
        self.turn_off();
        let work = self.backend.end_capture()?;
        let gathered = gathered.ok_or_else(|| Error::argument("end_capture", "nothing is captured"))?;
        Ok((work, gathered))
    }

    /// Numbers that captured work is told before each run; none where this thread does not capture.
    pub fn tell(&self, words: usize, next: impl FnOnce() -> Next) -> Result<Option<Telling>> {
        if !self.is_capturing() {
            return Ok(None);
        }
        self.gathered().as_mut().map(|gathered| gathered.tellings.add(words, next())).transpose()
    }

    /// Runs captured work. Where it was recorded, and is now, the calls in it are written down with the times of this run.
    pub fn run(&self, work: &CapturedWork, calls: &[(Call, [Mark; 2])]) -> Result<()> {
        self.refuse_in_capture("launch", "captured work does not run other captured work")?;
        let begin = Instant::now();
        self.backend.replay(work)?;
        let mut seconds = begin.elapsed().as_secs_f64();
        if calls.is_empty() || !self.is_recording() {
            return Ok(());
        }
        // The next run moves the marks.
        self.backend.synchronize()?;
        let mut log = self.log();
        let Some(log) = log.as_mut() else { return Ok(()) };
        let start = begin.saturating_duration_since(log.start).as_secs_f64();
        for (call, marks) in calls {
            // One launch is all that the host had to do.
            let host = Span { start, seconds: std::mem::take(&mut seconds) };
            let device = self.span(log, marks)?;
            log.push(Call { host, device, ..call.clone() }, When::Known);
        }
        Ok(())
    }

    pub fn take(&self) -> Result<Vec<Call>> {
        self.backend.synchronize()?;
        let mut log = self.log();
        let Some(log) = log.as_mut() else { return Ok(Vec::new()) };
        let calls = std::mem::take(&mut log.calls);
        let timed = |(mut call, when): (Call, When)| {
            if let When::Between(marks) = when {
                call.device = self.span(log, &marks)?;
            }
            Ok(call)
        };
        calls.into_iter().map(timed).collect()
    }

    /// The time between two marks that have passed.
    fn span(&self, log: &Log, [begin, end]: &[Mark; 2]) -> Result<Span> {
        let start = self.backend.seconds_between(&log.origin, begin)?;
        Ok(Span { start, seconds: self.backend.seconds_between(begin, end)? })
    }

    pub fn seconds_at(&self, mark: &Mark) -> Result<f64> {
        self.log().as_ref().map_or(Ok(0.0), |log| self.backend.seconds_between(&log.origin, mark))
    }

    pub fn dropped(&self) -> u64 {
        self.log().as_ref().map_or(0, |log| log.dropped)
    }

    /// Makes a call within a range for the tool that is attached, if there is one, and writes it down.
    fn note<T>(&self, entry: Entry, work: impl FnOnce(&T) -> Work, call: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.is_recording() && !self.backend.has_ranges() {
            return call();
        }
        self.backend.open_range(&entry.text());
        let result = if self.is_recording() { self.write_down(entry, work, call) } else { call() };
        self.backend.close_range();
        result
    }

    /// Makes a call, and writes it down if it succeeds. The lock is not held meanwhile: calls of other threads go on.
    fn write_down<T>(
        &self,
        entry: Entry,
        work: impl FnOnce(&T) -> Work,
        call: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let (begin, host_begin) = (self.backend.mark(entry.lane)?, Instant::now());
        let result = call()?;
        let (host_end, end) = (Instant::now(), self.backend.mark(entry.lane)?);
        let work = work(&result);
        let live_bytes = self.backend.memory().ledger().live_bytes();
        if let Some(log) = self.log().as_mut() {
            let Entry { operation, formula, dtype, sizes, lane } = entry;
            let start = host_begin.saturating_duration_since(log.start).as_secs_f64();
            let host = Span { start, seconds: (host_end - host_begin).as_secs_f64() };
            let (label, device) = (Label::current(), Span::default());
            let call = Call { operation, formula, dtype, sizes, label, work, lane, host, device, live_bytes };
            match self.gathered().as_mut().filter(|_| self.is_capturing()) {
                Some(gathered) => gathered.calls.push((call, [begin, end])),
                None => log.push(call, When::Between([begin, end])),
            }
        }
        Ok(result)
    }

    /// Whether this thread captures.
    pub fn is_capturing(&self) -> bool {
        self.memory().working_stream() != Stream::MAIN
    }

    fn refuse_in_capture(&self, operation: &'static str, rule: &str) -> Result<()> {
        if self.is_capturing() { Err(Error::argument(operation, rule)) } else { Ok(()) }
    }

    /// Notes what captured work uses, so that its memory stays.
    fn hold<'a>(&self, views: impl IntoIterator<Item = View<'a>>) {
        if !self.is_capturing() {
            return;
        }
        let gathered = self.gathered();
        let Some(Gathered { stream, inputs, .. }) = gathered.as_ref() else { return };
        let used = views.into_iter().map(|view| view.buffer()).filter(|buffer| !inputs.contains(&buffer.id()));
        used.for_each(|buffer| buffer.used_on(*stream));
    }

    fn turn_off(&self) {
        let is_on = self.backend.has_ranges() || self.log().is_some() || self.gathered().is_some();
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    fn gathered(&self) -> MutexGuard<'_, Option<Gathered>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Option<Log>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn push(&mut self, call: Call, when: When) {
        if self.calls.len() == Recording::MOST {
            self.dropped += 1;
        } else {
            self.calls.push((call, when));
        }
    }
}

impl Entry {
    /// What a tool shows: scope and operation.
    fn text(&self) -> String {
        let (path, formula) = (Label::current().path(), self.formula.as_deref().unwrap_or_default());
        [&path, self.operation, formula].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    fn of_view(operation: &'static str, view: View<'_>) -> Self {
        let sizes = view.shape().sizes().into();
        Self { operation, formula: None, dtype: view.dtype(), sizes, lane: Lane::Compute }
    }

    fn of_bytes(operation: &'static str, bytes: usize) -> Self {
        let sizes = SmallVec::from_slice(&[bytes]);
        Self { operation, formula: None, dtype: DType::U8, sizes, lane: Lane::Compute }
    }

    fn with(self, formula: &dyn AnyFormula) -> Self {
        let signature = formula.signature();
        let name = match signature.role {
            Role::Value => signature.name.into(),
            _ => signature.full_name().into(),
        };
        Self { formula: Some(name), ..self }
    }
}

impl Backend for Recorder {
    fn name(&self) -> String {
        self.backend.name()
    }

    fn hardware(&self) -> String {
        self.backend.hardware()
    }

    fn memory(&self) -> &Memory {
        self.backend.memory()
    }

    fn upload(&self, bytes: &[u8], to: &Buffer) -> Result<()> {
        self.refuse_in_capture("upload", COPIES)?;
        let (entry, work) = (Entry::of_bytes("upload", bytes.len()), Work::of_transfer(true, bytes.len()));
        self.note(entry, |()| work, || self.backend.upload(bytes, to))
    }

    fn download(&self, from: &Buffer, bytes: &mut [u8]) -> Result<()> {
        self.refuse_in_capture("download", WAITS)?;
        let (entry, work) = (Entry::of_bytes("download", bytes.len()), Work::of_transfer(false, bytes.len()));
        self.note(entry, |()| work, || self.backend.download(from, bytes))
    }

    fn fetch(&self, from: &Buffer, bytes: usize) -> Result<Fetch> {
        self.refuse_in_capture("fetch", WAITS)?;
        let (entry, work) = (Entry::of_bytes("download", bytes), Work::of_transfer(false, bytes));
        self.note(entry, |_| work, || self.backend.fetch(from, bytes))
    }

    fn prefetch(&self, bytes: &[u8]) -> Result<Buffer> {
        self.refuse_in_capture("prefetch", COPIES)?;
        let entry = Entry { lane: Lane::Copy, ..Entry::of_bytes("prefetch", bytes.len()) };
        let work = Work::of_transfer(true, bytes.len());
        self.note(entry, |_| work, || self.backend.prefetch(bytes))
    }

    fn arrive(&self, buffer: &mut Buffer) -> Result<()> {
        self.refuse_in_capture("arrive", COPIES)?;
        self.backend.arrive(buffer)
    }

    fn copy(&self, from: View<'_>, to: View<'_>) -> Result<()> {
        self.hold([from, to]);
        self.note(Entry::of_view("copy", to), |()| Work::of_copy(from, to), || self.backend.copy(from, to))
    }

    fn map(&self, formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>], seed: Seed) -> Result<()> {
        self.hold(inputs.iter().chain(outputs).copied());
        let entry = match outputs.first() {
            Some(&output) => Entry::of_view("map", output),
            None => Entry::of_bytes("map", 0),
        };
        let work = |(): &()| Work::of_map(formula, inputs, outputs);
        self.note(entry.with(formula), work, || self.backend.map(formula, inputs, outputs, seed))
    }

    fn reduce(
        &self,
        reduction: Reduction,
        formula: &dyn AnyFormula,
        inputs: &[View<'_>],
        output: View<'_>,
    ) -> Result<()> {
        self.hold(inputs.iter().copied().chain([output]));
        let operation = match reduction {
            Reduction::Sum { .. } => "sum",
            Reduction::Max => "max",
            Reduction::Min => "min",
        };
        let work = |(): &()| Work::of_reduce(formula, inputs, output);
        let entry = Entry::of_view(operation, output).with(formula);
        self.note(entry, work, || self.backend.reduce(reduction, formula, inputs, output))
    }

    fn matmul(&self, product: &Product<'_>, epilogue: Option<&Epilogue<'_>>) -> Result<Residual> {
        self.hold(product.views());
        self.hold(epilogue.into_iter().flat_map(Epilogue::views));
        if let Some(mask) = epilogue.and_then(|epilogue| epilogue.mask).filter(|_| self.is_capturing()) {
            mask.used_on(self.memory().working_stream());
        }
        let sizes = [product.a.shape().sizes(), &product.b.shape().sizes()[2..]].concat();
        let entry = Entry { sizes: sizes.into(), ..Entry::of_view("matmul", product.c) };
        let entry = match epilogue {
            Some(epilogue) => entry.with(epilogue.formula),
            None => entry,
        };
        let work = |left: &Residual| Work::of_product(product, epilogue, left);
        self.note(entry, work, || self.backend.matmul(product, epilogue))
    }

    fn launch(&self, kernel: Kernel<'_>) -> Result<()> {
        self.hold(kernel.views());
        let entry = match kernel.result() {
            Some(result) => Entry::of_view(kernel.name(), result),
            None => Entry::of_bytes(kernel.name(), 0),
        };
        let entry = Entry { formula: kernel.custom_name().map(|name| name.to_owned().into()), ..entry };
        self.note(entry, |()| Work::of_kernel(&kernel), || self.backend.launch(kernel))
    }

    fn can_capture(&self) -> bool {
        self.backend.can_capture()
    }

    fn usage(&self) -> Option<Usage> {
        self.backend.usage()
    }

    fn mark(&self, lane: Lane) -> Result<Mark> {
        self.backend.mark(lane)
    }

    fn seconds_between(&self, from: &Mark, to: &Mark) -> Result<f64> {
        self.backend.seconds_between(from, to)
    }

    fn synchronize(&self) -> Result<()> {
        self.refuse_in_capture("synchronize", WAITS)?;
        self.backend.synchronize()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backend.fmt(f)
    }
}
