//! Steps and epochs of training.

use std::ops::ControlFlow;
use std::time::Instant;

use super::diagnosis::Diagnosis;
use super::event::{Epoch, Event, Start, Step, Watch};
use super::learner::Learner;
use super::memory::{StepMemory, predicted_step};
use super::options::TrainOptions;
use super::plan::ModelPlan;
use super::samples::Preparation;
use super::saved;
use super::score::Tally;
use super::standing::Standing;
use super::supply::{Sent, Supply};
use super::verdicts::{Verdicts, judge};
use crate::autograd::{Gradients, Tape};
use crate::checkpoint::Weights;
use crate::data::{Batch, Batches, Loader, Split};
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::watch::{ParameterReport, Remembered, ResultReport};
use crate::nn::{Network, compute_in};
use crate::report::MemoryTrace;
use crate::scope;
use crate::tensor::{Captured, Fetched, Tensor};

/// A model in training.
pub struct Trainer<'a> {
    options: &'a TrainOptions,
    device: &'a Device,
    split: &'a Split,
    batches: Batches,
    /// How samples become what the model sees and learns.
    pub preparation: Preparation,
    /// What the model is made from.
    pub plan: ModelPlan,
    /// The model.
    pub model: Network,
    /// What changes it.
    pub learner: Learner,
    /// What was done so far.
    pub standing: Standing,
    /// Bytes alive before the last step and after it, without batches.
    pub live_bytes: (usize, usize),
    /// Device memory over one step.
    pub memory: Option<MemoryTrace>,
    /// Whether what a captured step came to is read while the next one runs.
    pub overlaps: bool,
    steps_here: usize,
    /// The batch that is worked on next, on its way.
    next: Option<Sent>,
    supply: Supply,
    /// A step as the device captured it, where it is to: gives the loss, and what the results say.
    captured: Option<Captured<[Tensor; 2]>>,
}

/// A step that was made.
struct Made {
    /// The batches it was on.
    parts: Vec<Vec<usize>>,
    result: Outcome,
}

/// What a step came to.
enum Outcome {
    /// The mean loss, and what the score before the step is made of.
    Known(f64, Tally),
    /// The loss, and what the results say, on their way from the device.
    Coming([Fetched; 2]),
}

impl<'a> Trainer<'a> {
    /// A new model of this plan for samples that it [accepts](ModelPlan::accept).
    pub fn new(options: &'a TrainOptions, plan: ModelPlan, device: &'a Device, split: &'a Split) -> Result<Self> {
        let train = &split.train;
        let model = plan.builder(options.seed)?.compute(options.compute).build(device)?;
        let batches = Batches::new(train.samples(), options.batch_size)?.shuffled(options.seed);
        let learner = Learner::new(options, &model, train, steps_per_epoch(&batches, options))?;
        // What is looked into between passes, or added up over batches, is not one piece of work.
        let captures = options.capture && device.can_capture() && options.accumulate == 1 && !options.diagnose;
        let preparation = Preparation::new(&plan, train)?;
        // An eager step would gather by a call of its own.
        let supply = Supply::new(&preparation.loader(train, model.input(), device), captures)?;
        Ok(Self {
            options,
            device,
            split,
            batches,
            preparation,
            plan,
            model,
            learner,
            standing: Standing::default(),
            live_bytes: (0, 0),
            memory: None,
            overlaps: true,
            steps_here: 0,
            next: None,
            supply,
            captured: captures.then(|| Captured::new(device)),
        })
    }

    /// What is about to run.
    pub fn start(&self) -> Start {
        Start {
            device: self.device.name(),
            dtype: self.model.parameters().flat().dtype().to_string(),
            compute: self.options.compute.to_string(),
            model: self.plan.to_string(),
            data: self.options.data.to_string(),
            parameters: self.model.parameter_count(),
            train_samples: self.split.train.samples(),
            test_samples: self.split.test.samples(),
            epochs: self.options.epochs,
            steps_per_epoch: steps_per_epoch(&self.batches, self.options),
        }
    }

    /// Goes on to the end of the epoch under way, and tests; none where the watcher broke before that.
    pub fn epoch(&mut self, watch: Watch<'_>) -> Result<Option<Epoch>> {
        let epoch = self.standing.epochs.len() + 1;
        let done = self.standing.running.batches;
        let mut batches = self.batches.epoch(epoch as u32).skip(done).peekable();
        let (mut last, mut launched) = (Vec::new(), None);
        let mut begin = Instant::now();
        while batches.peek().is_some() || launched.is_some() {
            let parts: Vec<_> = batches.by_ref().take(self.options.accumulate).collect();
            let made = match parts.is_empty() {
                true => None,
                false => Some(self.step(parts, batches.peek().map(Vec::as_slice))?),
            };
            // What a step came to is read while the next one runs.
            let waits = self.overlaps && made.as_ref().is_some_and(|made| matches!(made.result, Outcome::Coming(_)));
            let due = if waits { std::mem::replace(&mut launched, made) } else { made.or_else(|| launched.take()) };
            let Some(due) = due else { continue };
            let step = self.finish(due, epoch, begin, &mut last)?;
            if watch(Event::Step(step)) == ControlFlow::Break(()) {
                if let Some(made) = launched.take() {
                    self.finish(made, epoch, begin, &mut last)?;
                }
                return Ok(None);
            }
            begin = Instant::now();
        }
        let verdicts = self.judge_test_samples()?;
        if !verdicts.loss.is_finite() && !last.is_empty() {
            return Err(self.diverged(&last)?);
        }
        Ok(Some(self.standing.end_epoch(verdicts.loss, verdicts.score(&self.split.test)?)))
    }

