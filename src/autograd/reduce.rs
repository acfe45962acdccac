//! Reductions: a gradient of few numbers spread over many.

use super::tape::{Index, Pullback};
use super::var::Var;
use crate::device::Seed;
use crate::error::Result;
use crate::formula;
use crate::formula::catalogue::arithmetic;
use crate::shape::Shape;
use crate::tensor::Tensor;

formula! {
    /// The gradient in one of `ties` equal extrema: each has the same share.
    fn share_of_extremum(x, extremum, ties, gradient) = x.eq(extremum).select(gradient / ties, 0.0);
    /// The gradient of a sum of squared differences from the mean, times `scale`; that in the mean is 0.
    fn variance_gradient(x, mean, gradient; scale) = 2.0 * scale * (x - mean) * gradient
}

impl Var {
    /// As [`Tensor::sum`].
    ///
    /// # Errors
    /// As [`Tensor::sum`].
    pub fn sum(&self, axes: &[usize]) -> Result<Self> {
        let (shape, kept) = (self.shape().clone(), Tensor::kept("sum", self.shape(), axes)?);
        self.derived("sum", self.tensor().sum(axes)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.reshape(&kept)?.broadcast_to(&shape)?))
        })
    }

    /// As [`Tensor::mean`].
    ///
    /// # Errors
    /// As [`Tensor::mean`].
    pub fn mean(&self, axes: &[usize]) -> Result<Self> {
        let (shape, kept) = (self.shape().clone(), Tensor::kept("mean", self.shape(), axes)?);
        let mean = self.tensor().mean(axes)?;
        let count = self.tensor().count() as f64 / mean.count() as f64;
        self.derived("mean", mean, |input| {
            Box::new(move |gradient, backward| {
                let share = gradient.scale_shift(1.0 / count, 0.0)?;
                backward.give(input, share.reshape(&kept)?.broadcast_to(&shape)?)
            })
        })
    }

    /// As [`Tensor::max`]. Equal extrema share the gradient evenly.
    ///
    /// # Errors
    /// As [`Tensor::max`].
    pub fn max(&self, axes: &[usize]) -> Result<Self> {
        let max = self.tensor().max(axes)?;
        let (kept, way_back) = (Tensor::kept("max", self.shape(), axes)?, max.clone());
        self.derived("max", max, |input| self.pull_extremum(input, way_back, kept))
    }

    /// As [`Tensor::min`]. Equal extrema share the gradient evenly.
    ///
    /// # Errors
    /// As [`Tensor::min`].
    pub fn min(&self, axes: &[usize]) -> Result<Self> {
        let min = self.tensor().min(axes)?;
        let (kept, way_back) = (Tensor::kept("min", self.shape(), axes)?, min.clone());
        self.derived("min", min, |input| self.pull_extremum(input, way_back, kept))
    }

    /// As [`Tensor::variance`].
    ///
    /// # Errors
    /// As [`Tensor::variance`].
    pub fn variance(&self, axes: &[usize], correction: usize) -> Result<Self> {
        let variance = self.tensor().variance(axes, correction)?;
        let kept = Tensor::kept("variance", self.shape(), axes)?;
        let freedom = (self.tensor().count() / variance.count().max(1) - correction) as f64;
        self.derived("variance", variance, |input| {
            let (x, axes) = (self.tensor().clone(), axes.to_vec());
            Box::new(move |gradient, backward| {
                let (mean, gradient) = (x.mean(&axes)?.reshape(&kept)?, gradient.reshape(&kept)?);
                let formula = variance_gradient { scale: 1.0 / freedom };
                backward.give_map(input, &formula, &[&x, &mean, &gradient], None, Seed::default())
            })
        })
    }

    fn pull_extremum(&self, input: Index, extremum: Tensor, kept: Shape) -> Pullback {
        let x = self.tensor().clone();
        Box::new(move |gradient, backward| {
            let (extremum, gradient) = (extremum.reshape(&kept)?, gradient.reshape(&kept)?);
            let ties = Tensor::map_sum_to(&arithmetic::equal, &[&x, &extremum], extremum.shape())?;
            backward.give_map(input, &share_of_extremum, &[&x, &extremum, &ties, &gradient], None, Seed::default())
        })
    }
}
