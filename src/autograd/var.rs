//! A variable: a tensor and its place on a tape.

use std::fmt;

use super::backward;
use super::gradients::Gradients;
use super::tape::{Index, Pullback, Step, Tape};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A tensor, and how its gradient goes back to what it was computed from. Cheap to clone.
#[derive(Clone)]
pub struct Var {
    tensor: Tensor,
    node: Option<Node>,
}

#[derive(Clone)]
struct Node {
    tape: Tape,
    index: Index,
}

impl Var {
    /// A tensor whose gradient is not wanted: nothing computed from constants alone is recorded.
    pub fn constant(tensor: &Tensor) -> Self {
        Self::unrecorded(tensor.clone())
    }

    /// The tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The tensor, without its place on the tape.
    pub fn into_tensor(self) -> Tensor {
        self.tensor
    }

    /// The sizes.
    pub fn shape(&self) -> &Shape {
        self.tensor.shape()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.tensor.dtype()
    }

    /// The one element, as f64.
    ///
    /// # Errors
    /// There is not exactly one.
    pub fn item(&self) -> Result<f64> {
        self.tensor.item()
    }

    /// Whether it depends on a variable of a tape.
    pub fn needs_gradient(&self) -> bool {
        self.node.is_some()
    }

    /// The same tensor as a constant: the explicit cut of a gradient.
    pub fn detach(&self) -> Self {
        Self::constant(&self.tensor)
    }

    /// The gradients of this loss in every variable of its tape. The tape is used up: whatever an operation kept is
    /// released right after its use, in the reverse order of recording.
    ///
    /// # Errors
    /// Not one element, depends on no variable, a tape that is used up already, or memory runs out.
    pub fn backward(&self) -> Result<Gradients> {
        if self.tensor.count() != 1 {
            let rule = format!("shape {} is not one number: use backward_with, or sum or mean first", self.shape());
            return Err(Error::gradient("backward", rule));
        }
        backward::run(self, None)
    }

    /// As [`backward`](Self::backward) for a result of any shape, given the gradient of it.
    ///
    /// # Errors
    /// As [`backward`](Self::backward); or `gradient` has another shape or element type.
    pub fn backward_with(&self, gradient: &Tensor) -> Result<Gradients> {
        self.tensor.check_device("backward_with", gradient)?;
        self.tensor.check_dtype("backward_with", gradient)?;
        if gradient.shape() != self.shape() {
            let rule = "differ: a gradient has the shape of what it is the gradient of";
            return Err(Error::shape("backward_with", &[self.shape(), gradient.shape()], rule));
        }
        backward::run(self, Some(gradient))
    }

    pub(super) fn unrecorded(tensor: Tensor) -> Self {
        Self { tensor, node: None }
    }

    pub(super) fn on(tensor: Tensor, tape: Tape, index: Index) -> Self {
        Self { tensor, node: Some(Node { tape, index }) }
    }

    pub(super) fn tape(&self) -> Option<&Tape> {
        self.node.as_ref().map(|node| &node.tape)
    }

    /// Where its gradient goes, if it is wanted.
    pub(super) fn index(&self) -> Option<Index> {
        self.node.as_ref().map(|node| node.index)
    }

    /// The result of an operation on this alone. `pull` is asked for the way back only if there is one to go.
    pub(super) fn derived(
        &self,
        operation: &'static str,
        output: Tensor,
        pull: impl FnOnce(Index) -> Pullback,
    ) -> Result<Self> {
        match &self.node {
            Some(Node { tape, index }) => tape.push(operation, output, Step::Pull(pull(*index))),
            None => Ok(Self::unrecorded(output)),
        }
    }

    /// Fails under a gradient, for an operation that has none.
    pub(super) fn check_constant(&self, operation: &'static str) -> Result<()> {
        if self.node.is_none() {
            return Ok(());
        }
        Err(Error::gradient(operation, "has no gradient: detach the variable first to cut the gradient here"))
    }
}

impl fmt::Debug for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.node.is_some() { "recorded" } else { "constant" };
        write!(f, "Var({:?}, {kind})", self.tensor)
    }
}
