//! Windows and padding. An element of several windows has the gradients of all of them.

use super::var::Var;
use crate::error::Result;

impl Var {
    /// As [`Tensor::windows`](crate::Tensor::windows). The way back is one sum for each element of a window.
    ///
    /// # Errors
    /// As [`Tensor::windows`](crate::Tensor::windows).
    pub fn windows(&self, axis: usize, size: usize, stride: usize, dilation: usize) -> Result<Self> {
        let (shape, windows) = (self.shape().clone(), self.tensor().windows(axis, size, stride, dilation)?);
        let count = windows.shape()[axis];
        self.derived("windows", windows, |input| {
            Box::new(move |gradient, backward| {
                (0..size).try_for_each(|place| {
                    let part = gradient.slice(axis + 1, place..place + 1)?.squeeze(axis + 1)?;
                    backward
                        .give_region(input, &part, &shape, |whole| whole.stepped(axis, place * dilation, stride, count))
                })
            })
        })
    }

    /// As [`Tensor::padded`](crate::Tensor::padded).
    ///
    /// # Errors
    /// As [`Tensor::padded`](crate::Tensor::padded).
    pub fn padded(&self, padding: &[(usize, usize)], value: f64) -> Result<Self> {
        let (shape, padding_kept) = (self.shape().clone(), padding.to_vec());
        self.derived("padded", self.tensor().padded(padding, value)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.inner(&padding_kept, &shape)?))
        })
    }
}
