//! Passes over samples, and the share that a model gets right.

use rectify::data::{Batch, Batches, Loader};
use rectify::{Result, Tensor};

/// Hands shuffled batches of `batch` samples to `step`, for so many epochs.
///
/// # Errors
/// Sizes that do not fit, memory runs out, or a step fails.
pub fn each_batch(
    loader: Loader,
    (batch, epochs): (usize, u32),
    mut step: impl FnMut(Batch) -> Result<()>,
) -> Result<()> {
    let batches = Batches::new(loader.samples().samples(), batch)?.shuffled(1);
    (0..epochs).flat_map(|epoch| loader.epoch(&batches, epoch)).try_for_each(|batch| step(batch?))
}

/// The share of samples whose greatest logit is that of their label.
///
/// # Errors
/// Sizes that do not fit, or memory runs out.
pub fn accuracy(loader: Loader, infer: impl Fn(&Tensor) -> Result<Tensor>) -> Result<f64> {
    let samples = loader.samples().samples();
    let mut right = 0;
    for batch in loader.epoch(&Batches::new(samples, 256)?, 0) {
        let Batch { inputs, targets } = batch?;
        let (classes, labels) = (infer(&inputs)?.argmax(1)?.to_vec::<i64>()?, targets.to_vec::<u32>()?);
        right += classes.iter().zip(labels).filter(|(class, label)| **class == i64::from(*label)).count();
    }
    Ok(right as f64 / samples as f64)
}
