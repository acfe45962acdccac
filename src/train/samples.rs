//! Samples on the device: pixels scaled to 0..1, and labels.

use super::choices::DataSource;
use crate::data::{self, Dataset, Normalisation, Split};
use crate::device::Device;
use crate::error::Result;
use crate::tensor::{Prefetched, Tensor};

/// The training and test samples of a source.
pub fn load(source: &DataSource, seed: u64) -> Result<Split> {
    match source {
        DataSource::Digits => data::digits(),
        DataSource::Synthetic(count) => data::synthetic(*count, seed),
        DataSource::Folder(path) => data::idx::load_folder(path),
    }
}

/// A batch on the device.
pub struct Batch {
    /// Shape [samples, pixels], F32, 0 to 1.
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
    /// The samples of these indices.
    pub fn new(dataset: &Dataset, indices: &[usize], device: &Device) -> Result<Self> {
        let _scope = crate::scope::enter("batch");
        let features = dataset.geometry().features();
        let mut floats = vec![0.0; indices.len() * features];
        dataset.normalise(indices, &Normalisation::UNIT, &mut floats)?;
        let truth = dataset.labels_at(indices)?;
        let images = Prefetched::new(&floats, &[indices.len(), features], device)?;
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
