//! The operands of normalisation by rows: y = (x - mean) * scale * gain + shift, where `scale` is one over the root of the
//! variance plus epsilon.

use super::view::View;

/// Layer normalisation of every row, or root mean square normalisation. Contiguous and of one floating point type, but for the
/// statistics.
#[derive(Debug, Clone, Copy)]
pub struct Normalize<'a> {
    /// Whether the mean is subtracted; else it counts as 0, and the variance is the mean square.
    pub centered: bool,
    /// What is added to the variance.
    pub epsilon: f64,
    /// Shape [rows, columns].
    pub input: View<'a>,
    /// Shape `[columns]`.
    pub gain: View<'a>,
    /// Shape `[columns]`; 0 for none.
    pub shift: Option<View<'a>>,
    /// Shape [rows, columns].
    pub output: View<'a>,
    /// Shape [rows, 2], of the type that is computed in: mean and scale of every row, where they are wanted for the gradient.
    pub statistics: Option<View<'a>>,
}

/// The gradients of [`Normalize`] in what of it is wanted. Contiguous and of one floating point type, but for the statistics.
#[derive(Debug, Clone, Copy)]
pub struct NormalizeBackward<'a> {
    /// Whether the mean was subtracted.
    pub centered: bool,
    /// What the forward pass was given: shape [rows, columns].
    pub input: View<'a>,
    /// Shape `[columns]`.
    pub gain: View<'a>,
    /// What the forward pass left: shape [rows, 2].
    pub statistics: View<'a>,
    /// The gradient of the output: shape [rows, columns].
    pub gradient: View<'a>,
    /// Shape [rows, columns].
    pub input_gradient: Option<View<'a>>,
    /// Shape `[columns]`: a sum over the rows, whose order depends on the shape alone.
    pub gain_gradient: Option<View<'a>>,
    /// Shape `[columns]`: as for the gain.
    pub shift_gradient: Option<View<'a>>,
}

impl<'a> Normalize<'a> {
    /// What it reads.
    pub(super) fn inputs(&self) -> impl Iterator<Item = View<'a>> {
        [self.input, self.gain].into_iter().chain(self.shift)
    }

    /// What it writes.
    pub(super) fn outputs(&self) -> impl Iterator<Item = View<'a>> {
        [self.output].into_iter().chain(self.statistics)
    }
}

impl<'a> NormalizeBackward<'a> {
    /// What it reads.
    pub(super) fn inputs(&self) -> impl Iterator<Item = View<'a>> {
        [self.input, self.gain, self.statistics, self.gradient].into_iter()
    }

    /// What it writes.
    pub(super) fn outputs(&self) -> impl Iterator<Item = View<'a>> {
        [self.input_gradient, self.gain_gradient, self.shift_gradient].into_iter().flatten()
    }
}
