//! What follows a product, where cuBLASLt can do it while the product is at hand.

use std::any::TypeId;

use cudarc::cublaslt::sys::cublasLtEpilogue_t as Known;

use crate::device::backend::{Epilogue, Product};
use crate::device::view::View;
use crate::formula::catalogue::activation;
use crate::formula::{AnyFormula, Biased};

/// An epilogue of cuBLASLt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fused {
    /// None.
    Nothing,
    /// Adds a bias to every row.
    Bias,
    /// Adds a bias to every row, then max(x, 0). NaN may become 0 there, which our own kernel passes on.
    BiasRelu,
    /// Adds a bias to every row, then GELU by its tanh approximation.
    BiasGelu,
    /// Beside the product, the sums of the second factor over its rows.
    ColumnSums,
}

impl Fused {
    /// The epilogue that does what is asked for, and the address of its bias.
    pub fn of(product: &Product<'_>, epilogue: &Epilogue<'_>) -> Option<(Self, u64)> {
        let (&[bias], &[output]) = (epilogue.operands, epilogue.outputs) else { return None };
        let is_row = matches!(bias.layout().strides(), &[_, 0, 1]) || matches!(bias.shape().sizes(), &[_, 1, 1]);
        let repeats = bias.shape()[0] == 1 || bias.layout().strides()[0] == 0;
        let fits = is_row && repeats && bias.dtype() == product.c.dtype() && is_in_place(product, &output);
        let fused = fits.then(|| Self::of_formula(epilogue.formula.key())).flatten()?;
        Some((fused, bias.address()))
    }

    /// The epilogue that gives the sums that are asked for beside a product, and where they go.
    pub fn of_sums(product: &Product<'_>) -> Option<(Self, u64)> {
        let sums = product.column_sums?;
        let fits = matches!(sums.layout().strides(), &[_, 0, 1]) && sums.dtype() == product.c.dtype();
        (fits && product.c.shape()[0] == 1).then(|| (Self::ColumnSums, sums.address()))
    }

    fn of_formula(key: TypeId) -> Option<Self> {
        match () {
            () if key == Biased(activation::linear).key() => Some(Self::Bias),
            () if key == Biased(activation::relu).key() => Some(Self::BiasRelu),
            () if key == Biased(activation::gelu_tanh).key() => Some(Self::BiasGelu),
            () => None,
        }
    }

    /// cuBLASLt's number for it.
    pub const fn number(self) -> u32 {
        let known = match self {
            Self::Nothing => Known::CUBLASLT_EPILOGUE_DEFAULT,
            Self::Bias => Known::CUBLASLT_EPILOGUE_BIAS,
            Self::BiasRelu => Known::CUBLASLT_EPILOGUE_RELU_BIAS,
            Self::BiasGelu => Known::CUBLASLT_EPILOGUE_GELU_BIAS,
            // The second factor is the first of the transposed product.
            Self::ColumnSums => Known::CUBLASLT_EPILOGUE_BGRADA,
        };
        known as u32
    }
}

/// Whether the output is the product itself, whatever the stride of its batch of one.
fn is_in_place(product: &Product<'_>, output: &View<'_>) -> bool {
    let dense = product.c.layout().is_contiguous() && output.layout().is_contiguous();
    let same = (product.c.address(), product.c.dtype(), product.c.shape())
        == (output.address(), output.dtype(), output.shape());
    dense && same
}
