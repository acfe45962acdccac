//! What a run tells while it goes on: plain data, for a terminal, a file or another program.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::Serialize;

use super::score::Score;
use crate::report::ClassScores;

/// Receives the events of a run in order; [`ControlFlow::Break`] asks it to save what it has and stop.
pub type Watch<'a> = &'a mut dyn FnMut(Event) -> ControlFlow<()>;

/// One thing that happened; as JSON, an object whose field `event` says which.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Data and model are ready, the first step comes next.
    Start(Start),
    /// An optimiser step was made.
    Step(Step),
    /// An epoch was finished and the test samples were classified.
    Epoch(Epoch),
    /// The run is over and its folder is complete.
    Done(Done),
}

/// What is about to run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Start {
    /// The device, as on the command line: `cpu`, `cuda:0`.
    pub device: String,
    /// The element type of the parameters.
    pub dtype: String,
    /// That of what the network computes.
    pub compute: String,
    /// The model in words, with the activations of the hidden layers and the output: `64-128-64-10 relu, linear`.
    pub model: String,
    /// The data, as on the command line.
    pub data: String,
    /// How many numbers are trained.
    pub parameters: usize,
    /// Samples to train on.
    pub train_samples: usize,
    /// Samples to test on.
    pub test_samples: usize,
    /// Epochs to make.
    pub epochs: usize,
    /// Optimiser steps in each epoch.
    pub steps_per_epoch: usize,
}

/// One optimiser step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// The epoch it belongs to, from 1.
    pub epoch: usize,
    /// Steps since the start, from 1.
    pub step: usize,
    /// Mean loss over the batch, before the step.
    pub loss: f64,
    /// How good the model was on the batch, before the step.
    #[serde(flatten)]
    pub score: Score,
    /// Samples trained on since the start.
    pub samples: usize,
    /// Seconds of training since the start.
    pub seconds: f64,
}

/// One pass over the training samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// Which one, from 1.
    pub epoch: usize,
    /// Steps since the start.
    pub steps: usize,
    /// Mean loss over the training samples as they were trained on.
    pub train_loss: f64,
    /// How good the model was on them; as fields, `train_accuracy` and so on.
    #[serde(flatten, serialize_with = "Score::of_training")]
    pub train: Score,
    /// Mean loss over the test samples, after the epoch.
    pub test_loss: f64,
    /// How good the model is on them; as fields, `test_accuracy` and so on.
    #[serde(flatten, serialize_with = "Score::of_test")]
    pub test: Score,
    /// Seconds of training since the start, without the tests.
    pub seconds: f64,
    /// Samples trained on per second in this epoch.
    pub samples_per_second: f64,
}

impl Epoch {
    /// The names of the fields in a run on values or on classes, in the order of a table's columns.
    pub fn columns(of_values: bool) -> Vec<String> {
        let score = |part: &'static str| Score::names(of_values).iter().map(move |name| format!("{part}_{name}"));
        let [start, train, test, end] =
            [&["epoch", "steps"][..], &["train_loss"], &["test_loss"], &["seconds", "samples_per_second"]]
                .map(|names| names.iter().map(|&name| name.to_owned()));
        start.chain(train).chain(score("train")).chain(test).chain(score("test")).chain(end).collect()
    }

    /// The fields as numbers, in the order of the columns.
    pub(super) fn numbers(&self) -> Vec<f64> {
        let Self { epoch, steps, train_loss, train, test_loss, test, seconds, samples_per_second } = self;
        let mut numbers = vec![*epoch as f64, *steps as f64, *train_loss];
        numbers.extend(train.figures().iter().map(|(_, figure)| figure));
        numbers.push(*test_loss);
        numbers.extend(test.figures().iter().map(|(_, figure)| figure));
        numbers.extend([seconds, samples_per_second]);
        numbers
    }

    /// The epoch of these fields; none for another number of them.
    pub(super) fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let &[epoch, steps, train_loss, ref scores @ .., seconds, samples_per_second] = numbers else { return None };
        let (train, rest) = scores.split_at_checked(scores.len().checked_sub(1)? / 2)?;
        let (&test_loss, test) = rest.split_first()?;
        // Both are of classes, or both of values.
        if train.len() != test.len() {
            return None;
        }
        let (train, test) = (Score::of_figures(train)?, Score::of_figures(test)?);
        let (epoch, steps) = (epoch as usize, steps as usize);
        Some(Self { epoch, steps, train_loss, train, test_loss, test, seconds, samples_per_second })
    }
}

