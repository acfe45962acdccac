//! What a stream may reuse, kept as a second account beside the pool's: every released range and who touched it last.

use std::collections::{BTreeMap, HashMap};

use rectify::memory::{Buffer, Stream};

const STREAMS: usize = 3;

/// A position in the work of a stream: its number and a time.
type Point = (usize, u64);

/// Released ranges, by start: their end, and the work that must be over before anyone else writes there.
#[derive(Default)]
pub struct Released {
    time: u64,
    waited_for: [[u64; STREAMS]; STREAMS],
    ranges: BTreeMap<u64, (u64, Vec<Point>)>,
    uses: HashMap<u64, Vec<Point>>,
}

impl Released {
    /// Work on `to` waits for all work so far on `from`.
    pub fn depend(&mut self, from: Stream, to: Stream) {
        let inherited = self.waited_for[from.index()];
        let clock = &mut self.waited_for[to.index()];
        clock.iter_mut().zip(inherited).for_each(|(own, other)| *own = other.max(*own));
        clock[from.index()] = self.time;
    }

    /// Work on another stream touched a living buffer.
    pub fn used_on(&mut self, buffer: &Buffer, stream: Stream) {
        let point = self.tick(stream);
        self.uses.entry(buffer.id()).or_default().push(point);
    }

    /// The last handle on a buffer goes.
    pub fn release(&mut self, buffer: &Buffer) {
        let mut points = self.uses.remove(&buffer.id()).unwrap_or_default();
        points.push(self.tick(buffer.stream()));
        if buffer.bytes() > 0 {
            self.ranges.insert(buffer.address(), (end(buffer), points));
        }
    }

    /// A buffer was allocated: whatever touched its range before must be over for its stream.
    pub fn assert_may_use(&mut self, buffer: &Buffer) {
        let (start, end) = (buffer.address(), end(buffer));
        let below = self.ranges.range(..end).rev().take_while(|(_, (old_end, _))| *old_end > start);
        for old_start in below.map(|(&start, _)| start).collect::<Vec<_>>() {
            let Some((old_end, points)) = self.ranges.remove(&old_start) else { continue };
            let waited_for = self.waited_for[buffer.stream().index()];
            let early =
                points.iter().find(|(stream, time)| *stream != buffer.stream().index() && waited_for[*stream] < *time);
            assert_eq!(early, None, "{buffer:?} reuses a range without waiting for its last use");
            if old_start < start {
                self.ranges.insert(old_start, (start, points.clone()));
            }
            if old_end > end {
                self.ranges.insert(end, (old_end, points));
            }
        }
    }

    /// Unused segments went back to the device: their ranges may come again as fresh memory.
    pub fn forget(&mut self) {
        self.ranges.clear();
    }

    fn tick(&mut self, stream: Stream) -> Point {
        self.time += 1;
        (stream.index(), self.time)
    }
}

fn end(buffer: &Buffer) -> u64 {
    buffer.address() + buffer.bytes() as u64
}
