//! Layers as a file describes them: `{ kind = "conv2d", filters = 32, size = [3, 3], activation = "relu" }`.

use serde::{Deserialize, Serialize};

use super::indices::EmbeddedFeatures;
use super::learned::{Share, learned};
use super::options::{TrainOptions, within};
use super::text;
use crate::error::{Error, Result};
use crate::nn::layer::{self, Built, Layer};
use crate::nn::{Activation, Chain, Initializer};

/// A layer in words; it is the layer of that name in [`nn::layer`](crate::nn::layer), and has its defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the settings of the layer that each variant names")]
pub enum LayerPlan {
    /// [`layer::Dense`].
    Dense {
        units: usize,
        #[serde(with = "text", default = "linear")]
        activation: Activation,
        #[serde(default = "yes")]
        bias: bool,
    },
    /// [`layer::Conv2d`].
    Conv2d {
        filters: usize,
        size: [usize; 2],
        #[serde(default = "ones")]
        stride: [usize; 2],
        #[serde(default)]
        padding: [usize; 2],
        #[serde(default = "ones")]
        dilation: [usize; 2],
        #[serde(with = "text", default = "linear")]
        activation: Activation,
        #[serde(default = "yes")]
        bias: bool,
    },
    /// [`layer::MaxPool2d`]; without a stride, the windows lie one beside the other.
    MaxPool2d {
        size: [usize; 2],
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<[usize; 2]>,
        #[serde(default)]
        padding: [usize; 2],
    },
    /// [`layer::AveragePool2d`]; without a stride, the windows lie one beside the other.
    AveragePool2d {
        size: [usize; 2],
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<[usize; 2]>,
        #[serde(default)]
        padding: [usize; 2],
    },
    /// [`layer::Dropout`].
    Dropout { rate: f64 },
    /// [`layer::GaussianDropout`].
    GaussianDropout { deviation: f64 },
    /// [`layer::Flatten`].
    Flatten {},
    /// [`layer::Reshape`].
    Reshape { sizes: Vec<usize> },
    /// [`layer::ChannelsFirst`].
    ChannelsFirst {},
    /// [`layer::BatchNorm`].
    BatchNorm {
        #[serde(default = "epsilon")]
        epsilon: f64,
        #[serde(default = "running")]
        momentum: f64,
    },
    /// [`layer::LayerNorm`].
    LayerNorm {
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// [`layer::RmsNorm`].
    RmsNorm {
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// [`layer::Maxout`].
    Maxout { units: usize, pieces: usize },
    /// [`layer::Activate`].
    Activation {
        #[serde(with = "text")]
        name: Activation,
    },
    /// An [`Activation`] whose parameters are learned: a [`layer::Learned`], or several.
    Learned {
        #[serde(with = "text")]
        activation: Activation,
        #[serde(default)]
        per: Share,
    },
    /// [`layer::Gated`].
    Gated {
        #[serde(with = "text")]
        activation: Activation,
    },
    /// [`layer::ConcatenatedRelu`].
    ConcatenatedRelu {},
    /// [`layer::Select`]; the first feature is 1, as the first column of a table is.
    Select { features: Vec<usize> },
    /// [`layer::Embedding`] of features that are indices: of the samples as they are, or of those that were selected.
    Embedding { count: usize, width: usize },
    /// [`layer::Residual`] around these layers.
    Residual { layers: Vec<LayerPlan> },
    /// [`layer::Branches`].
    Branches {
        branches: Vec<Branch>,
        #[serde(default)]
        join: Join,
    },
}

/// One of several ways beside each other; without layers, the input as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Its layers.
    #[serde(default)]
    pub layers: Vec<LayerPlan>,
}

/// How the results of branches come together: [`layer::Join`] in words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// One behind the other along the last axis.
    #[default]
    Concatenate,
    /// Their sum.
    Sum,
}

fn linear() -> Activation {
    Activation::Linear
}

fn yes() -> bool {
    true
}

fn ones() -> [usize; 2] {
    [1; 2]
}

fn epsilon() -> f64 {
    layer::BatchNorm::default().epsilon
}

fn running() -> f64 {
    layer::BatchNorm::default().momentum
}

impl LayerPlan {
    /// The most rows or columns of a window, of its stride, its padding and its dilation.
    pub const MAX_WINDOW: usize = 4096;
    /// The most rows of the table of an embedding: from here on f32 does not hold every index.
    pub const MAX_INDICES: usize = 1 << 24;

