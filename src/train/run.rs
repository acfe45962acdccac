//! The training loop: batches, steps, tests after each epoch, and the run folder.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::evaluate::{Verdicts, classify};
use super::event::{Done, Epoch, Event, Start, Step, Watch};
use super::options::{Optimizer, TrainOptions};
use super::samples::{Batch, NextBatch, load, normalisation};
use super::saved;
use crate::autograd::Tape;
use crate::checkpoint::{NamedTensor, Weights, prepare_folder, write_atomically};
use crate::data::{Batches, Dataset, Features, Normalisation, Split};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::memory::{EventKind, Recording};
use crate::nn::Mlp;
use crate::optim::{self, Adam, Rule, Sgd};
use crate::report::{EventsLog, GrayImage, MemoryEvent, MemoryTrace, MetricsLog, Mistake, Page};

/// Misclassified samples shown on the page.
const MISTAKES: usize = 48;

/// Trains a classifier and writes the run folder: `model.safetensors`, `config.json`, `metrics.csv`, `metrics.jsonl`,
/// `events.out.tfevents` for TensorBoard and `report.html`. A watcher that breaks stops the training; what there is by then is saved.
///
/// # Errors
/// Options, data, device, memory or the run folder fail.
pub fn run(options: &TrainOptions, watch: Watch<'_>) -> Result<Done> {
    options.check()?;
    let device = Device::open(options.device)?;
    let split = load(&options.data, options.label.as_deref(), options.seed)?;
    let mut trainer = Trainer::new(options, &device, &split)?;
    // Last of what can fail at the start, so that a failure leaves no empty folder.
    prepare_folder(&options.out)?;
    let start = trainer.start();
    let mut stopped = watch(Event::Start(start.clone())).is_break();
    let mut metrics = MetricsLog::create(&options.out, "metrics", &Epoch::COLUMNS)?;
    let mut events = EventsLog::create(&options.out)?;
    while !stopped && trainer.epochs.len() < options.epochs {
        stopped = trainer.epoch(watch)?.is_break();
        if let Some(epoch) = trainer.epochs.last().filter(|epoch| !stopped || epoch.steps == trainer.step_losses.len())
        {
            metrics.append(epoch)?;
            events.scalars(epoch.steps as u64, &curves(epoch, options.learning_rate))?;
            stopped |= watch(Event::Epoch(*epoch)).is_break();
        }
    }
    let done = trainer.finish(start, &mut events)?;
    // Whether to go on is no question any more.
    let _ = watch(Event::Done(done.clone()));
    Ok(done)
}

struct Trainer<'a> {
    options: &'a TrainOptions,
    device: &'a Device,
    split: &'a Split,
    normalisation: Normalisation,
    model: Mlp,
    optimizer: optim::Optimizer,
    batches: Batches,
    epochs: Vec<Epoch>,
    step_losses: Vec<f64>,
    samples: usize,
    spent: Duration,
    live_bytes: (usize, usize),
    memory: Option<MemoryTrace>,
    /// The batch of the next step, on its way.
    next: Option<NextBatch>,
}

impl<'a> Trainer<'a> {
    fn new(options: &'a TrainOptions, device: &'a Device, split: &'a Split) -> Result<Self> {
        let train = &split.train;
        let sizes = [&[train.geometry().features()], options.hidden.as_slice(), &[train.classes()]].concat();
        let model = Mlp::new(&sizes, options.activation).seed(options.seed).build(device)?;
        let (rate, decay) = (options.learning_rate, options.weight_decay);
        let optimizer = match options.optimizer {
            Optimizer::Sgd { momentum } => Sgd::new(rate).momentum(momentum).weight_decay(decay).for_model(&model)?,
            Optimizer::Adam => Adam::new(rate).weight_decay(decay).for_model(&model)?,
        };
        Ok(Self {
            options,
            device,
            split,
            normalisation: normalisation(train),
            model,
            optimizer,
            batches: Batches::new(train.samples(), options.batch_size)?.shuffled(options.seed),
            epochs: Vec::new(),
            step_losses: Vec::new(),
            samples: 0,
            spent: Duration::ZERO,
            live_bytes: (0, 0),
            memory: None,
            next: None,
        })
    }

    fn start(&self) -> Start {
        Start {
            device: self.device.name(),
            dtype: self.model.dtype().to_string(),
            model: self.model.to_string(),
            data: self.options.data.to_string(),
            parameters: self.model.parameter_count(),
            train_samples: self.split.train.samples(),
            test_samples: self.split.test.samples(),
            epochs: self.options.epochs,
            steps_per_epoch: self.batches.per_epoch(),
        }
    }

