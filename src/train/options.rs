//! What to train on what, and the limits of each choice.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::choices::DataSource;
use super::class_weights::ClassWeights;
use super::layers::LayerPlan;
use super::loss::Loss;
use super::optimization::Optimizer;
use super::rates::{MomentumWarmUp, RatePlan};
use super::resume::Resume;
use super::samples::Wanted;
use super::text;
use crate::device::DeviceChoice;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Activation;

/// Everything a training run can be told. [`TrainOptions::default`] trains on the embedded digits. A file holds the fields by
/// their names: see [`TrainOptions::read`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// What to train and test on.
    #[serde(with = "text")]
    pub data: DataSource,
    /// The column of labels, by name or by number from 1, where the data are a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The columns of numbers to predict, by name or by number from 1, where the data are a table or an array of rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    /// How far results are from targets, which says what targets are; none for what suits `target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// Sizes of the hidden layers, from the input on; empty for none. Without meaning where there are `layers`.
    pub hidden: Vec<usize>,
    /// The activation after each hidden layer.
    #[serde(with = "text")]
    pub activation: Activation,
    /// The layers before the output, in place of `hidden` and `activation`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerPlan>,
    /// Passes over the training samples.
    pub epochs: usize,
    /// Samples per batch.
    pub batch_size: usize,
    /// Batches per optimiser step.
    pub accumulate: usize,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// How far a step goes; none for what suits the optimiser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// How strongly weights are pulled towards zero; none for what suits the optimiser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// How the learning rate goes on.
    pub schedule: RatePlan,
    /// Whether the learning rate stands still within an epoch: the schedule then counts epochs where it would count steps.
    pub by_epochs: bool,
    /// Steps that lead up to the learning rate.
    pub warm_up: u64,
    /// What the momentum is at first, where it is not that of the optimiser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum_warm_up: Option<MomentumWarmUp>,
    /// The most that the Euclidean norm of all gradients may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// The most that each element of a gradient may be, either way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// The factor of the magnitudes of all weights in the loss.
    pub l1: f64,
    /// The most that the norm of the weights that lead to a unit may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_norm: Option<f64>,
    /// The share of every target that is spread over all classes in training; for cross-entropy alone.
    pub smoothing: f64,
    /// Factors of classes in training, for cross-entropy alone: the loss of a batch is the mean that they weigh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// The decay of the average of weights that is tested and saved in place of the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Epochs without a better test loss after which the run ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<usize>,
    /// Whether to look into all layers in the last step of each epoch.
    pub diagnose: bool,
    /// Whether a device that can runs a step as one launch, as it was captured once: see [`Captured`](crate::tensor::Captured).
    /// Results are the same.
    pub capture: bool,
    /// The seed of everything random: initial weights, order of samples, synthetic data.
    pub seed: u64,
    /// What the network computes in while it is trained, one of [`COMPUTE`](Self::COMPUTE); parameters and tests are of f32. Of f16
    /// the loss is [scaled](crate::optim::LossScale).
    #[serde(with = "text")]
    pub compute: DType,
    /// Where to compute.
    #[serde(with = "text")]
    pub device: DeviceChoice,
    /// The folder that receives weights, metrics and the page.
    pub out: PathBuf,
    /// Whether to go on from a checkpoint; no option of the run itself.
    #[serde(skip)]
    pub resume: Resume,
}

impl TrainOptions {
    /// The most hidden layers.
    pub const MAX_LAYERS: usize = 64;
    /// The most units in a hidden layer.
    pub const MAX_UNITS: usize = 65_536;
    /// The most epochs.
    pub const MAX_EPOCHS: usize = 1_000_000;
    /// The most samples in a batch, and the most batches in a step.
    pub const MAX_BATCH: usize = 65_536;
    /// What a network can compute in.
    pub const COMPUTE: [DType; 3] = [DType::F32, DType::Bf16, DType::F16];

