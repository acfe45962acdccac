//! Buffers that a second stream worked on: their blocks wait until their own stream has waited for that work.

use super::book::Slot;
use super::pool::{Block, Pool};
use super::stream::{Point, Stream};

/// Uses by other streams, and the released blocks those uses hold back. Empty as long as there is one stream.
#[derive(Debug, Default)]
pub(super) struct Awaiting {
    uses: Vec<(Slot, Point)>,
    blocks: Vec<HeldBack>,
}

#[derive(Debug)]
struct HeldBack {
    block: Block,
    stream: Stream,
    uses: Vec<Point>,
}

impl Awaiting {
    /// Notes that the buffer in `slot` was used by work on another stream, up to `point`.
    pub fn note(&mut self, slot: Slot, point: Point) {
        let known = self.uses.iter_mut().find(|(user, known)| *user == slot && known.stream == point.stream);
        match known {
            Some((_, known)) => *known = point,
            None => self.uses.push((slot, point)),
        }
    }

    /// Gives a block back to the pool at `now`, or holds it back while its stream has not waited for a use elsewhere.
    #[inline]
    pub fn release(&mut self, slot: Slot, block: Block, now: Point, pool: &mut Pool) {
        if self.uses.is_empty() {
            return pool.give(block, now);
        }
        let uses: Vec<_> = self.uses.extract_if(.., |(user, _)| *user == slot).map(|(_, point)| point).collect();
        if uses.iter().all(|&point| pool.follows(now.stream, point)) {
            return pool.give(block, now);
        }
        self.blocks.push(HeldBack { block, stream: now.stream, uses });
    }

    /// Gives back the blocks that a new dependency sets free.
    pub fn settle(&mut self, sequence: u64, pool: &mut Pool) {
        let settled = |held: &mut HeldBack| held.uses.iter().all(|&point| pool.follows(held.stream, point));
        let free: Vec<_> = self.blocks.extract_if(.., settled).collect();
        for HeldBack { block, stream, .. } in free {
            pool.give(block, Point { stream, sequence });
        }
    }
}
