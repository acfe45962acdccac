//! Rows of a table by index.

use super::super::initializer::Initializer;
use super::super::parameters::ParameterSpec;
use super::{Built, Layer, batched};
use crate::error::Result;

/// A row of a table for each index: inputs are integers below `count`, weight [count, width]. Inputs [..] give [.., width].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedding {
    /// How many rows there are.
    pub count: usize,
    /// How long each is.
    pub width: usize,
}

impl Layer for Embedding {
    fn kind(&self) -> &'static str {
        "embedding"
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        let Self { count, width } = *self;
        let normal = Initializer::Normal { mean: 0.0, deviation: 1.0 };
        let weight = ParameterSpec::new("weight", &[count, width], normal).units((count, width));
        let output = [input, &[width]].concat();
        let sizes = output.clone();
        Ok(Built::new(output, [weight], move |x, parameters, _| {
            let indices = x.tensor().reshape(&[x.tensor().count()])?;
            parameters[0].gather(0, &indices)?.reshape(&batched(x, &sizes))
        }))
    }
}