/// A finished run, or one that was asked to stop and saved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Done {
    /// The device, as on the command line.
    pub device: String,
    /// The element type of the parameters.
    pub dtype: String,
    /// How many numbers were trained.
    pub parameters: usize,
    /// Epochs finished.
    pub epochs: usize,
    /// Optimiser steps made.
    pub steps: usize,
    /// Mean training loss of the last epoch.
    pub train_loss: f64,
    /// Mean test loss after the last epoch.
    pub test_loss: f64,
    /// How good the model is on the test samples; as fields, `test_accuracy` and so on.
    #[serde(flatten, serialize_with = "Score::of_test")]
    pub test: Score,
    /// Seconds of training, without the tests.
    pub seconds: f64,
    /// Samples trained on per second.
    pub samples_per_second: f64,
    /// The most bytes of device memory alive at any moment.
    pub peak_bytes: usize,
    /// Bytes alive before the last step.
    pub live_bytes_before_step: usize,
    /// Bytes alive after it: the same, or something leaks.
    pub live_bytes_after_step: usize,
    /// The seed of everything random.
    pub seed: u64,
    /// The file that holds the weights.
    pub model: PathBuf,
}

/// A trained model, measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename = "evaluation")]
pub struct Evaluation {
    /// The device, as on the command line.
    pub device: String,
    /// The element type of the parameters.
    pub dtype: String,
    /// The file that holds the weights.
    pub model: PathBuf,
    /// Samples it was tried on.
    pub samples: usize,
    /// Their mean loss.
    pub loss: f64,
    /// How good it is on them.
    #[serde(flatten)]
    pub figures: Figures,
    /// Seconds it took.
    pub seconds: f64,
    /// Samples per second.
    pub samples_per_second: f64,
}

/// How good a model is, as far as that can be told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figures {
    /// At telling classes.
    Classes(Box<ClassFigures>),
    /// At predicting values.
    Values {
        /// The mean over the targets.
        #[serde(flatten)]
        score: Score,
        /// The figures of each target.
        targets: Vec<Target>,
    },
}

/// How well values of one name are predicted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// The share of its variance that is explained, 1 at best.
    pub r2: f64,
    /// The mean distance of predictions, in its unit.
    pub mae: f64,
    /// The root of the mean squared distance, in its unit.
    pub rmse: f64,
}

/// How well classes are told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Share of the samples classified right, 0 to 1.
    pub accuracy: f64,
    /// Share of them whose class is among the three that were thought likeliest.
    pub top_3_accuracy: f64,
    /// Mean recall of the classes that have samples.
    pub balanced_accuracy: f64,
    /// Correlation of truth and prediction, -1 to 1.
    pub matthews: f64,
    /// The mean over classes.
    pub macro_average: ClassScores,
    /// All decisions counted together.
    pub micro_average: ClassScores,
    /// The mean over classes, weighted by their samples.
    pub weighted_average: ClassScores,
    /// The figures of each class.
    pub classes: Vec<Class>,
    /// How many samples of each class (row) were taken for each class (column); none for more than 256 classes.
    pub confusion: Vec<Vec<u64>>,
}

/// How well one class is recognised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub scores: ClassScores,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_an_epoch_are_its_fields() {
        let classes = |accuracy| Score::Classes { accuracy };
        let values = |r2| Score::Values { r2, mae: r2 + 10.0 };
        for (train, test, of_values) in [(classes(0.75), classes(1.0), false), (values(0.5), values(-0.25), true)] {
            let epoch = Epoch {
                epoch: 1,
                steps: 2,
                train_loss: 0.5,
                train,
                test_loss: 0.25,
                test,
                seconds: 3.0,
                samples_per_second: 4.0,
            };
            let columns = Epoch::columns(of_values);
            assert_eq!(Epoch::from_numbers(&epoch.numbers()), Some(epoch));
            assert_eq!(epoch.numbers().len(), columns.len());
            assert_eq!(Epoch::from_numbers(&epoch.numbers()[1..]), None);
            let json = serde_json::to_string(&epoch).unwrap();
            let fields = json.trim_matches(['{', '}']).split(',').zip(&columns).zip(epoch.numbers());
            for ((field, column), number) in fields {
                let (name, value) = field.split_once(':').unwrap();
                assert_eq!((name, value.parse()), (format!("\"{column}\"").as_str(), Ok(number)), "{json}");
            }
            assert_eq!(json.matches(':').count(), columns.len());
            assert!(serde_json::to_string(&Event::Epoch(epoch)).unwrap().starts_with(r#"{"event":"epoch","epoch":1,"#));
        }
    }
}
