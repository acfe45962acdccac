//! What a model file says beside the weights: what the model is made from, and of the samples that it was trained on their
//! normalisation and the names of classes.

use std::path::Path;

use super::plan::ModelPlan;
use crate::checkpoint::{NamedTensor, Weights};
use crate::data::{Dataset, Normalisation};
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::shape::Shape;

/// Tensors of the normalisation, where it is not the usual one of pixels.
const MEAN: &str = "input.mean";
const DEVIATION: &str = "input.deviation";
/// The metadata entry of the names of classes, a JSON array.
const CLASSES: &str = "classes";
/// The metadata entry of what the network is made from, as JSON.
const NETWORK: &str = "network";
/// The metadata entry of the seed of the run.
pub(super) const SEED: &str = "seed";

/// A model that was read from a file.
pub(super) struct Model {
    pub plan: ModelPlan,
    pub network: Network,
    pub normalisation: Normalisation,
    pub seed: u64,
    /// What is left of the file: its metadata.
    pub weights: Weights,
}

/// Reads a model that [`train`](crate::train::run) saved.
pub(super) fn load(path: &Path, device: &Device) -> Result<Model> {
    let mut weights = Weights::load(path)?;
    let normalisation = detach_normalisation(&mut weights, path)?;
    let word = |name: &str| {
        let missing = || Error::data(path, format!("holds no '{name}': it is not a model saved by train"));
        weights.metadata.get(name).ok_or_else(missing)
    };
    let plan: ModelPlan = serde_json::from_str(word(NETWORK)?)
        .map_err(|cause| Error::data(path, format!("describes no network that can be built: {cause}")))?;
    let seed = word(SEED)?.parse().map_err(|_| Error::data(path, "holds a seed that is no number"))?;
    plan.check().map_err(|error| Error::data(path, error.to_string()))?;
    let network = plan.build(seed, device)?;
    weights.load_into(&network)?;
    weights.tensors.clear();
    Ok(Model { plan, network, normalisation, seed, weights })
}

/// Puts what the network is made from into what is to be saved.
pub(super) fn attach_plan(weights: &mut Weights, plan: &ModelPlan) -> Result<()> {
    let json = serde_json::to_string(plan).map_err(|cause| Error::argument("save weights", cause.to_string()))?;
    weights.metadata.insert(NETWORK.into(), json);
    Ok(())
}

/// Puts both into what is to be saved.
pub(super) fn attach(weights: &mut Weights, normalisation: &Normalisation, classes: &[String]) -> Result<()> {
    if *normalisation != Normalisation::UNIT {
        for (name, numbers) in [(MEAN, normalisation.mean()), (DEVIATION, normalisation.deviation())] {
            let shape = Shape::new(&[numbers.len()])?;
            let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            weights.tensors.push(NamedTensor { name: name.into(), dtype: DType::F32, shape, bytes });
        }
    }
    weights.metadata.insert(CLASSES.into(), serde_json::Value::from(classes).to_string());
    Ok(())
}

/// Takes the normalisation out of what was loaded, so that only the weights of layers remain.
fn detach_normalisation(weights: &mut Weights, path: &Path) -> Result<Normalisation> {
    let mut take = |name: &str| {
        let at = weights.tensors.iter().position(|tensor| tensor.name == name)?;
        Some(weights.tensors.remove(at))
    };
    match (take(MEAN), take(DEVIATION)) {
        (None, None) => Ok(Normalisation::UNIT),
        (Some(mean), Some(deviation)) if mean.dtype == DType::F32 && deviation.dtype == DType::F32 => {
            let normalisation = Normalisation::each(numbers(&mean), numbers(&deviation));
            normalisation.map_err(|error| Error::data(path, error.to_string()))
        }
        _ => Err(Error::data(path, format!("needs both {MEAN} and {DEVIATION}, of f32, or neither"))),
    }
}

/// The elements of a tensor of f32.
pub(super) fn numbers(tensor: &NamedTensor) -> Vec<f32> {
    tensor.bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// The names of the classes a model tells apart, `outputs` many. A file without names is one of numbers.
pub(super) fn class_names(weights: &Weights, outputs: usize, path: &Path) -> Result<Vec<String>> {
    let names: Vec<String> = match weights.metadata.get(CLASSES) {
        Some(json) => {
            serde_json::from_str(json).map_err(|_| Error::data(path, "holds names of classes that are no list"))?
        }
        None => (0..outputs).map(|class| class.to_string()).collect(),
    };
    if names.len() != outputs {
        return Err(Error::data(path, format!("names {} classes for {outputs} outputs", names.len())));
    }
    Ok(names)
}

/// Fails unless the classes of the samples are among these: the first ones, in the same order.
pub(super) fn check_classes(names: &[String], samples: &Dataset, path: &Path) -> Result<()> {
    if !names.starts_with(samples.class_names()) {
        let rule = format!("tells {} apart, but the samples are of {}", listed(names), listed(samples.class_names()));
        return Err(Error::data(path, rule));
    }
    Ok(())
}

fn listed(names: &[String]) -> String {
    let start =
        names.iter().take(6).map(|name| name.chars().take(24).collect::<String>()).collect::<Vec<_>>().join(", ");
    format!("{} classes ({start}{})", names.len(), if names.len() > 6 { ", ..." } else { "" })
}
