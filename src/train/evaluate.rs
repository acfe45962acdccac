//! Classifies samples with a model and counts what it gets right.

use std::time::Instant;

use super::event::{Class, Evaluation};
use super::options::EvalOptions;
use super::samples::{NextBatch, load};
use super::saved;
use crate::data::{Batches, Dataset, Normalisation};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::report::scores::top_k_hits;
use crate::report::{Average, Confusion};

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
pub fn classify(model: &Network, dataset: &Dataset, by: &Normalisation, batch_size: usize) -> Result<Verdicts> {
    let mut verdicts = Verdicts { loss: 0.0, predictions: Vec::with_capacity(dataset.samples()), in_top_3: 0 };
    for indices in Batches::new(dataset.samples(), batch_size)?.epoch(0) {
        let batch = NextBatch::new(dataset, by, &indices, model.input(), model.device())?.arrive()?;
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
    let saved::Model { plan, network: model, normalisation, seed, weights } = saved::load(&options.model, &device)?;
    let test = load(&options.data, options.label.as_deref(), seed)?.test;
    let test = plan.accept(test).map_err(|rule| Error::data(&options.model, rule))?;
    let outputs = model.output().iter().product();
    let names = saved::class_names(&weights, outputs, &options.model)?;
    saved::check_classes(&names, &test, &options.model)?;
    let start = Instant::now();
    let verdicts = classify(&model, &test, &normalisation, options.batch_size)?;
    let seconds = start.elapsed().as_secs_f64();
    let confusion = verdicts.confusion(&test, &names)?;
    let named = names.into_iter().zip(confusion.per_class());
    Ok(Evaluation {
        device: device.name(),
        dtype: model.parameters().flat().dtype().to_string(),
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
