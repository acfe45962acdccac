//! A network: layers with their parameters on a device.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chain::{Chain, Link};
use super::layer::{Layer, Pass};
use super::parameters::Parameters;
use super::precision;
use crate::autograd::{Tape, Var};
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::scope;
use crate::tensor::Tensor;

/// Layers one behind the other over one flat buffer of parameters.
///
/// It holds weights and nothing that training needs: tape, gradients and optimiser live outside and are thrown away. A clone
/// shares the weights.
///
/// ```
/// use rectify::nn::layer::{Conv2d, Dense, Dropout, Flatten, MaxPool2d};
/// use rectify::nn::{Activation, Network};
/// use rectify::{DType, Device, Shape, Tape, Tensor};
///
/// let device = Device::cpu();
/// let network = Network::new(&[8, 8, 1])
///     .add(Conv2d::new(4, [3, 3]).activation(Activation::Relu))
///     .add(MaxPool2d::new([2, 2]))
///     .add(Flatten)
///     .add(Dropout(0.25))
///     .add(Dense::new(10))
///     .build(&device)?;
/// let images = Tensor::full(&Shape::new(&[5, 8, 8, 1])?, 0.5, DType::F32, &device)?;
/// let logits = network.forward(&Tape::new(), &images)?;
/// assert_eq!(logits.shape().sizes(), [5, 10]);
/// assert_eq!(network.infer(&images)?.shape().sizes(), [5, 10]);
/// # Ok::<(), rectify::Error>(())
/// ```
#[derive(Clone)]
pub struct Network {
    input: Vec<usize>,
    links: Arc<[Link]>,
    parameters: Parameters,
    /// The element type that results are computed in.
    compute: DType,
    seed: u64,
    passes: Arc<AtomicU64>,
}

/// What a network is made from.
#[derive(Debug, Clone)]
pub struct NetworkBuilder {
    input: Vec<usize>,
    chain: Chain,
    dtype: DType,
    compute: Option<DType>,
    seed: u64,
}

impl Network {
    /// A network for inputs of these sizes, the batch axis in front not counted: `[784]`, or [height, width, channels].
    #[allow(clippy::new_ret_no_self, reason = "a network is there once it is built")]
    pub fn new(input: &[usize]) -> NetworkBuilder {
        NetworkBuilder { input: input.to_vec(), chain: Chain::new(), dtype: DType::F32, compute: None, seed: 0 }
    }

    /// Its parameters: `conv2d1.weight`, `dense1.bias`.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Its parameters, to freeze some.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// The number of weights and biases that are trained.
    pub fn parameter_count(&self) -> usize {
        self.parameters.count()
    }

    /// The sizes of its inputs, the batch axis in front not counted.
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// The sizes of its results, the batch axis in front not counted.
    pub fn output(&self) -> &[usize] {
        self.links.last().map_or(&self.input, |link| &link.output)
    }

    /// The device it is on.
    pub fn device(&self) -> &Device {
        self.parameters.flat().device()
    }

    /// How many passes of training there were: what the draws of the next one follow from, for a checkpoint.
    pub fn passes(&self) -> u64 {
        self.passes.load(Ordering::Relaxed)
    }

    /// Goes on as after so many passes.
    pub fn set_passes(&self, passes: u64) {
        self.passes.store(passes, Ordering::Relaxed);
    }

    /// The results for a batch in training, recorded with the parameters as leaves: shape [batch, output...] for
    /// [batch, input...]. Each pass draws numbers of its own.
    ///
    /// # Errors
    /// Another shape, element type or device, a tape that is used up, or memory runs out.
    pub fn forward(&self, tape: &Tape, inputs: &Tensor) -> Result<Var> {
        self.forward_each(tape, inputs, |_, _| {})
    }

    /// As [`forward`](Self::forward), and shows the results of each layer by its name.
    pub(super) fn forward_each(&self, tape: &Tape, inputs: &Tensor, see: impl FnMut(&str, &Var)) -> Result<Var> {
        let pass = self.next_pass()?;
        let leaves = match self.computes_in() == self.parameters.flat().dtype() {
            true => self.leaves(tape)?,
            false => self.converted_leaves(tape)?,
        };
        self.run(inputs, &pass, &leaves, see)
    }

    /// Begins a pass of training, here or in each run of captured work.
    fn next_pass(&self) -> Result<Pass> {
        let (seed, passes) = (self.seed, self.passes.clone());
        let next_key = move || mixed(seed, passes.fetch_add(1, Ordering::Relaxed));
        let told = self.device().tell(1, {
            let next_key = next_key.clone();
            move |words| {
                words[0] = next_key();
                Ok(())
            }
        })?;
        Ok(told.map_or_else(|| Pass::training(next_key()), Pass::told))
    }

