//! The pool: segments from the source, cut into small and large blocks. Knows addresses, calls nobody.

use serde::Serialize;

use super::arena::{Arena, Node};
use super::bins::{Bins, SMALL, Small};
use super::source::SEGMENT_ALIGNMENT;
use super::stream::{Clocks, Point, Stream};
use crate::scope::Label;

/// Small blocks are cut from segments of this size; larger segments are multiples of it.
const STEP: usize = 2 << 20;

/// Where a block lies: the same in every run of the same program, unlike an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The segment; numbers of segments given back are used again.
    pub segment: u32,
    /// Bytes from the start of the segment.
    pub offset: usize,
}

/// A range handed out by the pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub address: u64,
    pub place: Place,
    pub size: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Small(u32),
    Large(Node),
}

/// A range taken from the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub address: u64,
    pub size: usize,
    /// The allocation it was taken for.
    pub label: Label,
}

/// How large a segment to take for a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentSize {
    /// What serves the requests to come as well.
    pub preferred: usize,
    /// What this request needs.
    pub least: usize,
}

#[derive(Debug)]
pub(super) struct Pool {
    pooled: bool,
    segment_size: usize,
    clocks: Clocks,
    bins: Bins,
    arena: Arena,
    segments: Vec<Option<Held>>,
    lasting: Vec<Lasting>,
    reserved: usize,
    used: usize,
}

#[derive(Debug)]
struct Held {
    segment: Segment,
    blocks_in_use: usize,
    /// How many lasting streams had blocks of it.
    lasting: usize,
}

/// A stream whose work may run again at any time, and the segments it had blocks of: they stay.
#[derive(Debug)]
struct Lasting {
    stream: Stream,
    segments: Vec<u32>,
}

impl Pool {
    pub fn new(pooled: bool, segment_size: usize, granule: usize) -> Self {
        Self {
            pooled,
            segment_size,
            clocks: Clocks::default(),
            bins: Bins::new(granule),
            arena: Arena::default(),
            segments: Vec::new(),
            lasting: Vec::new(),
            reserved: 0,
            used: 0,
        }
    }

    /// Bytes taken from the source.
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// Bytes in blocks handed out, rounding included.
    pub fn used(&self) -> usize {
        self.used
    }

    /// A free block of at least `bytes` (not 0) that `stream` may use now.
    #[inline]
    pub fn take(&mut self, bytes: usize, stream: Stream) -> Option<Block> {
        let block = if self.is_small(bytes) {
            let small = self.bins.take(self.bins.class(bytes), stream, &self.clocks)?;
            self.small(small)
        } else {
            let node = self.arena.take(self.round(bytes)?, stream, &self.clocks)?;
            self.large(node)
        };
        block.inspect(|block| self.count(block, stream))
    }

    /// The size of the segment to add when [`take`](Self::take) finds nothing; none if `bytes` has no rounded size.
    pub fn segment_size(&self, bytes: usize) -> Option<SegmentSize> {
        let least = self.round(bytes)?;
        let preferred = match () {
            () if !self.pooled => least,
            () if self.is_small(bytes) => STEP.min(self.segment_size).max(least),
            () if least < self.segment_size => self.segment_size,
            () => least.checked_next_multiple_of(STEP)?,
        };
        Some(SegmentSize { preferred, least })
    }

    /// Adds a segment of at least the least size for `bytes` and takes a block of it.
    pub fn add(&mut self, segment: Segment, bytes: usize, stream: Stream) -> Option<Block> {
        let index = self.segments.iter().position(Option::is_none).unwrap_or(self.segments.len());
        if index == self.segments.len() {
            self.segments.push(None);
        }
        self.segments[index] = Some(Held { segment, blocks_in_use: 0, lasting: 0 });
        self.reserved += segment.size;
        if self.is_small(bytes) {
            self.bins.add_segment(index as u32, segment.size);
            return self.take(bytes, stream);
        }
        let node = self.arena.add_segment(index as u32, segment.size, self.round(bytes)?, stream);
        self.large(node).inspect(|block| self.count(block, stream))
    }

