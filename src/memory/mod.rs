//! Device memory you can read: a pool over a source of raw memory, and a ledger of every buffer.
//!
//! ```
//! use rectify::memory::{Host, Memory, Stream};
//!
//! let memory = Memory::new(Host);
//! let weights = {
//!     let _layer = rectify::scope::enter("hidden1");
//!     memory.allocate(4096, Stream::MAIN)?
//! };
//! let ledger = memory.ledger();
//! assert_eq!((ledger.live_bytes(), ledger.peak_bytes()), (4096, 4096));
//! drop(weights);
//! assert_eq!((ledger.live_bytes(), ledger.peak_bytes()), (0, 4096));
//! println!("{}", ledger.report());
//! # Ok::<(), rectify::Error>(())
//! ```
//!
//! - Dropping a [`Buffer`] is its release: the next sequence number, and the block returns to the pool at that point of
//!   its stream. The same stream may reuse it at once, another only after [`Memory::depend`].
//! - Reuse is a pure function of program order: two runs give the same [`Place`]s.
//! - Bytes are counted as asked for. What rounding and caching add shows as reserved and cached bytes.
//! - A drop never calls the driver. What fails while giving memory back is returned by the next call.

mod arena;
mod awaiting;
mod bins;
mod book;
mod buffer;
mod changes;
mod diversion;
mod exit;
mod faulty;
mod ledger;
mod pool;
mod replay;
mod report;
mod shared;
mod sites;
mod source;
mod stream;

use std::fmt;
use std::sync::Arc;

pub use book::{BufferRecord, Event, EventKind, Totals};
pub use buffer::Buffer;
pub use changes::Changes;
pub use diversion::Diverted;
pub use exit::{ExitReport, leaks};
pub use faulty::Faulty;
pub use ledger::{LeakCheck, Ledger, Recording};
pub use pool::Place;
pub use replay::{Replay, Replayed, write_csv};
pub use report::{Bytes, LabelLine, Report};
pub use sites::Sites;
pub use source::{Host, Refused, SEGMENT_ALIGNMENT, Source};
pub use stream::Stream;

use crate::error::{Error, Result};
use crate::lasting::Lasting;
use shared::Shared;

/// The memory of one device. Clones share it; it lives as long as the last of them or the last buffer.
#[derive(Clone)]
pub struct Memory(Lasting<Shared>);

/// How a [`Memory`] takes from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether blocks are cut from large segments and cached. Without, every allocation is one of the driver, of exactly
    /// its size, and goes back at the next allocation: slow, and what a memory checker needs.
    pub pooled: bool,
    /// Bytes to take from the source at a time for blocks smaller than that.
    pub segment_size: usize,
}

/// The most a memory may take from its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// In bytes.
    Bytes(usize),
    /// In percent of the device's total memory.
    Percent(f64),
}

impl Default for Options {
    fn default() -> Self {
        Self { pooled: true, segment_size: 32 << 20 }
    }
}

impl Options {
    /// The defaults, without pooling if the environment variable `RECTIFY_NO_POOL` is `1`.
    pub fn from_env() -> Self {
        let pooled = std::env::var_os("RECTIFY_NO_POOL").is_none_or(|value| value != "1");
        Self { pooled, ..Self::default() }
    }
}

impl Memory {
    /// The memory of a source, with the [options of the environment](Options::from_env).
    pub fn new(source: impl Source + 'static) -> Self {
        Self::with(source, Options::from_env())
    }

    /// The memory of a source, with these options.
    pub fn with(source: impl Source + 'static, options: Options) -> Self {
        let shared = Arc::new(Shared::new(Box::new(source), options));
        exit::remember(&shared);
        Self(Lasting::Counted(shared))
    }

    /// The same memory, from now on for as long as the process: its buffers are not counted for its sake.
    pub(crate) fn forever(self) -> Self {
        Self(self.0.forever())
    }

