//! Views: the gradient of a view is a view of the gradient.

use std::ops::Range;

use super::var::Var;
use crate::error::Result;

impl Var {
    /// As [`Tensor::reshape`](crate::Tensor::reshape).
    ///
    /// # Errors
    /// The number of elements differs.
    pub fn reshape(&self, sizes: &[usize]) -> Result<Self> {
        let shape = self.shape().clone();
        self.derived("reshape", self.tensor().reshape(sizes)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.reshape(&shape)?))
        })
    }

    /// As [`Tensor::transpose`](crate::Tensor::transpose).
    ///
    /// # Errors
    /// No such axis.
    pub fn transpose(&self, a: usize, b: usize) -> Result<Self> {
        self.derived("transpose", self.tensor().transpose(a, b)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.transpose(a, b)?))
        })
    }

    /// As [`Tensor::slice`](crate::Tensor::slice).
    ///
    /// # Errors
    /// No such axis, or a range outside it.
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Result<Self> {
        let shape = self.shape().clone();
        self.derived("slice", self.tensor().slice(axis, range.clone())?, |input| {
            Box::new(move |gradient, backward| {
                backward.give_region(input, &gradient, &shape, |whole| whole.slice(axis, range.clone()))
            })
        })
    }

    /// As [`Tensor::broadcast_to`](crate::Tensor::broadcast_to).
    ///
    /// # Errors
    /// A size differs and is not 1 here.
    pub fn broadcast_to(&self, sizes: &[usize]) -> Result<Self> {
        let shape = self.shape().clone();
        self.derived("broadcast_to", self.tensor().broadcast_to(sizes)?, |input| {
            Box::new(move |gradient, backward| backward.give_summed(input, gradient, &shape))
        })
    }

    /// As [`Tensor::squeeze`](crate::Tensor::squeeze).
    ///
    /// # Errors
    /// No such axis, or its size is not 1.
    pub fn squeeze(&self, axis: usize) -> Result<Self> {
        self.derived("squeeze", self.tensor().squeeze(axis)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.unsqueeze(axis)?))
        })
    }

    /// As [`Tensor::unsqueeze`](crate::Tensor::unsqueeze).
    ///
    /// # Errors
    /// `axis` beyond the rank, or too many axes.
    pub fn unsqueeze(&self, axis: usize) -> Result<Self> {
        self.derived("unsqueeze", self.tensor().unsqueeze(axis)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.squeeze(axis)?))
        })
    }
}
