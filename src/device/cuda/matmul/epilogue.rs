//! What follows a product, where cuBLASLt can do it while the product is at hand.

use std::any::TypeId;

use cudarc::cublaslt::sys::cublasLtEpilogue_t as Known;

use crate::device::backend::{Epilogue, Product};
use crate::device::view::View;
use crate::formula::catalogue::activation;
use crate::formula::{AnyFormula, Biased, Gradient, GradientFromOutput};

/// An epilogue of cuBLASLt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fused {
    /// None.
    Nothing,
    /// Adds a bias to every row.
    Bias,
    /// Adds a bias to every row, then max(x, 0). NaN may become 0 there, which our own kernel passes on.
    BiasRelu,
    /// The same, and a mask of what is above 0 besides.
    BiasReluMask,
    /// Adds a bias to every row, then GELU by its tanh approximation.
    BiasGelu,
    /// The same, and the argument of GELU besides.
    BiasGeluArgument,
    /// The gradient of ReLU by its mask.
    ReluGradient,
    /// The same, and the sums of that over its rows.
    ReluGradientSums,
    /// The gradient of GELU, by its argument.
    GeluGradient,
    /// The same, and the sums of that over its rows.
    GeluGradientSums,
    /// Beside the product, the sums of the second factor over its rows.
    ColumnSums,
}

/// An epilogue within a product, and where it reads and writes.
#[derive(Debug, Clone, Copy)]
pub struct Within {
    pub fused: Fused,
    /// The result of the product and what follows it.
    pub result: u64,
    /// The bias that is read, or the sums that are written; 0 for neither.
    pub row: u64,
    /// The mask or the argument of the activation; 0 for neither.
    pub aside: u64,
}

impl Within {
    /// A product and nothing else.
    pub fn nothing(product: &Product<'_>) -> Self {
        Self { fused: Fused::Nothing, result: product.c.address(), row: 0, aside: 0 }
    }

    /// The sums of the second factor beside a product.
    pub fn column_sums(product: &Product<'_>) -> Option<Self> {
        let row = row_of(product, &product.column_sums?)?;
        Some(Self { fused: Fused::ColumnSums, row, ..Self::nothing(product) })
    }

    /// An activation with its bias. The mask of [`Fused::BiasReluMask`] is not known yet.
    pub fn activation(product: &Product<'_>, epilogue: &Epilogue<'_>) -> Option<Self> {
        let of = |formula: TypeId| epilogue.place == 0 && epilogue.formula.key() == formula;
        let fused = match (epilogue.keep, is_in_place(product, &epilogue.output)) {
            (_, true) if of(Biased(activation::linear).key()) => Fused::Bias,
            (false, true) if of(Biased(activation::relu).key()) => Fused::BiasRelu,
            (true, true) if of(Biased(activation::relu).key()) => Fused::BiasReluMask,
            (false, true) if of(Biased(activation::gelu_tanh).key()) => Fused::BiasGelu,
            (true, false) if of(Biased(activation::gelu_tanh).key()) => Fused::BiasGeluArgument,
            _ => return None,
        };
        let bias = row_of(product, &epilogue.operand)?;
        let aside = if fused == Fused::BiasGeluArgument { product.c.address() } else { 0 };
        is_like(product, &epilogue.output).then_some(Self {
            fused,
            result: epilogue.output.address(),
            row: bias,
            aside,
        })
    }

    /// The gradient of an activation, with the sums of it if they are wanted.
    pub fn gradient(product: &Product<'_>, epilogue: &Epilogue<'_>) -> Option<Self> {
        let row = match &epilogue.sums {
            Some(sums) => Some(row_of(product, sums)?),
            None => None,
        };
        let of = |formula: TypeId| epilogue.place == 1 && epilogue.formula.key() == formula;
        let (fused, aside) = if of(GradientFromOutput(activation::relu).key()) {
            let fused = if row.is_some() { Fused::ReluGradientSums } else { Fused::ReluGradient };
            (fused, epilogue.mask?.address())
        } else if of(Gradient::<_, 0>(activation::gelu_tanh).key()) && is_like(product, &epilogue.operand) {
            let fused = if row.is_some() { Fused::GeluGradientSums } else { Fused::GeluGradient };
            (fused, epilogue.operand.address())
        } else {
            return None;
        };
        let fits = is_in_place(product, &epilogue.output) && product.c.shape()[0] == 1;
        fits.then_some(Self { fused, result: epilogue.output.address(), row: row.unwrap_or(0), aside })
    }
}

impl Fused {
    /// cuBLASLt's number for it.
    pub const fn number(self) -> u32 {
        let known = match self {
            Self::Nothing => Known::CUBLASLT_EPILOGUE_DEFAULT,
            Self::Bias => Known::CUBLASLT_EPILOGUE_BIAS,
            Self::BiasRelu => Known::CUBLASLT_EPILOGUE_RELU_BIAS,
            Self::BiasReluMask => Known::CUBLASLT_EPILOGUE_RELU_AUX_BIAS,
            Self::BiasGelu => Known::CUBLASLT_EPILOGUE_GELU_BIAS,
            Self::BiasGeluArgument => Known::CUBLASLT_EPILOGUE_GELU_AUX_BIAS,
            Self::ReluGradient => Known::CUBLASLT_EPILOGUE_DRELU,
            Self::ReluGradientSums => Known::CUBLASLT_EPILOGUE_DRELU_BGRAD,
            Self::GeluGradient => Known::CUBLASLT_EPILOGUE_DGELU,
            Self::GeluGradientSums => Known::CUBLASLT_EPILOGUE_DGELU_BGRAD,
            // The second factor is the first of the transposed product.
            Self::ColumnSums => Known::CUBLASLT_EPILOGUE_BGRADA,
        };
        known as u32
    }

    /// Elements from row to row of what is kept aside, for rows of so many; none where nothing is. cuBLASLt wants rows of
    /// a mask to begin every so many bits, and rows of arguments every so many elements.
    pub const fn aside(self, columns: usize) -> Option<usize> {
        match self {
            Self::BiasReluMask | Self::ReluGradient | Self::ReluGradientSums => Some(columns.next_multiple_of(128)),
            Self::BiasGeluArgument | Self::GeluGradient | Self::GeluGradientSums => Some(columns),
            _ => None,
        }
    }
}

/// The address of one row for all of a product of one matrix, or of the same bias for each of several.
fn row_of(product: &Product<'_>, row: &View<'_>) -> Option<u64> {
    let is_row = matches!(row.layout().strides(), &[_, 0, 1]) || matches!(row.shape().sizes(), &[_, 1, 1]);
    let repeats = row.shape()[0] == 1 || row.layout().strides()[0] == 0;
    (is_row && repeats && row.dtype() == product.c.dtype()).then(|| row.address())
}

/// Whether a view lies as the product does, whatever the stride of its batch of one.
fn is_like(product: &Product<'_>, view: &View<'_>) -> bool {
    let dense = product.c.layout().is_contiguous() && view.layout().is_contiguous();
    dense && (product.c.dtype(), product.c.shape()) == (view.dtype(), view.shape())
}

/// Whether the output is the product itself.
fn is_in_place(product: &Product<'_>, output: &View<'_>) -> bool {
    product.c.address() == output.address() && is_like(product, output)
}
