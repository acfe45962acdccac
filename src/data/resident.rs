//! Samples that all lie on a device, where batches are gathered from them.

use super::loader::{Batch, Loader};
use crate::error::Result;
use crate::scope;
use crate::tensor::Tensor;

/// The part of a device's free memory that samples may take.
const SHARE: usize = 4;

/// All samples of a set on a device: a batch is where its samples are among them, and takes no more of the host than that.
#[derive(Debug, Clone)]
pub struct Resident(Batch);

impl Resident {
    /// The samples of a loader, as it makes tensors of them; none where they would take more than a quarter of the device's free
    /// memory, or the device does not tell.
    ///
    /// # Errors
    /// As [`Loader::all`].
    pub fn of(loader: &Loader<'_>) -> Result<Option<Self>> {
        let samples = loader.samples();
        let numbers = samples.geometry().features() + samples.value_names().len().max(1);
        let bytes = samples.samples().saturating_mul(numbers * size_of::<f32>());
        let room = loader.device().memory().capacity().map_or(0, |(free, _)| free / SHARE);
        if bytes > room {
            return Ok(None);
        }
        let _scope = scope::enter("samples");
        loader.all().map(|samples| Some(Self(samples)))
    }

    /// The samples at these places: integers, shape `[samples]`.
    ///
    /// # Errors
    /// A place past the end, or memory runs out.
    pub fn batch(&self, places: &Tensor) -> Result<Batch> {
        let _scope = scope::enter("batch");
        Ok(Batch { inputs: self.0.inputs.gather(0, places)?, targets: self.0.targets.gather(0, places)? })
    }
}
