//! Samples as tensors, passes over them, and the share that a model gets right.

use rectify::data::{Batches, Dataset, Normalisation};
use rectify::{Device, Result, Tensor};

/// Samples with inputs from 0 to 1, shape [samples, sizes...], and labels, shape `[samples]`.
pub struct Samples {
    /// What a model sees.
    pub inputs: Tensor,
    /// What it is to say.
    pub labels: Tensor,
}

/// The samples of these indices, each of these sizes.
///
/// # Errors
/// An index past the end, sizes that do not fit, or memory runs out; as for all of them.
pub fn at(set: &Dataset, indices: &[usize], sizes: &[usize], device: &Device) -> Result<Samples> {
    let mut floats = vec![0.0; indices.len() * set.geometry().features()];
    set.normalise(indices, &Normalisation::UNIT, &mut floats)?;
    let inputs = Tensor::from_slice(&floats, &[&[indices.len()], sizes].concat(), device)?;
    Ok(Samples { inputs, labels: Tensor::from_slice(&set.labels_at(indices)?, &[indices.len()], device)? })
}

/// All samples, each of these sizes.
pub fn all(set: &Dataset, sizes: &[usize], device: &Device) -> Result<Samples> {
    at(set, &(0..set.samples()).collect::<Vec<_>>(), sizes, device)
}

/// Hands shuffled batches of `batch` samples to `step`, for so many epochs.
pub fn each_batch(
    set: &Dataset,
    (batch, epochs): (usize, u32),
    sizes: &[usize],
    device: &Device,
    mut step: impl FnMut(Samples) -> Result<()>,
) -> Result<()> {
    let batches = Batches::new(set.samples(), batch)?.shuffled(1);
    for indices in (0..epochs).flat_map(|epoch| batches.epoch(epoch)) {
        step(at(set, &indices, sizes, device)?)?;
    }
    Ok(())
}

/// The share of samples whose greatest logit is that of their label.
pub fn accuracy(
    set: &Dataset,
    sizes: &[usize],
    device: &Device,
    infer: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<f64> {
    let mut right = 0;
    for indices in Batches::new(set.samples(), 256)?.epoch(0) {
        let classes: Vec<i64> = infer(&at(set, &indices, sizes, device)?.inputs)?.argmax(1)?.to_vec()?;
        right +=
            classes.iter().zip(set.labels_at(&indices)?).filter(|(class, label)| **class == i64::from(*label)).count();
    }
    Ok(right as f64 / set.samples() as f64)
}
