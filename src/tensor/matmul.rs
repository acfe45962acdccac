//! Matrix products.

use super::Tensor;
use crate::device::{Epilogue, Product, Residual, View};
use crate::error::{Error, Result};
use crate::formula::AnyFormula;
use crate::memory::Buffer;
use crate::shape::Shape;

impl Tensor {
    /// The product of matrices, or of as many matrices as leading axes count: shapes [.., m, k] and [.., k, n] give
    /// [.., m, n], leading axes broadcast. Transposed views are multiplied without a copy.
    ///
    /// # Errors
    /// Fewer than two axes, inner sizes that differ, leading axes that do not broadcast, differing element types or
    /// devices, not floating point, or memory runs out.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        let operands = Operands::new(self, other)?;
        let product = Self::uninitialized(operands.shape()?, self.dtype, self.device())?;
        operands.run(&product, false, None)?;
        Ok(product)
    }

    /// Adds the product of `a` and `b` to this tensor in place: everything that shares its buffer sees the change.
    ///
    /// # Errors
    /// As [`matmul`](Self::matmul); or this tensor is not the product's shape, not contiguous, or shares a buffer with
    /// `a` or `b`.
    pub fn add_matmul(&self, a: &Self, b: &Self) -> Result<()> {
        self.write_matmul("add_matmul", a, b, true)
    }

    /// Writes the product of `a` and `b` over this tensor, or with `accumulate` adds it.
    pub(crate) fn write_matmul(&self, operation: &'static str, a: &Self, b: &Self, accumulate: bool) -> Result<()> {
        let operands = Operands::new(a, b)?;
        a.check_device(operation, self)?;
        a.check_dtype(operation, self)?;
        let shape = operands.shape()?;
        if *self.shape() != shape || !self.layout.is_contiguous() {
            let rule = format!("must be a contiguous tensor of the product's shape {shape}");
            return Err(Error::shape(operation, &[self.shape()], rule));
        }
        if self.shares_buffer(a) || self.shares_buffer(b) {
            return Err(Error::argument(operation, "the result shares a buffer with a factor: copy the factor first"));
        }
        operands.run(self, accumulate, None).map(drop)
    }

    /// Writes the product of matrices `a` and `b` over this one, and the sums of `b` over its rows over `sums`.
    pub(crate) fn write_matmul_and_sums(&self, a: &Self, b: &Self, sums: &Self) -> Result<()> {
        let operands = Operands::new(a, b)?;
        let (m, k, n) = operands.sizes();
        debug_assert!(self.shape().sizes() == [m, n] && sums.shape().sizes() == [n]);
        let layout = |tensor: &Self| tensor.layout.unsqueeze(0);
        let (a_layout, b_layout, c_layout) = (layout(a)?, layout(b)?, layout(self)?);
        let sums_layout = sums.layout.broadcast_to("backward", &Shape::new(&[1, k, n])?)?;
        let product = Product {
            a: View::new(a.buffer(), &a_layout, a.dtype)?,
            b: View::new(b.buffer(), &b_layout, b.dtype)?,
            c: View::new(self.buffer(), &c_layout, self.dtype)?,
            accumulate: false,
            column_sums: Some(View::new(sums.buffer(), &sums_layout, sums.dtype)?),
        };
        self.device().backend().matmul(&product, None).map(drop)
    }

    /// `activation(self * weight + bias)` for matrices, given the activation with its bias, as one call; and what is to be
    /// kept of it for the gradient.
    pub(crate) fn matmul_activate(
        &self,
        weight: &Self,
        biased: &dyn AnyFormula,
        bias: &Self,
        keep: Keep,
    ) -> Result<(Self, Kept)> {
        let operands = Operands::new(self, weight)?;
        let product = Self::uninitialized(operands.shape()?, self.dtype, self.device())?;
        let output = match keep {
            Keep::Argument => Self::uninitialized(operands.shape()?, self.dtype, self.device())?,
            Keep::Nothing | Keep::Mask => product.clone(),
        };
        let merged = operands.merged();
        let layout = bias.layout.broadcast_to("matmul", &Shape::new(&merged)?)?;
        let target = output.reshape(&merged)?;
        let residual = operands.run(
            &product,
            false,
            Some(&Epilogue {
                formula: biased,
                place: 0,
                operand: View::new(bias.buffer(), &layout, bias.dtype)?,
                output: target.view()?,
                mask: None,
                sums: None,
                keep: keep != Keep::Nothing,
            }),
        )?;
        let kept = match (keep, residual) {
            (_, Residual::Mask(mask)) => Kept::Mask(mask),
            (_, Residual::Argument) => Kept::Argument(product),
            (Keep::Argument, Residual::Product) => Kept::Product(product),
            (Keep::Nothing | Keep::Mask, Residual::Product) => Kept::Nothing,
        };
        Ok((output, kept))
    }

    /// `gradient(kept, self * other)` for matrices, given the gradient of an activation by what that kept: the gradient in
    /// front of a layer's activation, as one call from that in front of the next layer. The sums of it over its rows go to
    /// `sums`.
    pub(crate) fn matmul_activation_gradient(
        &self,
        other: &Self,
        gradient: &dyn AnyFormula,
        kept: &Self,
        mask: Option<&Buffer>,
        sums: Option<&Self>,
    ) -> Result<Self> {
        let operands = Operands::new(self, other)?;
        let product = Self::uninitialized(operands.shape()?, self.dtype, self.device())?;
        let merged = operands.merged();
        let (kept, target) = (kept.reshape(&merged)?, product.reshape(&merged)?);
        let layout = match sums {
            Some(sums) => Some(sums.layout.broadcast_to("backward", target.shape())?),
            None => None,
        };
        let sums = match (sums, &layout) {
            (Some(sums), Some(layout)) => Some(View::new(sums.buffer(), layout, sums.dtype)?),
            _ => None,
        };
        let (operand, output) = (kept.view()?, target.view()?);
        let epilogue = Epilogue { formula: gradient, place: 1, operand, output, mask, sums, keep: false };
        operands.run(&product, false, Some(&epilogue))?;
        Ok(product)
    }
}

