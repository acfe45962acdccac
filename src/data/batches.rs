//! Which samples each training step sees.

use crate::formula::philox::Stream;
use crate::{Error, Result};

/// Sets shuffling apart from everything else drawn with the same seed.
const STREAM: u32 = u32::from_be_bytes(*b"shuf");

/// Cuts the samples of a set into batches, epoch after epoch.
///
/// ```
/// use rectify::data::Batches;
/// let sizes = |batches: Batches| batches.epoch(0).map(|batch| batch.len()).collect::<Vec<_>>();
/// assert_eq!(sizes(Batches::new(10, 4)?), [4, 4, 2]);
/// assert_eq!(sizes(Batches::new(10, 4)?.dropping_remainder()), [4, 4]);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Batches {
    samples: usize,
    size: usize,
    seed: Option<u64>,
    keep_remainder: bool,
}

impl Batches {
    /// Batches of `size` out of `samples`, in order; the last one of an epoch holds what remains.
    ///
    /// # Errors
    /// [`Error::Argument`] for a size of 0 or no samples.
    pub fn new(samples: usize, size: usize) -> Result<Self> {
        if samples == 0 || size == 0 {
            let rule = format!("{samples} samples cannot be cut into batches of {size}: both must be at least 1");
            return Err(Error::argument("batches", rule));
        }
        Ok(Self { samples, size, seed: None, keep_remainder: true })
    }

    /// Shuffles each epoch: the order depends on the seed and the number of the epoch, and on nothing else.
    #[must_use]
    pub fn shuffled(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Leaves out the last batch of an epoch where it is smaller than the others.
    #[must_use]
    pub fn dropping_remainder(self) -> Self {
        Self { keep_remainder: false, ..self }
    }

    /// Batches in one epoch.
    pub fn per_epoch(&self) -> usize {
        if self.keep_remainder { self.samples.div_ceil(self.size) } else { self.samples / self.size }
    }

    /// The batches of one epoch: for each, the indices of its samples.
    pub fn epoch(&self, number: u32) -> Epoch {
        let order = match self.seed {
            Some(seed) => shuffle(self.samples, Stream::new(seed, [0, number, STREAM])),
            None => (0..self.samples).collect(),
        };
        Epoch { order, size: self.size, next: 0, left: self.per_epoch() }
    }
}

/// Iterates over the batches of one epoch.
#[derive(Debug, Clone)]
pub struct Epoch {
    order: Vec<usize>,
    size: usize,
    next: usize,
    left: usize,
}

impl Iterator for Epoch {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        self.left = self.left.checked_sub(1)?;
        let end = self.order.len().min(self.next.saturating_add(self.size));
        let batch = self.order[self.next..end].to_vec();
        self.next = end;
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Epoch {}

/// A permutation of `0..count`, each equally likely (Fisher and Yates).
pub(super) fn shuffle(count: usize, mut stream: Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, stream.below(last as u64 + 1) as usize);
    }
    order
}
