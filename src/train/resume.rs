//! Checkpoints of a run, and going on from one to the same bits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::diagnosis::Diagnoses;
use super::event::Epoch;
use super::learner::Learner;
use super::options::TrainOptions;
use super::standing::Standing;
use crate::checkpoint::{NamedTensor, Weights, load_training_of, save_training_with, take_kept};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::shape::Shape;

/// The checkpoint in a run folder.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// Metadata: the options, the epoch under way, the best test loss, passes through the network, updates of the average, and the scale
/// of the loss with its good steps in a row.
const CONFIG: &str = "config";
const RUNNING: &str = "running";
const BEST: &str = "best_test_loss";
const PASSES: &str = "passes";
const UPDATES: &str = "average.updates";
const SCALE: &str = "loss_scale";
const GOOD_STEPS: &str = "loss_scale.good_steps";
/// Tensors: the rows of the table of epochs, the losses of the steps, what went on in the layers as JSON, and the averaged weights
/// and statistics, these by number.
const EPOCHS: &str = "epochs";
const LOSSES: &str = "step_losses";
const DIAGNOSES: &str = "diagnoses";
const AVERAGE: &str = "average";
const STATISTICS: &str = "average.statistics";

/// Whether to go on from a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Resume {
    /// From the start.
    #[default]
    No,
    /// From the checkpoint in the run folder, if there is one, else from the start.
    Auto,
    /// From this checkpoint.
    From(PathBuf),
}

impl Resume {
    /// The file to go on from, for a run with this folder.
    pub(super) fn file(&self, out: &Path) -> Option<PathBuf> {
        match self {
            Self::No => None,
            Self::Auto => Some(out.join(CHECKPOINT)).filter(|path| path.exists()),
            Self::From(path) => Some(path.clone()),
        }
    }
}

impl FromStr for Resume {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(if text == "auto" { Self::Auto } else { Self::From(text.into()) })
    }
}

/// Writes the checkpoint of a run into its folder, whole or not at all.
pub fn save(options: &TrainOptions, model: &Network, learner: &Learner, standing: &Standing) -> Result<()> {
    let failed = |cause: serde_json::Error| Error::argument("checkpoint", cause.to_string());
    let running = serde_json::to_string(&standing.running).map_err(failed)?;
    let best = standing.epochs.iter().map(|epoch| epoch.test_loss).fold(f64::INFINITY, f64::min);
    let mut notes: BTreeMap<String, String> = [
        (CONFIG.into(), options.resolved().to_json()?.to_string()),
        (RUNNING.into(), running),
        (BEST.into(), best.to_string()),
        (PASSES.into(), model.passes().to_string()),
    ]
    .into();
    let rows: Vec<f64> = standing.epochs.iter().flat_map(Epoch::numbers).collect();
    let mut kept = Vec::new();
    let columns = Epoch::columns(options.loss_in_use().is_of_values()).len();
    kept.extend(table(EPOCHS, &rows, columns)?);
    kept.extend(table(LOSSES, &standing.step_losses, 1)?);
    if !standing.diagnoses.is_empty() {
        let bytes = serde_json::to_vec(&standing.diagnoses).map_err(failed)?;
        let shape = Shape::new(&[bytes.len()])?;
        kept.push(NamedTensor { name: DIAGNOSES.into(), dtype: DType::U8, shape, bytes });
    }
    if let Some(average) = &learner.average {
        notes.insert(UPDATES.into(), average.updates().to_string());
        kept.push(NamedTensor::of(AVERAGE, average.values())?);
        for (nth, statistic) in average.statistics().iter().enumerate() {
            kept.push(NamedTensor::of(&format!("{STATISTICS}.{nth}"), statistic)?);
        }
    }
    if let Some(scale) = &learner.scale {
        let (scale, good_steps) = scale.state()?;
        notes.extend([(SCALE.into(), scale.to_string()), (GOOD_STEPS.into(), good_steps.to_string())]);
    }
    save_training_with(options.out.join(CHECKPOINT), model, &learner.optimizer, &notes, &kept)
}

