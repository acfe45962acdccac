//! A buffer: a receipt for device memory. Dropping it is the release.

use std::fmt;

use super::Shared;
use super::book::Slot;
use super::pool::Place;
use super::stream::Stream;
use crate::lasting::Lasting;
use crate::scope::Label;

/// A range of device memory, released when dropped.
///
/// Not `Clone`: tensors and views share one by `Arc`, so the release happens once, when the last of them goes. The drop
/// records the release with the next sequence number and returns the block to the pool; it calls no driver.
pub struct Buffer {
    pub(super) shared: Lasting<Shared>,
    pub(super) slot: Slot,
    pub(super) id: u64,
    pub(super) address: u64,
    pub(super) bytes: usize,
    pub(super) label: Label,
    pub(super) stream: Stream,
}

impl Buffer {
    /// The device address, aligned to 64 bytes or more on every source; no memory lies behind it when `bytes` is 0.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The size asked for, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The buffer's number, counting the allocations of its memory from 1.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The scopes that were open when it was allocated.
    pub fn label(&self) -> Label {
        self.label
    }

    /// The stream it belongs to: the release takes effect at that point of this stream's work.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Makes it a buffer of another stream, which waits for all work on its own stream from here on
    /// ([`Memory::depend`](super::Memory::depend)): the release takes effect there.
    pub fn move_to(&mut self, stream: Stream) {
        self.stream = stream;
    }

    /// Where it lies in the pool: the same in every run. None for a buffer of no bytes.
    pub fn place(&self) -> Option<Place> {
        self.shared.state().book.place(self.slot)
    }

    /// Notes that work queued on another stream uses this buffer. Call it after queueing. Released before its own stream
    /// waits for that work ([`Memory::depend`](super::Memory::depend)), the memory stays out of reuse until it does.
    pub fn used_on(&self, stream: Stream) {
        if stream != self.stream {
            self.shared.note_use(self.slot, stream);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.shared.release(self);
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, address, bytes, stream, .. } = self;
        write!(f, "Buffer {{ id: {id}, bytes: {bytes}, label: {:?}, ", self.label.path())?;
        write!(f, "stream: {}, address: {address:#x}, place: {:?} }}", stream.index(), self.place())
    }
}
