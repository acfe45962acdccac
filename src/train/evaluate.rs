//! Classifies samples with a model and counts what it gets right.

use std::time::Instant;

use super::event::{Class, Evaluation};
use super::options::EvalOptions;
use super::samples::{NextBatch, load};
use super::saved;
use crate::checkpoint::Weights;
use crate::data::{Batches, Dataset, Normalisation};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::{Activation, Mlp};
use crate::report::scores::top_k_hits;
use crate::report::{Average, Confusion};
use crate::tensor::Tensor;

/// The most classes whose confusion is told whole.
const MAX_TOLD: usize = 256;

/// What a model made of a set of samples.
pub struct Verdicts {
    /// The mean loss.
    pub loss: f64,
    /// For each sample in order: the class it was taken for, and the probability given to that.
    pub predictions: Vec<(usize, f64)>,
    /// Samples whose class is among the three likeliest.
    pub in_top_3: usize,
}

impl Verdicts {
    /// The share of predictions that are the truth, 0 to 1.
    pub fn accuracy(&self, dataset: &Dataset) -> f64 {
        let pairs = self.predictions.iter().zip(dataset.labels());
        let right = pairs.filter(|((class, _), label)| *class == **label as usize).count();
        right as f64 / self.predictions.len().max(1) as f64
    }

    /// The counts of true and predicted classes of these names.
    pub fn confusion(&self, dataset: &Dataset, names: &[String]) -> Result<Confusion> {
        let truth = dataset.labels().iter().map(|&label| label as usize);
        Confusion::count(names.to_vec(), truth.zip(self.predictions.iter().map(|&(class, _)| class)))
    }
}

/// Classifies every sample, `batch_size` at a time.
pub fn classify(model: &Mlp, dataset: &Dataset, by: &Normalisation, batch_size: usize) -> Result<Verdicts> {
    let mut verdicts = Verdicts { loss: 0.0, predictions: Vec::with_capacity(dataset.samples()), in_top_3: 0 };
    for indices in Batches::new(dataset.samples(), batch_size)?.epoch(0) {
        let batch = NextBatch::new(dataset, by, &indices, model.device())?.arrive()?;
        let logits = model.infer(&batch.images)?;
        let (losses, _) = logits.cross_entropy(&batch.labels, None)?;
        verdicts.loss += losses.sum(&[])?.item()?;
        let probabilities = logits.softmax()?;
        let classes = logits.argmax(1)?.to_vec::<i64>()?;
        let confidence = probabilities.max(&[1])?.to_vec::<f32>()?;
        let pairs = classes.into_iter().zip(confidence);
        verdicts.predictions.extend(pairs.map(|(class, confidence)| (class as usize, f64::from(confidence))));
        let scores = logits.to_vec::<f32>()?;
        verdicts.in_top_3 += top_k_hits(&scores, scores.len() / batch.truth.len(), &batch.truth, 3)?;
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
    let mut weights = Weights::load(&options.model)?;
    let normalisation = saved::detach_normalisation(&mut weights, &options.model)?;
    let word = |name: &str| {
        let missing = || Error::data(&options.model, format!("holds no '{name}': it is not a model saved by train"));
        weights.metadata.get(name).ok_or_else(missing)
    };
    let activation: Activation = word("activation")?.parse()?;
    let seed = word("seed")?.parse().map_err(|_| Error::data(&options.model, "holds a seed that is no number"))?;
    let test = load(&options.data, options.label.as_deref(), seed)?.test;
    let model = Mlp::described(word("sizes")?, activation)?.build(&device)?;
    let (inputs, features) = (model.sizes()[0], test.geometry().features());
    if inputs != features {
        let rule = format!("takes {inputs} inputs, and the samples have {features} features");
        return Err(Error::data(&options.model, rule));
    }
    let mut tensors = Vec::new();
    for tensor in &weights.tensors {
        tensors.push((tensor.name.as_str(), Tensor::from_slice(&saved::numbers(tensor), &tensor.shape, &device)?));
    }
    model.parameters().load(tensors.iter().map(|(name, tensor)| (*name, tensor)))?;
    let outputs = model.sizes().last().copied().unwrap_or(0);
    let names = saved::class_names(&weights, outputs, &test, &options.model)?;
    let start = Instant::now();
    let verdicts = classify(&model, &test, &normalisation, options.batch_size)?;
    let seconds = start.elapsed().as_secs_f64();
    let confusion = verdicts.confusion(&test, &names)?;
    let named = names.into_iter().zip(confusion.per_class());
    Ok(Evaluation {
        device: device.name(),
        dtype: model.dtype().to_string(),
        model: options.model.clone(),
        samples: test.samples(),
        loss: verdicts.loss,
        accuracy: verdicts.accuracy(&test),
        top_3_accuracy: verdicts.in_top_3 as f64 / test.samples() as f64,
        balanced_accuracy: confusion.balanced_accuracy(),
        matthews: confusion.matthews(),
        macro_average: confusion.average(Average::Macro),
        micro_average: confusion.average(Average::Micro),
        weighted_average: confusion.average(Average::Weighted),
        classes: named.map(|(name, scores)| Class { name, scores }).collect(),
        confusion: match outputs {
            1..=MAX_TOLD => confusion.counts.chunks(outputs).map(<[u64]>::to_vec).collect(),
            _ => Vec::new(),
        },
        seconds,
        samples_per_second: test.samples() as f64 / seconds,
    })
}