/// What an activation behind a product needs for its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    /// The result; a mask besides is welcome.
    Mask,
    /// Its argument.
    Argument,
}

/// What was kept for that beside the result.
pub(crate) enum Kept {
    Nothing,
    /// What the device's [`Epilogue`] takes for the gradient.
    Mask(Buffer),
    /// The argument of the activation.
    Argument(Tensor),
    /// The argument without its bias.
    Product(Tensor),
}

/// Two factors that fit each other.
struct Operands<'a> {
    a: &'a Tensor,
    b: &'a Tensor,
    batch: Shape,
}

impl<'a> Operands<'a> {
    fn new(a: &'a Tensor, b: &'a Tensor) -> Result<Self> {
        a.check_device("matmul", b)?;
        a.check_dtype("matmul", b)?;
        a.check_float("matmul")?;
        let refuse = |rule: String| Err(Error::shape("matmul", &[a.shape(), b.shape()], rule));
        let (Some((a_batch, &[_, inner_a])), Some((b_batch, &[inner_b, _]))) =
            (a.shape().split_last_chunk::<2>(), b.shape().split_last_chunk::<2>())
        else {
            return refuse("cannot be multiplied: a matrix has at least two axes".into());
        };
        if inner_a != inner_b {
            return refuse(format!("cannot be multiplied: inner sizes {inner_a} and {inner_b} differ"));
        }
        let batch = match (a_batch, b_batch) {
            ([], []) => Shape::scalar(),
            _ => Shape::new(a_batch)?.broadcast("matmul", &Shape::new(b_batch)?)?,
        };
        Ok(Self { a, b, batch })
    }

    /// The rows of `a`, the inner size, the columns of `b`.
    fn sizes(&self) -> (usize, usize, usize) {
        let (a, b) = (self.a.shape(), self.b.shape());
        (a[a.rank() - 2], a[a.rank() - 1], b[b.rank() - 1])
    }

    fn shape(&self) -> Result<Shape> {
        let (m, _, n) = self.sizes();
        if self.batch.rank() == 0 {
            return Shape::new(&[m, n]);
        }
        Shape::new(&[self.batch.sizes(), &[m, n]].concat())
    }

    /// The product's sizes with the leading axes merged into one.
    fn merged(&self) -> [usize; 3] {
        let (m, _, n) = self.sizes();
        [self.batch.count(), m, n]
    }

    fn run(&self, c: &Tensor, accumulate: bool, epilogue: Option<&Epilogue<'_>>) -> Result<Residual> {
        let (m, k, n) = self.sizes();
        if self.batch.rank() == 0 {
            // Two matrices and no more: one axis in front, and nothing to broadcast.
            let (a, b, c_layout) = (self.a.layout.unsqueeze(0)?, self.b.layout.unsqueeze(0)?, c.layout.unsqueeze(0)?);
            let view = |tensor: &'a Tensor, layout| View::new(tensor.buffer(), layout, tensor.dtype);
            let c_view = View::new(c.buffer(), &c_layout, c.dtype)?;
            let product =
                Product { a: view(self.a, &a)?, b: view(self.b, &b)?, c: c_view, accumulate, column_sums: None };
            return c.device().backend().matmul(&product, epilogue);
        }
        let (a, b) = (self.batched(self.a, m, k)?, self.batched(self.b, k, n)?);
        let c = c.reshape(&self.merged())?;
        let product = Product { a: a.view()?, b: b.view()?, c: c.view()?, accumulate, column_sums: None };
        c.device().backend().matmul(&product, epilogue)
    }

    /// A factor with its leading axes broadcast and merged into one.
    fn batched(&self, factor: &Tensor, rows: usize, columns: usize) -> Result<Tensor> {
        let full = [self.batch.sizes(), &[rows, columns]].concat();
        let layout = factor.layout.broadcast_to("matmul", &Shape::new(&full)?)?;
        factor.with_layout(layout).reshape(&[self.batch.count(), rows, columns])
    }
}
