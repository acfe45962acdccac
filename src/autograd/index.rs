//! Indexing, joining and conversion.

use super::tape::{Step, Tape};
use super::var::Var;
use crate::dtype::DType;
use crate::error::Result;
use crate::tensor::Tensor;

impl Var {
    /// As [`Tensor::gather`].
    ///
    /// # Errors
    /// As [`Tensor::gather`].
    pub fn gather(&self, axis: usize, indices: &Tensor) -> Result<Self> {
        let (shape, kept) = (self.shape().clone(), indices.clone());
        self.derived("gather", self.tensor().gather(axis, indices)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.scatter_add(axis, &kept, &shape)?))
        })
    }

    /// As [`Tensor::concatenate`].
    ///
    /// # Errors
    /// As [`Tensor::concatenate`]; or the variables are on different tapes.
    pub fn concatenate(vars: &[&Self], axis: usize) -> Result<Self> {
        let tape = Tape::common("concatenate", vars)?;
        let tensors: Vec<_> = vars.iter().map(|var| var.tensor()).collect();
        let joined = Tensor::concatenate(&tensors, axis)?;
        let Some(tape) = tape else { return Ok(Self::unrecorded(joined)) };
        let parts: Vec<_> = vars.iter().map(|var| (var.index(), var.shape()[axis])).collect();
        let pull = Step::Pull(Box::new(move |gradient, backward| {
            let mut start = 0;
            for (input, size) in parts {
                if let Some(input) = input {
                    backward.give(input, gradient.slice(axis, start..start + size)?)?;
                }
                start += size;
            }
            Ok(())
        }));
        tape.push("concatenate", joined, pull)
    }

    /// As [`Tensor::cast`].
    ///
    /// # Errors
    /// A gradient is wanted and `dtype` is an integer type; or memory runs out.
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        if !dtype.is_float() {
            self.check_constant("cast to an integer type")?;
        }
        let from = self.dtype();
        self.derived("cast", self.tensor().cast(dtype)?, |input| {
            Box::new(move |gradient, backward| backward.give(input, gradient.cast(from)?))
        })
    }

    /// As [`Tensor::argmax`], for a constant: it has no gradient.
    ///
    /// # Errors
    /// A gradient is wanted; or as [`Tensor::argmax`].
    pub fn argmax(&self, axis: usize) -> Result<Tensor> {
        self.check_constant("argmax")?;
        self.tensor().argmax(axis)
    }

    /// As [`Tensor::one_hot`], for a constant: it has no gradient.
    ///
    /// # Errors
    /// A gradient is wanted; or as [`Tensor::one_hot`].
    pub fn one_hot(&self, classes: usize, dtype: DType) -> Result<Tensor> {
        self.check_constant("one_hot")?;
        self.tensor().one_hot(classes, dtype)
    }
}
