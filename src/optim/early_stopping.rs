//! Early stopping.

use crate::error::{Result, check_setting};

/// Says when to stop: after `patience` epochs without an improvement of what is watched, a loss on held-out samples (Prechelt
/// 1998). Of an accuracy, watch the negative.
///
/// ```
/// use rectify::optim::{EarlyStopping, Verdict};
/// let mut stopping = EarlyStopping::new(2);
/// let verdicts = [0.9, 0.7, 0.8, 0.7].map(|loss| stopping.watch(loss));
/// assert_eq!(verdicts, [Verdict::Improved, Verdict::Improved, Verdict::Waiting, Verdict::Stop]);
/// assert_eq!(stopping.best(), Some((1, 0.7)));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyStopping {
    patience: usize,
    least: f64,
    watched: usize,
    best: Option<(usize, f64)>,
}

/// What to do after an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The best so far: keep these weights.
    Improved,
    /// Not better, but there is patience left.
    Waiting,
    /// Patience is over: the weights of the best epoch are what training came to.
    Stop,
}

impl EarlyStopping {
    /// Stops at the `patience`th epoch in a row that is no improvement.
    pub fn new(patience: usize) -> Self {
        Self { patience, least: 0.0, watched: 0, best: None }
    }

    /// How much lower than the best a value must be to count as an improvement; 0 if not said otherwise, which any lower value
    /// is.
    ///
    /// # Errors
    /// Not a number from 0.
    pub fn least_improvement(mut self, least: f64) -> Result<Self> {
        check_setting("early stopping", "least improvement", least, least >= 0.0, "a number from 0")?;
        self.least = least;
        Ok(self)
    }

    /// Takes the value of the next epoch in. NaN is never an improvement.
    pub fn watch(&mut self, value: f64) -> Verdict {
        let epoch = self.watched;
        self.watched += 1;
        let improved = self.best.map_or(!value.is_nan(), |(_, best)| value < best - self.least);
        if improved {
            self.best = Some((epoch, value));
            return Verdict::Improved;
        }
        let since = self.best.map_or(self.watched, |(best, _)| epoch - best);
        if since >= self.patience { Verdict::Stop } else { Verdict::Waiting }
    }

    /// The best epoch, counted from 0, and its value.
    pub fn best(&self) -> Option<(usize, f64)> {
        self.best
    }
}
