//! The model of a run as text that rebuilds it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::indices::{IndexFeature, check_exact, check_indices, index_features};
use super::layers::LayerPlan;
use super::options::{TrainOptions, within};
use super::text;
use crate::data::{Dataset, Features, Geometry, Normalisation};
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::layer::{Dense, Flatten, Layer};
use crate::nn::{Activation, Mlp, MlpBuilder, Network, NetworkBuilder};

/// What a network is made from: the form of its inputs, its hidden layers, and one output for each class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPlan {
    /// `[features]`, or [height, width, channels] where the first layer takes images.
    pub input: Vec<usize>,
    /// Sizes of the hidden layers of a perceptron; without meaning where there are `layers`.
    pub hidden: Vec<usize>,
    /// The activation after each of them.
    #[serde(with = "text")]
    pub activation: Activation,
    /// The layers before the output; none for a perceptron.
    pub layers: Vec<LayerPlan>,
    /// Classes told apart.
    pub outputs: usize,
}

impl ModelPlan {
    /// The model that a run with these options trains on samples of this form and so many classes.
    pub fn new(options: &TrainOptions, samples: Geometry, outputs: usize) -> Self {
        let TrainOptions { hidden, activation, layers, .. } = options;
        let images = layers.iter().find_map(LayerPlan::takes_images).unwrap_or(false);
        let input =
            if images { vec![samples.rows, samples.columns, samples.channels] } else { vec![samples.features()] };
        Self { input, hidden: hidden.clone(), activation: *activation, layers: layers.clone(), outputs }
    }

    /// Whether sizes are such as can be meant: a file may say anything.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the value and its limits.
    pub fn check(&self) -> Result<()> {
        within("network", "axes of the input", self.input.len(), 1, 3)?;
        within("network", "inputs", self.features(), 1, 1 << 28)?;
        within("network", "outputs", self.outputs, 1, Dataset::MAX_CLASSES)?;
        self.hidden.iter().try_for_each(|&units| within("network", "units", units, 1, TrainOptions::MAX_UNITS))?;
        self.layers.iter().try_for_each(LayerPlan::check)
    }

    /// Numbers in one input.
    pub fn features(&self) -> usize {
        self.input.iter().fold(1, |product, &size| product.saturating_mul(size))
    }

    /// The features that are taken for indices into the tables of embeddings.
    ///
    /// # Errors
    /// [`Error::Argument`] for an embedding of something computed.
    fn indices(&self) -> Result<Vec<IndexFeature>> {
        index_features(&self.layers, &self.input)
    }

    /// The samples as the network takes them: indices are numbers. Where it cannot take them, the error is the rule.
    pub(super) fn accept(&self, samples: Dataset) -> Result<Dataset, String> {
        let Geometry { channels, rows, columns, .. } = samples.geometry();
        match *self.input {
            [height, width, depth] if [height, width, depth] != [rows, columns, channels] => {
                let takes = Geometry { channels: depth, rows: height, columns: width, ..samples.geometry() };
                return Err(format!("takes images of {takes}, and the samples are {}", samples.geometry()));
            }
            [inputs] if inputs != samples.geometry().features() => {
                let features = samples.geometry().features();
                return Err(format!("takes {inputs} inputs, and the samples have {features} features"));
            }
            _ => {}
        }
        let indices = self.indices().map_err(|error| error.to_string())?;
        check_indices(&samples, &indices).map_err(|rule| format!("takes indices, and the set {rule}"))?;
        Ok(if indices.is_empty() { samples } else { samples.with_numbers() })
    }

    /// Whether inputs are still what they were in the type that is to be computed in: indices are numbers there too.
    ///
    /// # Errors
    /// [`Error::Argument`] for an embedding with more rows than the type can count.
    pub(super) fn check_compute(&self, compute: DType) -> Result<()> {
        check_exact(&self.indices()?, compute)
    }

    /// What the network sees of samples like these: pixels as shares of the maximum, measurements with mean 0 and deviation 1,
    /// indices as they are.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub(super) fn normalisation(&self, train: &Dataset) -> Result<Normalisation> {
        let usual = match train.features() {
            Features::Bytes(_) => Normalisation::UNIT,
            Features::Floats(_) => Normalisation::per_feature(train),
        };
        let indices: Vec<_> = self.indices()?.iter().map(|index| index.feature).collect();
        if indices.is_empty() { Ok(usual) } else { usual.but_for(&indices, self.features()) }
    }

    /// The network, with weights drawn by `seed`. Results that are no row are flattened for the output.
    ///
    /// # Errors
    /// A layer does not fit the results of the one before, a setting is outside its range, or memory runs out.
    pub fn build(&self, seed: u64, device: &Device) -> Result<Network> {
        self.builder(seed)?.build(device)
    }

    /// What [`build`](Self::build) makes it from, to set what it computes in.
    pub(super) fn builder(&self, seed: u64) -> Result<NetworkBuilder> {
        let mut network = Network::new(&self.input).seed(seed);
        if self.layers.is_empty() {
            for (nth, &units) in self.hidden.iter().enumerate() {
                network =
                    network.add_named(&format!("hidden{}", nth + 1), Dense::new(units).activation(self.activation));
            }
        }
        let mut sizes = self.input.clone();
        for layer in &self.layers {
            sizes = layer.build(&sizes)?.output;
            network = network.add(layer.clone());
        }
        if sizes.contains(&0) {
            return Err(Error::argument("layers", format!("results of {sizes:?} leave nothing for the output")));
        }
        if sizes.len() != 1 {
            network = network.add(Flatten);
        }
        Ok(network.add_named("output", Dense::new(self.outputs)))
    }

    /// The same as a perceptron, whose memory can be told before it runs; none where it has other layers.
    pub fn perceptron(&self) -> Option<MlpBuilder> {
        let sizes = [&self.input, self.hidden.as_slice(), &[self.outputs]].concat();
        self.layers.is_empty().then(|| Mlp::new(&sizes, self.activation))
    }
}

impl fmt::Display for ModelPlan {
    /// `64-128-64-10 relu, linear`, or `8x8x1 conv2d, max_pool2d, 10 outputs`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |sizes: &[usize], by: &str| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(by);
        if self.layers.is_empty() {
            let sizes = [&self.input, self.hidden.as_slice(), &[self.outputs]].concat();
            let hidden = if self.hidden.is_empty() { String::new() } else { format!("{}, ", self.activation) };
            return write!(f, "{} {hidden}linear", joined(&sizes, "-"));
        }
        let kinds: Vec<_> = self.layers.iter().map(LayerPlan::kind).collect();
        write!(f, "{} {}, {} outputs", joined(&self.input, "x"), kinds.join(", "), self.outputs)
    }
}
