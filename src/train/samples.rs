//! Samples on the device: features normalised, and labels.

use super::choices::DataSource;
use crate::data::{self, Dataset, Normalisation, Split};
use crate::device::Device;
use crate::error::Result;
use crate::tensor::{Prefetched, Tensor};

/// The training and test samples of a source, whose labels are in the column `label` of a table.
pub fn load(source: &DataSource, label: Option<&str>, seed: u64) -> Result<Split> {
    match source {
        DataSource::Digits => data::digits(),
        DataSource::Synthetic(count) => data::synthetic(*count, seed),
        DataSource::Path(path) => data::load(path, label, seed),
    }
}

/// A batch on the device.
pub struct Batch {
    /// Shape [samples, features] or [samples, height, width, channels], F32, normalised.
    pub images: Tensor,
    /// Shape [samples], U32.
    pub labels: Tensor,
    /// The labels on the host.
    pub truth: Vec<u32>,
}

/// A batch on its way to the device, while the one before it is worked on.
pub struct NextBatch {
    images: Prefetched,
    labels: Prefetched,
    truth: Vec<u32>,
}

impl NextBatch {
    /// The samples of these indices in the form of the inputs of a model: `[features]`, or [height, width, channels].
    pub fn new(
        dataset: &Dataset,
        by: &Normalisation,
        indices: &[usize],
        input: &[usize],
        device: &Device,
    ) -> Result<Self> {
        let _scope = crate::scope::enter("batch");
        let truth = dataset.labels_at(indices)?;
        let images = inputs(dataset, by, indices, input, device)?;
        let labels = Prefetched::new(&truth, &[truth.len()], device)?;
        Ok(Self { images, labels, truth })
    }

    /// The batch, once it is there.
    pub fn arrive(self) -> Result<Batch> {
        let Self { images, labels, truth } = self;
        Ok(Batch { images: images.arrive()?, labels: labels.arrive()?, truth })
    }

    /// Its size on the device.
    pub fn bytes(&self) -> usize {
        self.images.bytes() + self.labels.bytes()
    }
}

/// The features of the samples of these indices, normalised, in the form of the inputs of a model, on their way to the device.
pub fn inputs(
    dataset: &Dataset,
    by: &Normalisation,
    indices: &[usize],
    input: &[usize],
    device: &Device,
) -> Result<Prefetched> {
    let features = dataset.geometry().features();
    let mut floats = vec![0.0; indices.len() * features];
    dataset.normalise(indices, by, &mut floats)?;
    if let &[height, width, channels] = input {
        floats.chunks_exact_mut(features).for_each(|image| channels_last(image, height * width, channels));
    }
    Prefetched::new(&floats, &[&[indices.len()], input].concat(), device)
}

/// An image of planes of so many pixels as one of pixels of so many channels.
fn channels_last(image: &mut [f32], pixels: usize, channels: usize) {
    if channels == 1 {
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
