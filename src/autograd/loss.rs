//! Losses: one number for how far results are from what they should be.

use super::tape::Step;
use super::var::Var;
use crate::device::{Reduction, Seed};
use crate::error::{Error, Result, check_setting};
use crate::formula;
use crate::formula::Formula;
use crate::formula::catalogue::{arithmetic, loss};
use crate::scope;
use crate::tensor::Tensor;

formula! {
    /// The gradient of a mean of squared differences, for `scale` = 2/n.
    fn squared_difference_gradient(x, target; scale) = scale * (x - target)
}

/// How the losses of single elements, or rows, become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aggregate {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl Aggregate {
    /// What the sum of `count` losses is multiplied by.
    pub(super) fn scale(self, count: usize) -> f64 {
        match self {
            Self::Mean => 1.0 / count as f64,
            Self::Sum => 1.0,
        }
    }
}

impl Var {
    /// Any formula of a result and its target as the loss of every element: one pass forward, and one back. The formulas of
    /// [`catalogue::loss`](crate::formula::catalogue::loss) are meant for it; the methods below give their means.
    ///
    /// ```
    /// use rectify::autograd::Aggregate;
    /// use rectify::{Device, Tape, Tensor, formula};
    /// formula! { fn log_cosh(x, target) = (x - target).cosh().ln() }
    /// let device = Device::cpu();
    /// let x = Tape::new().variable(&Tensor::from_slice(&[0.5, -1.0], &[2], &device)?)?;
    /// let loss = x.loss(log_cosh, &Tensor::from_slice(&[0.5, 0.0], &[2], &device)?, Aggregate::Sum)?;
    /// assert!((loss.item()? - 0.433781).abs() < 1e-6);
    /// # Ok::<(), rectify::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another shape, element type or device of `target`, a formula that has not two inputs, or memory runs out; as for every
    /// loss of elements.
    pub fn loss<F: Formula>(&self, formula: F, target: &Tensor, aggregate: Aggregate) -> Result<Self> {
        let _scope = scope::enter("loss");
        check_target(F::SIGNATURE.name, self.tensor(), target)?;
        let scale = aggregate.scale(target.count());
        Self::map_sum(&formula, &[self, &Self::constant(target)], scale)
    }

