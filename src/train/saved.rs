//! What a model file says beside the weights: what the model is made from, and of the samples that it was trained on their
//! normalisation and the names of classes or values.

use std::path::Path;

use super::loss::Loss;
use super::plan::ModelPlan;
use super::samples::Preparation;
use crate::checkpoint::{NamedTensor, Weights};
use crate::data::{Dataset, Normalisation};
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::shape::Shape;

/// Tensors of the normalisations of inputs and targets, where they are not the usual one of pixels.
const INPUT: [&str; 2] = ["input.mean", "input.deviation"];
const TARGET: [&str; 2] = ["target.mean", "target.deviation"];
/// The metadata entries of the names of classes or values, JSON arrays, and of the loss.
const CLASSES: &str = "classes";
const VALUES: &str = "values";
const LOSS: &str = "loss";
/// The metadata entry of what the network is made from, as JSON.
const NETWORK: &str = "network";
/// The metadata entry of the seed of the run.
pub(super) const SEED: &str = "seed";

/// A model that was read from a file.
pub(super) struct Model {
    pub plan: ModelPlan,
    pub network: Network,
    pub preparation: Preparation,
    pub loss: Loss,
    pub seed: u64,
    pub outputs: Outputs,
}

/// What the outputs of a model are, by name.
pub(super) enum Outputs {
    /// Classes to tell apart.
    Classes(Vec<String>),
    /// Numbers to predict.
    Values(Vec<String>),
}

/// Reads a model that [`train`](crate::train::run) saved.
pub(super) fn load(path: &Path, device: &Device) -> Result<Model> {
    let mut weights = Weights::load(path)?;
    let inputs = detach_normalisation(&mut weights, INPUT, path)?;
    let targets = detach_normalisation(&mut weights, TARGET, path)?;
    let word = |name: &str| {
        let missing = || Error::data(path, format!("holds no '{name}': it is not a model saved by train"));
        weights.metadata.get(name).ok_or_else(missing)
    };
    let plan: ModelPlan = serde_json::from_str(word(NETWORK)?)
        .map_err(|cause| Error::data(path, format!("describes no network that can be built: {cause}")))?;
    let loss: Loss = serde_json::from_str(word(LOSS)?)
        .map_err(|cause| Error::data(path, format!("holds a loss that is none: {cause}")))?;
    let seed = word(SEED)?.parse().map_err(|_| Error::data(path, "holds a seed that is no number"))?;
    plan.check().map_err(|error| Error::data(path, error.to_string()))?;
    let network = plan.build(seed, device)?;
    weights.load_into(&network)?;
    let outputs = Outputs::of(&weights, loss.is_of_values(), plan.outputs, path)?;
    Ok(Model { plan, network, preparation: Preparation { inputs, targets }, loss, seed, outputs })
}

/// Puts what the network is made from into what is to be saved.
pub(super) fn attach_plan(weights: &mut Weights, plan: &ModelPlan) -> Result<()> {
    let json = serde_json::to_string(plan).map_err(|cause| Error::argument("save weights", cause.to_string()))?;
    weights.metadata.insert(NETWORK.into(), json);
    Ok(())
}

/// Puts what is known of the samples into what is to be saved.
pub(super) fn attach(weights: &mut Weights, preparation: &Preparation, loss: Loss, samples: &Dataset) -> Result<()> {
    for (names, normalisation) in [(INPUT, &preparation.inputs), (TARGET, &preparation.targets)] {
        if *normalisation != Normalisation::UNIT {
            for (name, numbers) in names.into_iter().zip([normalisation.mean(), normalisation.deviation()]) {
                let shape = Shape::new(&[numbers.len()])?;
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                weights.tensors.push(NamedTensor { name: name.into(), dtype: DType::F32, shape, bytes });
            }
        }
    }
    let (key, names) = match loss.is_of_values() {
        true => (VALUES, samples.value_names()),
        false => (CLASSES, samples.class_names()),
    };
    weights.metadata.insert(key.into(), serde_json::Value::from(names).to_string());
    let loss = serde_json::to_string(&loss).map_err(|cause| Error::argument("save weights", cause.to_string()))?;
    weights.metadata.insert(LOSS.into(), loss);
    Ok(())
}

/// Takes the normalisation out of what was loaded, so that only the weights of layers remain.
fn detach_normalisation(weights: &mut Weights, names: [&str; 2], path: &Path) -> Result<Normalisation> {
    let mut take = |name: &str| {
        let at = weights.tensors.iter().position(|tensor| tensor.name == name)?;
        Some(weights.tensors.remove(at))
    };
    match (take(names[0]), take(names[1])) {
        (None, None) => Ok(Normalisation::UNIT),
        (Some(mean), Some(deviation)) if mean.dtype == DType::F32 && deviation.dtype == DType::F32 => {
            let normalisation = Normalisation::each(numbers(&mean), numbers(&deviation));
            normalisation.map_err(|error| Error::data(path, error.to_string()))
        }
        _ => Err(Error::data(path, format!("needs both {} and {}, of f32, or neither", names[0], names[1]))),
    }
}

/// The elements of a tensor of f32.
pub(super) fn numbers(tensor: &NamedTensor) -> Vec<f32> {
    tensor.bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

impl Outputs {
    /// The names of so many outputs. A file without names is one of numbers.
    fn of(weights: &Weights, of_values: bool, outputs: usize, path: &Path) -> Result<Self> {
        let (key, wrap): (_, fn(Vec<String>) -> Self) =
            if of_values { (VALUES, Self::Values) } else { (CLASSES, Self::Classes) };
        let names: Vec<String> = match weights.metadata.get(key) {
            Some(json) => serde_json::from_str(json)
                .map_err(|_| Error::data(path, format!("holds names of {key} that are no list")))?,
            None => (0..outputs).map(|class| class.to_string()).collect(),
        };
        if names.len() != outputs {
            return Err(Error::data(path, format!("names {} {key} for {outputs} outputs", names.len())));
        }
        Ok(wrap(names))
    }

    /// Fails unless the targets of the samples are what the outputs are: classes the first ones, in the same order, and values as
    /// many.
    pub(super) fn check(&self, samples: &Dataset, path: &Path) -> Result<()> {
        match self {
            Self::Classes(names) if !names.starts_with(samples.class_names()) => {
                let theirs = samples.class_names();
                let rule = format!("tells {} apart, but the samples are of {}", listed(names), listed(theirs));
                Err(Error::data(path, rule))
            }
            Self::Values(names) if names.len() != samples.value_names().len() => {
                let count = samples.value_names().len();
                let rule =
                    format!("predicts {} values ({}), and the samples have {count}", names.len(), names.join(", "));
                Err(Error::data(path, rule))
            }
            _ => Ok(()),
        }
    }
}

fn listed(names: &[String]) -> String {
    let start =
        names.iter().take(6).map(|name| name.chars().take(24).collect::<String>()).collect::<Vec<_>>().join(", ");
    format!("{} classes ({start}{})", names.len(), if names.len() > 6 { ", ..." } else { "" })
}
