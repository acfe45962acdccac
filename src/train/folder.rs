//! The files of a run that grow with it, and those that stand at its end.

use std::fs;
use std::io;

use serde::Serialize;

use super::diagnosis::{self, Diagnosis, LayerFigures, ParameterFigures};
use super::event::{Done, Epoch, Start};
use super::observation::Observation;
use super::options::TrainOptions;
use super::pictures::mistakes;
use super::resume::{self, CHECKPOINT};
use super::saved;
use super::trainer::Trainer;
use super::verdicts::{Answers, Verdicts};
use crate::checkpoint::{prepare_folder, write_atomically};
use crate::data::{Dataset, Split};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::report::{Errors, EventsLog, MetricsLog, Page};

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
        let columns = Epoch::columns(options.loss_in_use().is_of_values());
        let columns: Vec<&str> = columns.iter().map(String::as_str).chain(diagnosis.iter().copied()).collect();
        let metrics = MetricsLog::create(out, "metrics", &columns)?;
        let mut folder = Self { options, metrics, events: EventsLog::create(out)? };
        let config = options.resolved().to_json()?;
        write_atomically(out.join("config.json"), |file| writeln!(file, "{config:#}"))?;
        for (epoch, diagnosis) in trainer.standing.epochs.iter().zip(&trainer.standing.diagnoses.epochs) {
            folder.write(epoch, trainer, diagnosis.as_ref())?;
        }
        Ok(folder)
    }

    /// Takes a finished epoch in: the best model, if this is one, the checkpoint and the metrics.
    pub fn epoch(&mut self, epoch: &Epoch, trainer: &Trainer) -> Result<()> {
        if trainer.standing.is_best() {
            trainer.weights()?.save(self.options.out.join(BEST))?;
        }
        self.checkpoint(trainer)?;
        self.write(epoch, trainer, trainer.standing.diagnosis())
    }

    /// Writes where the run stands.
    pub fn checkpoint(&self, trainer: &Trainer) -> Result<()> {
        resume::save(self.options, &trainer.model, &trainer.learner, &trainer.standing)
    }

    /// Writes the weights and the page; gives how the run ended.
    pub fn finish(
        mut self,
        trainer: Trainer,
        start: Start,
        split: &Split,
        device: &Device,
        observation: Observation,
    ) -> Result<Done> {
        let (time, usages) = observation.finish()?;
        let out = &self.options.out;
        let model_file = out.join("model.safetensors");
        let weights = trainer.weights()?;
        weights.save(&model_file)?;
        for tensor in &weights.tensors {
            let steps = trainer.standing.step_losses.len() as u64;
            self.events.histogram(steps, &tensor.name, saved::numbers(tensor))?;
        }
        let verdicts = trainer.judge_test_samples()?;
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
            test: verdicts.score(&split.test)?,
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
            errors: errors(&verdicts, &split.test)?,
            diagnosis: standing.diagnosis().cloned(),
            epochs: standing.epochs,
            step_losses: standing.step_losses,
            memory: trainer.memory,
            time,
            usages,
        };
        write_atomically(out.join("report.html"), |file| file.write_all(page.to_string().as_bytes()))?;
        Ok(done)
    }

    /// Takes an epoch into the metrics, with what is known of the layers.
    fn write(&mut self, epoch: &Epoch, trainer: &Trainer, diagnosis: Option<&Diagnosis>) -> Result<()> {
        let (layers, parameters) = (diagnosis.map(|d| &d.layers), diagnosis.map(|d| &d.parameters));
        self.metrics.append(&Row { epoch, layers, parameters })?;
        let step = epoch.steps as u64;
        for (name, distribution) in diagnosis.into_iter().flat_map(|diagnosis| &diagnosis.distributions) {
            self.events.histogram(step, name, diagnosis::numbers(distribution))?;
        }
        let rate = trainer.learner.rate_at(epoch.steps.saturating_sub(1) as u64);
        let mut curves = curves(epoch, rate);
        curves.extend(diagnosis.map(Diagnosis::curves).unwrap_or_default());
        self.events.scalars(step, &curves.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>())
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
fn curves(epoch: &Epoch, learning_rate: f64) -> Vec<(String, f64)> {
    let mut curves = vec![("loss/train".to_owned(), epoch.train_loss), ("loss/test".to_owned(), epoch.test_loss)];
    for (part, score) in [("train", epoch.train), ("test", epoch.test)] {
        curves.extend(score.figures().into_iter().map(|(name, value)| (format!("{name}/{part}"), value)));
    }
    curves.push(("learning_rate".to_owned(), learning_rate));
    curves
}

/// What a model got wrong, for the page.
fn errors(verdicts: &Verdicts, test: &Dataset) -> Result<Errors> {
    Ok(match verdicts.answers {
        Answers::Classes { .. } => Errors::OfClasses {
            confusion: verdicts.confusion(test, test.class_names())?,
            mistakes: mistakes(test, verdicts),
        },
        Answers::Values(_) => {
            Errors::OfValues { targets: verdicts.targets(test)?, agreements: verdicts.agreements(test) }
        }
    })
}

/// The options as names and values for people.
fn named(config: &serde_json::Value) -> Vec<(String, String)> {
    let fields = config.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}