    /// The mean of |self - target|.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn mean_absolute_error(&self, target: &Tensor) -> Result<Self> {
        self.loss(loss::absolute_error, target, Aggregate::Mean)
    }

    /// The mean of (self - target)² / 2 where the difference is at most `delta`, of delta (|self - target| - delta / 2) where
    /// it is not (Huber 1964).
    ///
    /// # Errors
    /// As [`loss`](Self::loss); or `delta` is not above 0.
    pub fn huber(&self, target: &Tensor, delta: f64) -> Result<Self> {
        check_setting("huber", "delta", delta, delta > 0.0, "a number above 0")?;
        self.loss(loss::huber { delta }, target, Aggregate::Mean)
    }

    /// The mean cross-entropy of the probabilities sigmoid(self) against the probabilities `target`: of logits, so that
    /// nothing overflows.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn binary_cross_entropy(&self, target: &Tensor) -> Result<Self> {
        self.loss(loss::binary_cross_entropy, target, Aggregate::Mean)
    }

    /// The mean of max(0, margin - target * self), for targets of 1 and -1 (Cortes and Vapnik 1995).
    ///
    /// # Errors
    /// As [`loss`](Self::loss); or `margin` is not finite.
    pub fn hinge(&self, target: &Tensor, margin: f64) -> Result<Self> {
        check_setting("hinge", "margin", margin, true, "a number")?;
        self.loss(loss::hinge { margin }, target, Aggregate::Mean)
    }

    /// The Kullback-Leibler divergence of the probabilities `target` from those whose logarithms `self` holds: the mean over
    /// all elements of target (ln target - self). The divergence of a row is that times the number of columns.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn kl_divergence(&self, target: &Tensor) -> Result<Self> {
        self.loss(loss::kl_divergence, target, Aggregate::Mean)
    }

    /// The hinge loss of many classes (Weston and Watkins 1999): for each row the mean over all classes of
    /// max(0, margin - score of the right class + score of the class), where the right class counts as 0. `self` has shape
    /// [rows, classes] and holds scores; `labels` has shape `[rows]` and an integer type.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, a label that is not a class, a `margin` that is not finite, or memory runs out.
    pub fn multi_class_hinge(&self, labels: &Tensor, margin: f64, aggregate: Aggregate) -> Result<Self> {
        let _scope = scope::enter("loss");
        check_setting("multi_class_hinge", "margin", margin, true, "a number")?;
        let [rows, classes] = check_labels("multi_class_hinge", self.tensor(), labels)?;
        // A label that is no class is an error here, and would be a row of zeros below.
        Tensor::zeros(&[classes], self.dtype(), labels.device())?.gather(0, labels)?;
        let chosen = Self::constant(&labels.one_hot(classes, self.dtype())?);
        let correct = self.mul(&chosen)?.sum(&[1])?.unsqueeze(1)?;
        let scale = aggregate.scale(rows) / classes as f64;
        Self::map_sum(&loss::class_hinge { margin }, &[self, &correct, &chosen], scale)
    }

    /// Softmax cross-entropy against labels: the mean over the rows. `self` has shape [rows, classes] and holds logits;
    /// `labels` has shape `[rows]` and an integer type. Where a gradient is wanted it comes from the forward pass, and nothing
    /// else is kept. [`CrossEntropy`](super::CrossEntropy) has more to set.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, a label that is not a class, or memory runs out.
    pub fn cross_entropy(&self, labels: &Tensor) -> Result<Self> {
        self.labelled_cross_entropy(labels, Aggregate::Mean)
    }

    pub(super) fn labelled_cross_entropy(&self, labels: &Tensor, aggregate: Aggregate) -> Result<Self> {
        let _scope = scope::enter("loss");
        let scale = self.index().map(|_| aggregate.scale(labels.count()));
        let (losses, gradient) = self.tensor().cross_entropy(labels, scale)?;
        let loss = match aggregate {
            Aggregate::Mean => losses.mean(&[])?,
            Aggregate::Sum => losses.sum(&[])?,
        };
        self.with_gradient("cross_entropy", loss, gradient)
    }

    /// The mean over all elements of (self - target)². The gradient, computed in the forward pass where one is wanted, is
    /// 2/n (self - target) for n elements.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn mean_squared_error(&self, target: &Tensor) -> Result<Self> {
        let _scope = scope::enter("loss");
        let (x, n) = (self.tensor(), self.tensor().count() as f64);
        check_target("mean_squared_error", x, target)?;
        let mean = Reduction::Sum { scale: 1.0 / n };
        let kept = Tensor::kept("mean_squared_error", x.shape(), &[])?;
        let formula = &arithmetic::squared_difference;
        let loss = Tensor::map_reduce("mean_squared_error", mean, formula, &[x, target], &kept)?.reshape(&[])?;
        let slope = squared_difference_gradient { scale: 2.0 / n };
        let gradient = self.index().map(|_| Tensor::apply(&slope, &[x, target], Seed::default())).transpose()?;
        self.with_gradient("mean_squared_error", loss, gradient)
    }

    fn with_gradient(&self, operation: &'static str, loss: Tensor, gradient: Option<Tensor>) -> Result<Self> {
        match (self.tape(), self.index(), gradient) {
            (Some(tape), Some(input), Some(gradient)) => tape.push(operation, loss, Step::Loss { input, gradient }),
            _ => Ok(Self::unrecorded(loss)),
        }
    }
}

/// Fails unless the target has the shape of the result, which is floating point.
pub(super) fn check_target(operation: &'static str, x: &Tensor, target: &Tensor) -> Result<()> {
    x.check_float(operation)?;
    if x.shape() == target.shape() {
        return Ok(());
    }
    Err(Error::shape(operation, &[x.shape(), target.shape()], "differ: each element has its target"))
}

/// The number of rows and classes, if there is a label for each row.
pub(super) fn check_labels(operation: &'static str, scores: &Tensor, labels: &Tensor) -> Result<[usize; 2]> {
    scores.check_float(operation)?;
    scores.check_rank(operation, 2)?;
    scores.check_device(operation, labels)?;
    labels.check_index(operation)?;
    if labels.shape().sizes() == [scores.shape()[0]] {
        return Ok([scores.shape()[0], scores.shape()[1]]);
    }
    let rule = "do not fit: scores are [rows, classes] and labels [rows]";
    Err(Error::shape(operation, &[scores.shape(), labels.shape()], rule))
}