    /// One pass over the training samples, then a test.
    fn epoch(&mut self, watch: Watch<'_>) -> Result<ControlFlow<()>> {
        let epoch = self.epochs.len() + 1;
        let (mut loss_sum, mut right, mut seen) = (0.0, 0, 0);
        let before = self.spent;
        let mut batches = self.batches.epoch(epoch as u32).peekable();
        while let Some(indices) = batches.next() {
            let begin = Instant::now();
            let (loss, hits) = self.step(&indices, batches.peek().map(Vec::as_slice))?;
            self.spent += begin.elapsed();
            loss_sum += loss * indices.len() as f64;
            right += hits;
            seen += indices.len();
            self.samples += indices.len();
            self.step_losses.push(loss);
            let accuracy = hits as f64 / indices.len() as f64;
            let (step, seconds) = (self.step_losses.len(), self.spent.as_secs_f64());
            if watch(Event::Step(Step { epoch, step, loss, accuracy, samples: self.samples, seconds })).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let verdicts = self.classify_test_samples()?;
        self.epochs.push(Epoch {
            epoch,
            steps: self.step_losses.len(),
            train_loss: loss_sum / seen as f64,
            train_accuracy: right as f64 / seen as f64,
            test_loss: verdicts.loss,
            test_accuracy: verdicts.accuracy(&self.split.test),
            seconds: self.spent.as_secs_f64(),
            samples_per_second: seen as f64 / (self.spent - before).as_secs_f64(),
        });
        Ok(ControlFlow::Continue(()))
    }

    /// One optimiser step, while the batch of the `next` one is on its way; gives the loss, and how many samples were
    /// classified right before it.
    fn step(&mut self, indices: &[usize], next: Option<&[usize]>) -> Result<(f64, usize)> {
        let batch = match self.next.take() {
            Some(batch) => batch,
            None => self.batch(indices)?,
        };
        let ledger = self.device.ledger();
        let (before, batch_bytes) = (ledger.live_bytes() - batch.bytes(), batch.bytes());
        // The second step is the first in the steady state.
        let recording = (self.step_losses.len() == 1).then(|| (ledger.record(), live_by_label(self.device)));
        let batch = batch.arrive()?;
        self.next = next.map(|next| self.batch(next)).transpose()?;
        let next_bytes = self.next.as_ref().map_or(0, NextBatch::bytes);
        let result = self.compute(batch)?;
        self.live_bytes = (before, ledger.live_bytes() - next_bytes);
        if let Some((recording, live_before)) = recording {
            let states = self.optimizer.state().len();
            let peak = self.model.predicted_peak_bytes(indices.len(), states)? - self.model.resting_bytes(states);
            self.memory = Some(trace(&recording, live_before, before + peak + batch_bytes + next_bytes));
        }
        Ok(result)
    }

    fn batch(&self, indices: &[usize]) -> Result<NextBatch> {
        NextBatch::new(&self.split.train, &self.normalisation, indices, self.device)
    }

    fn classify_test_samples(&self) -> Result<Verdicts> {
        classify(&self.model, &self.split.test, &self.normalisation, self.options.batch_size)
    }

    fn compute(&mut self, batch: Batch) -> Result<(f64, usize)> {
        let tape = Tape::new();
        let logits = self.model.forward(&tape, &batch.images)?;
        let classes = logits.tensor().argmax(1)?.to_vec::<i64>()?;
        let hits = classes.iter().zip(&batch.truth).filter(|(class, truth)| **class == i64::from(**truth)).count();
        let loss = logits.cross_entropy(&batch.labels)?;
        drop(logits);
        let value = loss.item()?;
        let gradients = loss.backward()?;
        self.optimizer.step(&self.model, &gradients)?;
        Ok((value, hits))
    }

    /// Writes the run folder.
    fn finish(self, start: Start, events: &mut EventsLog) -> Result<Done> {
        let TrainOptions { out, .. } = self.options;
        let model_file = out.join("model.safetensors");
        let weights = self.weights()?;
        weights.save(&model_file)?;
        for tensor in &weights.tensors {
            events.histogram(self.step_losses.len() as u64, &tensor.name, saved::numbers(tensor))?;
        }
        let config = serde_json::to_value(self.options).map_err(|cause| Error::data(out, cause.to_string()))?;
        write_atomically(out.join("config.json"), |file| writeln!(file, "{config:#}"))?;
        let verdicts = self.classify_test_samples()?;
        let seconds = self.spent.as_secs_f64();
        let done = Done {
            device: start.device.clone(),
            dtype: start.dtype.clone(),
            parameters: start.parameters,
            epochs: self.epochs.len(),
            steps: self.step_losses.len(),
            train_loss: self.epochs.last().map_or(f64::NAN, |epoch| epoch.train_loss),
            test_loss: verdicts.loss,
            test_accuracy: verdicts.accuracy(&self.split.test),
            seconds,
            samples_per_second: self.samples as f64 / seconds.max(f64::MIN_POSITIVE),
            peak_bytes: self.device.ledger().peak_bytes(),
            live_bytes_before_step: self.live_bytes.0,
            live_bytes_after_step: self.live_bytes.1,
            seed: self.options.seed,
            model: model_file,
        };
        let page = Page {
            start,
            done: done.clone(),
            options: named(&config),
            confusion: verdicts.confusion(&self.split.test, self.split.test.class_names())?,
            mistakes: mistakes(&self.split.test, &verdicts),
            epochs: self.epochs,
            step_losses: self.step_losses,
            memory: self.memory,
        };
        write_atomically(out.join("report.html"), |file| file.write_all(page.to_string().as_bytes()))?;
        Ok(done)
    }

    fn weights(&self) -> Result<Weights> {
        let mut tensors = Vec::new();
        for parameter in self.model.parameters().iter() {
            let numbers = parameter.tensor.to_vec::<f32>()?;
            tensors.push(NamedTensor {
                name: parameter.name.clone(),
                dtype: parameter.tensor.dtype(),
                shape: parameter.tensor.shape().clone(),
                bytes: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            });
        }
        let sizes: Vec<_> = self.model.sizes().iter().map(usize::to_string).collect();
        let metadata = [
            ("sizes", sizes.join("-")),
            ("activation", self.options.activation.to_string()),
            ("seed", self.options.seed.to_string()),
        ];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value)).into();
        let mut weights = Weights { tensors, metadata };
        saved::attach(&mut weights, &self.normalisation, self.split.train.class_names())?;
        Ok(weights)
    }
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

