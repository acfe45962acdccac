//! Samples on the device: pixels scaled to 0..1, and labels.

use super::choices::DataSource;
use crate::data::{self, Dataset, Normalisation, Split};
use crate::device::Device;
use crate::error::Result;
use crate::tensor::Tensor;

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
    /// Shape [samples], U8.
    pub labels: Tensor,
    /// The labels on the host.
    pub truth: Vec<u8>,
}

impl Batch {
    /// The samples of these indices.
    pub fn new(dataset: &Dataset, indices: &[usize], device: &Device) -> Result<Self> {
        let _scope = crate::scope::enter("batch");
        let pixels = dataset.geometry().pixels();
        let mut floats = vec![0.0; indices.len() * pixels];
        dataset.normalise(indices, Normalisation::UNIT, &mut floats)?;
        let truth = dataset.labels_at(indices)?;
        let images = Tensor::from_slice(&floats, &[indices.len(), pixels], device)?;
        let labels = Tensor::from_slice(&truth, &[truth.len()], device)?;
        Ok(Self { images, labels, truth })
    }
}