    /// The device, as on the command line.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Allocates `bytes` for work on `stream`, labelled with the scopes open on this thread. The content is undefined.
    /// No bytes is a valid size: such a buffer is counted and holds no memory.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`] when neither the pool nor, after giving back what is cached, the source has enough within
    /// the budget; everything stays usable. [`Error::Device`] when the device failed, now or while giving memory back
    /// earlier.
    pub fn allocate(&self, bytes: usize, stream: Stream) -> Result<Buffer> {
        Shared::allocate(&self.0, bytes, stream)
    }

    /// A new stream of this memory.
    pub fn stream(&self) -> Stream {
        let mut state = self.0.state();
        state.last_stream = state.last_stream.next();
        state.last_stream
    }

    /// The stream that this thread works on: the first, but while it is [diverted](Self::divert).
    #[inline]
    pub fn working_stream(&self) -> Stream {
        self.0.diversion.stream()
    }

    /// Makes this thread work on another stream; none where a thread does already.
    pub fn divert(&self, stream: Stream) -> Option<Diverted> {
        Diverted::new(&self.0, stream)
    }

    /// Says that the work of a stream may run again at any time, on the memory it was given, until it is [let go](Self::let_go):
    /// nobody else is given what it released, and segments that it has blocks of stay.
    pub fn keep(&self, stream: Stream) {
        self.0.keep(stream);
    }

    /// Says that the work of a stream does not run again, and that the first stream waits for what ran of it.
    pub fn let_go(&self, stream: Stream) {
        self.0.let_go(stream);
    }

    /// Whether blocks are cached: without, what is released goes back to the source.
    pub fn is_pooled(&self) -> bool {
        self.0.pooled
    }

    /// Records that from here on work on `to` waits for all work queued so far on `from`. The caller makes the device
    /// wait; the pool draws the conclusion: `to` may reuse what `from` has released until now.
    pub fn depend(&self, from: Stream, to: Stream) {
        self.0.depend(from, to);
    }

    /// Limits the bytes taken from the source, cached ones included: that is what the device and its other users see.
    /// Cached segments go back when the new limit is exceeded; living buffers stay.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for a percentage outside 0 to 100, or of a device that does not tell its total.
    pub fn set_budget(&self, budget: Option<Budget>) -> Result<()> {
        let limit = budget.map(|budget| self.limit(budget)).transpose()?;
        let mut state = self.0.state();
        state.budget = limit;
        let exceeded = limit.is_some_and(|limit| state.pool.reserved() > limit);
        drop(state);
        if exceeded { self.0.trim().map(drop) } else { Ok(()) }
    }

    /// Free and total bytes of the device, where it can tell.
    pub fn capacity(&self) -> Option<(usize, usize)> {
        self.0.source.capacity()
    }

    /// The limit in force, in bytes.
    pub fn budget(&self) -> Option<usize> {
        self.0.state().budget
    }

    /// Gives every segment with no living buffer in it back to the source; returns how many bytes that were.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the source refused one, now or earlier; the rest has gone back all the same.
    pub fn trim(&self) -> Result<usize> {
        self.0.trim()
    }

    /// The ledger of this memory.
    pub fn ledger(&self) -> Ledger {
        Ledger(self.0.clone())
    }

    /// Opens a stretch in which every allocation must also be released; [`LeakCheck::finish`] checks.
    pub fn expect_no_leaks(&self) -> LeakCheck {
        let ledger = self.ledger();
        LeakCheck { start: ledger.sequence(), ledger }
    }

    fn limit(&self, budget: Budget) -> Result<usize> {
        match budget {
            Budget::Bytes(bytes) => Ok(bytes),
            Budget::Percent(percent) if (0.0..=100.0).contains(&percent) => {
                let (_, total) = self.0.source.capacity().ok_or_else(|| {
                    Error::argument("set_budget", format!("{} does not tell its total memory", self.name()))
                })?;
                Ok((total as f64 * percent / 100.0) as usize)
            }
            Budget::Percent(percent) => {
                Err(Error::argument("set_budget", format!("{percent} is no percentage from 0 to 100")))
            }
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({})", self.name())
    }
}
