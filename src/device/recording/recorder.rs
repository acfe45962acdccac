//! What stands between a device's handles and its backend: it passes calls on, and writes them down while somebody records.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smallvec::SmallVec;

use super::super::backend::{Backend, Epilogue, Kernel, Lane, Mark, Product, Reduction, Residual, Seed, Usage};
use super::super::view::View;
use super::{Call, Recording, Span, Work};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::formula::{AnyFormula, Role};
use crate::memory::{Buffer, Memory};
use crate::scope::Label;

/// A backend with a log.
pub(in crate::device) struct Recorder {
    backend: Box<dyn Backend>,
    is_on: AtomicBool,
    log: Mutex<Option<Log>>,
}

struct Log {
    start: Instant,
    origin: Mark,
    calls: Vec<(Call, [Mark; 2])>,
    dropped: u64,
}

/// A call before it is made.
struct Entry {
    operation: &'static str,
    formula: Option<Cow<'static, str>>,
    dtype: DType,
    sizes: SmallVec<[usize; 4]>,
    lane: Lane,
}

impl Recorder {
    pub fn new(backend: Box<dyn Backend>) -> Self {
        let is_on = AtomicBool::new(backend.has_ranges());
        Self { backend, is_on, log: Mutex::default() }
    }

    /// What to call: the backend itself, or this where calls are written down.
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
        self.is_on.store(self.backend.has_ranges(), Ordering::Relaxed);
        *self.log() = None;
    }

    pub fn take(&self) -> Result<Vec<Call>> {
        self.backend.synchronize()?;
        let mut log = self.log();
        let Some(log) = log.as_mut() else { return Ok(Vec::new()) };
        let timed = |(mut call, [begin, end]): (Call, [Mark; 2])| {
            let start = self.backend.seconds_between(&log.origin, &begin)?;
            call.device = Span { start, seconds: self.backend.seconds_between(&begin, &end)? };
            Ok(call)
        };
        std::mem::take(&mut log.calls).into_iter().map(timed).collect()
    }

    pub fn seconds_at(&self, mark: &Mark) -> Result<f64> {
        self.log().as_ref().map_or(Ok(0.0), |log| self.backend.seconds_between(&log.origin, mark))
    }

    pub fn dropped(&self) -> u64 {
        self.log().as_ref().map_or(0, |log| log.dropped)
    }

    /// Makes a call within a range for the tool that is attached, if there is one, and writes it down.
    fn note<T>(&self, entry: Entry, work: impl FnOnce(&T) -> Work, call: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.backend.has_ranges() {
            return self.write_down(entry, work, call);
        }
        self.backend.open_range(&entry.text());
        let result = if self.log().is_some() { self.write_down(entry, work, call) } else { call() };
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
            if log.calls.len() == Recording::MOST {
                log.dropped += 1;
                return Ok(result);
            }
            let Entry { operation, formula, dtype, sizes, lane } = entry;
            let start = host_begin.saturating_duration_since(log.start).as_secs_f64();
            let host = Span { start, seconds: (host_end - host_begin).as_secs_f64() };
            let (label, device) = (Label::current(), Span::default());
            let call = Call { operation, formula, dtype, sizes, label, work, lane, host, device, live_bytes };
            log.calls.push((call, [begin, end]));
        }
        Ok(result)
    }

    fn log(&self) -> MutexGuard<'_, Option<Log>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (entry, work) = (Entry::of_bytes("upload", bytes.len()), Work::of_transfer(true, bytes.len()));
        self.note(entry, |()| work, || self.backend.upload(bytes, to))
    }

    fn download(&self, from: &Buffer, bytes: &mut [u8]) -> Result<()> {
        let (entry, work) = (Entry::of_bytes("download", bytes.len()), Work::of_transfer(false, bytes.len()));
        self.note(entry, |()| work, || self.backend.download(from, bytes))
    }

    fn prefetch(&self, bytes: &[u8]) -> Result<Buffer> {
        let entry = Entry { lane: Lane::Copy, ..Entry::of_bytes("prefetch", bytes.len()) };
        let work = Work::of_transfer(true, bytes.len());
        self.note(entry, |_| work, || self.backend.prefetch(bytes))
    }

    fn arrive(&self, buffer: &mut Buffer) -> Result<()> {
        self.backend.arrive(buffer)
    }

    fn copy(&self, from: View<'_>, to: View<'_>) -> Result<()> {
        self.note(Entry::of_view("copy", to), |()| Work::of_copy(from, to), || self.backend.copy(from, to))
    }

    fn map(&self, formula: &dyn AnyFormula, inputs: &[View<'_>], outputs: &[View<'_>], seed: Seed) -> Result<()> {
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
        let entry = match kernel.result() {
            Some(result) => Entry::of_view(kernel.name(), result),
            None => Entry::of_bytes(kernel.name(), 0),
        };
        let entry = Entry { formula: kernel.custom_name().map(|name| name.to_owned().into()), ..entry };
        self.note(entry, |()| Work::of_kernel(&kernel), || self.backend.launch(kernel))
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
        self.backend.synchronize()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backend.fmt(f)
    }
}
