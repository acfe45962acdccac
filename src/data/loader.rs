//! Samples as tensors: batches on a device, each on its way while the one before it is worked on.

use super::batches::Batches;
use super::dataset::Dataset;
use super::normalise::Normalisation;
use super::parts::Targets;
use crate::device::Device;
use crate::error::Result;
use crate::scope;
use crate::tensor::{Prefetched, Tensor};

/// Makes tensors of the samples of a set.
///
/// ```
/// use rectify::data::{self, Batches, Loader};
/// use rectify::Device;
/// let (digits, device) = (data::digits()?.train, Device::cpu());
/// let loader = Loader::new(&digits, &[8, 8, 1], &device);
/// let batches = Batches::new(digits.samples(), 64)?.shuffled(7);
/// for batch in loader.epoch(&batches, 0) {
///     let batch = batch?;
///     assert_eq!(batch.inputs.shape()[1..], [8, 8, 1]);
///     assert_eq!(batch.targets.shape()[0], batch.inputs.shape()[0]);
/// }
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Loader<'a> {
    samples: &'a Dataset,
    sizes: &'a [usize],
    device: &'a Device,
    inputs: &'a Normalisation,
    targets: &'a Normalisation,
}

/// Samples on a device.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Shape [samples, sizes...], F32, normalised.
    pub inputs: Tensor,
    /// Labels, shape `[samples]`, U32; or values, shape [samples, width], F32, normalised.
    pub targets: Tensor,
}

/// Samples on their way to a device.
#[derive(Debug)]
pub struct PrefetchedBatch {
    inputs: Prefetched,
    targets: Prefetched,
}

impl<'a> Loader<'a> {
    /// Tensors on `device`, in which each input has these sizes: `[features]`, or [height, width, channels] for images. Pixels are
    /// shares of the maximum, numbers as they are.
    pub fn new(samples: &'a Dataset, sizes: &'a [usize], device: &'a Device) -> Self {
        Self { samples, sizes, device, inputs: &Normalisation::UNIT, targets: &Normalisation::UNIT }
    }

    /// The set.
    pub fn samples(&self) -> &'a Dataset {
        self.samples
    }

    /// The device.
    pub fn device(&self) -> &'a Device {
        self.device
    }

    /// The same with inputs, and targets that are values, normalised so.
    #[must_use]
    pub fn normalised(self, inputs: &'a Normalisation, targets: &'a Normalisation) -> Self {
        Self { inputs, targets, ..self }
    }

    /// Begins to copy the samples of these indices to the device, beside the work queued there.
    ///
    /// # Errors
    /// An index past the end, sizes that are not those of the samples, memory runs out, or the device failed; as for all of them.
    pub fn prefetch(&self, indices: &[usize]) -> Result<PrefetchedBatch> {
        let _scope = scope::enter("batch");
        let inputs = self.prefetch_inputs(indices)?;
        let targets = match self.samples.targets() {
            Targets::Classes { .. } => {
                Prefetched::new(&self.samples.labels_at(indices)?, &[indices.len()], self.device)?
            }
            Targets::Values { names, .. } => {
                let values = self.samples.values_at(indices, self.targets)?;
                Prefetched::new(&values, &[indices.len(), names.len()], self.device)?
            }
        };
        Ok(PrefetchedBatch { inputs, targets })
    }

    /// As [`prefetch`](Self::prefetch), without targets.
    ///
    /// # Errors
    /// As [`prefetch`](Self::prefetch).
    pub fn prefetch_inputs(&self, indices: &[usize]) -> Result<Prefetched> {
        let features = self.samples.geometry().features();
        let mut floats = vec![0.0; indices.len() * features];
        self.samples.normalise(indices, self.inputs, &mut floats)?;
        if let &[height, width, channels] = self.sizes {
            floats.chunks_exact_mut(features).for_each(|image| channels_last(image, height * width, channels));
        }
        Prefetched::new(&floats, &[&[indices.len()], self.sizes].concat(), self.device)
    }

    /// The samples of these indices.
    ///
    /// # Errors
    /// As [`prefetch`](Self::prefetch).
    pub fn batch(&self, indices: &[usize]) -> Result<Batch> {
        self.prefetch(indices)?.arrive()
    }

    /// All samples.
    ///
    /// # Errors
    /// As [`prefetch`](Self::prefetch).
    pub fn all(&self) -> Result<Batch> {
        self.batch(&(0..self.samples.samples()).collect::<Vec<_>>())
    }

    /// The batches of an epoch, in order; while one is worked on, the next one is on its way.
    pub fn epoch(self, batches: &Batches, epoch: u32) -> impl Iterator<Item = Result<Batch>> + use<'a> {
        let mut coming = batches.epoch(epoch).map(move |indices| self.prefetch(&indices));
        let mut next = coming.next();
        std::iter::from_fn(move || {
            let batch = next.take()?.and_then(PrefetchedBatch::arrive);
            // Behind a failure comes nothing.
            next = if batch.is_ok() { coming.next() } else { None };
            Some(batch)
        })
    }
}

impl PrefetchedBatch {
    /// The batch: work queued from here on waits for it, the host does not.
    ///
    /// # Errors
    /// The device failed.
    pub fn arrive(self) -> Result<Batch> {
        Ok(Batch { inputs: self.inputs.arrive()?, targets: self.targets.arrive()? })
    }

    /// Its size on the device.
    pub fn bytes(&self) -> usize {
        self.inputs.bytes() + self.targets.bytes()
    }
}

/// An image of planes of so many pixels as one of pixels of so many channels.
fn channels_last(image: &mut [f32], pixels: usize, channels: usize) {
    if channels == 1 || image.len() != pixels * channels {
        return;
    }
    let planes = image.to_vec();
    for (at, value) in image.iter_mut().enumerate() {
        *value = planes[at % channels * pixels + at / channels];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels() {
        let mut image = [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0];
        channels_last(&mut image, 4, 2);
        assert_eq!(image, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0]);
    }
}
