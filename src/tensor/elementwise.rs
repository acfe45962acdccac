//! Elementwise operations: every one a formula applied to tensors.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Tensor;
use super::named::named;
use crate::device::{Seed, View};
use crate::error::{Error, Result};
use crate::formula::catalogue::arithmetic;
use crate::formula::{AnyFormula, Formula, Signature};
use crate::shape::{Layout, Shape};

impl Tensor {
    /// A formula of one input and one output, for every element.
    ///
    /// # Errors
    /// The formula has another arity, or memory runs out.
    ///
    /// ```
    /// use rectify::{Device, Tensor, formula};
    /// formula! { fn mish(x) = x * x.softplus().tanh() }
    /// let x = Tensor::from_slice(&[-1.0f32, 0.0, 2.0], &[3], &Device::cpu())?;
    /// let y = x.map(mish)?.to_vec::<f32>()?;
    /// assert!((y[2] - 1.943959).abs() < 1e-6);
    /// # Ok::<(), rectify::Error>(())
    /// ```
    pub fn map(&self, formula: impl Formula) -> Result<Self> {
        Self::zip(formula, [self])
    }

    /// A formula of one output for every element of its inputs, broadcast together: one pass, one launch.
    ///
    /// # Errors
    /// As many inputs as the formula does not have, of one device and element type they are not, or shapes that do not
    /// broadcast.
    ///
    /// ```
    /// use rectify::{Device, Tensor, formula};
    /// formula! { fn add_relu(a, b) = (a + b).relu() }
    /// let device = Device::cpu();
    /// let a = Tensor::from_slice(&[-1.0f32, 2.0], &[2, 1], &device)?;
    /// let b = Tensor::from_slice(&[0.5f32, -0.5], &[2], &device)?;
    /// assert_eq!(Tensor::zip(add_relu, [&a, &b])?.to_vec::<f32>()?, [0.0, 0.0, 2.5, 1.5]);
    /// # Ok::<(), rectify::Error>(())
    /// ```
    pub fn zip<const N: usize>(formula: impl Formula, inputs: [&Self; N]) -> Result<Self> {
        Self::apply(&formula, &inputs, Seed::default())
    }

    /// As [`zip`](Self::zip), for a formula with random draws: the same seed draws the same numbers.
    ///
    /// # Errors
    /// As [`zip`](Self::zip).
    pub fn zip_random<const N: usize>(formula: impl Formula, inputs: [&Self; N], seed: Seed) -> Result<Self> {
        Self::apply(&formula, &inputs, seed)
    }

    /// As [`zip`](Self::zip), for a formula whose type is not known here.
    ///
    /// # Errors
    /// As [`zip`](Self::zip).
    pub fn apply(formula: &dyn AnyFormula, inputs: &[&Self], seed: Seed) -> Result<Self> {
        let signature = formula.signature();
        if signature.outputs != 1 {
            let rule = format!("gives {} outputs: use update to write them", signature.outputs);
            return Err(Error::argument(signature.name, rule));
        }
        let layout = Self::check_inputs(signature, inputs)?;
        let output = Self::uninitialized_as(layout, inputs[0].dtype, inputs[0].device())?;
        output.write(formula, inputs, seed)?;
        Ok(output)
    }

    /// Writes a formula's outputs over existing tensors in one pass: an optimiser's step. An output may be one of the
    /// inputs; everything that shares its buffer sees the change.
    ///
    /// # Errors
    /// Arity, device or element types do not fit, an output is broadcast, two outputs overlap, or the inputs do not
    /// broadcast to the outputs' one shape.
    pub fn update(formula: &dyn AnyFormula, inputs: &[&Self], outputs: &[&Self], seed: Seed) -> Result<()> {
        let signature = formula.signature();
        let name = signature.name;
        let Some((&first, rest)) = outputs.split_first().filter(|_| outputs.len() == signature.outputs) else {
            let rule = format!("gives {} outputs, {} were given", signature.outputs, outputs.len());
            return Err(Error::argument(name, rule));
        };
        for output in rest {
            first.check_device(name, output)?;
            if output.shape() != first.shape() {
                return Err(Error::shape(name, &[first.shape(), output.shape()], "of two outputs differ"));
            }
        }
        Self::check_arity(signature, inputs)?;
        for output in outputs {
            if !output.layout.is_injective() {
                return Err(Error::shape(
                    name,
                    &[output.shape()],
                    "is broadcast, or windows that share elements, and cannot be written",
                ));
            }
        }
        for (i, output) in outputs.iter().enumerate() {
            if outputs[..i].iter().any(|other| other.shares_buffer(output) && other.overlaps(output)) {
                return Err(Error::argument(name, "two outputs overlap"));
            }
        }
        for input in inputs {
            first.check_device(name, input)?;
            for output in outputs {
                let same = input.layout == output.layout && input.dtype == output.dtype;
                if input.shares_buffer(output) && !same && input.overlaps(output) {
                    return Err(Error::argument(name, "an output overlaps an input without being the same elements"));
                }
            }
        }
        with_views(name, inputs, first.shape(), |inputs| {
            let outputs = outputs.iter().map(|output| output.view()).collect::<Result<SmallVec<[_; 4]>>>()?;
            first.device().backend().map(formula, inputs, &outputs, seed)
        })
    }

