//! Classifies samples with a model and counts what it gets right.

use std::time::Instant;

use super::event::Evaluation;
use super::options::EvalOptions;
use super::samples::{NextBatch, load};
use crate::checkpoint::Weights;
use crate::data::{Batches, Dataset};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::{Activation, Mlp};
use crate::tensor::Tensor;

/// What a model made of a set of samples.
pub struct Verdicts {
    /// The mean loss.
    pub loss: f64,
    /// For each sample in order: the class it was taken for, and the probability given to that.
    pub predictions: Vec<(usize, f64)>,
}

impl Verdicts {
    /// The share of predictions that are the truth, 0 to 1.
    pub fn accuracy(&self, dataset: &Dataset) -> f64 {
        let pairs = self.predictions.iter().zip(dataset.labels());
        let right = pairs.filter(|((class, _), label)| *class == **label as usize).count();
        right as f64 / self.predictions.len().max(1) as f64
    }
}

/// Classifies every sample, `batch_size` at a time.
pub fn classify(model: &Mlp, dataset: &Dataset, batch_size: usize) -> Result<Verdicts> {
    let mut verdicts = Verdicts { loss: 0.0, predictions: Vec::with_capacity(dataset.samples()) };
    for indices in Batches::new(dataset.samples(), batch_size)?.epoch(0) {
        let batch = NextBatch::new(dataset, &indices, model.device())?.arrive()?;
        let logits = model.infer(&batch.images)?;
        let (losses, _) = logits.cross_entropy(&batch.labels, None)?;
        verdicts.loss += losses.sum(&[])?.item()?;
        let probabilities = logits.softmax()?;
        let classes = logits.argmax(1)?.to_vec::<i64>()?;
        let confidence = probabilities.max(&[1])?.to_vec::<f32>()?;
        let pairs = classes.into_iter().zip(confidence);
        verdicts.predictions.extend(pairs.map(|(class, confidence)| (class as usize, f64::from(confidence))));
    }
    verdicts.loss /= dataset.samples().max(1) as f64;
    Ok(verdicts)
}

/// Measures a saved model on the test samples of a source.
///
/// # Errors
/// A model or data file that cannot be read or does not fit the other, or a device that cannot be used.
pub fn evaluate(options: &EvalOptions) -> Result<Evaluation> {
    let device = Device::open(options.device)?;
    let weights = Weights::load(&options.model)?;
    let word = |name: &str| {
        let missing = || Error::data(&options.model, format!("holds no '{name}': it is not a model saved by train"));
        weights.metadata.get(name).ok_or_else(missing)
    };
    let activation: Activation = word("activation")?.parse()?;
    let seed = word("seed")?.parse().map_err(|_| Error::data(&options.model, "holds a seed that is no number"))?;
    let test = load(&options.data, seed)?.test;
    let model = Mlp::described(word("sizes")?, activation)?.build(&device)?;
    let (inputs, pixels) = (model.sizes()[0], test.geometry().features());
    if inputs != pixels {
        let rule = format!("takes {inputs} inputs, and the samples have {pixels} pixels");
        return Err(Error::data(&options.model, rule));
    }
    let mut tensors = Vec::new();
    for tensor in &weights.tensors {
        let numbers: Vec<f32> =
            tensor.bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        tensors.push((tensor.name.as_str(), Tensor::from_slice(&numbers, &tensor.shape, &device)?));
    }
    model.parameters().load(tensors.iter().map(|(name, tensor)| (*name, tensor)))?;
    let start = Instant::now();
    let verdicts = classify(&model, &test, options.batch_size)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Evaluation {
        device: device.name(),
        dtype: model.dtype().to_string(),
        model: options.model.clone(),
        samples: test.samples(),
        loss: verdicts.loss,
        accuracy: verdicts.accuracy(&test),
        seconds,
        samples_per_second: test.samples() as f64 / seconds,
    })
}
