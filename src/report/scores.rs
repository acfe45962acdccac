//! How good predictions are, as numbers.
//!
//! Conventions are scikit-learn's with `zero_division=0`: a share of nothing is 0. Averages run over all classes of the
//! matrix, as scikit-learn's do where it is given all `labels`.

use serde::Serialize;

use super::confusion::Confusion;
use crate::error::{Error, Result};

/// How the figures of classes become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// The mean over classes.
    Macro,
    /// The figure of all decisions counted together.
    Micro,
    /// The mean over classes, each weighted by its samples.
    Weighted,
}

/// The figures of one class against all others, or an average of them; each from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ClassScores {
    /// The share of what was taken for the class that is of it; 0 where nothing was.
    pub precision: f64,
    /// The share of the class that was recognised; 0 where it has no samples.
    pub recall: f64,
    /// The harmonic mean of the two; 0 where both are.
    pub f1: f64,
    /// The share of other classes that was not taken for it; 0 where there are no others.
    pub specificity: f64,
    /// The share of other classes that was; 0 where there are no others.
    pub fall_out: f64,
    /// Samples of the class; of an average, all samples.
    pub support: u64,
}

impl Confusion {
    /// Counts pairs of a true class and a predicted one.
    ///
    /// ```
    /// use rectify::report::{Average, Confusion};
    /// let names = ["cat", "dog"].map(String::from);
    /// let confusion = Confusion::count(names.into(), [(0, 0), (0, 1), (1, 1), (1, 1)])?;
    /// assert_eq!((confusion.counts.as_slice(), confusion.accuracy()), (&[1, 1, 0, 2][..], 0.75));
    /// assert_eq!(confusion.average(Average::Macro).recall, 0.75);
    /// # Ok::<(), rectify::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] for a class without a name.
    pub fn count(classes: Vec<String>, pairs: impl IntoIterator<Item = (usize, usize)>) -> Result<Self> {
        let size = classes.len();
        let mut counts = vec![0; size * size];
        for (truth, prediction) in pairs {
            if truth.max(prediction) >= size {
                let rule = format!("class {} has no name: there are {size}", truth.max(prediction));
                return Err(Error::argument("confusion", rule));
            }
            counts[truth * size + prediction] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// The share of samples that were classified right; 0 without samples.
    pub fn accuracy(&self) -> f64 {
        share(self.samples() - self.wrong(), self.samples())
    }

    /// The mean recall of the classes that have samples; 0 where none has.
    pub fn balanced_accuracy(&self) -> f64 {
        let scores = self.per_class();
        let present = scores.iter().filter(|class| class.support > 0);
        quotient(present.clone().map(|class| class.recall).sum(), present.count() as f64)
    }

    /// Matthews' correlation of truth and prediction, -1 to 1, for any number of classes; 0 where either never changes.
    pub fn matthews(&self) -> f64 {
        let tallies = self.tallies();
        let square = |value: u64| (value as f64).powi(2);
        let samples = self.samples() as f64;
        let right: u64 = tallies.iter().map(|tally| tally.hits).sum();
        let agreement: f64 = tallies.iter().map(|tally| tally.truth() as f64 * tally.taken() as f64).sum();
        let truth = samples * samples - tallies.iter().map(|tally| square(tally.truth())).sum::<f64>();
        let taken = samples * samples - tallies.iter().map(|tally| square(tally.taken())).sum::<f64>();
        quotient(right as f64 * samples - agreement, (truth * taken).sqrt())
    }

    /// The figures of each class.
    pub fn per_class(&self) -> Vec<ClassScores> {
        self.tallies().into_iter().map(Tally::scores).collect()
    }

    /// The figures of all classes together.
    pub fn average(&self, average: Average) -> ClassScores {
        let classes = self.per_class();
        let support = self.samples();
        let weights: Vec<f64> = match average {
            Average::Micro => {
                let all = self.tallies().into_iter().fold(Tally::default(), Tally::plus);
                return ClassScores { support, ..all.scores() };
            }
            Average::Macro => vec![1.0; classes.len()],
            Average::Weighted => classes.iter().map(|class| class.support as f64).collect(),
        };
        let total: f64 = weights.iter().sum();
        let mean = |figure: fn(&ClassScores) -> f64| {
            quotient(classes.iter().zip(&weights).map(|(class, weight)| figure(class) * weight).sum(), total)
        };
        ClassScores {
            precision: mean(|class| class.precision),
            recall: mean(|class| class.recall),
            f1: mean(|class| class.f1),
            specificity: mean(|class| class.specificity),
            fall_out: mean(|class| class.fall_out),
            support,
        }
    }

    fn tallies(&self) -> Vec<Tally> {
        let size = self.classes.len();
        let at = |truth: usize, prediction: usize| self.counts.get(truth * size + prediction).copied().unwrap_or(0);
        let tally = |class| {
            let hits = at(class, class);
            let missed = (0..size).map(|other| at(class, other)).sum::<u64>() - hits;
            let false_alarms = (0..size).map(|other| at(other, class)).sum::<u64>() - hits;
            Tally { hits, missed, false_alarms, rest: self.samples() - hits - missed - false_alarms }
        };
        (0..size).map(tally).collect()
    }
}

/// Decisions about one class.
#[derive(Default, Clone, Copy)]
struct Tally {
    hits: u64,
    /// Of the class, and taken for another.
    missed: u64,
    /// Of another, and taken for the class.
    false_alarms: u64,
    /// Of another, and not taken for the class.
    rest: u64,
}

impl Tally {
    fn truth(self) -> u64 {
        self.hits + self.missed
    }

    fn taken(self) -> u64 {
        self.hits + self.false_alarms
    }

    fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            missed: self.missed + other.missed,
            false_alarms: self.false_alarms + other.false_alarms,
            rest: self.rest + other.rest,
        }
    }

