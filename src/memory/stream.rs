//! Streams, and what each of them knows of the others.

use serde::Serialize;

/// A queue of device work that runs in order. Work on two streams is ordered only by
/// [`Memory::depend`](super::Memory::depend).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Stream(u32);

impl Stream {
    /// The first stream of every device: the one that computes.
    pub const MAIN: Self = Self(0);

    /// A small number that identifies the stream within its [`Memory`](super::Memory).
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A position in the work of a stream: everything up to a sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub stream: Stream,
    pub sequence: u64,
}

/// A vector clock: for each stream, up to which sequence number it has waited for each other stream.
#[derive(Debug, Default)]
pub(super) struct Clocks(Vec<Vec<u64>>);

impl Clocks {
    /// From now on work on `to` waits for all work on `from`, and for all that `from` itself waited for.
    pub fn depend(&mut self, from: Stream, to: Stream, now: u64) {
        let streams = self.0.len().max(from.index().max(to.index()) + 1);
        self.0.resize_with(streams, Vec::new);
        let inherited = self.0[from.index()].clone();
        let clock = &mut self.0[to.index()];
        clock.resize(streams, 0);
        clock.iter_mut().zip(inherited).for_each(|(own, other)| *own = other.max(*own));
        clock[from.index()] = now;
    }

    /// Whether work queued on `stream` from now on runs after `point`. Sequence 0 is memory no work ever touched.
    pub fn follows(&self, stream: Stream, point: Point) -> bool {
        stream == point.stream || point.sequence <= self.waited_for(stream, point.stream)
    }

    fn waited_for(&self, stream: Stream, other: Stream) -> u64 {
        self.0.get(stream.index()).and_then(|clock| clock.get(other.index())).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_covers_the_past_not_the_future_and_is_transitive() {
        let [a, b, c] = [Stream(0), Stream(1), Stream(2)];
        let mut clocks = Clocks::default();
        let at = |stream, sequence| Point { stream, sequence };
        assert!(clocks.follows(a, at(a, 9)) && !clocks.follows(b, at(a, 1)) && clocks.follows(b, at(a, 0)));
        clocks.depend(a, b, 5);
        assert!(clocks.follows(b, at(a, 5)) && !clocks.follows(b, at(a, 6)) && !clocks.follows(a, at(b, 1)));
        clocks.depend(b, c, 7);
        assert!(clocks.follows(c, at(a, 5)) && !clocks.follows(c, at(a, 6)) && clocks.follows(c, at(b, 7)));
    }
}
