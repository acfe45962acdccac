//! Other shapes of the same elements.

use super::{Built, Layer, batched, image};
use crate::error::{Error, Result};

/// All elements of an input as one axis: of an image row by row, channels innermost. Behind [`ChannelsFirst`] the order is that of
/// PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flatten;

impl Layer for Flatten {
    fn kind(&self) -> &'static str {
        "flatten"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let count: usize = input.iter().product();
        Ok(Built::new([count], [], move |x, _, _| x.reshape(&batched(x, &[count]))))
    }
}

/// Images [height, width, channels] as [channels, height, width], the way PyTorch has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelsFirst;

impl Layer for ChannelsFirst {
    fn kind(&self) -> &'static str {
        "channels_first"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let [height, width, channels] = image("channels_first", input)?;
        Ok(Built::new([channels, height, width], [], |x, _, _| x.transpose(2, 3)?.transpose(1, 2)))
    }
}

/// The elements of an input in order under other sizes, the batch axis not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshape(pub Vec<usize>);

impl Layer for Reshape {
    fn kind(&self) -> &'static str {
        "reshape"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let sizes = self.0.clone();
        if sizes.iter().product::<usize>() != input.iter().product::<usize>() {
            return Err(Error::argument("reshape", format!("{input:?} has not as many elements as {sizes:?}")));
        }
        Ok(Built::new(sizes.clone(), [], move |x, _, _| x.reshape(&batched(x, &sizes))))
    }
}