    /// Runs a formula of one output into this tensor, which is fresh.
    fn write(&self, formula: &dyn AnyFormula, inputs: &[&Self], seed: Seed) -> Result<()> {
        with_views(formula.signature().name, inputs, self.shape(), |inputs| {
            self.device().backend().map(formula, inputs, &[self.view()?], seed)
        })
    }

    /// The contiguous layout of the shape the inputs broadcast to, if they fit the formula and each other.
    pub(crate) fn check_inputs(signature: &Signature, inputs: &[&Self]) -> Result<Arc<Layout>> {
        Self::check_arity(signature, inputs)?;
        let name = signature.name;
        let Some((first, rest)) = inputs.split_first() else {
            return Err(Error::argument(name, "has no inputs to take the shape from"));
        };
        let mut layout = first.own_layout();
        for input in rest {
            first.check_device(name, input)?;
            first.check_dtype(name, input)?;
            if input.shape() != layout.shape() {
                layout = Arc::new(Layout::contiguous(layout.shape().broadcast(name, input.shape())?));
            }
        }
        Ok(layout)
    }

    fn check_arity(signature: &Signature, inputs: &[&Self]) -> Result<()> {
        if inputs.len() == signature.inputs {
            return Ok(());
        }
        let rule = format!("takes {} inputs, {} were given", signature.inputs, inputs.len());
        Err(Error::argument(signature.name, rule))
    }

    /// Whether the ranges of elements meet, for tensors of one buffer.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let range = |t: &Self| (t.layout.offset() * t.dtype.size(), t.layout.extent() * t.dtype.size());
        let ((a, a_end), (b, b_end)) = (range(self), range(other));
        a < b_end && b < a_end
    }
}

/// Runs something on views of tensors, broadcast to one shape.
pub(super) fn with_views<T>(
    name: &'static str,
    tensors: &[&Tensor],
    shape: &Shape,
    run: impl FnOnce(&[View<'_>]) -> Result<T>,
) -> Result<T> {
    let mut layouts = Vec::new();
    for tensor in tensors.iter().filter(|tensor| tensor.shape() != shape) {
        layouts.push(tensor.layout.broadcast_to(name, shape)?);
    }
    let mut broadcast = layouts.iter();
    let mut views = SmallVec::<[View<'_>; 4]>::new();
    for tensor in tensors {
        let layout = if tensor.shape() == shape { None } else { broadcast.next() };
        views.push(View::new(tensor.buffer(), layout.unwrap_or(&tensor.layout), tensor.dtype)?);
    }
    run(&views)
}

macro_rules! methods {
    (one: $($(#[$doc:meta])* $one:ident)*; two: $($(#[$doc_two:meta])* $two:ident)*;) => {
        impl Tensor {
            $($(#[$doc])*
            ///
            /// # Errors
            /// Not floating point, or memory runs out.
            pub fn $one(&self) -> Result<Self> {
                self.check_float(stringify!($one))?;
                self.map(arithmetic::$one)
            })*
            $($(#[$doc_two])*
            ///
            /// Shapes are broadcast together.
            ///
            /// # Errors
            /// Shapes that do not broadcast, differing element types or devices, or memory runs out.
            pub fn $two(&self, other: &Self) -> Result<Self> {
                Self::zip(arithmetic::$two, [self, other])
            })*
        }
    };
}

named! { methods }

impl Tensor {
    /// `factor` times the elements plus `term`.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn scale_shift(&self, factor: f64, term: f64) -> Result<Self> {
        self.map(arithmetic::scale_shift { factor, term })
    }

    /// The elements within `low..=high`.
    ///
    /// # Errors
    /// Memory runs out.
    pub fn clamp(&self, low: f64, high: f64) -> Result<Self> {
        self.map(arithmetic::clamp { low, high })
    }
}
