//! Views: other shapes of the same buffer, without a copy.

use std::ops::Range;

use super::Tensor;
use crate::error::Result;
use crate::shape::Shape;

impl Tensor {
    /// The same elements in row-major order under another shape; a copy only where no view can give it.
    ///
    /// # Errors
    /// The number of elements differs.
    pub fn reshape(&self, sizes: &[usize]) -> Result<Self> {
        let shape = Shape::new(sizes)?;
        match self.layout.reshape(&shape)? {
            Some(layout) => Ok(self.with_layout(layout)),
            None => {
                let copy = self.contiguous()?;
                let layout = crate::shape::Layout::contiguous(shape);
                Ok(copy.with_layout(layout))
            }
        }
    }

    /// Axes `a` and `b` exchanged.
    ///
    /// # Errors
    /// No such axis.
    pub fn transpose(&self, a: usize, b: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.transpose(a, b)?))
    }

    /// The elements `range` of axis `axis`.
    ///
    /// # Errors
    /// No such axis, or a range outside it.
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Result<Self> {
        Ok(self.with_layout(self.layout.slice(axis, range.start, range.end)?))
    }

    /// Repeated without copies to `sizes`, matched from the last axis.
    ///
    /// # Errors
    /// A size differs and is not 1 here.
    pub fn broadcast_to(&self, sizes: &[usize]) -> Result<Self> {
        Ok(self.with_layout(self.layout.broadcast_to("broadcast_to", &Shape::new(sizes)?)?))
    }

    /// Without axis `axis`, of size 1.
    ///
    /// # Errors
    /// No such axis, or another size.
    pub fn squeeze(&self, axis: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.squeeze(axis)?))
    }

    /// With a new axis of size 1 before axis `axis`.
    ///
    /// # Errors
    /// `axis` beyond the rank, or too many axes.
    pub fn unsqueeze(&self, axis: usize) -> Result<Self> {
        Ok(self.with_layout(self.layout.unsqueeze(axis)?))
    }

    /// The same elements row-major without gaps: itself if it is so already, else a copy.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn contiguous(&self) -> Result<Self> {
        if self.layout.is_contiguous() { Ok(self.clone()) } else { self.copy() }
    }

    /// A copy in a buffer of its own.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn copy(&self) -> Result<Self> {
        self.converted(self.dtype)
    }

    /// The elements converted to `dtype`: itself if they are already. Integers truncate towards zero and saturate; 16-bit
    /// types round to nearest even.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn cast(&self, dtype: crate::DType) -> Result<Self> {
        if dtype == self.dtype { Ok(self.clone()) } else { self.converted(dtype) }
    }

    fn converted(&self, dtype: crate::DType) -> Result<Self> {
        let target = Self::uninitialized_as(self.own_layout(), dtype, self.device())?;
        self.device().backend().copy(self.view()?, target.view()?)?;
        Ok(target)
    }
}
