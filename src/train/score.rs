//! How good predictions are, beside the loss.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::samples::Preparation;
use crate::data::Dataset;
use crate::error::Result;
use crate::report::figures::{percent, plain};
use crate::tensor::{Fetched, Tensor};

/// How good predictions are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Score {
    /// Of classes.
    Classes {
        /// The share that is right, 0 to 1.
        accuracy: f64,
    },
    /// Of values.
    Values {
        /// The share of the variance of the targets that is explained: 1 at best; the mean over the targets of a sample.
        r2: f64,
        /// The mean distance from the targets, in their unit; the mean over the targets of a sample.
        mae: f64,
    },
}

impl Score {
    /// The figures by name.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Self::Classes { accuracy } => vec![("accuracy", accuracy)],
            Self::Values { r2, mae } => vec![("r2", r2), ("mae", mae)],
        }
    }

    /// The names of the figures, of values or of classes.
    pub(super) fn names(of_values: bool) -> &'static [&'static str] {
        if of_values { &["r2", "mae"] } else { &["accuracy"] }
    }

    /// The score of these figures; none for another number of them than a score has.
    pub(super) fn of_figures(figures: &[f64]) -> Option<Self> {
        match *figures {
            [accuracy] => Some(Self::Classes { accuracy }),
            [r2, mae] => Some(Self::Values { r2, mae }),
            _ => None,
        }
    }

    /// As fields named for the training samples: `train_accuracy`.
    pub(super) fn of_training<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.prefixed("train", serializer)
    }

    /// As fields named for the test samples: `test_accuracy`.
    pub(super) fn of_test<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.prefixed("test", serializer)
    }

    fn prefixed<S: Serializer>(&self, part: &str, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let figures = self.figures();
        let mut map = serializer.serialize_map(Some(figures.len()))?;
        for (name, value) in figures {
            map.serialize_entry(&format!("{part}_{name}"), &value)?;
        }
        map.end()
    }
}

impl fmt::Display for Score {
    /// `accuracy 97.46 %`, or `R2 0.9312, MAE 2.7000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Classes { accuracy } => write!(f, "accuracy {}", percent(accuracy)),
            Self::Values { r2, mae } => write!(f, "R2 {}, MAE {}", plain(r2), plain(mae)),
        }
    }
}

/// Sums over samples, for their score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Samples that were classified right.
    pub right: usize,
    /// The distance from the targets of each sample, in their unit, as their mean.
    pub absolute: f64,
    /// The squared distance in deviations of the targets.
    pub squares: f64,
}

impl Tally {
    /// The one of results for the samples of these indices.
    pub fn of(results: &Tensor, samples: &Dataset, indices: &[usize], by: &Preparation) -> Result<Self> {
        Self::of_fetched(Self::answers(results, samples)?.fetch()?, samples, indices, by)
    }

    /// What results say: the likeliest class of each sample, or the results themselves where there are no classes.
    pub fn answers(results: &Tensor, samples: &Dataset) -> Result<Tensor> {
        if samples.classes() > 0 { results.argmax(1) } else { Ok(results.clone()) }
    }

    /// As [`of`](Self::of), from [answers](Self::answers) that were fetched.
    pub fn of_fetched(answers: Fetched, samples: &Dataset, indices: &[usize], by: &Preparation) -> Result<Self> {
        if samples.classes() > 0 {
            let (classes, labels) = (answers.to_vec::<i64>()?, samples.labels_at(indices)?);
            let right = classes.iter().zip(labels).filter(|(class, label)| **class == i64::from(*label)).count();
            return Ok(Self { right, ..Self::default() });
        }
        let (predicted, values) = (answers.to_vec::<f32>()?, samples.values_at(indices, &by.targets)?);
        let width = samples.value_names().len();
        let mut tally = Self::default();
        for (place, (predicted, value)) in predicted.iter().zip(values).enumerate() {
            let apart = f64::from(predicted - value);
            let unit = by.targets.undo(place % width, 1.0) - by.targets.undo(place % width, 0.0);
            tally.absolute += apart.abs() * unit / width as f64;
            tally.squares += apart.powi(2) / width as f64;
        }
        Ok(tally)
    }

    /// Takes other samples in.
    pub fn add(&mut self, other: Self) {
        self.right += other.right;
        self.absolute += other.absolute;
        self.squares += other.squares;
    }

    /// The score of so many samples in all.
    pub fn score(&self, samples: usize, of_values: bool) -> Score {
        let samples = samples as f64;
        match of_values {
            true => Score::Values { r2: 1.0 - self.squares / samples, mae: self.absolute / samples },
            false => Score::Classes { accuracy: self.right as f64 / samples },
        }
    }
}
