//! Softmax over the last axis.

use super::var::Var;
use crate::error::Result;
use crate::tensor::Tensor;

impl Var {
    /// As [`Tensor::softmax`]. Keeps its output.
    ///
    /// # Errors
    /// As [`Tensor::softmax`].
    pub fn softmax(&self) -> Result<Self> {
        self.normalised("softmax", self.tensor().softmax()?, false)
    }

    /// As [`Tensor::log_softmax`]. Keeps its output.
    ///
    /// # Errors
    /// As [`Tensor::softmax`].
    pub fn log_softmax(&self) -> Result<Self> {
        self.normalised("log_softmax", self.tensor().log_softmax()?, true)
    }

    fn normalised(&self, operation: &'static str, output: Tensor, log: bool) -> Result<Self> {
        let kept = output.clone();
        self.derived(operation, output, |input| {
            Box::new(move |gradient, backward| backward.give(input, kept.softmax_backward(&gradient, log)?))
        })
    }
}
