//! What a memory and its buffers share: the source, and the pool and book behind one short lock.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Options;
use super::awaiting::Awaiting;
use super::book::{Book, Slot, shown};
use super::buffer::Buffer;
use super::diversion::Diversion;
use super::pool::{Block, Pool, Segment, SegmentSize};
use super::report::holders;
use super::sites::Traces;
use super::source::{Refused, SEGMENT_ALIGNMENT, Source};
use super::stream::{Point, Stream};
use crate::error::{Error, OutOfMemory, Result};
use crate::lasting::Lasting;
use crate::scope::Label;

/// How many labels an out-of-memory error names.
const HOLDERS_NAMED: usize = 5;

/// Kept alive by the memory, its ledgers and every buffer, so the source outlives them all.
#[derive(Debug)]
pub(super) struct Shared {
    pub name: String,
    pub source: Box<dyn Source>,
    pub pooled: bool,
    /// Held while the source is asked for memory or given some back, so that growing takes turns. A release never takes
    /// it: dropping a buffer does not wait for a driver.
    driver: Mutex<()>,
    /// Whose allocations go to another stream than the first.
    pub diversion: Diversion,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub book: Book,
    pub pool: Pool,
    pub awaiting: Awaiting,
    pub budget: Option<usize>,
    pub driver_allocations: u64,
    pub last_stream: Stream,
    pub traces: Traces,
    /// What went wrong while giving memory back, for the next call to return.
    failures: VecDeque<Error>,
}

/// One call of allocate.
#[derive(Clone, Copy)]
struct Request {
    bytes: usize,
    stream: Stream,
    label: Label,
}

impl Shared {
    pub fn new(source: Box<dyn Source>, options: Options) -> Self {
        let granule = source.granule().next_power_of_two().clamp(16, SEGMENT_ALIGNMENT);
        let state = State {
            book: Book::default(),
            pool: Pool::new(options.pooled, options.segment_size, granule),
            awaiting: Awaiting::default(),
            budget: None,
            driver_allocations: 0,
            last_stream: Stream::MAIN,
            traces: Traces::default(),
            failures: VecDeque::new(),
        };
        let (name, pooled) = (source.name(), options.pooled);
        Self {
            name,
            source,
            pooled,
            driver: Mutex::default(),
            diversion: Diversion::default(),
            state: Mutex::new(state),
        }
    }

