//! Says of samples, of which nothing is known, what a model takes them for.

use std::path::PathBuf;

use serde::Serialize;

use super::loss::Loss;
use super::options::{TrainOptions, within};
use super::saved::{self, Outputs};
use crate::data::{Normalisation, load_unlabelled};
use crate::device::{Device, DeviceChoice};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Everything a prediction can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictOptions {
    /// The file that holds the weights.
    pub model: PathBuf,
    /// Files of samples: PNG images, `.npy` arrays, tables.
    pub files: Vec<PathBuf>,
    /// Columns of tables to pass over, by name or by number from 1.
    pub pass_over: Vec<String>,
    /// How many classes to name for each sample, where a model tells classes.
    pub top: usize,
    /// Samples per forward pass.
    pub batch_size: usize,
    /// Where to compute.
    pub device: DeviceChoice,
}

impl PredictOptions {
    /// Whether predictions can be made of this.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the option, its value and the rule it breaks.
    pub fn check(&self) -> Result<()> {
        if !self.model.is_file() {
            return Err(Error::argument("model", format!("'{}' is not a file", self.model.display())));
        }
        within("top", "classes", self.top, 1, crate::data::Dataset::MAX_CLASSES)?;
        within("batch-size", "samples", self.batch_size, 1, TrainOptions::MAX_BATCH)
    }
}

/// What a model takes a sample for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename = "prediction")]
pub struct Prediction {
    /// The file of the sample.
    pub file: PathBuf,
    /// Its place in the file, from 0.
    pub sample: usize,
    /// How many samples the file has.
    pub samples: usize,
    /// What it says.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What a model says of a sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The likeliest classes, likeliest first.
    Classes(Vec<Likely>),
    /// Values, in the order that they were learned in.
    Values(Vec<Predicted>),
}

/// A value that was predicted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Predicted {
    /// Its name.
    pub name: String,
    /// The value, in the unit of those that were learned.
    pub value: f64,
}

/// A class and how likely it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Likely {
    /// Its name.
    pub name: String,
    /// Its probability, 0 to 1.
    pub probability: f64,
}

/// What the model says of the samples of all files, in order.
///
/// # Errors
/// A model or a file that cannot be read or does not fit the other, or a device that cannot be used.
pub fn predict(options: &PredictOptions) -> Result<Vec<Prediction>> {
    options.check()?;
    let device = Device::open(options.device)?;
    let saved::Model { plan, network, preparation, loss, outputs, .. } = saved::load(&options.model, &device)?;
    let features = network.input().iter().product();
    let mut predictions = Vec::new();
    for file in &options.files {
        let set = load_unlabelled(file, &options.pass_over, features)?;
        let set = plan.accept(set).map_err(|rule| Error::data(file, format!("does not fit the model: it {rule}")))?;
        let samples = set.samples();
        let all: Vec<usize> = (0..samples).collect();
        for indices in all.chunks(options.batch_size) {
            let inputs = preparation.loader(&set, network.input(), &device).prefetch_inputs(indices)?.arrive()?;
            let answers = answers(&network.infer(&inputs)?, loss, &outputs, &preparation.targets, options.top)?;
            let told = indices.iter().zip(answers);
            predictions.extend(told.map(|(&sample, answer)| Prediction {
                file: file.clone(),
                sample,
                samples,
                answer,
            }));
        }
    }
    Ok(predictions)
}

/// What the results of some samples say, `[samples, outputs]`.
fn answers(results: &Tensor, loss: Loss, outputs: &Outputs, units: &Normalisation, top: usize) -> Result<Vec<Answer>> {
    Ok(match outputs {
        Outputs::Classes(names) => {
            let probabilities = loss.probabilities(results)?.to_vec::<f32>()?;
            let likeliest = |row: &[f32]| {
                let mut classes: Vec<usize> = (0..row.len()).collect();
                classes.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
                let likely = |&class: &usize| Likely { name: names[class].clone(), probability: row[class].into() };
                Answer::Classes(classes.iter().take(top).map(likely).collect())
            };
            probabilities.chunks(names.len()).map(likeliest).collect()
        }
        Outputs::Values(names) => {
            let value = |(nth, (name, &result)): (usize, (&String, &f32))| Predicted {
                name: name.clone(),
                value: units.undo(nth, result.into()),
            };
            let values = |row: &[f32]| Answer::Values(names.iter().zip(row).enumerate().map(value).collect());
            results.to_vec::<f32>()?.chunks(names.len()).map(values).collect()
        }
    })
}
