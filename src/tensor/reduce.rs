//! Reductions over any axes.

use smallvec::SmallVec;

use super::Tensor;
use super::elementwise::with_views;
use crate::device::{Kernel, Reduction, View};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::formula::catalogue::{activation, arithmetic};
use crate::shape::{MAX_RANK, Shape};

impl Tensor {
    /// The sum over these axes, which are removed; over all of them for none given.
    ///
    /// The order of the additions depends on the shape alone: the same sum for any number of threads.
    ///
    /// # Errors
    /// No such axis, one named twice, or memory runs out; as for every reduction.
    pub fn sum(&self, axes: &[usize]) -> Result<Self> {
        self.reduced("sum", Reduction::Sum { scale: 1.0 }, axes)
    }

    /// The mean over these axes, which are removed; over all of them for none given. NaN for no elements.
    ///
    /// # Errors
    /// Not floating point; or as for [`sum`](Self::sum).
    pub fn mean(&self, axes: &[usize]) -> Result<Self> {
        self.check_float("mean")?;
        let count = self.count_along("mean", axes)?;
        let mean = self.reduced("mean", Reduction::Sum { scale: 1.0 / count as f64 }, axes)?;
        if count == 0 { mean.map(arithmetic::scale_shift { factor: f64::NAN, term: 0.0 }) } else { Ok(mean) }
    }

    /// The largest element over these axes; NaN where there is one.
    ///
    /// # Errors
    /// As for [`sum`](Self::sum).
    pub fn max(&self, axes: &[usize]) -> Result<Self> {
        self.reduced("max", Reduction::Max, axes)
    }

    /// The smallest element over these axes; NaN where there is one.
    ///
    /// # Errors
    /// As for [`sum`](Self::sum).
    pub fn min(&self, axes: &[usize]) -> Result<Self> {
        self.reduced("min", Reduction::Min, axes)
    }

    /// The variance over these axes, in two passes: squared differences from the mean over the count less `correction`
    /// (1 for the unbiased estimate of a sample).
    ///
    /// # Errors
    /// Not floating point; not more elements than `correction`; or as for [`sum`](Self::sum).
    pub fn variance(&self, axes: &[usize], correction: usize) -> Result<Self> {
        self.check_float("variance")?;
        let count = self.count_along("variance", axes)?;
        let Some(freedom) = count.checked_sub(correction).filter(|&freedom| freedom > 0) else {
            let rule = format!("has {count} elements along {axes:?}, more than {correction} are needed");
            return Err(Error::shape("variance", &[self.shape()], rule));
        };
        let mean = self.mean(axes)?.reshape(&Self::kept("variance", self.shape(), axes)?)?;
        let reduction = Reduction::Sum { scale: 1.0 / freedom as f64 };
        self.reduced_with("variance", reduction, &arithmetic::squared_difference, &[self, &mean], axes)
    }

    /// The place of the largest element along `axis`, which is removed: the first of equals, and NaN counts as largest.
    /// Element type I64.
    ///
    /// # Errors
    /// No such axis, or it has no elements.
    pub fn argmax(&self, axis: usize) -> Result<Self> {
        let rank = self.shape().check_axis("argmax", axis)?.rank();
        let columns = self.shape()[axis];
        if columns == 0 {
            return Err(Error::shape("argmax", &[self.shape()], format!("has no elements along axis {axis}")));
        }
        let last = if axis + 1 == rank { self.clone() } else { self.moved_last(axis)? };
        let input = last.contiguous()?.reshape(&last.rows("argmax")?)?;
        let places = Self::uninitialized(last.shape().without(rank - 1)?, DType::I64, self.device())?;
        self.device().backend().launch(Kernel::ArgMax { input: input.view()?, output: places.view()? })?;
        Ok(places)
    }

    /// A formula of one output over every element of its inputs, broadcast together, then the sum over `axes`, which
    /// stay with size 1: one pass.
    pub(crate) fn map_reduce(
        operation: &'static str,
        reduction: Reduction,
        formula: &dyn AnyFormula,
        inputs: &[&Self],
        kept: &Shape,
    ) -> Result<Self> {
        let layout = Self::check_inputs(formula.signature(), inputs)?;
        let output = Self::uninitialized(kept.clone(), inputs[0].dtype, inputs[0].device())?;
        output.write_reduction(operation, reduction, formula, inputs, layout.shape())?;
        Ok(output)
    }