    /// Whether a run can be made of this.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the option, its value and the rule it breaks.
    pub fn check(&self) -> Result<()> {
        self.check_targets()?;
        if !Self::COMPUTE.contains(&self.compute) {
            let known = Self::COMPUTE.map(DType::name).join(", ");
            return Err(Error::argument("compute", format!("'{}' is none of {known}", self.compute)));
        }
        if let Resume::From(path) = &self.resume
            && !path.is_file()
        {
            return Err(Error::argument("resume", format!("'{}' is neither 'auto' nor a file", path.display())));
        }
        within("hidden", "layers", self.hidden.len(), 0, Self::MAX_LAYERS)?;
        for &units in &self.hidden {
            within("hidden", "units in a layer", units, 1, Self::MAX_UNITS)?;
        }
        within("layers", "layers", self.layers.len(), 0, Self::MAX_LAYERS)?;
        self.layers.iter().try_for_each(LayerPlan::check)?;
        within("epochs", "epochs", self.epochs, 1, Self::MAX_EPOCHS)?;
        within("batch-size", "samples", self.batch_size, 1, Self::MAX_BATCH)?;
        within("accumulate", "batches", self.accumulate, 1, Self::MAX_BATCH)?;
        if let Optimizer::Sgd { momentum, .. } | Optimizer::RmsProp { momentum, .. } = self.optimizer {
            require("momentum", momentum, (0.0..1.0).contains(&momentum), "at least 0 and below 1")?;
        }
        let above_0 = |option, value: Option<f64>| match value {
            Some(value) => require(option, value, value.is_finite() && value > 0.0, "a finite number above 0"),
            None => Ok(()),
        };
        above_0("learning-rate", self.learning_rate)?;
        let decay = self.decay();
        require("weight-decay", decay, decay.is_finite() && decay >= 0.0, "a finite number, at least 0")?;
        above_0("clip-norm", self.clip_norm)?;
        above_0("clip-value", self.clip_value)?;
        require("l1", self.l1, self.l1.is_finite() && self.l1 >= 0.0, "a finite number, at least 0")?;
        above_0("max-norm", self.max_norm)?;
        require("smoothing", self.smoothing, (0.0..1.0).contains(&self.smoothing), "at least 0 and below 1")?;
        let average = self.average.unwrap_or(0.0);
        require("average", average, (0.0..1.0).contains(&average), "at least 0 and below 1")?;
        within("patience", "epochs", self.early_stopping.unwrap_or(1), 1, Self::MAX_EPOCHS)
    }

    /// Whether data, loss, label and target are of one kind.
    fn check_targets(&self) -> Result<()> {
        let loss = self.loss_in_use();
        let (name, of_values) = (loss.name(), loss.is_of_values());
        loss.check()?;
        match &self.label {
            Some(label) if of_values => {
                let rule = format!("{name} is of numbers, and label names '{label}', a column of classes: see target");
                return Err(Error::argument("loss", rule));
            }
            _ if !of_values && !self.target.is_empty() => {
                let rule = format!("{name} is of classes, and target names '{}', numbers", self.target.join(","));
                return Err(Error::argument("loss", rule));
            }
            _ => {}
        }
        let of_cross_entropy = [("smoothing", self.smoothing > 0.0), ("class_weights", self.class_weights.is_some())];
        if loss != (Loss::CrossEntropy {})
            && let Some((option, _)) = of_cross_entropy.into_iter().find(|(_, given)| *given)
        {
            return Err(Error::argument(option, format!("is of cross_entropy, and the loss is {name}")));
        }
        self.class_weights.as_ref().map_or(Ok(()), ClassWeights::check)?;
        self.data.check(self.label.as_deref(), of_values)
    }

    /// The loss, given or that of the targets.
    pub fn loss_in_use(&self) -> Loss {
        let usual = if self.target.is_empty() { Loss::CrossEntropy {} } else { Loss::MeanSquaredError {} };
        self.loss.unwrap_or(usual)
    }

