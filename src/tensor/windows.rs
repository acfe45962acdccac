//! Windows and padding: what convolution and pooling are made of.

use super::Tensor;
use crate::error::{Error, Result};
use crate::shape::Shape;

impl Tensor {
    /// Every window of `size` elements along axis `axis`, each `stride` after the one before, with `dilation` from element to
    /// element within, without a copy: axis `axis` counts the windows, and a new axis behind it their elements. Shape
    /// [.., n, ..] gives [.., (n - (size - 1) dilation - 1) / stride + 1, size, ..].
    ///
    /// # Errors
    /// No such axis, a size, stride or dilation of 0, no room for a window, or too many axes.
    pub fn windows(&self, axis: usize, size: usize, stride: usize, dilation: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.windows(axis, size, stride, dilation)?))
    }

    /// `count` elements along axis `axis`, the first at `start` and each `step` after the one before, without a copy.
    ///
    /// # Errors
    /// No such axis, a step of 0, or elements outside the axis.
    pub fn stepped(&self, axis: usize, start: usize, step: usize, count: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.stepped(axis, start, step, count)?))
    }

    /// With `value` added around: for each axis as many elements before and after as said.
    ///
    /// # Errors
    /// Not one pair for each axis, or memory runs out.
    pub fn padded(&self, padding: &[(usize, usize)], value: f64) -> Result<Self> {
        let sizes = self.padded_sizes(padding)?;
        if padding.iter().all(|&pair| pair == (0, 0)) {
            return Ok(self.clone());
        }
        let padded = Self::uninitialized(Shape::new(&sizes)?, self.dtype, self.device())?;
        padded.fill(value)?;
        padded.inner(padding, self.shape())?.assign("padded", self)?;
        Ok(padded)
    }

    /// What padding was added around, of shape `shape`.
    pub(crate) fn inner(&self, padding: &[(usize, usize)], shape: &Shape) -> Result<Self> {
        let pairs = padding.iter().zip(shape.iter()).enumerate();
        pairs
            .into_iter()
            .try_fold(self.clone(), |inner, (axis, (&(before, _), &size))| inner.slice(axis, before..before + size))
    }

    fn padded_sizes(&self, padding: &[(usize, usize)]) -> Result<Vec<usize>> {
        let refuse = |rule| Error::shape("padded", &[self.shape()], rule);
        if padding.len() != self.shape().rank() {
            return Err(refuse(format!("needs padding for each axis, not for {} axes", padding.len())));
        }
        let sum = |(&size, &(before, after)): (&usize, &(usize, usize))| size.checked_add(before)?.checked_add(after);
        let sizes: Option<Vec<_>> = self.shape().iter().zip(padding).map(sum).collect();
        sizes.ok_or_else(|| refuse(format!("is too large with padding {padding:?}")))
    }
}
