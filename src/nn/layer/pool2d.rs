//! Pooling over images: each window becomes one number.

use super::windows2d::Windows2d;
use super::{Built, Layer};
use crate::error::Result;

/// The largest of each window of images [height, width, channels]. Equal elements share the gradient evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool2d(Windows2d);

/// The mean of each window of images [height, width, channels]; what padding adds counts as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AveragePool2d(Windows2d);

macro_rules! pools {
    ($($name:ident: $kind:literal, $padding:expr, $reduce:ident;)*) => {$(
        impl $name {
            /// Windows of this many rows and columns, one beside the other.
            pub fn new(size: [usize; 2]) -> Self {
                Self(Windows2d::new(size, size))
            }

            /// Rows and columns from window to window.
            pub fn stride(mut self, stride: [usize; 2]) -> Self {
                self.0.stride = stride;
                self
            }

            /// Rows added above and below, and columns left and right.
            pub fn padding(mut self, padding: [usize; 2]) -> Self {
                self.0.padding = padding;
                self
            }
        }

        impl Layer for $name {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn build(&self, input: &[usize]) -> Result<Built> {
                let Self(windows) = *self;
                let output = windows.count($kind, input)?;
                Ok(Built::new(output, [], move |x, _, _| windows.of(x, $padding)?.$reduce(&[3, 4])))
            }
        }
    )*};
}

pools! {
    MaxPool2d: "max_pool2d", f64::NEG_INFINITY, max;
    AveragePool2d: "average_pool2d", 0.0, mean;
}