    /// Whether sizes and counts are such as can be meant; what depends on the inputs is seen when the layer is built.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the value and its limits.
    pub fn check(&self) -> Result<()> {
        let units = |what, count| within("layers", what, count, 1, TrainOptions::MAX_UNITS);
        let window = |what, sizes: [usize; 2], least| {
            sizes.into_iter().try_for_each(|size| within("layers", what, size, least, Self::MAX_WINDOW))
        };
        match self {
            Self::Dense { units: count, .. } => units("units", *count),
            Self::Maxout { units: count, pieces } => {
                units("units", *count)?;
                within("layers", "pieces", *pieces, 1, 64)
            }
            Self::Conv2d { filters, size, stride, padding, dilation, .. } => {
                units("filters", *filters)?;
                window("rows or columns of a window", *size, 1)?;
                window("rows or columns of stride", *stride, 1)?;
                window("rows or columns of padding", *padding, 0)?;
                window("rows or columns of dilation", *dilation, 1)
            }
            Self::MaxPool2d { size, stride, padding } | Self::AveragePool2d { size, stride, padding } => {
                window("rows or columns of a window", *size, 1)?;
                window("rows or columns of stride", stride.unwrap_or(*size), 1)?;
                window("rows or columns of padding", *padding, 0)
            }
            Self::Reshape { sizes } => sizes.iter().try_for_each(|&size| units("elements along an axis", size)),
            Self::Learned { activation, per } => learned(*activation, *per).map(drop),
            Self::Select { features } if features.contains(&0) => {
                Err(Error::argument("layers", "there is no feature 0 to select: the first is 1"))
            }
            Self::Embedding { count, width } => {
                within("layers", "rows of a table", *count, 1, Self::MAX_INDICES)?;
                units("numbers in a row", *width)
            }
            Self::Residual { layers } => layers.iter().try_for_each(Self::check),
            Self::Branches { branches, .. } => {
                within("layers", "branches", branches.len(), 1, TrainOptions::MAX_LAYERS)?;
                branches.iter().flat_map(|branch| &branch.layers).try_for_each(Self::check)
            }
            _ => Ok(()),
        }
    }

    /// Whether the layer needs images, [height, width, channels]; none where it takes what comes and leaves it its form.
    pub(super) fn takes_images(&self) -> Option<bool> {
        match self {
            Self::Conv2d { .. } | Self::MaxPool2d { .. } | Self::AveragePool2d { .. } | Self::ChannelsFirst {} => {
                Some(true)
            }
            Self::Dropout { .. } | Self::GaussianDropout { .. } | Self::Activation { .. } | Self::BatchNorm { .. } => {
                None
            }
            Self::Learned { .. } => None,
            Self::Residual { layers } => layers.iter().find_map(Self::takes_images),
            Self::Branches { branches, .. } => {
                branches.iter().flat_map(|branch| &branch.layers).find_map(Self::takes_images)
            }
            _ => Some(false),
        }
    }

    fn layer(&self) -> Result<Box<dyn Layer>> {
        let bias = |has: bool| has.then_some(Initializer::Constant(0.0));
        Ok(match *self {
            Self::Dense { units, activation, bias: has } => {
                Box::new(layer::Dense::new(units).activation(activation).bias(bias(has)))
            }
            Self::Conv2d { filters, size, stride, padding, dilation, activation, bias: has } => {
                let windows = layer::Conv2d::new(filters, size).stride(stride).padding(padding).dilation(dilation);
                Box::new(windows.activation(activation).bias(bias(has)))
            }
            Self::MaxPool2d { size, stride, padding } => {
                Box::new(layer::MaxPool2d::new(size).stride(stride.unwrap_or(size)).padding(padding))
            }
            Self::AveragePool2d { size, stride, padding } => {
                Box::new(layer::AveragePool2d::new(size).stride(stride.unwrap_or(size)).padding(padding))
            }
            Self::Dropout { rate } => Box::new(layer::Dropout(rate)),
            Self::GaussianDropout { deviation } => Box::new(layer::GaussianDropout(deviation)),
            Self::Flatten {} => Box::new(layer::Flatten),
            Self::Reshape { ref sizes } => Box::new(layer::Reshape(sizes.clone())),
            Self::ChannelsFirst {} => Box::new(layer::ChannelsFirst),
            Self::BatchNorm { epsilon, momentum } => Box::new(layer::BatchNorm { epsilon, momentum }),
            Self::LayerNorm { epsilon } => Box::new(layer::LayerNorm { epsilon }),
            Self::RmsNorm { epsilon } => Box::new(layer::RmsNorm { epsilon }),
            Self::Maxout { units, pieces } => Box::new(layer::Maxout { units, pieces }),
            Self::Activation { name } => Box::new(layer::Activate::from(name)),
            Self::Gated { activation } => Box::new(layer::Gated(activation)),
            Self::ConcatenatedRelu {} => Box::new(layer::ConcatenatedRelu),
            Self::Learned { activation, per } => learned(activation, per)?,
            // A place that is not there stays one.
            Self::Select { ref features } => {
                Box::new(layer::Select(features.iter().map(|nth| nth.wrapping_sub(1)).collect()))
            }
            Self::Embedding { count, width } => Box::new(EmbeddedFeatures(layer::Embedding { count, width })),
            Self::Residual { ref layers } => Box::new(layer::Residual(chain(layers))),
            Self::Branches { ref branches, join } => {
                let join = match join {
                    Join::Concatenate => layer::Join::Concatenate,
                    Join::Sum => layer::Join::Sum,
                };
                Box::new(layer::Branches {
                    chains: branches.iter().map(|branch| chain(&branch.layers)).collect(),
                    join,
                })
            }
        })
    }
}

fn chain(layers: &[LayerPlan]) -> Chain {
    layers.iter().cloned().fold(Chain::new(), Chain::add)
}

impl Layer for LayerPlan {
    fn kind(&self) -> &'static str {
        match self {
            // That of the formula, or of what it takes to learn several numbers, would say less.
            Self::Learned { activation, .. } => activation.name(),
            _ => self.layer().map_or("layer", |layer| layer.kind()),
        }
    }

    fn build(&self, input: &[usize]) -> Result<Built> {
        if let (Self::Select { features }, Some(&count)) = (self, input.last())
            && let Some(beyond) = features.iter().find(|&&nth| nth > count)
        {
            return Err(Error::argument("layers", format!("feature {beyond} is to be selected from {count}")));
        }
        self.layer()?.build(input)
    }
}
