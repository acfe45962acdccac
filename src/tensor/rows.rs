//! Softmax and cross-entropy: operations on the rows of a tensor, its last axis.

use super::Tensor;
use crate::device::{Kernel, View};
use crate::error::{Error, Result};
use crate::shape::{Layout, Shape};

impl Tensor {
    /// e^x over its sum along the last axis, without overflow.
    ///
    /// # Errors
    /// No axes, not floating point, or memory runs out.
    pub fn softmax(&self) -> Result<Self> {
        self.normalised("softmax", false)
    }

    /// The logarithm of [`softmax`](Self::softmax), without overflow or loss of small probabilities.
    ///
    /// # Errors
    /// As [`softmax`](Self::softmax).
    pub fn log_softmax(&self) -> Result<Self> {
        self.normalised("log_softmax", true)
    }

    /// The gradient of softmax, or of its logarithm, from its output (`self`) and the gradient of that.
    pub(crate) fn softmax_backward(&self, gradient: &Self, log: bool) -> Result<Self> {
        let rows = self.rows("softmax")?;
        let (output, gradient) = (self.contiguous()?.reshape(&rows)?, gradient.contiguous()?.reshape(&rows)?);
        let result = Self::uninitialized(Shape::new(&rows)?, self.dtype, self.device())?;
        self.device().backend().launch(Kernel::SoftmaxBackward {
            log,
            output: output.view()?,
            gradient: gradient.view()?,
            input_gradient: result.view()?,
        })?;
        result.reshape(self.shape())
    }

    /// Softmax cross-entropy of every row against its label: `self` has shape [rows, classes], `labels` `[rows]` and an
    /// integer type. Gives the losses, shape `[rows]`, and with `gradient_scale` the gradient of their sum times that factor,
    /// shape [rows, classes], from the same pass.
    ///
    /// # Errors
    /// Shapes or element types that do not fit, or a label that is not a class.
    pub fn cross_entropy(&self, labels: &Self, gradient_scale: Option<f64>) -> Result<(Self, Option<Self>)> {
        self.check_float("cross_entropy")?;
        self.check_rank("cross_entropy", 2)?;
        self.check_device("cross_entropy", labels)?;
        labels.check_index("cross_entropy")?;
        if labels.shape().sizes() != [self.shape()[0]] {
            let rule = "do not fit: logits are [rows, classes] and labels [rows]";
            return Err(Error::shape("cross_entropy", &[self.shape(), labels.shape()], rule));
        }
        let (logits, labels) = (self.contiguous()?, labels.contiguous()?);
        let losses = Self::uninitialized_as(labels.own_layout(), self.dtype, self.device())?;
        let gradient = match gradient_scale {
            Some(_) => Some(Self::uninitialized_as(self.own_layout(), self.dtype, self.device())?),
            None => None,
        };
        self.device().backend().launch(Kernel::CrossEntropy {
            logits: logits.view()?,
            labels: labels.view()?,
            losses: losses.view()?,
            gradient: gradient.as_ref().map(Self::view).transpose()?,
            scale: gradient_scale.unwrap_or(0.0),
        })?;
        Ok((losses, gradient))
    }

    fn normalised(&self, operation: &'static str, log: bool) -> Result<Self> {
        self.check_float(operation)?;
        if !self.layout.is_contiguous() {
            return self.copy()?.normalised(operation, log);
        }
        let output = Self::uninitialized_as(self.own_layout(), self.dtype, self.device())?;
        if self.shape().rank() == 2 {
            let (input, output) = (self.view()?, output.view()?);
            self.device().backend().launch(Kernel::Softmax { log, input, output })?;
        } else {
            let rows = Shape::new(&self.rows(operation)?)?;
            let (from, to) = (self.layout.regrouped(rows.clone()), Layout::contiguous(rows));
            let (input, output) =
                (View::new(self.buffer(), &from, self.dtype)?, View::new(output.buffer(), &to, self.dtype)?);
            self.device().backend().launch(Kernel::Softmax { log, input, output })?;
        }
        Ok(output)
    }

    /// The sizes [rows, columns] of this shape.
    pub(super) fn rows(&self, operation: &'static str) -> Result<[usize; 2]> {
        match self.shape().split_last() {
            Some((&columns, outer)) => Ok([outer.iter().product(), columns]),
            None => Err(Error::shape(operation, &[self.shape()], "has no axes")),
        }
    }
}