fn live_by_label(device: &Device) -> Vec<(String, u64)> {
    let labels = device.ledger().by_label().into_iter().filter(|(_, totals)| totals.live_bytes > 0);
    labels.map(|(label, totals)| (label.path(), totals.live_bytes as u64)).collect()
}

fn trace(recording: &Recording, live_before: Vec<(String, u64)>, predicted_peak: usize) -> MemoryTrace {
    let events = recording.events().into_iter().map(|event| {
        let bytes = event.buffer.bytes as i64;
        let delta = if event.kind == EventKind::Allocate { bytes } else { -bytes };
        MemoryEvent { sequence: event.sequence, label: event.buffer.label.path(), delta }
    });
    MemoryTrace { live_before, events: events.collect(), predicted_peak: Some(predicted_peak as u64) }
}

/// The options as names and values for people.
fn named(config: &serde_json::Value) -> Vec<(String, String)> {
    let fields = config.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

/// The first samples that were taken for what they are not.
fn mistakes(test: &Dataset, verdicts: &Verdicts) -> Vec<Mistake> {
    let name = |class: usize| test.class_names().get(class).cloned().unwrap_or_else(|| class.to_string());
    let pairs = test.labels().iter().zip(&verdicts.predictions).enumerate();
    let wrong = pairs.filter(|(_, (truth, (class, _)))| **truth as usize != *class);
    wrong
        .take(MISTAKES)
        .map(|(index, (&truth, &(class, confidence)))| Mistake {
            image: picture(test, index),
            truth: name(truth as usize),
            prediction: name(class),
            confidence,
        })
        .collect()
}

/// A sample in grey: the mean of its channels, of measurements from the least to the greatest.
fn picture(test: &Dataset, index: usize) -> GrayImage {
    let geometry = test.geometry();
    let place = index * geometry.features()..(index + 1) * geometry.features();
    let (values, least, most) = match test.features() {
        Features::Bytes(pixels) => {
            (pixels[place].iter().map(|&pixel| f32::from(pixel)).collect::<Vec<_>>(), 0.0, f32::from(geometry.maximum))
        }
        Features::Floats(numbers) => {
            let values = numbers[place].to_vec();
            let (least, most) =
                (values.iter().copied().fold(f32::MAX, f32::min), values.iter().copied().fold(f32::MIN, f32::max));
            (values, least, most)
        }
    };
    let plane = geometry.rows * geometry.columns;
    let grey = |at: usize| {
        let sum: f32 = values[at..].iter().step_by(plane).map(|value| value - least).sum();
        (sum * 255.0 / (most - least).max(f32::MIN_POSITIVE) / geometry.channels as f32) as u8
    };
    GrayImage { width: geometry.columns as u32, height: geometry.rows as u32, pixels: (0..plane).map(grey).collect() }
}
