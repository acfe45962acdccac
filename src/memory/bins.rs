//! Small blocks: size classes, a stack of free blocks per stream and class, cut from segments front to back.
//!
//! Small blocks never merge. What that can waste is bounded by the peak of each class, and a segment goes back whole
//! once none of its blocks is in use.

use super::stream::{Clocks, Point, Stream};

/// Requests up to this size are small.
pub(super) const SMALL: usize = 64 << 10;

/// Classes of the finest granule, 16 bytes: four exact multiples, then four steps to each doubling.
const CLASSES: usize = 44;

/// A small block: where it lies and which class it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Small {
    pub segment: u32,
    pub offset: usize,
    pub class: u32,
}

/// Free small blocks.
#[derive(Debug)]
pub(super) struct Bins {
    granule: usize,
    /// `CLASSES` stacks for each stream, oldest release first.
    stacks: Vec<Vec<Free>>,
    fresh: Option<Fresh>,
}

#[derive(Debug, Clone, Copy)]
struct Free {
    segment: u32,
    offset: usize,
    released: u64,
}

/// The part of the newest segment that was never handed out.
#[derive(Debug)]
struct Fresh {
    segment: u32,
    offset: usize,
    end: usize,
}

impl Bins {
    pub fn new(granule: usize) -> Self {
        Self { granule, stacks: Vec::new(), fresh: None }
    }

    /// The class of a request of `bytes`, 1 to [`SMALL`].
    #[inline]
    pub fn class(&self, bytes: usize) -> u32 {
        let last = (bytes - 1) / self.granule;
        if last < 4 {
            return last as u32;
        }
        let octave = last.ilog2() - 2;
        4 * octave + 4 + ((last >> octave) & 3) as u32
    }

    /// The size of a block of `class`.
    #[inline]
    pub fn size(&self, class: u32) -> usize {
        let class = class as usize;
        if class < 4 { (class + 1) * self.granule } else { ((5 + class % 4) * self.granule) << (class / 4 - 1) }
    }

    /// The block of `class` that `stream` released last; else one of another stream whose release it has waited for;
    /// else a fresh one.
    #[inline]
    pub fn take(&mut self, class: u32, stream: Stream, clocks: &Clocks) -> Option<Small> {
        let own = self.stacks.get_mut(stack(class, stream)).and_then(Vec::pop);
        let Free { segment, offset, .. } =
            own.or_else(|| self.take_foreign(class, stream, clocks)).or_else(|| self.cut(class))?;
        Some(Small { segment, offset, class })
    }

    #[inline]
    pub fn give(&mut self, block: Small, at: Point) {
        let index = stack(block.class, at.stream);
        if index >= self.stacks.len() {
            self.stacks.resize_with((at.stream.index() + 1) * CLASSES, Vec::new);
        }
        self.stacks[index].push(Free { segment: block.segment, offset: block.offset, released: at.sequence });
    }

    /// Makes a new segment of `size` bytes the one fresh blocks are cut from.
    pub fn add_segment(&mut self, segment: u32, size: usize) {
        self.fresh = Some(Fresh { segment, offset: 0, end: size });
    }

    /// Forgets every block of a segment that goes back to the source.
    pub fn forget_segment(&mut self, segment: u32) {
        self.stacks.iter_mut().for_each(|stack| stack.retain(|free| free.segment != segment));
        self.fresh.take_if(|fresh| fresh.segment == segment);
    }

    fn take_foreign(&mut self, class: u32, stream: Stream, clocks: &Clocks) -> Option<Free> {
        let mut other = Stream::MAIN;
        for stack in self.stacks.iter_mut().skip(class as usize).step_by(CLASSES) {
            // Releases only get younger towards the top, so the bottom is the one most likely waited for.
            let oldest = stack.first().map(|free| Point { stream: other, sequence: free.released });
            if oldest.is_some_and(|point| clocks.follows(stream, point)) {
                return Some(stack.remove(0));
            }
            other = other.next();
        }
        None
    }

    fn cut(&mut self, class: u32) -> Option<Free> {
        let size = self.size(class);
        let fresh = self.fresh.as_mut().filter(|fresh| fresh.end - fresh.offset >= size)?;
        let block = Free { segment: fresh.segment, offset: fresh.offset, released: 0 };
        fresh.offset += size;
        Some(block)
    }
}

fn stack(class: u32, stream: Stream) -> usize {
    stream.index() * CLASSES + class as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_cover_every_size_with_at_most_a_quarter_to_spare() {
        for granule in [16, 64, 256, 512] {
            let bins = Bins::new(granule);
            let mut before = 0;
            for bytes in 1..=SMALL {
                let class = bins.class(bytes);
                let size = bins.size(class);
                assert!(
                    size >= bytes && size.is_multiple_of(granule),
                    "{bytes} of granule {granule}: class {class} is {size}"
                );
                assert!(
                    size - bytes < granule.max(bytes / 4 + 1),
                    "{bytes} of granule {granule}: {size} wastes too much"
                );
                assert!(class >= before && (class as usize) < CLASSES);
                before = class;
            }
        }
    }
}
