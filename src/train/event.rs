//! What a run tells while it goes on: plain data, for a terminal, a file or another program.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::Serialize;

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
    /// Share of the batch classified right, 0 to 1, before the step.
    pub accuracy: f64,
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
    /// Share of them classified right, 0 to 1.
    pub train_accuracy: f64,
    /// Mean loss over the test samples, after the epoch.
    pub test_loss: f64,
    /// Share of them classified right, 0 to 1.
    pub test_accuracy: f64,
    /// Seconds of training since the start, without the tests.
    pub seconds: f64,
    /// Samples trained on per second in this epoch.
    pub samples_per_second: f64,
}

impl Epoch {
    /// The fields, in the order of a table's columns.
    pub const COLUMNS: [&str; 8] = [
        "epoch",
        "steps",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "seconds",
        "samples_per_second",
    ];

    /// The fields as numbers, in the order of the columns.
    pub(super) fn numbers(&self) -> [f64; 8] {
        let Self { epoch, steps, train_loss, train_accuracy, test_loss, test_accuracy, seconds, samples_per_second } =
            *self;
        let (epoch, steps) = (epoch as f64, steps as f64);
        [epoch, steps, train_loss, train_accuracy, test_loss, test_accuracy, seconds, samples_per_second]
    }

    /// The epoch of these fields.
    pub(super) fn from_numbers(numbers: [f64; 8]) -> Self {
        let [epoch, steps, train_loss, train_accuracy, test_loss, test_accuracy, seconds, samples_per_second] = numbers;
        let (epoch, steps) = (epoch as usize, steps as usize);
        Self { epoch, steps, train_loss, train_accuracy, test_loss, test_accuracy, seconds, samples_per_second }
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
    /// Share of the test samples classified right, 0 to 1.
    pub test_accuracy: f64,
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
    /// Samples classified.
    pub samples: usize,
    /// Their mean loss.
    pub loss: f64,
    /// Share of them classified right, 0 to 1.
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
    /// Seconds it took.
    pub seconds: f64,
    /// Samples per second.
    pub samples_per_second: f64,
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
        let epoch = Epoch {
            epoch: 1,
            steps: 2,
            train_loss: 0.5,
            train_accuracy: 0.75,
            test_loss: 0.25,
            test_accuracy: 1.0,
            seconds: 3.0,
            samples_per_second: 4.0,
        };
        assert_eq!(Epoch::from_numbers(epoch.numbers()), epoch);
        let json = serde_json::to_string(&epoch).unwrap();
        let places: Vec<_> = Epoch::COLUMNS.iter().map(|name| json.find(&format!("\"{name}\":"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{json}");
        assert_eq!(json.matches(':').count(), Epoch::COLUMNS.len());
        assert!(serde_json::to_string(&Event::Epoch(epoch)).unwrap().starts_with(r#"{"event":"epoch","epoch":1,"#));
    }
}
