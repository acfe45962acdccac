//! What a model file says of the samples that its model was trained on: their normalisation and the names of classes.

use std::path::Path;

use crate::checkpoint::{NamedTensor, Weights};
use crate::data::{Dataset, Normalisation};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// Tensors of the normalisation, where it is not the usual one of pixels.
const MEAN: &str = "input.mean";
const DEVIATION: &str = "input.deviation";
/// The metadata entry of the names of classes, a JSON array.
const CLASSES: &str = "classes";

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
pub(super) fn detach_normalisation(weights: &mut Weights, path: &Path) -> Result<Normalisation> {
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

/// The names of the classes a model tells apart, `outputs` many, once those of the samples turn out to be among them: the
/// first ones, in the same order. A file without names is one of numbers.
pub(super) fn class_names(weights: &Weights, outputs: usize, samples: &Dataset, path: &Path) -> Result<Vec<String>> {
    let names: Vec<String> = match weights.metadata.get(CLASSES) {
        Some(json) => {
            serde_json::from_str(json).map_err(|_| Error::data(path, "holds names of classes that are no list"))?
        }
        None => (0..outputs).map(|class| class.to_string()).collect(),
    };
    if names.len() != outputs {
        return Err(Error::data(path, format!("names {} classes for {outputs} outputs", names.len())));
    }
    if !names.starts_with(samples.class_names()) {
        let rule = format!("tells {} apart, but the samples are of {}", listed(&names), listed(samples.class_names()));
        return Err(Error::data(path, rule));
    }
    Ok(names)
}

fn listed(names: &[String]) -> String {
    let start =
        names.iter().take(6).map(|name| name.chars().take(24).collect::<String>()).collect::<Vec<_>>().join(", ");
    format!("{} classes ({start}{})", names.len(), if names.len() > 6 { ", ..." } else { "" })
}