    /// The results for a batch after training, with nothing kept.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn infer(&self, inputs: &Tensor) -> Result<Tensor> {
        let leaves = self.parameters.iter().map(|parameter| self.constant(parameter)).collect::<Result<Vec<_>>>()?;
        self.run(inputs, &Pass::inference(), &leaves, |_, _| {}).map(Var::into_tensor)
    }

    /// The type of this pass: that of the scope, else its own.
    fn computes_in(&self) -> DType {
        precision::current().unwrap_or(self.compute)
    }

    /// Every parameter, those that are trained as leaves.
    fn leaves(&self, tape: &Tape) -> Result<Vec<Var>> {
        let leaf = |parameter: &super::Parameter| match parameter.is_trained() {
            true => tape.parameter(&parameter.tensor),
            false => Ok(Var::constant(&parameter.tensor)),
        };
        self.parameters.iter().map(leaf).collect()
    }

    /// Every parameter in the type of computation, those that are trained as parts of one leaf: one pass converts all of them,
    /// and one their gradients.
    fn converted_leaves(&self, tape: &Tape) -> Result<Vec<Var>> {
        let flat = tape.parameter(self.parameters.flat())?.cast(self.computes_in())?;
        let part = |parameter: &super::Parameter| match parameter.range() {
            Some(range) if parameter.is_trained() => flat.slice(0, range)?.reshape(parameter.tensor.shape()),
            _ => self.constant(parameter),
        };
        self.parameters.iter().map(part).collect()
    }

    /// A parameter that is not trained in this pass; statistics stay in their type.
    fn constant(&self, parameter: &super::Parameter) -> Result<Var> {
        match parameter.range() {
            Some(_) => Ok(Var::constant(&parameter.tensor.cast(self.computes_in())?)),
            None => Ok(Var::constant(&parameter.tensor)),
        }
    }

    fn run(&self, inputs: &Tensor, pass: &Pass, leaves: &[Var], mut see: impl FnMut(&str, &Var)) -> Result<Var> {
        if inputs.shape().rank() == 0 || inputs.shape()[1..] != self.input {
            let rule = format!("is not a batch of inputs [batch, ..] with {:?}", self.input);
            return Err(Error::shape("network", &[inputs.shape()], rule));
        }
        // Indices, as an embedding takes them, stay what they are.
        let is_float = inputs.dtype().is_float();
        let inputs = if is_float { inputs.cast(self.computes_in())? } else { inputs.clone() };
        let result = self.links.iter().try_fold(Var::constant(&inputs), |x, link| {
            let _scope = scope::enter(&link.name);
            let own: Vec<_> = link.parameters.iter().map(|&place| leaves[place].clone()).collect();
            let result = (link.forward)(&x, &own, pass)?;
            see(&link.name, &result);
            Ok::<_, Error>(result)
        })?;
        // A loss adds up many numbers: it is computed in the type of the parameters.
        let own = self.parameters.flat().dtype();
        if result.dtype() == own || !result.dtype().is_float() { Ok(result) } else { result.cast(own) }
    }
}

impl NetworkBuilder {
    /// With one more layer at the end: see [`Chain::add`].
    #[allow(clippy::should_implement_trait, reason = "it appends: nothing is added up")]
    pub fn add(mut self, layer: impl Layer + 'static) -> Self {
        self.chain = self.chain.add(layer);
        self
    }

    /// With one more layer of this name: see [`Chain::add_named`].
    pub fn add_named(mut self, name: &str, layer: impl Layer + 'static) -> Self {
        self.chain = self.chain.add_named(name, layer);
        self
    }

    /// The element type of the parameters; by default f32.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// The element type to compute in, by default that of the parameters: with 16 bits here, parameters, their gradients and what an
    /// optimiser keeps stay in their own type, and products and activations run in 16 bits. Normalisation and results, as
    /// a loss takes them, are in the parameters' type. For f16 see [`LossScale`](crate::optim::LossScale).
    pub fn compute(mut self, dtype: DType) -> Self {
        self.compute = Some(dtype);
        self
    }

    /// The key of the random draws, of parameters and in training; by default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// A layer does not fit the results of the one before, a type that is not floating point, or memory runs out.
    pub fn build(&self, device: &Device) -> Result<Network> {
        let (links, specs) = self.chain.links(&self.input)?;
        let parameters = Parameters::new(&specs, self.dtype, self.seed, device)?;
        let compute = self.compute.unwrap_or(self.dtype);
        if !compute.is_float() {
            return Err(Error::dtype("network", &[compute], "is not floating point: nothing can be trained in it"));
        }
        let (input, links) = (self.input.clone(), links.into());
        Ok(Network { input, links, parameters, compute, seed: self.seed, passes: Arc::default() })
    }
}

/// A key for each pass, as SplitMix64 (Steele, Lea and Flood 2014) mixes a counter.
fn mixed(seed: u64, pass: u64) -> u64 {
    let mut z = seed ^ (pass + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl AsRef<Parameters> for Network {
    fn as_ref(&self) -> &Parameters {
        &self.parameters
    }
}

impl fmt::Display for Network {
    /// A table: each layer with the sizes of its results and the number of its parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let all: Vec<_> = self.parameters.iter().collect();
        let count = |link: &Link| link.parameters.iter().map(|&place| all[place].tensor.count()).sum::<usize>();
        let rows: Vec<_> = std::iter::once(("input".to_owned(), sizes(&self.input), String::new()))
            .chain(self.links.iter().map(|link| (link.name.clone(), sizes(&link.output), count(link).to_string())))
            .chain([("trained".to_owned(), String::new(), self.parameter_count().to_string())])
            .collect();
        let width = |part: fn(&(String, String, String)) -> &str| rows.iter().map(|row| part(row).len()).max();
        let [name, output] = [width(|row| &row.0), width(|row| &row.1)].map(|width| width.unwrap_or(0));
        let number = width(|row| &row.2).unwrap_or(0);
        for row in &rows {
            writeln!(f, "{:name$}  {:output$}  {:>number$}", row.0, row.1, row.2)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.links.iter().map(|link| link.kind).collect();
        write!(f, "Network({:?} {}, {} parameters)", self.input, kinds.join(" "), self.parameter_count())
    }
}
