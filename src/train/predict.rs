//! Classifies samples of which nothing is known.

use std::path::PathBuf;

use serde::Serialize;

use super::options::{TrainOptions, within};
use super::samples::inputs;
use super::saved;
use crate::data::load_unlabelled;
use crate::device::{Device, DeviceChoice};
use crate::error::{Error, Result};

/// Everything a prediction can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictOptions {
    /// The file that holds the weights.
    pub model: PathBuf,
    /// Files of samples: PNG images, `.npy` arrays, tables.
    pub files: Vec<PathBuf>,
    /// A column of tables to pass over, by name or by number from 1.
    pub label: Option<String>,
    /// How many classes to name for each sample.
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
    /// The likeliest classes, likeliest first.
    pub classes: Vec<Likely>,
}

/// A class and how likely it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Likely {
    /// Its name.
    pub name: String,
    /// Its probability, 0 to 1.
    pub probability: f64,
}

/// Classifies the samples of all files, in order.
///
/// # Errors
/// A model or a file that cannot be read or does not fit the other, or a device that cannot be used.
pub fn predict(options: &PredictOptions) -> Result<Vec<Prediction>> {
    options.check()?;
    let device = Device::open(options.device)?;
    let saved::Model { plan, network, normalisation, weights, .. } = saved::load(&options.model, &device)?;
    let outputs = network.output().iter().product();
    let names = saved::class_names(&weights, outputs, &options.model)?;
    let features = network.input().iter().product();
    let mut predictions = Vec::new();
    for file in &options.files {
        let set = load_unlabelled(file, options.label.as_deref(), features)?;
        let set = plan.accept(set).map_err(|rule| Error::data(file, format!("does not fit the model: it {rule}")))?;
        let samples = set.samples();
        let all: Vec<usize> = (0..samples).collect();
        for indices in all.chunks(options.batch_size) {
            let batch = inputs(&set, &normalisation, indices, network.input(), &device)?;
            let probabilities = network.infer(&batch.arrive()?)?.softmax()?.to_vec::<f32>()?;
            for (&sample, row) in indices.iter().zip(probabilities.chunks(outputs)) {
                let mut classes: Vec<usize> = (0..outputs).collect();
                classes.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
                let likely = |&class: &usize| Likely { name: names[class].clone(), probability: row[class].into() };
                let classes = classes.iter().take(options.top).map(likely).collect();
                predictions.push(Prediction { file: file.clone(), sample, samples, classes });
            }
        }
    }
    Ok(predictions)
}
