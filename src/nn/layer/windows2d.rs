//! Windows over images: what convolution and pooling share.

use super::image;
use crate::autograd::Var;
use crate::error::{Error, Result};

/// Windows over the rows and columns of images [height, width, channels].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows2d {
    /// Rows and columns of a window.
    pub size: [usize; 2],
    /// From window to window.
    pub stride: [usize; 2],
    /// Rows above and below, columns left and right, that are added.
    pub padding: [usize; 2],
    /// From element to element within a window.
    pub dilation: [usize; 2],
}

impl Windows2d {
    /// Windows of this size, one beside the other by `stride`.
    pub fn new(size: [usize; 2], stride: [usize; 2]) -> Self {
        Self { size, stride, padding: [0; 2], dilation: [1; 2] }
    }

    /// How many windows fit, by rows and columns, and the channels of the images.
    pub fn count(&self, layer: &'static str, input: &[usize]) -> Result<[usize; 3]> {
        let [height, width, channels] = image(layer, input)?;
        let along = |axis: usize, size: usize| {
            let span = (self.size[axis].checked_sub(1)?).checked_mul(self.dilation[axis])?.checked_add(1)?;
            let room = (size + 2 * self.padding[axis]).checked_sub(span)?;
            Some(room.checked_div(self.stride[axis])? + 1)
        };
        match (along(0, height), along(1, width)) {
            (Some(rows), Some(columns)) if !self.dilation.contains(&0) => Ok([rows, columns, channels]),
            _ => Err(Error::argument(layer, format!("{self:?} does not fit images of {height} x {width}"))),
        }
    }

    /// The windows of a batch, shape [batch, rows, columns, window rows, window columns, channels], of images with `value`
    /// added around.
    pub fn of(&self, x: &Var, value: f64) -> Result<Var> {
        let Self { size, stride, padding: [above, left], dilation } = *self;
        let x = match (above, left) {
            (0, 0) => x.clone(),
            _ => x.padded(&[(0, 0), (above, above), (left, left), (0, 0)], value)?,
        };
        let rows = x.windows(1, size[0], stride[0], dilation[0])?;
        rows.windows(3, size[1], stride[1], dilation[1])?.transpose(2, 3)
    }
}