/// Goes on from a checkpoint of a run with the same options; gives where it stood.
pub fn load(path: &Path, options: &TrainOptions, model: &Network, learner: &mut Learner) -> Result<Standing> {
    let mut weights = Weights::load(path)?;
    let kept = take_kept(&mut weights);
    let word = |name: &str| {
        weights.metadata.get(name).cloned().ok_or_else(|| Error::data(path, "is no checkpoint of a training run"))
    };
    let number = |name: &str| {
        let text = word(name)?;
        text.parse::<u64>().map_err(|_| Error::data(path, format!("holds {name} '{text}', which is no number")))
    };
    check_config(&word(CONFIG)?, options, path)?;
    let running = serde_json::from_str(&word(RUNNING)?).map_err(|cause| Error::data(path, cause.to_string()))?;
    let passes = number(PASSES)?;
    if let Some(average) = &mut learner.average {
        let averaged = |name: &str| {
            let tensor = kept.iter().find(|tensor| tensor.name == name);
            tensor.ok_or_else(|| Error::data(path, format!("has no {name}")))?.to_tensor(model.device())
        };
        let places = 0..average.statistics().len();
        let statistics = places.map(|nth| averaged(&format!("{STATISTICS}.{nth}"))).collect::<Result<Vec<_>>>()?;
        average.restore(number(UPDATES)?, &averaged(AVERAGE)?, &statistics)?;
    }
    if let Some(scale) = &mut learner.scale {
        let own = (number(SCALE)? as f64, number(GOOD_STEPS)?.try_into().unwrap_or(u32::MAX));
        scale.restore(own.0, own.1).map_err(|error| Error::data(path, error.to_string()))?;
    }
    let column = |name: &str| {
        let tensor = kept.iter().find(|tensor| tensor.name == name && tensor.dtype == DType::F64);
        tensor.map_or_else(Vec::new, |tensor| {
            tensor.bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
        })
    };
    let columns = Epoch::columns(options.loss_in_use().is_of_values()).len();
    let broken = || Error::data(path, "has a table of epochs with other columns");
    let epochs =
        column(EPOCHS).chunks(columns).map(|row| Epoch::from_numbers(row).ok_or_else(broken)).collect::<Result<_>>()?;
    let diagnoses = match kept.iter().find(|tensor| tensor.name == DIAGNOSES) {
        Some(tensor) => {
            serde_json::from_slice(&tensor.bytes).map_err(|cause| Error::data(path, format!("{DIAGNOSES}: {cause}")))?
        }
        None => Diagnoses::default(),
    };
    let mut standing = Standing { epochs, step_losses: column(LOSSES), running, diagnoses };
    standing.diagnoses.epochs.resize(standing.epochs.len(), None);
    load_training_of(weights, path, model, &mut learner.optimizer)?;
    model.set_passes(passes);
    Ok(standing)
}

/// A tensor of f64 with rows of so many numbers, if there are any.
fn table(name: &str, numbers: &[f64], width: usize) -> Result<Option<NamedTensor>> {
    if numbers.is_empty() {
        return Ok(None);
    }
    let shape = Shape::new(&[numbers.len() / width, width])?;
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Ok(Some(NamedTensor { name: name.into(), dtype: DType::F64, shape, bytes }))
}

/// Fails where what the checkpoint was trained with is not what is asked for now. Where to compute, to write and to look may differ,
/// and the number of epochs where no step follows from it.
fn check_config(written: &str, options: &TrainOptions, path: &Path) -> Result<()> {
    let written: TrainOptions = serde_json::from_str(written)
        .map_err(|cause| Error::data(path, format!("holds options that cannot be read: {cause}")))?;
    let mut asked = TrainOptions {
        out: written.out.clone(),
        device: written.device,
        diagnose: written.diagnose,
        capture: written.capture,
        ..options.resolved()
    };
    if !asked.schedule.depends_on_length() {
        asked.epochs = written.epochs;
    }
    let (asked, written) = (asked.to_json()?, written.to_json()?);
    let names = asked.as_object().into_iter().chain(written.as_object()).flat_map(|fields| fields.keys());
    let mut differences: Vec<_> = names
        .filter(|name| asked.get(name) != written.get(name))
        .map(|name| {
            let said = |value: Option<&serde_json::Value>| value.map_or("not given".into(), ToString::to_string);
            format!("{name} is {}, here {}", said(written.get(name)), said(asked.get(name)))
        })
        .collect();
    differences.sort();
    differences.dedup();
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::data(path, format!("is of a run with other options: {}", differences.join("; "))))
}
