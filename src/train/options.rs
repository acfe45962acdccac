//! What to train on what, and the limits of each choice.

use std::fmt::Display;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::choices::DataSource;
use crate::device::DeviceChoice;
use crate::error::{Error, Result};
use crate::nn::Activation;

/// Everything a training run can be told. [`TrainOptions::default`] trains on the embedded digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainOptions {
    /// What to train and test on.
    #[serde(serialize_with = "as_text")]
    pub data: DataSource,
    /// The column of labels, by name or by number from 1, where the data are a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Sizes of the hidden layers, from the input on; empty for none.
    pub hidden: Vec<usize>,
    /// The activation after each hidden layer.
    #[serde(serialize_with = "as_text")]
    pub activation: Activation,
    /// Passes over the training samples.
    pub epochs: usize,
    /// Samples per optimiser step.
    pub batch_size: usize,
    /// How parameters follow their gradients.
    #[serde(flatten)]
    pub optimizer: Optimizer,
    /// How far a step goes.
    pub learning_rate: f64,
    /// How strongly weights are pulled towards zero.
    pub weight_decay: f64,
    /// The seed of everything random: initial weights, order of samples, synthetic data.
    pub seed: u64,
    /// Where to compute.
    #[serde(serialize_with = "as_text")]
    pub device: DeviceChoice,
    /// The folder that receives weights, metrics and the page.
    pub out: PathBuf,
}

impl TrainOptions {
    /// The most hidden layers.
    pub const MAX_LAYERS: usize = 64;
    /// The most units in a hidden layer.
    pub const MAX_UNITS: usize = 65_536;
    /// The most epochs.
    pub const MAX_EPOCHS: usize = 1_000_000;
    /// The most samples in a batch.
    pub const MAX_BATCH: usize = 65_536;

    /// Whether a run can be made of this.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the option, its value and the rule it breaks.
    pub fn check(&self) -> Result<()> {
        self.data.check(self.label.as_deref())?;
        within("hidden", "layers", self.hidden.len(), 0, Self::MAX_LAYERS)?;
        for &units in &self.hidden {
            within("hidden", "units in a layer", units, 1, Self::MAX_UNITS)?;
        }
        within("epochs", "epochs", self.epochs, 1, Self::MAX_EPOCHS)?;
        within("batch-size", "samples", self.batch_size, 1, Self::MAX_BATCH)?;
        if let Optimizer::Sgd { momentum } = self.optimizer {
            require("momentum", momentum, (0.0..1.0).contains(&momentum), "at least 0 and below 1")?;
        }
        let rate = self.learning_rate;
        require("learning-rate", rate, rate.is_finite() && rate > 0.0, "a finite number above 0")?;
        let decay = self.weight_decay;
        require("weight-decay", decay, decay.is_finite() && decay >= 0.0, "a finite number, at least 0")
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        let optimizer = Optimizer::Sgd { momentum: Optimizer::DEFAULT_MOMENTUM };
        Self {
            data: DataSource::Digits,
            label: None,
            hidden: vec![128, 64],
            activation: Activation::Relu,
            epochs: 30,
            batch_size: 64,
            optimizer,
            learning_rate: optimizer.default_learning_rate(),
            weight_decay: 1e-4,
            seed: 7,
            device: DeviceChoice::Auto,
            out: PathBuf::from("run"),
        }
    }
}

/// Everything an evaluation can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalOptions {
    /// The file that holds the weights.
    pub model: PathBuf,
    /// Whose test samples to classify.
    pub data: DataSource,
    /// The column of labels, by name or by number from 1, where the data are a table.
    pub label: Option<String>,
    /// Samples per forward pass.
    pub batch_size: usize,
    /// Where to compute.
    pub device: DeviceChoice,
}

impl EvalOptions {
    /// Whether an evaluation can be made of this.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the option, its value and the rule it breaks.
    pub fn check(&self) -> Result<()> {
        if !self.model.is_file() {
            return Err(Error::argument("model", format!("'{}' is not a file", self.model.display())));
        }
        self.data.check(self.label.as_deref())?;
        within("batch-size", "samples", self.batch_size, 1, TrainOptions::MAX_BATCH)
    }
}

/// How parameters follow their gradients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "optimizer", rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// The share of the last step that is repeated, 0 to below 1.
        momentum: f64,
    },
    /// Adaptive moments, with the usual constants (0.9, 0.999, 1e-8).
    Adam,
}

impl Optimizer {
    /// The momentum of SGD where none is given.
    pub const DEFAULT_MOMENTUM: f64 = 0.9;

    /// The learning rate where none is given.
    pub const fn default_learning_rate(self) -> f64 {
        match self {
            Self::Sgd { .. } => 0.05,
            Self::Adam => 0.001,
        }
    }
}

pub(super) fn within(option: &'static str, what: &str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::argument(option, format!("{value} {what} asked for, {least} to {most} are possible")))
}

fn require(option: &'static str, value: f64, met: bool, rule: &str) -> Result<()> {
    if met { Ok(()) } else { Err(Error::argument(option, format!("{value} is not {rule}"))) }
}

fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_run_and_print_as_they_are_typed() {
        let options = TrainOptions::default();
        options.check().unwrap();
        let json = serde_json::to_value(&options).unwrap();
        assert_eq!(json["optimizer"], "sgd");
        assert_eq!(json["momentum"], 0.9);
        assert_eq!(json["data"].as_str().unwrap().parse::<DataSource>().unwrap(), options.data);
        assert_eq!(json["device"].as_str().unwrap().parse::<DeviceChoice>().unwrap(), options.device);
        for activation in Activation::ALL {
            assert_eq!(activation.to_string().parse::<Activation>().unwrap(), activation);
        }
    }

    #[test]
    fn limits_hold_from_both_sides() {
        let with = |change: fn(&mut TrainOptions)| {
            let mut options = TrainOptions::default();
            change(&mut options);
            options.check()
        };
        assert!(with(|o| o.batch_size = TrainOptions::MAX_BATCH).is_ok());
        assert!(with(|o| o.batch_size = TrainOptions::MAX_BATCH + 1).is_err());
        assert!(with(|o| o.epochs = 0).is_err());
        assert!(with(|o| o.hidden = vec![]).is_ok());
        assert!(with(|o| o.hidden = vec![128, 0]).is_err());
        assert!(with(|o| o.hidden = vec![1; TrainOptions::MAX_LAYERS + 1]).is_err());
        assert!(with(|o| o.learning_rate = f64::NAN).is_err());
        assert!(with(|o| o.learning_rate = f64::MIN_POSITIVE).is_ok());
        assert!(with(|o| o.optimizer = Optimizer::Sgd { momentum: 1.0 }).is_err());
        assert!(with(|o| o.optimizer = Optimizer::Sgd { momentum: 0.0 }).is_ok());
        assert!(with(|o| o.weight_decay = -0.1).is_err());
        assert!(with(|o| o.data = DataSource::Synthetic(0)).is_err());
        let error = with(|o| o.data = DataSource::Path("nowhere".into())).unwrap_err().to_string();
        assert_eq!(error, "data: 'nowhere' is neither 'digits', 'synthetic[:N]' nor a file or folder");
    }
}
