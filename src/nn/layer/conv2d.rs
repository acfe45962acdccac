//! Convolution over images, as one matrix product over all windows.

use super::super::activation::Activation;
use super::super::initializer::Initializer;
use super::super::linear::affine;
use super::super::parameters::Arrangement;
use super::affine::{Affine, affine_settings};
use super::windows2d::Windows2d;
use super::{Built, Layer, batched};
use crate::error::Result;

/// Convolution of images [height, width, channels] with `filters` windows, then bias and activation:
/// [rows, columns, filters]. It is the cross-correlation that the field calls convolution.
///
/// Weight [window rows * window columns * channels, filters], in that order; bias `[filters]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conv2d {
    filters: usize,
    windows: Windows2d,
    affine: Affine,
}

affine_settings! { Conv2d }

impl Conv2d {
    /// So many filters of this many rows and columns, with stride 1 and no padding, without activation.
    pub fn new(filters: usize, size: [usize; 2]) -> Self {
        Self { filters, windows: Windows2d::new(size, [1; 2]), affine: Affine::new(Activation::Linear) }
    }

    /// Rows and columns from window to window.
    pub fn stride(mut self, stride: [usize; 2]) -> Self {
        self.windows.stride = stride;
        self
    }

    /// Zeros added above and below, and left and right.
    pub fn padding(mut self, padding: [usize; 2]) -> Self {
        self.windows.padding = padding;
        self
    }

    /// Rows and columns from element to element within a window.
    pub fn dilation(mut self, dilation: [usize; 2]) -> Self {
        self.windows.dilation = dilation;
        self
    }
}

impl Layer for Conv2d {
    fn kind(&self) -> &'static str {
        "conv2d"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { filters, windows, affine: plan } = *self;
        let [rows, columns, channels] = windows.count("conv2d", input)?;
        let area = windows.size[0] * windows.size[1];
        let mut parameters = plan.parameters([area * channels, filters], (area * channels, area * filters));
        parameters[0].arrangement = Arrangement::Filters(windows.size);
        Ok(Built::new([rows, columns, filters], parameters, move |x, parameters, _| {
            let batch = x.shape()[0];
            let patches = windows.of(x, 0.0)?.reshape(&[batch * rows * columns, area * channels])?;
            let results = affine(&patches, &parameters[0], parameters.get(1), plan.activation)?;
            results.reshape(&batched(x, &[rows, columns, filters]))
        }))
    }
}