    fn scores(self) -> ClassScores {
        let others = self.false_alarms + self.rest;
        ClassScores {
            precision: share(self.hits, self.taken()),
            recall: share(self.hits, self.truth()),
            f1: share(2 * self.hits, self.truth() + self.taken()),
            specificity: share(self.rest, others),
            fall_out: share(self.false_alarms, others),
            support: self.truth(),
        }
    }
}

/// How many rows of `scores`, `[labels, classes]`, have their label among the `k` greatest; of equals the first class is
/// ahead, as in `argmax`. A score that is no number is never among them.
///
/// # Errors
/// [`Error::Argument`] for sizes that do not match, or a label that is not below `classes`.
pub fn top_k_hits(scores: &[f32], classes: usize, labels: &[u32], k: usize) -> Result<usize> {
    if labels.len().checked_mul(classes) != Some(scores.len()) {
        let rule = format!("{} scores are not {} rows of {classes} classes", scores.len(), labels.len());
        return Err(Error::argument("top k", rule));
    }
    let mut hits = 0;
    for (row, &label) in scores.chunks_exact(classes.max(1)).zip(labels) {
        let label = label as usize;
        let Some(&own) = row.get(label) else {
            return Err(Error::argument("top k", format!("label {label} is not below {classes} classes")));
        };
        let ahead = row.iter().enumerate().filter(|&(class, &other)| other > own || (other == own && class < label));
        hits += usize::from(!own.is_nan() && ahead.count() < k);
    }
    Ok(hits)
}

/// The mean of the distances between truth and prediction.
///
/// # Errors
/// [`Error::Argument`] for no values, or not as many of both.
pub fn mean_absolute_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    mean_of("mean absolute error", truth, predicted, |truth, predicted| (truth - predicted).abs())
}

/// The mean of the squared distances between truth and prediction.
///
/// # Errors
/// As for [`mean_absolute_error`].
pub fn mean_squared_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    mean_of("mean squared error", truth, predicted, |truth, predicted| (truth - predicted).powi(2))
}

/// The share of the variance of the truth that the predictions explain, R²: 1 at best, 0 for the mean, without a least value.
/// Of a truth that never changes it is 1 where the predictions are perfect and 0 where not; of one value it is not a number.
///
/// # Errors
/// As for [`mean_absolute_error`].
pub fn r2(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    let error = mean_of("R2", truth, predicted, |truth, predicted| (truth - predicted).powi(2))?;
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let variance = truth.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / truth.len() as f64;
    Ok(match (truth.len(), variance == 0.0) {
        (1, _) => f64::NAN,
        (_, true) => f64::from(u8::from(error == 0.0)),
        _ => 1.0 - error / variance,
    })
}

fn mean_of(operation: &'static str, truth: &[f64], predicted: &[f64], term: fn(f64, f64) -> f64) -> Result<f64> {
    if truth.is_empty() || truth.len() != predicted.len() {
        let rule = format!("{} predictions cannot be held against {} values", predicted.len(), truth.len());
        return Err(Error::argument(operation, rule));
    }
    Ok(truth.iter().zip(predicted).map(|(&truth, &predicted)| term(truth, predicted)).sum::<f64>() / truth.len() as f64)
}

fn share(part: u64, all: u64) -> f64 {
    quotient(part as f64, all as f64)
}

/// A share of nothing is nothing.
fn quotient(part: f64, all: f64) -> f64 {
    if all == 0.0 { 0.0 } else { part / all }
}