    /// Writes a formula over its inputs, broadcast to `shape` and reduced down to this tensor's shape, over this tensor.
    pub(crate) fn write_reduction(
        &self,
        operation: &'static str,
        reduction: Reduction,
        formula: &dyn AnyFormula,
        inputs: &[&Self],
        shape: &Shape,
    ) -> Result<()> {
        let layout = self.layout.broadcast_to(operation, shape)?;
        let target = View::new(self.buffer(), &layout, self.dtype)?;
        with_views(operation, inputs, shape, |inputs| {
            self.device().backend().reduce(reduction, formula, inputs, target)
        })
    }

    /// The sum down to a shape this one was broadcast from: the gradient of a broadcast.
    ///
    /// # Errors
    /// `shape` does not broadcast to this one.
    pub fn sum_to(&self, shape: &Shape) -> Result<Self> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        Self::map_sum_to(&activation::linear, &[self], shape)
    }

    /// A formula over every element of its inputs, summed down to `shape`, in one pass.
    pub(crate) fn map_sum_to(formula: &dyn AnyFormula, inputs: &[&Self], shape: &Shape) -> Result<Self> {
        Self::map_reduce("sum_to", Reduction::Sum { scale: 1.0 }, formula, inputs, shape)
    }

    fn reduced(&self, operation: &'static str, reduction: Reduction, axes: &[usize]) -> Result<Self> {
        self.reduced_with(operation, reduction, &activation::linear, &[self], axes)
    }

    /// A formula over inputs that broadcast to this shape, reduced along `axes` (all for none), which are removed.
    fn reduced_with(
        &self,
        operation: &'static str,
        reduction: Reduction,
        formula: &dyn AnyFormula,
        inputs: &[&Self],
        axes: &[usize],
    ) -> Result<Self> {
        check_axes(operation, self.shape(), axes)?;
        let stays = |axis: usize| !axes.is_empty() && !axes.contains(&axis);
        let left = self.shape().iter().enumerate().filter(|&(axis, _)| stays(axis));
        let sizes: SmallVec<[usize; MAX_RANK]> = left.map(|(_, &size)| size).collect();
        let output = Self::uninitialized(Shape::new(&sizes)?, self.dtype, self.device())?;
        let layout = output.layout.spread(self.shape(), stays);
        let target = View::new(output.buffer(), &layout, output.dtype)?;
        with_views(operation, inputs, self.shape(), |inputs| {
            self.device().backend().reduce(reduction, formula, inputs, target)
        })?;
        Ok(output)
    }

    /// Axis `axis` moved behind all others.
    fn moved_last(&self, axis: usize) -> Result<Self> {
        (axis..self.shape().rank() - 1).try_fold(self.clone(), |moved, a| moved.transpose(a, a + 1))
    }

    /// How many elements these axes (all for none) bring together in one.
    fn count_along(&self, operation: &'static str, axes: &[usize]) -> Result<usize> {
        check_axes(operation, self.shape(), axes)?;
        Ok(if axes.is_empty() { self.count() } else { axes.iter().map(|&axis| self.shape()[axis]).product() })
    }

    /// The shape with `axes` (all for none) reduced to 1.
    pub(crate) fn kept(operation: &'static str, shape: &Shape, axes: &[usize]) -> Result<Shape> {
        check_axes(operation, shape, axes)?;
        let mut sizes: SmallVec<[usize; MAX_RANK]> = shape.iter().copied().collect();
        if axes.is_empty() {
            sizes.fill(1);
        }
        axes.iter().for_each(|&axis| sizes[axis] = 1);
        Shape::new(&sizes)
    }
}

/// Fails unless the shape has these axes, and none is named twice.
fn check_axes(operation: &'static str, shape: &Shape, axes: &[usize]) -> Result<()> {
    for (i, &axis) in axes.iter().enumerate() {
        shape.check_axis(operation, axis)?;
        if axes[..i].contains(&axis) {
            return Err(Error::shape(operation, &[shape], format!("is reduced twice along axis {axis}")));
        }
    }
    Ok(())
}
