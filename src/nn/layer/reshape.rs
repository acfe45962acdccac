//! Other shapes of the same elements.

use super::{Built, Layer, batched};
use crate::error::{Error, Result};

/// All elements of an input as one axis.
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