    /// Takes into account what a step came to, and says it; it took the time since `begin`. `last` becomes its last batch.
    fn finish(&mut self, made: Made, epoch: usize, begin: Instant, last: &mut Vec<usize>) -> Result<Step> {
        let Made { parts, result } = made;
        let samples: usize = parts.iter().map(Vec::len).sum();
        let (loss, tally) = match result {
            Outcome::Known(loss, tally) => (loss, tally),
            Outcome::Coming([loss, answers]) => {
                let loss = loss.to_vec::<f64>()?.first().copied().unwrap_or(f64::NAN);
                if !loss.is_finite() {
                    // The weights are not those of this pass any more: where it went wrong cannot be seen.
                    let place = "the loss (with --no-capture, where it comes from is looked for)".into();
                    return Err(Error::Diverged { step: self.standing.step_losses.len() as u64 + 1, place });
                }
                (loss, Tally::of_fetched(answers, &self.split.train, &parts.concat(), &self.preparation)?)
            }
        };
        let running = &mut self.standing.running;
        running.batches += parts.len();
        running.loss_sum += loss * samples as f64;
        running.tally.add(tally);
        running.seen += samples;
        running.samples += samples;
        running.seconds += begin.elapsed().as_secs_f64();
        let samples_so_far = running.samples;
        self.standing.step_losses.push(loss);
        *last = parts.into_iter().next_back().unwrap_or_default();
        Ok(Step {
            epoch,
            step: self.standing.step_losses.len(),
            loss,
            score: tally.score(samples, self.learner.loss.is_of_values()),
            samples: samples_so_far,
            seconds: self.standing.seconds(),
        })
    }

    /// What the model makes of the test samples, with the weights that would be saved and in their type, as whoever reads them will.
    pub fn judge_test_samples(&self) -> Result<Verdicts> {
        let Self { options, split, preparation, model, learner, .. } = self;
        let _saved = compute_in(model.parameters().flat().dtype())?;
        learner.with_final_weights(model, || judge(model, &split.test, preparation, learner.loss, options.batch_size))
    }

    /// The model as it would be saved.
    pub fn weights(&self) -> Result<Weights> {
        let mut weights = self.learner.with_final_weights(&self.model, || Weights::of(&self.model))?;
        weights.metadata.insert(saved::SEED.into(), self.options.seed.to_string());
        saved::attach_plan(&mut weights, &self.plan)?;
        saved::attach(&mut weights, &self.preparation, self.learner.loss, &self.split.train)?;
        Ok(weights)
    }

    /// One optimiser step on these batches together, while the `next` one after them is on its way.
    fn step(&mut self, parts: Vec<Vec<usize>>, next: Option<&[usize]>) -> Result<Made> {
        if let (None, Some(first)) = (&self.next, parts.first()) {
            self.next = Some(self.send(first)?);
        }
        let ledger = self.device.ledger();
        let before = ledger.live_bytes() - self.next_bytes();
        // The second step is the first in the steady state.
        self.steps_here += 1;
        let recording = (self.steps_here == 2).then(|| StepMemory::record(self.device));
        let samples: usize = parts.iter().map(Vec::len).sum();
        let result = match self.captured.take() {
            Some(mut captured) => {
                let result = self.captured_step(&mut captured, &parts, next);
                self.captured = Some(captured);
                result?
            }
            None => self.eager_step(&parts, next)?,
        };
        self.live_bytes = (before, ledger.live_bytes() - self.next_bytes());
        if let Some(recording) = recording {
            let predicted = predicted_step(self.options, &self.plan, samples)?;
            self.memory = Some(recording.trace(predicted, self.next_bytes()));
        }
        Ok(Made { parts, result })
    }

