//! Layers: plans that are built for inputs of one shape, and run on batches of them.

mod activate;
mod affine;
mod branches;
mod conv2d;
mod dense;
mod dropout;
mod embedding;
mod gated;
mod normalize;
mod pool2d;
mod reshape;
mod select;
mod windows2d;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

pub use activate::{Activate, Learned, Per};
pub use branches::{Branches, Join, Residual};
pub use conv2d::Conv2d;
pub use dense::{AppendOne, Dense, Maxout};
pub use dropout::{Dropout, GaussianDropout};
pub use embedding::Embedding;
pub use gated::{ConcatenatedRelu, Gated};
pub use normalize::{BatchNorm, LayerNorm, RmsNorm};
pub use pool2d::{AveragePool2d, MaxPool2d};
pub use reshape::{ChannelsFirst, Flatten, Reshape};
pub use select::Select;

use super::parameters::ParameterSpec;
use crate::autograd::Var;
use crate::device::{Seed, Telling};
use crate::error::{Error, Result};

/// The plan of a layer, without numbers. A layer of your own is this trait on a type of your own:
///
/// ```
/// use rectify::Result;
/// use rectify::nn::layer::{Built, Layer};
/// use rectify::nn::{Initializer, ParameterSpec};
///
/// /// Multiplies each feature by a factor that is learned.
/// #[derive(Debug)]
/// struct Scale;
///
/// impl Layer for Scale {
///     fn kind(&self) -> &'static str {
///         "scale"
///     }
///
///     fn build(&self, input: &[usize]) -> Result<Built> {
///         let features = input[input.len() - 1];
///         let factor = ParameterSpec::new("factor", &[features], Initializer::Constant(1.0));
///         Ok(Built::new(input, [factor], |x, parameters, _pass| x.mul(&parameters[0])))
///     }
/// }
/// ```
pub trait Layer: fmt::Debug + Send + Sync {
    /// What it is called in names and summaries: `dense`, `conv2d`.
    fn kind(&self) -> &'static str;

    /// The layer for inputs of these sizes, the batch axis in front not counted.
    ///
    /// # Errors
    /// It cannot work on such inputs, or a setting is outside its range.
    fn build(&self, input: &[usize]) -> Result<Built>;
}

/// A layer that knows the shape of its inputs.
pub struct Built {
    /// The sizes of its results, the batch axis in front not counted.
    pub output: Vec<usize>,
    /// Its parameters, with names of its own.
    pub parameters: Vec<ParameterSpec>,
    /// From a batch and the parameters, in order, to the results.
    pub forward: Arc<Forward>,
}

/// From a batch of inputs, shape [batch, input...], and the parameters to the results, shape [batch, output...].
pub type Forward = dyn Fn(&Var, &[Var], &Pass) -> Result<Var> + Send + Sync;

impl Built {
    /// A layer with results of these sizes, these parameters, and this way to compute it.
    pub fn new(
        output: impl Into<Vec<usize>>,
        parameters: impl IntoIterator<Item = ParameterSpec>,
        forward: impl Fn(&Var, &[Var], &Pass) -> Result<Var> + Send + Sync + 'static,
    ) -> Self {
        Self { output: output.into(), parameters: parameters.into_iter().collect(), forward: Arc::new(forward) }
    }
}

impl fmt::Debug for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Built {{ output: {:?}, parameters: {:?} }}", self.output, self.parameters)
    }
}

/// What the draws of a pass follow from.
#[derive(Debug)]
enum Key {
    Of(u64),
    Told(Telling),
}

/// One run through a network: whether it trains, and where its random draws start.
#[derive(Debug)]
pub struct Pass {
    key: Option<Key>,
    draws: Cell<u32>,
}

impl Pass {
    /// A pass of training, whose draws are those of this key.
    pub fn training(key: u64) -> Self {
        Self { key: Some(Key::Of(key)), draws: Cell::new(0) }
    }

    /// A pass of training that is captured: its draws are those of the key that it is told in each run.
    pub(in crate::nn) fn told(key: Telling) -> Self {
        Self { key: Some(Key::Told(key)), draws: Cell::new(0) }
    }

    /// A pass that draws nothing: layers are as they are after training.
    pub fn inference() -> Self {
        Self { key: None, draws: Cell::new(0) }
    }

    /// Whether this is training.
    pub fn is_training(&self) -> bool {
        self.key.is_some()
    }

    /// Draws of their own for the layer that asks; none outside training.
    pub fn seed(&self) -> Option<Seed> {
        let stream = self.draws.get();
        self.draws.set(stream.wrapping_add(1));
        self.key.as_ref().map(|key| match key {
            Key::Of(key) => Seed::new(*key, stream),
            Key::Told(key) => Seed::told(key.address(), stream),
        })
    }
}

/// The last of some sizes.
fn features(layer: &'static str, input: &[usize]) -> Result<usize> {
    input.last().copied().ok_or_else(|| Error::argument(layer, "inputs have no axis beside the batch"))
}

/// Rows, columns and channels of an image.
fn image(layer: &'static str, input: &[usize]) -> Result<[usize; 3]> {
    input.try_into().map_err(|_| {
        Error::argument(layer, format!("inputs of {input:?} are not images: [height, width, channels] is needed"))
    })
}

/// The sizes with the last one replaced.
fn with_features(input: &[usize], features: usize) -> Vec<usize> {
    let mut sizes = input.to_vec();
    if let Some(last) = sizes.last_mut() {
        *last = features;
    }
    sizes
}

/// The sizes of a batch of results.
fn batched(x: &Var, sizes: &[usize]) -> Vec<usize> {
    [&x.shape()[..1], sizes].concat()
}

/// Fails unless the setting is within its range, which `range` says in words.
fn check(layer: &'static str, setting: &str, value: f64, fits: bool, range: &str) -> Result<()> {
    if fits {
        return Ok(());
    }
    Err(Error::argument(layer, format!("{setting} {value} is not {range}")))
}
