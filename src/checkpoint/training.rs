//! Where training stands, in one file: parameters, what the optimiser keeps, and whatever else the trainer wants to know again.

use std::collections::BTreeMap;
use std::path::Path;

use super::weights::{NamedTensor, Weights};
use crate::error::{Error, Result};
use crate::nn::Parameters;
use crate::optim::Optimizer;
use crate::tensor::Tensor;

/// What the optimiser keeps is named so and by its own name.
const STATE: &str = "optimizer.";
/// What the trainer keeps is named so and by its own name.
const KEPT: &str = "trainer.";
/// Metadata: the name of its rule, how many steps it made, and how many of them were skipped, where there were any.
const RULE: &str = "optimizer";
const STEPS: &str = "optimizer.steps";
const SKIPPED: &str = "optimizer.skipped";

/// Writes a checkpoint, whole or not at all: parameters, the optimiser's state and steps, and `notes`. Training that is
/// [loaded](load_training) from it goes on to the same bits; the [state](crate::optim::LossScale::state) of a loss scale is a matter
/// of notes.
///
/// # Errors
/// The file cannot be written, and the old one stays; a note has a name of the optimiser's; or the device failed.
pub fn save_training(
    path: impl AsRef<Path>,
    model: &impl AsRef<Parameters>,
    optimizer: &Optimizer,
    notes: &BTreeMap<String, String>,
) -> Result<()> {
    save_training_with(path, model, optimizer, notes, &[])
}

/// As [`save_training`], with tensors of the trainer's own.
pub(crate) fn save_training_with(
    path: impl AsRef<Path>,
    model: &impl AsRef<Parameters>,
    optimizer: &Optimizer,
    notes: &BTreeMap<String, String>,
    kept: &[NamedTensor],
) -> Result<()> {
    let mut weights = Weights::of(model)?;
    for (name, state) in optimizer.state() {
        weights.tensors.push(NamedTensor::of(&format!("{STATE}{name}"), state)?);
    }
    for tensor in kept {
        weights.tensors.push(NamedTensor { name: format!("{KEPT}{}", tensor.name), ..tensor.clone() });
    }
    weights.metadata = notes.clone();
    let skipped =
        Some(optimizer.skipped()?).filter(|&skipped| skipped > 0).map(|skipped| (SKIPPED, skipped.to_string()));
    let own = [(RULE, optimizer.rule().to_owned()), (STEPS, optimizer.steps().to_string())];
    for (name, value) in own.into_iter().chain(skipped) {
        if weights.metadata.insert(name.to_owned(), value).is_some() {
            return Err(Error::argument("save_training", format!("the note '{name}' is the optimiser's")));
        }
    }
    weights.save(path)
}

/// Reads a checkpoint into a model and an optimiser as they were made for it; gives the notes.
///
/// # Errors
/// The file is no checkpoint of such a model and optimiser: nothing has changed then. Or the device failed.
pub fn load_training(
    path: impl AsRef<Path>,
    model: &impl AsRef<Parameters>,
    optimizer: &mut Optimizer,
) -> Result<BTreeMap<String, String>> {
    let path = path.as_ref();
    load_training_of(Weights::load(path)?, path, model, optimizer)
}

/// Takes the tensors of the trainer's own out of a checkpoint that was loaded.
pub(crate) fn take_kept(weights: &mut Weights) -> Vec<NamedTensor> {
    let kept = weights.tensors.extract_if(.., |tensor| tensor.name.starts_with(KEPT));
    kept.map(|tensor| NamedTensor { name: tensor.name[KEPT.len()..].to_owned(), ..tensor }).collect()
}

/// As [`load_training`], from what was loaded from `path`.
pub(crate) fn load_training_of(
    mut weights: Weights,
    path: &Path,
    model: &impl AsRef<Parameters>,
    optimizer: &mut Optimizer,
) -> Result<BTreeMap<String, String>> {
    let mut take = |name: &str| weights.metadata.remove(name).ok_or_else(|| Error::data(path, "is no checkpoint"));
    let (rule, steps) = (take(RULE)?, take(STEPS)?);
    if rule != optimizer.rule() {
        let own = optimizer.rule();
        return Err(Error::data(path, format!("was written by the optimiser {rule}, not by {own}")));
    }
    let skipped = weights.metadata.remove(SKIPPED).unwrap_or_else(|| "0".into());
    let count =
        |text: &str| text.parse::<u64>().map_err(|_| Error::data(path, format!("'{text}' is not a number of steps")));
    let (steps, skipped) = (count(&steps)?, count(&skipped)?);
    if skipped > steps {
        return Err(Error::data(path, format!("says that {skipped} of {steps} steps were skipped")));
    }
    let (state, parameters): (Vec<_>, Vec<_>) =
        weights.tensors.drain(..).partition(|tensor| tensor.name.starts_with(STATE));
    let device = model.as_ref().flat().device();
    let tensors = state.iter().map(|tensor| tensor.to_tensor(device)).collect::<Result<Vec<_>>>()?;
    let named: Vec<(&str, &Tensor)> =
        state.iter().zip(&tensors).map(|(tensor, value)| (&tensor.name[STATE.len()..], value)).collect();
    let notes = std::mem::take(&mut weights.metadata);
    // The optimiser's state is checked before the parameters are, and written after them.
    optimizer.check_state(&named)?;
    Weights { tensors: parameters, ..Weights::default() }.load_into(model)?;
    optimizer.restore(steps, &named)?;
    optimizer.restore_skipped(skipped)?;
    Ok(notes)
}