    /// The lock. A panic elsewhere cannot leave the state half-changed: nothing that holds the lock calls out.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn allocate(this: &Lasting<Self>, bytes: usize, stream: Stream) -> Result<Buffer> {
        let request = Request { bytes, stream, label: Label::current() };
        let mut state = this.state();
        if let Some(failure) = state.failures.pop_front() {
            return Err(failure);
        }
        let mut block = if this.pooled && bytes > 0 { state.pool.take(bytes, stream) } else { None };
        if block.is_none() && bytes > 0 {
            drop(state);
            block = Some(this.grow(request)?);
            state = this.state();
        }
        let (slot, id) = state.book.allocate(bytes, request.label, stream, block);
        if let Some(trace) = state.traces.trace() {
            state.traces.keep(id, trace);
        }
        drop(state);
        // A buffer of no bytes has an address that no access may use, but aligned and not null.
        let address = block.map_or(SEGMENT_ALIGNMENT as u64, |block| block.address);
        Ok(Buffer { shared: this.clone(), slot, id, address, bytes, label: request.label, stream })
    }

    pub fn release(&self, buffer: &Buffer) {
        if cfg!(debug_assertions) && buffer.bytes > 0 {
            // SAFETY: this is the last handle, and the block returns to the pool only below.
            unsafe { self.source.poison(buffer.address, buffer.bytes) };
        }
        let mut state = self.state();
        let state = &mut *state;
        if let Some(block) = state.book.release(buffer.slot) {
            let now = Point { stream: buffer.stream, sequence: state.book.sequence() };
            state.awaiting.release(buffer.slot, block, now, &mut state.pool);
        }
    }

    /// Notes that everything queued so far on `stream` may use a buffer of another stream.
    pub fn note_use(&self, slot: Slot, stream: Stream) {
        let mut state = self.state();
        // The use is an event of its own stream: a dependency recorded before it does not cover it.
        let sequence = state.book.tick();
        state.awaiting.note(slot, Point { stream, sequence });
    }

    pub fn depend(&self, from: Stream, to: Stream) {
        let mut state = self.state();
        let state = &mut *state;
        let now = state.book.sequence();
        state.pool.depend(from, to, now);
        state.awaiting.settle(now, &mut state.pool);
    }

    /// The work of a stream may run again at any time, until it is [let go](Self::let_go).
    pub fn keep(&self, stream: Stream) {
        self.state().pool.keep(stream);
    }

    /// The work of a stream does not run again, and the first stream waits for what ran.
    pub fn let_go(&self, stream: Stream) {
        self.state().pool.let_go(stream);
        self.depend(stream, Stream::MAIN);
    }

    /// Gives every unused segment back to the source and returns their bytes, or the first failure not yet returned.
    pub fn trim(&self) -> Result<usize> {
        let bytes = self.give_back(&self.take_turn());
        self.state().failures.pop_front().map_or(Ok(bytes), Err)
    }

    fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a segment from the source and a block from it: out of memory at first, cached segments go back and the
    /// source is asked once more, for no more than is needed.
    #[cold]
    fn grow(&self, request: Request) -> Result<Block> {
        let turn = self.take_turn();
        if !self.pooled {
            self.give_back(&turn);
        } else if let Some(block) = self.state().pool.take(request.bytes, request.stream) {
            return Ok(block);
        }
        let Some(size) = self.state().pool.segment_size(request.bytes) else { return Err(self.out_of_memory(request)) };
        let first = self.acquire(size, &turn).or_else(|refused| match refused {
            Refused::Failed(_) => Err(refused),
            Refused::Exhausted => {
                self.give_back(&turn);
                self.acquire(SegmentSize { preferred: size.least, ..size }, &turn)
            }
        });
        let (address, size) = first.map_err(|refused| match refused {
            Refused::Exhausted => self.out_of_memory(request),
            Refused::Failed(cause) => Error::device(self.name.clone(), cause),
        })?;
        let mut state = self.state();
        state.driver_allocations += 1;
        let block = state.pool.add(Segment { address, size, label: request.label }, request.bytes, request.stream);
        drop(state);
        block.ok_or_else(|| self.out_of_memory(request))
    }

    /// Asks the source for a segment of the preferred size, or of what the budget leaves of it.
    fn acquire(&self, size: SegmentSize, _turn: &MutexGuard<'_, ()>) -> Result<(u64, usize), Refused> {
        let room = {
            let state = self.state();
            state.budget.map_or(usize::MAX, |budget| budget.saturating_sub(state.pool.reserved()))
        };
        if room < size.least {
            return Err(Refused::Exhausted);
        }
        let bytes = size.preferred.min(room);
        let address = self.source.acquire(bytes)?;
        if cfg!(debug_assertions) {
            // SAFETY: the range was just acquired and nobody uses it yet.
            unsafe { self.source.poison(address, bytes) };
        }
        Ok((address, bytes))
    }

    fn give_back(&self, _turn: &MutexGuard<'_, ()>) -> usize {
        let unused = self.state().pool.detach_unused();
        for segment in &unused {
            if let Err(cause) = surrender(&*self.source, *segment) {
                let rule = format!("giving back {} bytes of {} failed: {cause}", segment.size, shown(segment.label));
                self.state().failures.push_back(Error::device(self.name.clone(), rule));
            }
        }
        unused.iter().map(|segment| segment.size).sum()
    }

    fn out_of_memory(&self, request: Request) -> Error {
        let device_memory = self.source.capacity();
        let state = self.state();
        let mut holders = holders(state.book.living());
        holders.truncate(HOLDERS_NAMED);
        Error::OutOfMemory(Box::new(OutOfMemory {
            device: self.name.clone(),
            label: shown(request.label),
            requested: request.bytes,
            limit: state.budget,
            live: state.book.whole().live_bytes,
            cached: state.pool.reserved() - state.pool.used(),
            device_memory,
            holders,
        }))
    }
}

/// No buffer is left: everything goes back. An error has no next call to go to; [`Memory::trim`](super::Memory::trim)
/// before the end reports it.
impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for segment in state.pool.segments() {
            let _nobody_left_to_tell = surrender(&*self.source, segment);
        }
    }
}

fn surrender(source: &dyn Source, segment: Segment) -> Result<(), String> {
    // SAFETY: every segment came from this source and leaves the pool before it is surrendered, with no block in use.
    unsafe { source.surrender(segment.address, segment.size) }
}
