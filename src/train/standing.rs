//! Where a run stands: what it needs beside the model and the optimiser to go on.

use serde::{Deserialize, Serialize};

use super::diagnosis::{Diagnoses, Diagnosis};
use super::event::Epoch;
use super::score::{Score, Tally};

/// What a run did so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// The epochs that are finished.
    pub epochs: Vec<Epoch>,
    /// The mean loss of every step.
    pub step_losses: Vec<f64>,
    /// The epoch under way.
    pub running: Running,
    /// What went on in the layers.
    pub diagnoses: Diagnoses,
}

/// The part of an epoch that is done, and sums over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Batches trained on in this epoch.
    pub batches: usize,
    /// The sum of the losses of their samples.
    pub loss_sum: f64,
    /// What their score is made of.
    pub tally: Tally,
    /// Samples in all.
    pub seen: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Samples trained on since the start of the run.
    pub samples: usize,
}

impl Standing {
    /// Seconds of training since the start of the run.
    pub fn seconds(&self) -> f64 {
        self.epochs.last().map_or(0.0, |epoch| epoch.seconds) + self.running.seconds
    }

    /// Ends the epoch under way with what the test came to.
    pub fn end_epoch(&mut self, test_loss: f64, test: Score) -> Epoch {
        let Running { loss_sum, tally, seen, seconds, samples, .. } = self.running;
        let epoch = Epoch {
            epoch: self.epochs.len() + 1,
            steps: self.step_losses.len(),
            train_loss: loss_sum / seen as f64,
            train: tally.score(seen, matches!(test, Score::Values { .. })),
            test_loss,
            test,
            seconds: self.seconds(),
            samples_per_second: seen as f64 / seconds,
        };
        self.epochs.push(epoch);
        self.diagnoses.epochs.push(self.diagnoses.running.take());
        self.running = Running { samples, ..Running::default() };
        epoch
    }

    /// What went on in the layers in the last step of the last epoch, where it was watched.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.diagnoses.epochs.last().and_then(Option::as_ref)
    }

    /// Whether the last epoch has the lowest test loss so far.
    pub fn is_best(&self) -> bool {
        let Some((last, before)) = self.epochs.split_last() else { return false };
        before.iter().all(|epoch| last.test_loss < epoch.test_loss)
    }
}