    /// What is to be learned of the samples.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        match self.loss_in_use().is_of_values() {
            true => Wanted::Values(&self.target),
            false => Wanted::Classes(self.label.as_deref()),
        }
    }

    /// The learning rate, given or that of the optimiser.
    pub fn rate(&self) -> f64 {
        self.learning_rate.unwrap_or(self.optimizer.default_learning_rate())
    }

    /// The weight decay, given or that of the optimiser.
    pub fn decay(&self) -> f64 {
        self.weight_decay.unwrap_or(self.optimizer.default_weight_decay())
    }

    /// The same with every number that follows from another one said: what a run records.
    pub fn resolved(&self) -> Self {
        Self {
            loss: Some(self.loss_in_use()),
            learning_rate: Some(self.rate()),
            weight_decay: Some(self.decay()),
            ..self.clone()
        }
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            data: DataSource::Digits,
            label: None,
            target: Vec::new(),
            loss: None,
            hidden: vec![128, 64],
            activation: Activation::Relu,
            layers: Vec::new(),
            epochs: 30,
            batch_size: 64,
            accumulate: 1,
            optimizer: Optimizer::ALL[0],
            learning_rate: None,
            weight_decay: None,
            schedule: RatePlan::Constant {},
            by_epochs: false,
            warm_up: 0,
            momentum_warm_up: None,
            clip_norm: None,
            clip_value: None,
            l1: 0.0,
            max_norm: None,
            smoothing: 0.0,
            class_weights: None,
            average: None,
            early_stopping: None,
            diagnose: false,
            capture: true,
            seed: 7,
            compute: DType::F32,
            device: DeviceChoice::Auto,
            out: PathBuf::from("run"),
            resume: Resume::No,
        }
    }
}

/// Everything an evaluation can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalOptions {
    /// The file that holds the weights.
    pub model: PathBuf,
    /// Whose test samples to try it on.
    pub data: DataSource,
    /// The column of labels, by name or by number from 1, where the data are a table.
    pub label: Option<String>,
    /// The columns of numbers to predict, in the same way; none for those that the model learned.
    pub target: Vec<String>,
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
        self.data.check(self.label.as_deref(), !self.target.is_empty())?;
        within("batch-size", "samples", self.batch_size, 1, TrainOptions::MAX_BATCH)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_run_and_print_as_they_are_typed() {
        let options = TrainOptions::default();
        options.check().unwrap();
        let json = serde_json::to_value(&options).unwrap();
        assert_eq!(json["optimizer"]["kind"], "sgd");
        assert_eq!(json["optimizer"]["momentum"], 0.9);
        assert_eq!(json["data"].as_str().unwrap().parse::<DataSource>().unwrap(), options.data);
        assert_eq!(json["device"].as_str().unwrap().parse::<DeviceChoice>().unwrap(), options.device);
        for activation in Activation::ALL {
            assert_eq!(activation.to_string().parse::<Activation>().unwrap(), *activation);
        }
    }

    #[test]
    fn limits_hold_from_both_sides() {
        let with = |change: fn(&mut TrainOptions)| {
            let mut options = TrainOptions::default();
            change(&mut options);
            options.check()
        };
        let momentum = |momentum| {
            let optimizer = Optimizer::ALL[0].with_momentum(momentum)?;
            TrainOptions { optimizer, ..TrainOptions::default() }.check()
        };
        assert!(with(|o| o.batch_size = TrainOptions::MAX_BATCH).is_ok());
        assert!(with(|o| o.batch_size = TrainOptions::MAX_BATCH + 1).is_err());
        assert!(with(|o| o.epochs = 0).is_err());
        assert!(with(|o| o.hidden = vec![]).is_ok());
        assert!(with(|o| o.hidden = vec![128, 0]).is_err());
        assert!(with(|o| o.hidden = vec![1; TrainOptions::MAX_LAYERS + 1]).is_err());
        assert!(with(|o| o.learning_rate = Some(f64::NAN)).is_err());
        assert!(with(|o| o.learning_rate = Some(f64::MIN_POSITIVE)).is_ok());
        assert!(momentum(1.0).is_err());
        assert!(momentum(0.0).is_ok());
        assert!(with(|o| o.weight_decay = Some(-0.1)).is_err());
        assert!(with(|o| o.data = DataSource::Synthetic(0)).is_err());
        let error = with(|o| o.data = DataSource::Path("nowhere".into())).unwrap_err().to_string();
        assert_eq!(error, "data: 'nowhere' is neither 'digits', 'synthetic[:N]' nor a file or folder");
    }
}