    /// Releases a block at a point of its stream.
    #[inline]
    pub fn give(&mut self, block: Block, at: Point) {
        let Place { segment, offset } = block.place;
        match block.kind {
            Kind::Small(class) => self.bins.give(Small { segment, offset, class }, at),
            Kind::Large(node) => self.arena.give(node, at),
        }
        self.used -= block.size;
        if let Some(Some(held)) = self.segments.get_mut(segment as usize) {
            held.blocks_in_use -= 1;
        }
    }

    /// From now on work on `to` waits for all work on `from`.
    pub fn depend(&mut self, from: Stream, to: Stream, now: u64) {
        self.clocks.depend(from, to, now);
    }

    /// From now on the work of a stream may run again at any time: segments it has blocks of stay, used or not.
    pub fn keep(&mut self, stream: Stream) {
        self.lasting.push(Lasting { stream, segments: Vec::new() });
    }

    /// The work of a stream [kept](Self::keep) does not run again.
    pub fn let_go(&mut self, stream: Stream) {
        let ended = self.lasting.extract_if(.., |lasting| lasting.stream == stream);
        for segment in ended.flat_map(|lasting| lasting.segments) {
            if let Some(Some(held)) = self.segments.get_mut(segment as usize) {
                held.lasting -= 1;
            }
        }
    }

    /// Whether work queued on `stream` from now on runs after `point`.
    pub fn follows(&self, stream: Stream, point: Point) -> bool {
        self.clocks.follows(stream, point)
    }

    /// Every segment taken from the source and not given back.
    pub fn segments(&self) -> impl Iterator<Item = Segment> {
        self.segments.iter().flatten().map(|held| held.segment)
    }

    /// Takes every segment with no block in use, now or when work runs again, out of the pool, to be given back to the source.
    pub fn detach_unused(&mut self) -> Vec<Segment> {
        let mut detached = Vec::new();
        for (index, slot) in self.segments.iter_mut().enumerate() {
            if let Some(Held { segment, .. }) = slot.take_if(|held| held.blocks_in_use + held.lasting == 0) {
                self.bins.forget_segment(index as u32);
                self.arena.forget_segment(index as u32);
                self.reserved -= segment.size;
                detached.push(segment);
            }
        }
        detached
    }

    /// Without pooling each block is a segment of exactly its own size, so that a memory checker sees its bounds.
    fn is_small(&self, bytes: usize) -> bool {
        self.pooled && bytes <= SMALL
    }

    fn round(&self, bytes: usize) -> Option<usize> {
        match () {
            () if !self.pooled => Some(bytes),
            () if self.is_small(bytes) => Some(self.bins.size(self.bins.class(bytes))),
            () => bytes.checked_next_multiple_of(SEGMENT_ALIGNMENT),
        }
    }

    fn small(&self, Small { segment, offset, class }: Small) -> Option<Block> {
        self.block(Place { segment, offset }, self.bins.size(class), Kind::Small(class))
    }

    fn large(&self, node: Node) -> Option<Block> {
        let (segment, offset, size) = self.arena.extent(node);
        self.block(Place { segment, offset }, size, Kind::Large(node))
    }

    fn block(&self, place: Place, size: usize, kind: Kind) -> Option<Block> {
        let held = self.segments.get(place.segment as usize)?.as_ref()?;
        Some(Block { address: held.segment.address + place.offset as u64, place, size, kind })
    }

    fn count(&mut self, block: &Block, stream: Stream) {
        self.used += block.size;
        let segment = block.place.segment;
        let Some(Some(held)) = self.segments.get_mut(segment as usize) else { return };
        held.blocks_in_use += 1;
        let lasting = self.lasting.iter_mut().find(|lasting| lasting.stream == stream);
        if let Some(lasting) = lasting.filter(|lasting| !lasting.segments.contains(&segment)) {
            lasting.segments.push(segment);
            held.lasting += 1;
        }
    }
}
