//! The model of a run as text that rebuilds it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::layers::LayerPlan;
use super::options::{TrainOptions, within};
use super::text;
use crate::data::{Dataset, Geometry};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::layer::{Dense, Flatten, Layer};
use crate::nn::{Activation, Mlp, MlpBuilder, Network};

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

    /// The network, with weights drawn by `seed`. Results that are no row are flattened for the output.
    ///
    /// # Errors
    /// A layer does not fit the results of the one before, a setting is outside its range, or memory runs out.
    pub fn build(&self, seed: u64, device: &Device) -> Result<Network> {
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
        network.add_named("output", Dense::new(self.outputs)).build(device)
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