    /// A step on one batch, as one launch.
    fn captured_step(
        &mut self,
        captured: &mut Captured<[Tensor; 2]>,
        parts: &[Vec<usize>],
        next: Option<&[usize]>,
    ) -> Result<Outcome> {
        let batch = self.next.take().map_or_else(|| self.send(&parts.concat()), Ok)?.arrive()?;
        self.next = next.map(|indices| self.send(indices)).transpose()?;
        self.learner.set_rates()?;
        let Self { model, learner, split, .. } = self;
        let [loss, answers] = captured.run(&batch.tensors(), || {
            let Batch { inputs, targets } = batch.batch()?;
            let results = model.forward(&Tape::new(), &inputs)?;
            let answers = {
                let _scope = scope::enter("metrics");
                Tally::answers(results.tensor(), &split.train)?
            };
            let loss = learner.loss(&results, &targets)?;
            drop(results);
            learner.step(model, &mut learner.gradients(&loss)?)?;
            Ok([loss.tensor().cast(DType::F64)?, answers])
        })?;
        Ok(Outcome::Coming([loss.fetch()?, answers.fetch()?]))
    }

    /// A step, call by call.
    fn eager_step(&mut self, parts: &[Vec<usize>], next: Option<&[usize]>) -> Result<Outcome> {
        let samples: usize = parts.iter().map(Vec::len).sum();
        let watched = self.options.diagnose && next.is_none();
        let mut layers = Vec::new();
        let (mut loss_sum, mut tally, mut sum) = (0.0, Tally::default(), None::<Gradients>);
        for (nth, indices) in parts.iter().enumerate() {
            let Some(batch) = self.next.take() else { break };
            let batch = batch.arrive()?.batch()?;
            let following = parts.get(nth + 1).map(Vec::as_slice).or(next);
            self.next = following.map(|indices| self.send(indices)).transpose()?;
            let (loss, part, mut gradients) = self.gradients(indices, batch, watched.then_some(&mut layers))?;
            if !loss.is_finite() {
                self.model.set_passes(self.model.passes() - 1);
                return Err(self.diverged(indices)?);
            }
            loss_sum += loss * indices.len() as f64;
            tally.add(part);
            if parts.len() > 1 {
                gradients.scale(indices.len() as f64 / samples as f64)?;
            }
            match &mut sum {
                None => sum = Some(gradients),
                Some(sum) => sum.accumulate(gradients)?,
            }
        }
        if let Some(mut gradients) = sum {
            let before = watched.then(|| Remembered::new(&self.model)).transpose()?;
            self.learner.set_rates()?;
            self.learner.step(&self.model, &mut gradients)?;
            if watched {
                let parameters = ParameterReport::all(&self.model, &gradients, before.as_ref())?;
                self.standing.diagnoses.running = Some(Diagnosis::new(layers, parameters));
            }
        }
        Ok(Outcome::Known(loss_sum / samples as f64, tally))
    }

    /// The loss of a batch of the samples of these indices, what its score is made of, and the gradients; and what the results of
    /// the layers were like, where that is asked for.
    fn gradients(
        &self,
        indices: &[usize],
        batch: Batch,
        layers: Option<&mut Vec<ResultReport>>,
    ) -> Result<(f64, Tally, Gradients)> {
        let tape = Tape::new();
        let results = match layers {
            None => self.model.forward(&tape, &batch.inputs)?,
            Some(layers) => {
                let (results, watched) = self.model.forward_watched(&tape, &batch.inputs)?;
                *layers = watched.report()?;
                results
            }
        };
        let tally = {
            let _scope = scope::enter("metrics");
            Tally::of(results.tensor(), &self.split.train, indices, &self.preparation)?
        };
        let loss = self.learner.loss(&results, &batch.targets)?;
        drop(results);
        Ok((loss.item()?, tally, self.learner.gradients(&loss)?))
    }

    fn loader(&self) -> Loader<'_> {
        self.preparation.loader(&self.split.train, self.model.input(), self.device)
    }

    fn send(&self, indices: &[usize]) -> Result<Sent> {
        self.supply.send(&self.loader(), indices)
    }

    fn next_bytes(&self) -> usize {
        self.next.as_ref().map_or(0, Sent::bytes)
    }

    /// Why training cannot go on, found by running the same batch once more and looking at every layer.
    fn diverged(&self, indices: &[usize]) -> Result<Error> {
        let step = self.learner.optimizer.steps() + 1;
        let found = |place: String| Ok(Error::Diverged { step, place });
        let batch = self.loader().batch(indices)?;
        let (results, watched) = self.model.forward_watched(&Tape::new(), &batch.inputs)?;
        if let Some(layer) = watched.report()?.into_iter().find(|layer| layer.values.unusable > 0) {
            return found(format!("the result of {}", layer.layer));
        }
        drop(watched);
        let gradients = self.learner.loss(&results, &batch.targets)?.backward()?;
        let reports = ParameterReport::all(&self.model, &gradients, None)?;
        let broken = |report: &&ParameterReport| report.gradient.as_ref().is_some_and(|gradient| gradient.unusable > 0);
        match reports.iter().find(broken) {
            Some(report) => found(format!("the gradient of {}", report.name)),
            None => found("the loss".into()),
        }
    }
}

fn steps_per_epoch(batches: &Batches, options: &TrainOptions) -> usize {
    batches.per_epoch().div_ceil(options.accumulate)
}
