//! Indexing and joining: gather, one-hot, concatenation.

use super::Tensor;
use crate::device::{Kernel, Seed};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::formula::catalogue::arithmetic;
use crate::shape::Shape;

impl Tensor {
    /// The slices of `axis` that `indices` names, in its order: shape [.., k, ..] for k indices.
    ///
    /// # Errors
    /// No such axis, indices that are not integers of shape `[k]`, one that is not below the axis' size, or memory runs out.
    pub fn gather(&self, axis: usize, indices: &Self) -> Result<Self> {
        let ([outer, n, inner], shape) = self.gathered("gather", axis, indices)?;
        let input = self.contiguous()?.reshape(&[outer, n, inner])?;
        let indices = indices.contiguous()?;
        let output = Self::uninitialized(shape, self.dtype, self.device())?;
        let target = output.reshape(&[outer, indices.count(), inner])?;
        let kernel = Kernel::Gather { input: input.view()?, indices: indices.view()?, output: target.view()? };
        self.device().backend().launch(kernel)?;
        Ok(output)
    }

    /// Zeros of shape `sizes` with the slices of this tensor added along `axis` at the places `indices` names: the
    /// gradient of [`gather`](Self::gather). Slices of one place are added in their order.
    ///
    /// # Errors
    /// Shapes that [`gather`](Self::gather) could not have given, an index that is not below the axis' size, or memory
    /// runs out.
    pub fn scatter_add(&self, axis: usize, indices: &Self, sizes: &[usize]) -> Result<Self> {
        let target = Self::uninitialized(Shape::new(sizes)?, self.dtype, self.device())?;
        let ([outer, n, inner], shape) = target.gathered("scatter_add", axis, indices)?;
        if *self.shape() != shape {
            let rule = format!("do not fit: slices for these indices have shape {shape}");
            return Err(Error::shape("scatter_add", &[self.shape(), target.shape()], rule));
        }
        let indices = indices.contiguous()?;
        let gradient = self.contiguous()?.reshape(&[outer, indices.count(), inner])?;
        let flat = target.reshape(&[outer, n, inner])?;
        let kernel =
            Kernel::ScatterAdd { gradient: gradient.view()?, indices: indices.view()?, input_gradient: flat.view()? };
        self.device().backend().launch(kernel)?;
        Ok(target)
    }

    /// For integers of shape [..] below `classes`: shape [.., classes] with 1 at the integer's place and 0 elsewhere. An
    /// integer that is no class gives zeros.
    ///
    /// # Errors
    /// Not integers, too many axes, or memory runs out.
    pub fn one_hot(&self, classes: usize, dtype: DType) -> Result<Self> {
        self.check_index("one_hot")?;
        let places = Self::arange(classes, DType::F64, self.device())?;
        let labels = self.unsqueeze(self.shape().rank())?;
        let rows = Self::uninitialized(labels.shape().with(self.shape().rank(), classes)?, dtype, self.device())?;
        Self::update(&arithmetic::equal, &[&labels, &places], &[&rows], Seed::default())?;
        Ok(rows)
    }

    /// The tensors one behind the other along `axis`.
    ///
    /// # Errors
    /// No tensors, no such axis, differing element types or devices, sizes that differ along another axis, or memory runs
    /// out.
    pub fn concatenate(tensors: &[&Self], axis: usize) -> Result<Self> {
        let Some(&first) = tensors.first() else {
            return Err(Error::argument("concatenate", "no tensors were given"));
        };
        first.shape().check_axis("concatenate", axis)?;
        let mut size = 0usize;
        for tensor in tensors {
            first.check_device("concatenate", tensor)?;
            first.check_dtype("concatenate", tensor)?;
            tensor.check_rank("concatenate", first.shape().rank())?;
            if tensor.shape().with(axis, 1)? != first.shape().with(axis, 1)? {
                let rule = format!("cannot be joined along axis {axis}: another axis differs");
                return Err(Error::shape("concatenate", &[first.shape(), tensor.shape()], rule));
            }
            size = size.saturating_add(tensor.shape()[axis]);
        }
        let joined = Self::uninitialized(first.shape().with(axis, size)?, first.dtype, first.device())?;
        let mut start = 0;
        for tensor in tensors {
            let end = start + tensor.shape()[axis];
            let part = joined.slice(axis, start..end)?;
            first.device().backend().copy(tensor.view()?, part.view()?)?;
            start = end;
        }
        Ok(joined)
    }

    /// Fails unless elements are integers, as labels and indices are.
    pub(crate) fn check_index(&self, operation: &'static str) -> Result<()> {
        if !self.dtype.is_float() {
            return Ok(());
        }
        Err(Error::dtype(operation, &[self.dtype], "is not an integer type: labels and indices are integers"))
    }

    /// For slices of `axis` taken by `indices`: this shape as [outer, axis, inner], and the shape of the result.
    fn gathered(&self, operation: &'static str, axis: usize, indices: &Self) -> Result<([usize; 3], Shape)> {
        let shape = self.shape().check_axis(operation, axis)?;
        self.check_device(operation, indices)?;
        indices.check_index(operation)?;
        indices.check_rank(operation, 1)?;
        let outer = shape[..axis].iter().product();
        let inner = shape[axis + 1..].iter().product();
        Ok(([outer, shape[axis], inner], shape.with(axis, indices.count())?))
    }
}
