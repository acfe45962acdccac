//! Softmax cross-entropy with options: weights of classes, smoothed labels, probabilities as targets.

use super::loss::{Aggregate, check_target};
use super::var::Var;
use crate::device::Seed;
use crate::error::{Error, Result, check_setting};
use crate::formula::catalogue::{arithmetic, loss};
use crate::scope;
use crate::tensor::Tensor;

/// Softmax cross-entropy of logits of shape [rows, classes], with options. Without any it is
/// [`Var::cross_entropy`], in one kernel.
///
/// ```
/// use rectify::autograd::CrossEntropy;
/// use rectify::{Device, Tape, Tensor};
/// let device = Device::cpu();
/// let logits = Tape::new().variable(&Tensor::from_slice(&[2.0, 0.0, -1.0, 1.0], &[2, 2], &device)?)?;
/// let labels = Tensor::from_slice(&[0u8, 1], &[2], &device)?;
/// let loss = CrossEntropy::new().label_smoothing(0.1).of_labels(&logits, &labels)?;
/// assert!((loss.item()? - 0.226928).abs() < 1e-6);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CrossEntropy {
    smoothing: f64,
    class_weights: Option<Tensor>,
    aggregate: Aggregate,
}

impl CrossEntropy {
    /// The mean over the rows, all classes alike, targets as they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// The share of every target, from 0 to 1, that is spread evenly over all classes (Szegedy et al. 2016).
    pub fn label_smoothing(mut self, share: f64) -> Self {
        self.smoothing = share;
        self
    }

    /// A factor for each class, shape `[classes]`, of the element type of the logits. With labels the mean is then one
    /// weighed by the factors of the rows' labels; with probabilities the sum is divided by the number of rows all the same.
    pub fn class_weights(mut self, weights: &Tensor) -> Self {
        self.class_weights = Some(weights.clone());
        self
    }

    /// Whether rows are averaged or summed.
    pub fn aggregate(mut self, aggregate: Aggregate) -> Self {
        self.aggregate = aggregate;
        self
    }

    /// Against labels: shape `[rows]`, an integer type.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, a label that is not a class, smoothing that is not from 0 to 1, or memory runs
    /// out.
    pub fn of_labels(&self, logits: &Var, labels: &Tensor) -> Result<Var> {
        if self.smoothing == 0.0 && self.class_weights.is_none() {
            return logits.labelled_cross_entropy(labels, self.aggregate);
        }
        let _scope = scope::enter("loss");
        let losses = row_losses(logits, labels)?;
        let weights = self.weights(logits)?;
        let (hard, rows) = match &self.class_weights {
            None => (losses.sum(&[])?, Tensor::full(&[], labels.count() as f64, logits.dtype(), labels.device())?),
            Some(weights) => {
                let weights = Var::constant(&weights.gather(0, labels)?);
                (Var::map_sum(&arithmetic::mul, &[&losses, &weights], 1.0)?, weights.tensor().sum(&[])?)
            }
        };
        let total = if self.smoothing == 0.0 {
            hard
        } else {
            let none = Var::constant(&Tensor::zeros(&[], logits.dtype(), labels.device())?);
            let spread = loss::soft_cross_entropy { kept: 0.0, spread: self.spread(logits) };
            let even = Var::map_sum(&spread, &[&logits.log_softmax()?, &none, &weights], 1.0)?;
            hard.scale_shift(1.0 - self.smoothing, 0.0)?.add(&even)?
        };
        match self.aggregate {
            Aggregate::Mean => total.div(&Var::constant(&rows)),
            Aggregate::Sum => Ok(total),
        }
    }

    /// Against probabilities: the shape and the element type of the logits.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, smoothing that is not from 0 to 1, or memory runs out.
    pub fn of_probabilities(&self, logits: &Var, target: &Tensor) -> Result<Var> {
        let _scope = scope::enter("loss");
        check_target("cross_entropy", logits.tensor(), target)?;
        logits.tensor().check_rank("cross_entropy", 2)?;
        let weights = self.weights(logits)?;
        let formula = loss::soft_cross_entropy { kept: 1.0 - self.smoothing, spread: self.spread(logits) };
        let inputs = [&logits.log_softmax()?, &Var::constant(target), &weights];
        Var::map_sum(&formula, &inputs, self.aggregate.scale(target.shape()[0]))
    }

    /// What every class gets of a target.
    fn spread(&self, logits: &Var) -> f64 {
        self.smoothing / logits.shape()[1] as f64
    }

    /// The factors of the classes, all 1 where none are given; fails if an option does not fit.
    fn weights(&self, logits: &Var) -> Result<Var> {
        let smoothing = self.smoothing;
        check_setting("cross_entropy", "label smoothing", smoothing, (0.0..=1.0).contains(&smoothing), "from 0 to 1")?;
        let Some(weights) = &self.class_weights else {
            return Ok(Var::constant(&Tensor::full(&[], 1.0, logits.dtype(), logits.tensor().device())?));
        };
        logits.tensor().check_dtype("cross_entropy", weights)?;
        logits.tensor().check_device("cross_entropy", weights)?;
        if weights.shape().sizes() != &logits.shape()[1..] {
            let rule = "do not fit: logits are [rows, classes] and class weights [classes]";
            return Err(Error::shape("cross_entropy", &[logits.shape(), weights.shape()], rule));
        }
        Ok(Var::constant(weights))
    }
}

/// The cross-entropy of each row against its label. The gradient comes from the forward pass; the way back weighs its rows.
fn row_losses(logits: &Var, labels: &Tensor) -> Result<Var> {
    let scale = logits.index().map(|_| 1.0);
    let (losses, slopes) = logits.tensor().cross_entropy(labels, scale)?;
    logits.derived("cross_entropy", losses, |input| {
        Box::new(move |gradient, backward| {
            let Some(slopes) = slopes else { return Ok(()) };
            let rows = gradient.unsqueeze(1)?;
            backward.give_map(input, &arithmetic::mul, &[&slopes, &rows], Some(&slopes), Seed::default())
        })
    })
}
