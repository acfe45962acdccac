//! The files of a run that grow with it, and those that stand at its end.

use std::fs;
use std::io;

use serde::Serialize;

use super::diagnosis::{self, Diagnosis, LayerFigures, ParameterFigures};
use super::event::{Done, Epoch, Start};
use super::options::TrainOptions;
use super::pictures::mistakes;
use super::resume::{self, CHECKPOINT};
use super::saved;
use super::trainer::Trainer;
use crate::checkpoint::{prepare_folder, write_atomically};
use crate::data::Split;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::report::{EventsLog, MetricsLog, Page};

/// The model with the lowest test loss so far.
const BEST: &str = "best.safetensors";

/// The folder of a run.
pub struct RunFolder<'a> {
    options: &'a TrainOptions,
    metrics: MetricsLog,
    events: EventsLog,
}

impl<'a> RunFolder<'a> {
    /// Starts the files anew, with the epochs there are. Where there are none, nothing of an earlier run stays that this one
    /// could be mistaken for.
    pub fn create(options: &'a TrainOptions, trainer: &Trainer) -> Result<Self> {
        let out = &options.out;
        prepare_folder(out)?;
        if trainer.standing.step_losses.is_empty() {
            for name in [BEST, CHECKPOINT] {
                match fs::remove_file(out.join(name)) {
                    Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                        return Err(Error::io("remove", out.join(name), cause));
                    }
                    _ => {}
                }
            }
        }
        let diagnosis: &[&str] = if options.diagnose { &["layers", "parameters"] } else { &[] };
        let metrics = MetricsLog::create(out, "metrics", &[&Epoch::COLUMNS, diagnosis].concat())?;
        let mut folder = Self { options, metrics, events: EventsLog::create(out)? };
        let config = options.resolved().to_json()?;
        write_atomically(out.join("config.json"), |file| writeln!(file, "{config:#}"))?;
        for epoch in &trainer.standing.epochs {
            folder.write(epoch, trainer, None)?;
        }
        Ok(folder)
    }

    /// Takes a finished epoch in: the best model, if this is one, the checkpoint and the metrics.
    pub fn epoch(&mut self, epoch: &Epoch, trainer: &Trainer) -> Result<()> {
        if trainer.standing.is_best() {
            trainer.weights()?.save(self.options.out.join(BEST))?;
        }
        self.checkpoint(trainer)?;
        self.write(epoch, trainer, trainer.diagnosis.as_ref())
    }

    /// Writes where the run stands.
    pub fn checkpoint(&self, trainer: &Trainer) -> Result<()> {
        resume::save(self.options, &trainer.model, &trainer.learner, &trainer.standing)
    }

    /// Writes the weights and the page; gives how the run ended.
    pub fn finish(mut self, trainer: Trainer, start: Start, split: &Split, device: &Device) -> Result<Done> {
        let out = &self.options.out;
        let model_file = out.join("model.safetensors");
        let weights = trainer.weights()?;
        weights.save(&model_file)?;
        for tensor in &weights.tensors {
            let steps = trainer.standing.step_losses.len() as u64;
            self.events.histogram(steps, &tensor.name, saved::numbers(tensor))?;
        }
        let verdicts = trainer.classify_test_samples()?;
        let standing = trainer.standing;
        let seconds = standing.seconds();
        let done = Done {
            device: start.device.clone(),
            dtype: start.dtype.clone(),
            parameters: start.parameters,
            epochs: standing.epochs.len(),
            steps: standing.step_losses.len(),
            train_loss: standing.epochs.last().map_or(f64::NAN, |epoch| epoch.train_loss),
            test_loss: verdicts.loss,
            test_accuracy: verdicts.accuracy(&split.test),
            seconds,
            samples_per_second: standing.running.samples as f64 / seconds.max(f64::MIN_POSITIVE),
            peak_bytes: device.ledger().peak_bytes(),
            live_bytes_before_step: trainer.live_bytes.0,
            live_bytes_after_step: trainer.live_bytes.1,
            seed: self.options.seed,
            model: model_file,
        };
        let page = Page {
            start,
            done: done.clone(),
            options: named(&self.options.resolved().to_json()?),
            confusion: verdicts.confusion(&split.test, split.test.class_names())?,
            mistakes: mistakes(&split.test, &verdicts),
            epochs: standing.epochs,
            step_losses: standing.step_losses,
            diagnosis: trainer.diagnosis,
            memory: trainer.memory,
        };
        write_atomically(out.join("report.html"), |file| file.write_all(page.to_string().as_bytes()))?;
        Ok(done)
    }

    /// Takes an epoch into the metrics; what is known of the layers is not kept from one run to one that goes on.
    fn write(&mut self, epoch: &Epoch, trainer: &Trainer, diagnosis: Option<&Diagnosis>) -> Result<()> {
        let (layers, parameters) = (diagnosis.map(|d| &d.layers), diagnosis.map(|d| &d.parameters));
        self.metrics.append(&Row { epoch, layers, parameters })?;
        let step = epoch.steps as u64;
        for (name, distribution) in diagnosis.into_iter().flat_map(Diagnosis::distributions) {
            self.events.histogram(step, &name, diagnosis::numbers(distribution))?;
        }
        let curves_of_layers = diagnosis.map(Diagnosis::curves).unwrap_or_default();
        let curves_of_layers: Vec<_> = curves_of_layers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        if !curves_of_layers.is_empty() {
            self.events.scalars(step, &curves_of_layers)?;
        }
        let rate = trainer.learner.rate_at(epoch.steps.saturating_sub(1) as u64);
        self.events.scalars(step, &curves(epoch, rate))
    }
}

/// A row of the metrics.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    epoch: &'a Epoch,
    layers: Option<&'a Vec<LayerFigures>>,
    parameters: Option<&'a Vec<ParameterFigures>>,
}

/// What TensorBoard draws of an epoch.
fn curves(epoch: &Epoch, learning_rate: f64) -> [(&'static str, f64); 5] {
    [
        ("loss/train", epoch.train_loss),
        ("loss/test", epoch.test_loss),
        ("accuracy/train", epoch.train_accuracy),
        ("accuracy/test", epoch.test_accuracy),
        ("learning_rate", learning_rate),
    ]
}

/// The options as names and values for people.
fn named(config: &serde_json::Value) -> Vec<(String, String)> {
    let fields = config.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}
