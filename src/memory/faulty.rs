//! A source that fails on purpose, so that running out of memory is a test and not a rumour.

use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::source::{Refused, Source};

/// A source that refuses chosen acquisitions and surrenders of the source it wraps. Clones share the plan, so a test
/// keeps one and hands the other to [`Memory`](super::Memory).
///
/// The pool asks a second time after giving its cached segments back: `refuse(n..n + 1)` shows that a passing shortage
/// is survived, `refuse(n..n + 2)` fails one allocation, `refuse(n..)` all of them. Without pooling every allocation is
/// an acquisition.
///
/// ```
/// use rectify::memory::{Faulty, Host, Memory, Options, Stream};
/// let faulty = Faulty::new(Host);
/// let memory = Memory::with(faulty.clone(), Options { pooled: false, ..Options::default() });
/// faulty.refuse(1..);
/// assert!(memory.allocate(100, Stream::MAIN).is_ok());
/// assert!(memory.allocate(100, Stream::MAIN).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Faulty {
    source: Arc<dyn Source>,
    acquires: Arc<Mutex<Plan>>,
    surrenders: Arc<Mutex<Plan>>,
}

impl Faulty {
    /// Wraps `source`; nothing fails until asked for.
    pub fn new(source: impl Source + 'static) -> Self {
        Self { source: Arc::new(source), acquires: Arc::default(), surrenders: Arc::default() }
    }

    /// Refuses the acquisitions numbered in `range`, counted from 0 at this call; replaces the plan before it.
    pub fn refuse(&self, range: impl RangeBounds<u64>) {
        *lock(&self.acquires) = Plan::new(range);
    }

    /// Fails the surrenders numbered in `range`, counted from 0 at this call. The memory does go back: only the answer
    /// is false, so that a test leaks nothing.
    pub fn refuse_surrender(&self, range: impl RangeBounds<u64>) {
        *lock(&self.surrenders) = Plan::new(range);
    }

    /// How many acquisitions were tried since the last [`refuse`](Self::refuse).
    pub fn acquisitions(&self) -> u64 {
        lock(&self.acquires).count
    }
}

// SAFETY: every range comes from and goes back to the wrapped source.
unsafe impl Source for Faulty {
    fn name(&self) -> String {
        self.source.name()
    }

    fn acquire(&self, bytes: usize) -> Result<u64, Refused> {
        if lock(&self.acquires).fails_now() { Err(Refused::Exhausted) } else { self.source.acquire(bytes) }
    }

    unsafe fn surrender(&self, address: u64, bytes: usize) -> Result<(), String> {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { self.source.surrender(address, bytes)? };
        if lock(&self.surrenders).fails_now() { Err("a planned failure".to_owned()) } else { Ok(()) }
    }

    fn capacity(&self) -> Option<(usize, usize)> {
        self.source.capacity()
    }

    fn granule(&self) -> usize {
        self.source.granule()
    }

    unsafe fn poison(&self, address: u64, bytes: usize) {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { self.source.poison(address, bytes) };
    }
}

/// Which calls fail: those numbered in `range`.
#[derive(Debug)]
struct Plan {
    count: u64,
    range: (Bound<u64>, Bound<u64>),
}

impl Plan {
    fn new(range: impl RangeBounds<u64>) -> Self {
        Self { count: 0, range: (range.start_bound().cloned(), range.end_bound().cloned()) }
    }

    fn fails_now(&mut self) -> bool {
        let fails = self.range.contains(&self.count);
        self.count += 1;
        fails
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new(0..0)
    }
}

fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}
