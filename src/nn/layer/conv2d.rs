//! Convolution over images, as one matrix product over all windows.

use super::super::activation::Activation;
use super::super::initializer::Initializer;
use super::super::linear::affine;
use super::super::parameters::Arrangement;
use super::dense::weight_and_bias;
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
    activation: Activation,
    weight: Option<Initializer>,
    bias: Option<Initializer>,
}

impl Conv2d {
    /// So many filters of this many rows and columns, with stride 1 and no padding, without activation.
    pub fn new(filters: usize, size: [usize; 2]) -> Self {
        let (windows, bias) = (Windows2d::new(size, [1; 2]), Some(Initializer::Constant(0.0)));
        Self { filters, windows, activation: Activation::Linear, weight: None, bias }
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

    /// What follows product and bias.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// What weights are drawn from.
    pub fn weight(mut self, initializer: Initializer) -> Self {
        self.weight = Some(initializer);
        self
    }

    /// What biases are drawn from; none for no bias.
    pub fn bias(mut self, initializer: Option<Initializer>) -> Self {
        self.bias = initializer;
        self
    }
}

impl Layer for Conv2d {
    fn kind(&self) -> &'static str {
        "conv2d"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { filters, windows, activation, .. } = *self;
        let [rows, columns, channels] = windows.count("conv2d", input)?;
        let area = windows.size[0] * windows.size[1];
        let mut parameters = weight_and_bias(
            [area * channels, filters],
            (area * channels, area * filters),
            activation,
            self.weight,
            self.bias,
        );
        parameters[0].arrangement = Arrangement::Filters(windows.size);
        Ok(Built::new([rows, columns, filters], parameters, move |x, parameters, _| {
            let batch = x.shape()[0];
            let patches = windows.of(x, 0.0)?.reshape(&[batch * rows * columns, area * channels])?;
            let results = affine(&patches, &parameters[0], parameters.get(1), activation)?;
            results.reshape(&batched(x, &[rows, columns, filters]))
        }))
    }
}
