//! The bookkeeping behind the ledger: counters, totals by label, living buffers, the peak, the log of events.
//!
//! Recording one allocation and one release is a handful of additions: no hashing, no strings, no system calls.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize, Serializer};

use super::pool::{Block, Place};
use super::stream::Stream;
use crate::scope::Label;

/// What the ledger knows of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BufferRecord {
    /// The buffer's number, counting allocations from 1.
    pub id: u64,
    /// Bytes asked for.
    pub bytes: usize,
    /// The scopes open when it was allocated.
    #[serde(serialize_with = "label_path")]
    pub label: Label,
    /// The stream it belongs to.
    pub stream: Stream,
    /// Sequence number of the allocation.
    pub birth: u64,
    /// Where it lies; none for a buffer of no bytes.
    pub place: Option<Place>,
}

/// An allocation or a release. Both count on one sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The position in the order of all events of this memory, from 1.
    pub sequence: u64,
    /// What happened.
    #[serde(rename = "event")]
    pub kind: EventKind,
    /// The buffer it happened to.
    #[serde(flatten)]
    pub buffer: BufferRecord,
}

/// What an [`Event`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A buffer was allocated.
    Allocate,
    /// The last handle on a buffer was dropped.
    Release,
}

/// What was allocated under one label. Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// In living buffers.
    pub live_bytes: usize,
    /// Living buffers.
    pub live_count: usize,
    /// The most ever in living buffers of this label, or since the peak was reset.
    pub peak_bytes: usize,
    /// In all buffers ever allocated.
    pub total_bytes: u64,
    /// Buffers ever allocated.
    pub total_count: u64,
}

impl Totals {
    fn allocate(&mut self, bytes: usize) {
        self.live_bytes += bytes;
        self.live_count += 1;
        self.peak_bytes = self.peak_bytes.max(self.live_bytes);
        self.total_bytes += bytes as u64;
        self.total_count += 1;
    }

    fn release(&mut self, bytes: usize) {
        self.live_bytes -= bytes;
        self.live_count -= 1;
    }
}

/// Index of a living buffer in the book.
pub(super) type Slot = u32;

#[derive(Debug, Default)]
pub(super) struct Book {
    sequence: u64,
    whole: Totals,
    /// At the index of each label that ever allocated.
    by_label: Vec<Option<(Label, Totals)>>,
    living: Vec<Option<Living>>,
    vacant: Vec<Slot>,
    /// The sequence number at which the peak was first reached.
    peak_sequence: u64,
    /// What was alive at the peak and has been released since: with the living of that time it is the whole peak, so
    /// no snapshot is ever taken.
    fallen: Vec<BufferRecord>,
    log: Vec<Event>,
    recordings: usize,
}

#[derive(Debug, Clone, Copy)]
struct Living {
    id: u64,
    bytes: usize,
    label: Label,
    stream: Stream,
    birth: u64,
    block: Option<Block>,
}

impl Living {
    fn record(&self) -> BufferRecord {
        let Self { id, bytes, label, stream, birth, block } = *self;
        BufferRecord { id, bytes, label, stream, birth, place: block.map(|block| block.place) }
    }
}

impl Book {
    /// The sequence number of the last event.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Gives a sequence number to something that is neither an allocation nor a release.
    pub fn tick(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub fn whole(&self) -> Totals {
        self.whole
    }

    /// The totals of a label, zero if nothing was ever allocated under it.
    pub fn totals(&self, label: Label) -> Totals {
        self.by_label.get(label.index()).copied().flatten().map_or_else(Totals::default, |(_, totals)| totals)
    }

    /// Every label that ever allocated, most live bytes first, then highest peak, then oldest.
    pub fn by_label(&self) -> Vec<(Label, Totals)> {
        let used = self.by_label.iter().flatten().copied();
        let mut totals: Vec<_> = used.collect();
        totals.sort_by_key(|&(label, totals)| (Reverse((totals.live_bytes, totals.peak_bytes)), label));
        totals
    }

    pub fn living(&self) -> impl Iterator<Item = BufferRecord> {
        self.living.iter().flatten().map(Living::record)
    }

    /// Where a living buffer lies.
    pub fn place(&self, slot: Slot) -> Option<Place> {
        let living = self.living.get(slot as usize)?.as_ref()?;
        living.block.map(|block| block.place)
    }

    /// What was alive when the peak was first reached, in no particular order.
    pub fn at_peak(&self) -> impl Iterator<Item = BufferRecord> {
        self.living().filter(|record| record.birth <= self.peak_sequence).chain(self.fallen.iter().copied())
    }

    /// Starts the peak, of the whole and of every label, over from what is alive now.
    pub fn reset_peak(&mut self) {
        self.whole.peak_bytes = self.whole.live_bytes;
        self.by_label.iter_mut().flatten().for_each(|(_, totals)| totals.peak_bytes = totals.live_bytes);
        self.peak_sequence = self.sequence;
        self.fallen.clear();
    }

    /// Counts an allocation and returns its slot and id.
    #[inline]
    pub fn allocate(&mut self, bytes: usize, label: Label, stream: Stream, block: Option<Block>) -> (Slot, u64) {
        self.sequence += 1;
        let before = self.whole.peak_bytes;
        self.whole.allocate(bytes);
        if self.whole.peak_bytes > before {
            self.peak_sequence = self.sequence;
            self.fallen.clear();
        }
        if label.index() >= self.by_label.len() {
            self.by_label.resize(label.index() + 1, None);
        }
        let (_, totals) = self.by_label[label.index()].get_or_insert((label, Totals::default()));
        totals.allocate(bytes);
        let (id, birth) = (self.whole.total_count, self.sequence);
        let living = Living { id, bytes, label, stream, birth, block };
        if self.recordings > 0 {
            self.log(EventKind::Allocate, living.record());
        }
        (self.seat(living), id)
    }

    /// Counts a release and returns the block the buffer held.
    #[inline]
    pub fn release(&mut self, slot: Slot) -> Option<Block> {
        let living = self.living.get_mut(slot as usize)?.take()?;
        self.vacant.push(slot);
        self.sequence += 1;
        self.whole.release(living.bytes);
        if let Some(Some((_, totals))) = self.by_label.get_mut(living.label.index()) {
            totals.release(living.bytes);
        }
        if living.birth <= self.peak_sequence {
            self.fallen.push(living.record());
        }
        if self.recordings > 0 {
            self.log(EventKind::Release, living.record());
        }
        living.block
    }

    /// Events are kept while anyone records.
    pub fn start_recording(&mut self) {
        self.recordings += 1;
    }

    pub fn stop_recording(&mut self) {
        self.recordings -= 1;
        if self.recordings == 0 {
            self.log = Vec::new();
        }
    }

    /// The recorded events after a sequence number.
    pub fn events_since(&self, sequence: u64) -> &[Event] {
        &self.log[self.log.partition_point(|event| event.sequence <= sequence)..]
    }

    fn seat(&mut self, living: Living) -> Slot {
        if let Some(slot) = self.vacant.pop() {
            self.living[slot as usize] = Some(living);
            return slot;
        }
        self.living.push(Some(living));
        (self.living.len() - 1) as Slot
    }

    #[cold]
    fn log(&mut self, kind: EventKind, buffer: BufferRecord) {
        self.log.push(Event { sequence: self.sequence, kind, buffer });
    }
}

/// The path of a label as people read it.
pub(super) fn shown(label: Label) -> String {
    if label == Label::ROOT { "(unlabelled)".to_owned() } else { label.path() }
}

pub(super) fn label_path<S: Serializer>(label: &Label, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(*label))
}
