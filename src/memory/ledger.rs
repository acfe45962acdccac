//! The ledger: what is alive, what was at the peak, who holds it, what was released and when.

use super::Shared;
use super::book::{BufferRecord, Event, EventKind, Totals};
use super::report::{Report, holders, oldest_first};
use crate::error::{Error, Result};
use crate::lasting::Lasting;
use crate::scope::Label;

/// Everything known about the buffers of one [`Memory`](super::Memory). Reading it never changes what it counts.
#[derive(Debug, Clone)]
pub struct Ledger(pub(super) Lasting<Shared>);

impl Ledger {
    /// Bytes in living buffers, as asked for.
    pub fn live_bytes(&self) -> usize {
        self.0.state().book.whole().live_bytes
    }

    /// Living buffers.
    pub fn live_count(&self) -> usize {
        self.0.state().book.whole().live_count
    }

    /// The most bytes ever in living buffers, or since [`reset_peak`](Self::reset_peak).
    pub fn peak_bytes(&self) -> usize {
        self.0.state().book.whole().peak_bytes
    }

    /// Starts the peak over from what is alive now, for every label too.
    pub fn reset_peak(&self) {
        self.0.state().book.reset_peak();
    }

    /// The totals over all labels.
    pub fn totals(&self) -> Totals {
        self.0.state().book.whole()
    }

    /// The totals of one label, scopes inside it not included.
    pub fn of_label(&self, label: Label) -> Totals {
        self.0.state().book.totals(label)
    }

    /// The totals of every label that ever allocated, most live bytes first, then highest peak, then oldest.
    pub fn by_label(&self) -> Vec<(Label, Totals)> {
        self.0.state().book.by_label()
    }

    /// Every living buffer, oldest first.
    pub fn live_buffers(&self) -> Vec<BufferRecord> {
        oldest_first(self.0.state().book.living())
    }

    /// Every buffer that was alive when the peak was first reached, oldest first. Their bytes add up to the peak.
    pub fn at_peak(&self) -> Vec<BufferRecord> {
        oldest_first(self.0.state().book.at_peak())
    }

    /// Bytes taken from the device: living, rounded up, and cached.
    pub fn reserved_bytes(&self) -> usize {
        self.0.state().pool.reserved()
    }

    /// Bytes taken from the device and free to reuse.
    pub fn cached_bytes(&self) -> usize {
        let state = self.0.state();
        state.pool.reserved() - state.pool.used()
    }

    /// How often the device was asked for memory and gave it.
    pub fn driver_allocations(&self) -> u64 {
        self.0.state().driver_allocations
    }

    /// The sequence number of the last event: a mark for [`Recording::events_since`].
    pub fn sequence(&self) -> u64 {
        self.0.state().book.sequence()
    }

    /// Keeps every event from now on until the guard is dropped: about 80 bytes each.
    pub fn record(&self) -> Recording {
        let mut state = self.0.state();
        state.book.start_recording();
        Recording { start: state.book.sequence(), ledger: self.clone() }
    }

    /// All of the above as a page to print or to export.
    pub fn report(&self) -> Report {
        Report::new(&self.0)
    }
}

/// A log of events, kept while it lives.
#[derive(Debug)]
#[must_use = "recording stops when this is dropped"]
pub struct Recording {
    ledger: Ledger,
    start: u64,
}

impl Recording {
    /// Every allocation and release since the recording began, in order.
    pub fn events(&self) -> Vec<Event> {
        self.events_since(self.start)
    }

    /// Every event after a [`sequence`](Ledger::sequence) number.
    pub fn events_since(&self, mark: u64) -> Vec<Event> {
        self.ledger.0.state().book.events_since(mark.max(self.start)).to_vec()
    }

    /// The buffers released since the recording began, in order of release.
    pub fn release_order(&self) -> Vec<BufferRecord> {
        self.release_order_since(self.start)
    }

    /// The buffers released after a [`sequence`](Ledger::sequence) number, in order of release.
    pub fn release_order_since(&self, mark: u64) -> Vec<BufferRecord> {
        let events = self.events_since(mark).into_iter();
        events.filter(|event| event.kind == EventKind::Release).map(|event| event.buffer).collect()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.ledger.0.state().book.stop_recording();
    }
}

/// A promise that nothing allocated from here on outlives [`finish`](Self::finish), on any thread.
#[derive(Debug)]
#[must_use = "nothing is checked until finish is called"]
pub struct LeakCheck {
    pub(super) ledger: Ledger,
    pub(super) start: u64,
}

impl LeakCheck {
    /// Checks the promise.
    ///
    /// # Errors
    ///
    /// [`Error::Leak`] names the labels of the buffers still alive, the largest holders first.
    pub fn finish(self) -> Result<()> {
        let leaked: Vec<_> =
            self.ledger.live_buffers().into_iter().filter(|record| record.birth > self.start).collect();
        if leaked.is_empty() {
            return Ok(());
        }
        let holders = holders(leaked.iter().copied()).into_iter();
        Err(Error::Leak {
            count: leaked.len(),
            bytes: leaked.iter().map(|record| record.bytes).sum(),
            holders: holders.map(|(label, bytes)| format!("{label}: {bytes}")).collect(),
        })
    }
}
